"""Ladders at the counter: what waits is confirmed by a tap, members are moved by two, and all can be undone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import hidden
from ladder_house import Club, a_club

from edge.hall import ladders
from edge.hall.erasure import erase, go_on
from edge.hall.ladders import LadderMatch
from kiosk.ladder_words import arrows_svg, lanes_of
from kiosk.texts import catalogue

LADDERS = Path(ladders.__file__).parent


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with a_club(tmp_path) as made:
        yield made


def waiting(club: Club) -> list[LadderMatch]:
    with club.house.evening.store.read() as conn:
        return ladders.to_confirm(conn)


def seen(match: LadderMatch) -> str:
    return f"{match.match_id}:{match.score[0]}:{match.score[1]}"


def test_a_match_of_the_table_waits_until_staff_confirm_it(club: Club) -> None:
    club.play("Ana", "Cleo")
    assert club.order() == ["Cleo", "Ana", "Ben", "Dan"], "it moves at once"
    page = club.staff.html("/counter/ladders")
    assert "Cleo: 3 → 1" in page
    assert 'class="rung-open"' in club.staff.html(club.own)
    (match,) = waiting(club)
    answer = club.staff.post("/counter/ladders/confirm", match=seen(match))
    assert waiting(club) == []
    assert not any(row.provisional for row in club.rows())
    told = club.staff.html(answer.location)
    assert "Result confirmed: Ana – Cleo 0:1" in told
    assert "Every ladder match is confirmed" in told
    club.undo(told)
    assert [one.match_id for one in waiting(club)] == [match.match_id]
    assert "Undone: Result confirmed: Ana – Cleo 0:1" in club.staff.html("/counter/deeds")


def test_who_is_erased_is_a_former_player_on_everybodys_pages(club: Club) -> None:
    club.play("Ana", "Cleo")
    club.staff.post("/counter/ladders/confirm", match=seen(waiting(club)[0]))
    evening = club.house.evening
    with evening.store.write() as conn:
        erase(conn, club.who["Cleo"].id, datetime.now(UTC), role="staff", who=None)
    go_on(evening.store, 60)
    matches, own = club.staff.html(f"{club.own}/matches"), club.player("Ana").html(f"/me/ladders/{club.ladder.id}")
    assert '<span class="side won">A former player</span>' in matches
    assert "against A former player" in own
    assert "Cleo" not in matches + own


def test_a_match_confirmed_twice_is_confirmed_once(club: Club) -> None:
    club.play("Ana", "Cleo")
    (match,) = waiting(club)
    for _ in range(2):
        club.staff.post("/counter/ladders/confirm", match=seen(match))
    assert club.house.evening.rows("SELECT count(*) AS n FROM rulings")[0]["n"] == 1


def test_nobody_confirms_what_another_has_just_changed(club: Club) -> None:
    match_id = club.play("Ana", "Cleo")
    (match,) = waiting(club)
    answer = club.staff.post(f"/counter/match/{match_id}", winner="0", won="1", lost="0")
    assert "Result corrected" in club.staff.html(answer.location)
    assert club.order() == ["Ana", "Ben", "Cleo", "Dan"], "corrected, everybody is back"
    answer = club.staff.post("/counter/ladders/confirm", match=seen(match), back="/counter/ladders")
    assert "trouble=result_changed" in answer.location
    assert "The score has changed" in club.staff.html(answer.location)
    assert club.order() == ["Ana", "Ben", "Cleo", "Dan"]


def test_all_that_were_looked_at_are_confirmed_and_that_is_undone_at_once(club: Club) -> None:
    for loser, winner in (("Ana", "Cleo"), ("Ben", "Dan"), ("Cleo", "Dan")):
        club.play(loser, winner)
    page = club.staff.html("/counter/ladders")
    assert "Confirm all of these: 3" in page
    shown = [seen(match) for match in waiting(club)]
    assert re.findall(r'type="hidden" name="match" value="([^"]+)"', page) == shown, "the oldest first"
    answer = club.staff.post("/counter/ladders/confirm", match=shown)
    assert waiting(club) == []
    told = club.staff.html(answer.location)
    assert "Results confirmed: 3" in told
    club.undo(told)
    assert [seen(match) for match in waiting(club)] == shown


def test_of_several_those_that_were_changed_meanwhile_are_left_and_said(club: Club) -> None:
    club.play("Ana", "Cleo")
    club.play("Ben", "Dan")
    shown = [seen(match) for match in waiting(club)]
    wrong = shown[0].replace(":0:1", ":1:0")
    answer = club.staff.post("/counter/ladders/confirm", match=[wrong, shown[1]])
    assert "trouble=result_changed" in answer.location
    assert [seen(match) for match in waiting(club)] == shown[:1]


@pytest.mark.parametrize("text", ["x:1", "x:1:", "x:-1:0", "x:1:y", "", "x:1:99999"])
def test_a_score_that_can_not_be_read_confirms_nothing(club: Club, text: str) -> None:
    club.staff.post("/counter/ladders/confirm", 400, match=text)


def test_a_member_is_moved_by_two_taps_within_a_division_and_to_another(club: Club) -> None:
    page = club.staff.html(f"{club.own}?member={club.who['Dan'].id}")
    assert "Tap a place" in page
    gold, silver = club.ladder.divisions
    places = re.findall(r'name="to" value="([^"]+)"', page)
    assert places == [f"{gold.id}:", *(f"{gold.id}:{n}" for n in (1, 2, 3)), f"{silver.id}:", f"{silver.id}:1"]
    for _ in range(2):
        answer = club.staff.post(f"{club.own}/place", player=club.who["Dan"].id, to=f"{gold.id}:2")
    assert club.order() == ["Ana", "Dan", "Ben", "Cleo"]
    for _ in range(2):
        answer = club.staff.post(f"{club.own}/place", player=club.who["Dan"].id, to=f"{silver.id}:")
    assert (club.order(), club.order(1)) == (["Ana", "Ben", "Cleo"], ["Eva", "Dan"])
    assert "done=" not in answer.location, "sent twice, nothing was done"
    count = "SELECT count(*) AS n FROM audit WHERE what = 'ladder.placed' AND before IS NOT NULL"
    assert club.house.evening.rows(count)[0]["n"] == 2
    answer = club.staff.post(f"{club.own}/place", player=club.who["Dan"].id, to=f"{gold.id}:1")
    told = club.staff.html(answer.location)
    assert "House ladder: Dan placed" in told
    club.undo(told)
    assert (club.order(), club.order(1)) == (["Ana", "Ben", "Cleo"], ["Eva", "Dan"])


@pytest.mark.parametrize(("to", "status"), [("{gold}:x", 400), ("{gold}:-1", 400), ("nowhere:1", 303), ("", 303)])
def test_a_place_that_can_not_be_moves_nobody(club: Club, to: str, status: int) -> None:
    where = to.format(gold=club.ladder.divisions[0].id)
    answer = club.staff.post(f"{club.own}/place", status, player=club.who["Dan"].id, to=where, back=club.own)
    assert status == 400 or "trouble=division_unknown" in answer.location
    assert club.order() == ["Ana", "Ben", "Cleo", "Dan"]


def test_who_was_never_on_the_ladder_is_not_put_there_by_a_late_tap(club: Club) -> None:
    club.staff.post(f"{club.own}/place", player=club.who["Finn"].id, to=f"{club.ladder.divisions[0].id}:1")
    assert club.order() == ["Ana", "Ben", "Cleo", "Dan"]


def test_players_are_added_by_a_tap_each_and_only_once(club: Club) -> None:
    way = f"{club.own}/add/{club.ladder.divisions[1].id}"
    assert "Finn" in club.staff.html(f"{way}?name=fi")
    for _ in range(2):
        club.staff.post(way, player=club.who["Finn"].id)
    assert club.order(1) == ["Eva", "Finn"]
    club.staff.post(way, player=club.who["Ana"].id)
    assert club.order()[0] == "Ana", "who is on the ladder stays there"
    guest = club.house.evening.guest()
    assert "trouble=ladder_player" in club.staff.post(way, player=guest.id, back=way).location


def test_who_is_taken_off_is_back_by_undo(club: Club) -> None:
    answer, again = (club.staff.post(f"{club.own}/remove", player=club.who["Ben"].id) for _ in range(2))
    assert "done=" not in again.location
    assert club.order() == ["Ana", "Cleo", "Dan"]
    told = club.staff.html(answer.location)
    assert "House ladder: Ben taken off" in told
    club.undo(told)
    assert club.order() == ["Ana", "Ben", "Cleo", "Dan"]


def test_staff_make_a_challenge_for_two_by_the_rules_and_it_is_drawn(club: Club) -> None:
    page = club.staff.html(f"{club.own}?member={club.who['Dan'].id}")
    assert re.findall(r'name="challenged" value="[^"]+">(\w+)<', page) == ["Ben", "Cleo"]
    two: dict[str, Any] = {"challenger": club.who["Dan"].id, "challenged": club.who["Ben"].id}
    answer, again = (club.staff.post(f"{club.own}/challenge", **two) for _ in range(2))
    assert "done=" not in again.location
    told = club.staff.html(answer.location)
    assert "Challenge made: Dan – Ben" in told
    assert "14 days left" in told
    assert '<path class="open"' in told
    assert club.staff.html(f"{club.own}?member={club.who['Dan'].id}").count('name="challenged"') == 0
    club.undo(told)
    assert '<path class="open"' not in club.staff.html(club.own)
    refused = club.staff.post(f"{club.own}/challenge", back=club.own, **(two | {"challenged": club.who["Ana"].id}))
    assert "trouble=challenge_range" in refused.location


def test_an_overdue_challenge_gets_more_days_is_called_off_or_given_and_each_is_undone(club: Club) -> None:
    known = club.challenge("Dan", "Ben", days_ago=3)
    way = f"/counter/challenges/{known.id}"

    def how_it_stands() -> str:
        with club.house.evening.store.read() as conn:
            return ladders.get_challenge(conn, known.id).state(club.house.evening.here.day)

    assert "The days were over on" in club.staff.html("/counter/ladders")
    for how, state, words in (
        ("extend:7", "open", "More days: Dan – Ben"),
        ("call_off", "called_off", "Challenge called off: Dan – Ben"),
        ("give:0", "given", "Dan was given the win: Dan – Ben"),
    ):
        answer, _again = (club.staff.post(way, how=how, back="/counter/ladders") for _ in range(2))
        assert how_it_stands() == state
        told = club.staff.html(answer.location)
        assert words in told
        if how == "give:0":
            assert club.order() == ["Ana", "Dan", "Ben", "Cleo"]
        if how != "extend:7":
            club.undo(told)
            assert how_it_stands() == "open"
    assert club.order() == ["Ana", "Ben", "Cleo", "Dan"]
    deed = club.house.evening.rows("SELECT id FROM audit WHERE what = 'challenge.extended' ORDER BY id")[0]["id"]
    club.staff.post("/counter/undo", deed=str(deed), back=club.own)
    assert how_it_stands() == "overdue"
    for wrong in ("extend:700", "give:2", "x", ""):
        club.staff.post(way, 400, how=wrong)
    club.staff.post(f"/counter/challenges/{known.id}x", 404, how="call_off")


def test_a_challenge_called_off_stays_so_once_the_challenged_has_another(club: Club) -> None:
    known = club.challenge("Dan", "Ben")
    answer = club.staff.post(f"/counter/challenges/{known.id}", how="call_off")
    told = club.staff.html(answer.location)
    club.challenge("Cleo", "Ben")
    deed = re.search(r'name="deed" value="(\d+)"', told)
    assert deed is not None
    refused = club.staff.post("/counter/undo", deed=deed[1], back=club.own)
    assert "trouble=challenge_taken" in refused.location


def test_a_match_is_put_on_a_ladder_and_taken_off_by_a_tap(club: Club) -> None:
    club.house.play_a_match(club.who["Ana"], club.who["Cleo"])
    assert club.order()[0] == "Ana"
    page = club.staff.html(f"{club.own}/matches")
    assert "Ana – Cleo 0:1" in page
    match_id = club.house.evening.rows("SELECT id FROM matches WHERE status = 'over'")[0]["id"]
    way = f"/counter/match/{match_id}/ladder"
    answer = club.staff.post(way, ladder=club.ladder.id, back=f"{club.own}/matches")
    assert club.order()[0] == "Cleo"
    assert "Waits for staff" in club.staff.html(f"/counter/match/{match_id}")
    club.undo(club.staff.html(answer.location))
    assert club.order()[0] == "Ana"
    club.staff.post(way, ladder=club.ladder.id)
    club.staff.post(way)
    assert club.order()[0] == "Ana"
    club.staff.post("/counter/match/nothing/ladder", 404)
    assert "trouble=ladder_unknown" in club.staff.post(way, ladder="x", back=club.own).location


def test_a_new_ladder_sent_twice_is_made_once_and_what_can_t_be_is_said_above_the_form(club: Club) -> None:
    page = club.staff.html("/counter/ladders/new")
    form: dict[str, Any] = {"once": hidden(page, "once"), "game": "", "race": "3", "range": "2", "days": "7"}
    refused = club.staff.post("/counter/ladders/new", 400, name="house  LADDER", division=["One"], **form)
    html = refused.get_data(as_text=True)
    assert "Another ladder is called that already" in html
    assert 'value="house  LADDER"' in html
    assert f'name="once" value="{form["once"]}"' in html
    for _ in range(2):
        answer = club.staff.post("/counter/ladders/new", name="Tuesday", division=["One", "", "Two"], **form)
    assert answer.location.startswith(f"/counter/ladders/{form['once']}")
    with club.house.evening.store.read() as conn:
        found = [(one.name, [d.name for d in one.divisions]) for one in ladders.ladders(conn)]
    assert found == [("House ladder", ["Gold", "Silver"]), ("Tuesday", ["One", "Two"])]
    club.staff.post("/counter/ladders/new", 400, name="Late", division="x", **(form | {"once": "../x"}))


def test_terms_change_from_now_on_and_are_as_they_were_by_undo(club: Club) -> None:
    form: dict[str, Any] = {"name": "Friday ladder", "game": "8-ball", "race": "4", "range": "1", "days": "5"}
    answer = club.staff.post(f"{club.own}/setup", **form)
    told = club.staff.html(answer.location)
    assert "Friday ladder: other terms" in told
    club.undo(told)
    with club.house.evening.store.read() as conn:
        terms = ladders.get_ladder(conn, club.ladder.id).terms
    assert (terms.name, terms.game, terms.race_to, terms.challenge_range, terms.challenge_days) == (
        "Friday ladder",
        "9-ball",
        1,
        2,
        14,
    )
    club.staff.post(f"{club.own}/setup", **(form | {"game": "10-ball"}))
    first = club.house.evening.rows("SELECT max(id) AS id FROM audit WHERE what = 'ladder.changed'")[0]["id"]
    club.staff.post(f"{club.own}/setup", **(form | {"days": "6"}))
    late = club.staff.post("/counter/undo", deed=str(first), back=club.own)
    assert "trouble=undo_too_late" in late.location
    club.staff.post(f"{club.own}/setup", name="Friday ladder", game="9-ball", race="1", range="2", days="14")
    renamed = club.staff.post(f"{club.own}/setup", name="Monday", game="9-ball", race="1", range="2", days="14")
    told = club.staff.html(renamed.location)
    assert "Monday: another name" in told
    assert 'name="deed"' not in told, "no line of the audit holds a name, so none comes back"
    again = club.staff.post(f"{club.own}/setup", name="Monday", game="9-ball", race="1", range="2", days="14")
    assert "done=" not in again.location
    wrong = club.staff.post(f"{club.own}/setup", name="Monday", game="9-ball", race="x", range="2", days="14")
    assert "trouble=ladder_race" in wrong.location


def test_divisions_come_and_go_and_only_an_empty_one_goes(club: Club) -> None:
    way = f"{club.own}/divisions"

    def names() -> list[str]:
        with club.house.evening.store.read() as conn:
            return [one.name for one in ladders.get_ladder(conn, club.ladder.id).divisions]

    answer = club.staff.post(way, how="add", name="Platinum", division=club.ladder.divisions[0].id)
    assert names() == ["Platinum", "Gold", "Silver"]
    club.undo(club.staff.html(answer.location))
    assert names() == ["Gold", "Silver"]
    club.staff.post(way, how="add", name="Bronze")
    bronze = club.house.evening.rows("SELECT id FROM ladder_divisions WHERE name = 'Bronze'")[0]["id"]
    for _ in range(2):
        answer = club.staff.post(way, how="remove", division=bronze)
    assert names() == ["Gold", "Silver"]
    deed = club.house.evening.rows("SELECT max(id) AS id FROM audit WHERE what = 'ladder.division_removed'")[0]
    club.staff.post("/counter/undo", deed=str(deed["id"]), back=club.own)
    assert names() == ["Gold", "Silver", "Bronze"]
    gold = club.ladder.divisions[0].id
    assert "trouble=division_in_use" in club.staff.post(way, how="remove", division=gold).location
    assert (
        "trouble=division_name_taken" in club.staff.post(way, how="rename", division=gold, name="silver").location
    )
    assert "trouble=division_unknown" in club.staff.post(way, how="rename", division="x", name="New").location
    club.staff.post(way, 400, how="burn", division=gold)


def test_a_closed_ladder_only_shows_and_goes_on_when_opened_again(club: Club) -> None:
    answer = club.staff.post(f"{club.own}/close", how="close")
    told = club.staff.html(answer.location)
    assert "House ladder: closed" in told
    assert f"{club.own}?member=" not in told
    gold = club.ladder.divisions[0].id
    moved = club.staff.post(f"{club.own}/place", player=club.who["Dan"].id, to=f"{gold}:1", back=club.own)
    assert "trouble=ladder_closed" in moved.location
    club.staff.post(f"{club.own}/close", how="reopen")
    assert f"{club.own}?member=" in club.staff.html(club.own)
    deed = club.house.evening.rows("SELECT max(id) AS id FROM audit WHERE what = 'ladder.reopened'")[0]["id"]
    club.staff.post("/counter/undo", deed=str(deed), back=club.own)
    assert f"{club.own}?member=" not in club.staff.html(club.own)
    club.staff.post(f"{club.own}/close", 400, how="x")


def test_a_name_is_text_wherever_it_stands(club: Club) -> None:
    bad = "<img src=x onerror=alert(1)>"
    club.staff.post(f"{club.own}/setup", name=bad, game="9-ball", race="1", range="2", days="14")
    gold = club.ladder.divisions[0].id
    club.staff.post(f"{club.own}/divisions", how="rename", division=gold, name=bad)
    club.challenge("Dan", "Ben", days_ago=3)
    club.play("Ana", "Cleo")
    pages = ["/counter/ladders", club.own, f"{club.own}/setup", f"{club.own}/matches", f"{club.own}/add/{gold}"]
    pages.append(f"{club.own}?member={club.who['Dan'].id}")
    for page in (*pages, "/counter/deeds", f"/counter/match/{waiting(club)[0].match_id}"):
        html = club.staff.html(page)
        assert "<img src=x" not in html, page
        assert "&lt;img src=x" in html, page
    for page in (f"/me/ladders/{club.ladder.id}", "/me", "/me/profile"):
        html = club.player("Dan").html(page)
        assert "<img src=x" not in html, page
        assert "&lt;img src=x" in html, page


@pytest.mark.parametrize("path", ["", "/matches", "/setup", "/add/x"])
def test_a_ladder_there_is_none_of_is_not_found(club: Club, path: str) -> None:
    club.staff.get(f"/counter/ladders/nothing{path}", 404)


def test_every_reason_of_the_ladders_has_its_sentence() -> None:
    keys = {
        key
        for file in LADDERS.glob("*.py")
        for key in re.findall(r'LadderError\(\s*"(\w+)"', file.read_text(encoding="utf-8"))
    }
    keys |= {"ladder_race", "ladder_range", "ladder_days", "ladder_name_length", "ladder_name_refused"}
    assert len(keys) > 25
    assert {key for key in keys if f"trouble.{key}" not in catalogue()} == set()


def test_every_deed_on_a_ladder_has_its_sentence() -> None:
    deeds = {
        deed
        for file in LADDERS.glob("*.py")
        for deed in re.findall(r'"((?:ladder|challenge)\.\w+)"', file.read_text(encoding="utf-8"))
    }
    assert len(deeds) > 15
    assert {deed for deed in deeds if f"deed.{deed.replace('.', '_')}" not in catalogue()} == set()


def test_arrows_that_overlap_lie_beside_each_other_the_shorter_nearer_to_the_rungs() -> None:
    assert lanes_of([(4, 1), (3, 2), (7, 6)]) == [1, 0, 0]
    assert lanes_of([(2, 1), (3, 2)]) == [0, 1], "they touch at a rung"
    assert len(set(lanes_of([(n + 9, 1) for n in range(8)]))) == 4
    assert arrows_svg([], 5) == ""
    assert arrows_svg([(4, 2, "open")], 5).count("<path") == 1
