"""What a month gives to players: awards, votes of which nobody learns, and the way into the lucky draw."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hall_visitor import PHONE, SCREEN, House
from month_hall import MONTH, NOW, THIS_MONTH, MonthHall, month_hall, words

from edge.clock import stamp
from edge.hall import awards
from edge.hall.award_rules import calculate
from edge.hall.occasion import Occasion
from edge.hall.players import Player
from edge.hall.words import nowhere_word

HERE = Occasion(NOW, "2025-11-01", "Table 1")
MVP, MATE = f"/me/month/vote/{MONTH}/mvp", f"/me/month/vote/{MONTH}/best_teammate"


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonthHall]:
    with month_hall(tmp_path, monkeypatch) as made:
        yield made


def publish(hall: MonthHall, month: str = MONTH, by: str = "") -> None:
    with hall.evening.store.write() as conn:
        awards.publish(conn, month, by=by, here=HERE, seen=calculate(conn, month).digest)


def month_of(house: House, player: Player, address: str = PHONE) -> str:
    return words(house.browser(player, address).html("/me/month"))


def test_who_is_not_in_the_draw_sees_how_little_is_missing_whichever_way(hall: MonthHall) -> None:
    ana = hall.evening.player("Ana")
    assert "6 sessions or 15 points more, and you are in" in month_of(hall, ana)
    hall.came(ana, 1, month=THIS_MONTH)
    assert "5 sessions or 14 points more, and you are in" in month_of(hall, ana)
    assert "5 sessions or 14 points more" in words(hall.browser(ana).html("/boards/draw"))
    assert "sessions or" not in words(hall.browser().html("/boards/draw"))


def test_who_is_in_sees_the_own_ticket_and_no_other(hall: MonthHall) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    draw_id = hall.draw()
    assert "4 sessions" not in month_of(hall, ana)
    own = hall.evening.rows("SELECT ticket FROM lucky_draw_entries WHERE player_id = ?", ana.id)[0]["ticket"]
    other = hall.evening.rows("SELECT ticket FROM lucky_draw_entries WHERE player_id = ?", ben.id)[0]["ticket"]
    for path in ("/me/month", "/boards/draw"):
        html = hall.browser(ana, PHONE).html(path)
        assert own in html
        assert other not in html
        assert own not in hall.browser().get(path, 303 if path == "/me/month" else 200).get_data(as_text=True)
    hall.counter().post(f"/counter/draw/{draw_id}/freeze")
    assert re.search(r"You are in: Ticket [12]\b", words(hall.browser(ana).html("/boards/draw")))


def test_after_the_draw_everybody_sees_who_won_and_how_to_check_it(hall: MonthHall) -> None:
    hall.regulars("Ana")
    draw_id = hall.draw("Dinner for two", held=True)
    html = hall.browser(None, PHONE).html("/boards/draw")
    assert "Ana Dinner for two · October 2025" in words(html)
    assert f'href="/draw/{draw_id}/recipe"' in html


def test_after_the_draw_who_was_in_sees_the_own_ticket_and_whether_it_won(hall: MonthHall) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    draw_id = hall.draw("A cue", held=True)
    (won,) = hall.get_draw(draw_id).winners
    winner, other = (ana, ben) if won.name == "Ana" else (ben, ana)
    pages = {who.id: words(hall.browser(who).html("/me/month")) for who in (winner, other)}
    assert "You have won A cue" in pages[winner.id]
    assert "You have won" not in pages[other.id]
    for who in (winner, other):
        own = f"Ticket {won.number if who is winner else 3 - (won.number or 0)}"
        assert own in pages[who.id]
        assert f"Your ticket: {own}" in words(hall.browser(who).html(f"/draw/{draw_id}/recipe"))
    assert f"/draw/{draw_id}/recipe" in hall.browser(other).html("/me/month")
    finn = hall.evening.player("Finn")
    hall.came(finn, 1, 2)
    assert f"/draw/{draw_id}/recipe" not in hall.browser(finn).html("/me/month")
    assert "Your ticket" not in words(hall.browser().html(f"/draw/{draw_id}/recipe"))


def test_a_draw_that_was_held_is_not_told_as_one_to_come(hall: MonthHall) -> None:
    ana = hall.evening.player("Ana")
    hall.came(ana, 1, 2, 3, 4, 5, 6, month=THIS_MONTH)
    assert "You are in" in month_of(hall, ana)
    hall.draw("A cue", month=THIS_MONTH, held=True)
    assert "You have won A cue" in month_of(hall, ana)
    assert "You are in" not in month_of(hall, ana)


def test_a_vote_is_a_tap_and_can_be_changed(hall: MonthHall) -> None:
    ana, ben, cleo = hall.regulars("Ana", "Ben", "Cleo")
    browser = hall.browser(ana, PHONE)
    assert re.findall(r'name="candidate" value="[^"]+">(\w+)<', browser.html(MVP)) == ["Ben", "Cleo"]
    for candidate in (ben, ben, cleo):
        assert browser.post(MVP, candidate=candidate.id).location == "/me/month?voted=1"
    assert hall.evening.rows("SELECT kind, candidate FROM award_votes") == [{"kind": "mvp", "candidate": cleo.id}]
    page = month_of(hall, ana)
    assert "MVP October 2025 Chosen" in page
    assert "Best Teammate October 2025 Choose" in page


def test_for_whom_one_voted_is_on_no_page(hall: MonthHall) -> None:
    ana, _ben, cleo = hall.regulars("Ana", "Ben", "Cleo")
    browser = hall.browser(ana)
    before = re.sub(r'value="[^"]*"', "", browser.html(MATE))
    browser.post(MVP, candidate=cleo.id)
    assert "Cleo" not in browser.html("/me/month?voted=1")
    after = re.sub(r'value="[^"]*"', "", browser.html(MVP))
    names = [re.findall(r"<button[^>]*>[^<]+</button>", html) for html in (before, after)]
    assert names[0] == names[1]  # the one chosen looks like the others


@pytest.mark.parametrize("candidate", ["", "nobody", "x" * 10_000, "own", "hidden", "away"])
def test_a_vote_that_can_not_be_is_told_and_not_kept(hall: MonthHall, candidate: str) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    hall.hide(ben)
    wanted = {"own": ana.id, "hidden": ben.id, "away": hall.evening.player("Zelda").id}.get(candidate, candidate)
    html = hall.browser(ana, PHONE).post(MVP, 409, candidate=wanted).text
    assert "Choose somebody else" in html or "can&#39;t be chosen" in html
    assert hall.count("award_votes") == 0


def test_who_was_not_there_has_no_vote(hall: MonthHall) -> None:
    (ana,) = hall.regulars("Ana")
    zelda = hall.evening.player("Zelda")
    assert "Your votes" not in month_of(hall, zelda)
    hall.browser(zelda).get(MVP, 404)
    hall.browser(zelda).post(MVP, 409, candidate=ana.id)


def test_votes_end_when_the_awards_are_out(hall: MonthHall) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    browser = hall.browser(ana)
    publish(hall)
    browser.get(MVP, 404)
    assert "that vote is closed" in browser.post(MVP, 409, candidate=ben.id).text
    assert "Your votes" not in month_of(hall, ana)


def test_there_are_no_other_votes(hall: MonthHall) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    browser = hall.browser(ana)
    for month, kind in (("2025-09", "mvp"), ("2025-12", "mvp"), (MONTH, "king"), ("x" * 300, "mvp")):
        browser.get(f"/me/month/vote/{month}/{kind}", 404)
        browser.post(f"/me/month/vote/{month}/{kind}", 404, candidate=ben.id)


def test_own_awards_are_seen_once_they_are_published(hall: MonthHall) -> None:
    ana, _ben = hall.regulars("Ana", "Ben")
    with hall.evening.store.write() as conn:
        awards.grant(conn, MONTH, "<b>Best laugh</b>", ana.id, by="", here=HERE)
    assert "None yet" in month_of(hall, ana)
    publish(hall)
    assert "First of the month October 2025" in month_of(hall, ana)
    assert "&lt;b&gt;Best laugh&lt;/b&gt;" in hall.browser(ana).html("/me/month")


def test_who_hides_has_awards_for_the_own_eyes(hall: MonthHall) -> None:
    zelda, _ben = hall.regulars("Zelda", "Ben")
    publish(hall)
    hall.hide(zelda)
    assert "Zelda" not in hall.browser(None, PHONE).html("/boards/awards")
    assert "First of the month" in month_of(hall, zelda)


def test_awards_of_older_months_are_a_tap_away(hall: MonthHall) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    for day in (1, 2):
        hall.came(ben, day, month="2025-08")
    publish(hall, "2025-08")
    publish(hall)
    browser = hall.browser(None, PHONE)
    latest = browser.html("/boards/awards")
    assert "Awards of October 2025" in latest
    assert 'href="/boards/awards?month=2025-08"' in latest
    older = browser.html("/boards/awards?month=2025-08")
    assert "First of the month Ben" in words(older)
    assert f'href="/boards/awards?month={MONTH}"' in older
    assert ana.name not in words(older)
    for month in ("2025-09", THIS_MONTH, "", "nonsense", "x" * 3000):
        browser.get(f"/boards/awards?month={month}", 404)


def test_names_that_share_an_award_stand_together(hall: MonthHall) -> None:
    ana, ben = hall.evening.player("Ana"), hall.evening.player("Ben")
    for player in (ana, ben):
        hall.came(player, 1, 2)
    publish(hall)
    assert "First of the month Ana, Ben" in words(hall.browser().html("/boards/awards"))


def test_the_month_is_one_way_from_the_home(hall: MonthHall) -> None:
    (ana,) = hall.regulars("Ana")
    html = hall.browser(ana).html("/me")
    assert html.count('href="/me/month"') == 1
    assert "/me/month/vote" not in html


def test_a_month_is_its_player_s_alone(hall: MonthHall) -> None:
    hall.regulars("Ana")
    for path in ("/me/month", MVP):
        assert "/check-in" in hall.browser().get(path, 303).location
        hall.browser(hall.evening.guest()).get(path, 403)
    hall.browser().post(MVP, 401, candidate="x")


@pytest.mark.parametrize("address", [SCREEN, PHONE])
def test_no_page_of_the_month_shames_anybody(hall: MonthHall, address: str) -> None:
    players = hall.regulars(*(f"Player {letter}" for letter in "ABCDEFGHIJKLM"), days=1)
    hall.draw(prizes=1, held=True)
    publish(hall)
    for path in ("/boards/awards", "/boards/draw", "/me/month", "/championship"):
        text = words(hall.browser(players[-1], address).html(path))
        assert nowhere_word(text) is None
        assert not re.search(r"\blost\b|\bonly\b|\bunlucky\b", text, re.IGNORECASE)
        assert "Player H" not in text or path == "/boards/draw"  # a winner may be anybody


def test_a_draw_s_page_counts_tickets_and_names_nobody_who_is_in(hall: MonthHall) -> None:
    hall.regulars("Ana", "Ben")
    hall.draw(frozen=True)
    html = hall.browser(None, PHONE).html("/boards/draw")
    assert "2 tickets" in html
    assert "Ana" not in html
    assert "Ben" not in html
    assert stamp(NOW) not in html
