"""Ladders for players: the own place, whom to challenge, and a match at the table that counts by a tap."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import PHONE, PIN, SCREEN
from ladder_house import Club, a_club

from edge.hall import ladders
from edge.hall.ladders import Challenge, Terms
from edge.hall.words import nowhere_word


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with a_club(tmp_path) as made:
        yield made


def pending(club: Club) -> list[Challenge]:
    with club.house.evening.store.read() as conn:
        return ladders.challenges(conn, club.ladder.id)


def page_of(club: Club) -> str:
    return f"/me/ladders/{club.ladder.id}"


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_member_sees_the_own_place_and_the_whole_ladder(club: Club) -> None:
    cleo = club.player("Cleo")
    assert cleo.get("/me/ladders", 303).location == page_of(club), "of a single ladder all there is"
    html = cleo.html(page_of(club))
    assert "3rd" in html
    assert "of 4 in Gold" in html
    assert re.findall(r'class="rung-name">(\w+)<', html) == ["Ana", "Ben", "Cleo", "Dan", "Eva"]
    assert page_of(club) in cleo.html("/me")
    assert "3rd in Gold" in cleo.html("/me/profile")


@pytest.mark.parametrize("path", ["", "/challenge/x"])
def test_who_is_no_member_sees_no_standings(club: Club, path: str) -> None:
    finn = club.player("Finn")
    assert "Ana" not in finn.get(f"{page_of(club)}{path}", 404).get_data(as_text=True)
    assert "You are on no ladder" in finn.html("/me/ladders")
    assert "ladder" not in finn.html("/me").replace("Action Ladder", "").replace("ladders.css", "")
    guest = club.house.browser(club.house.evening.guest())
    guest.get(page_of(club), 403)
    club.house.browser(None, PHONE).get(page_of(club), 303)


def test_of_several_ladders_each_shows_the_own_place_with_its_neighbours(club: Club) -> None:
    with club.house.evening.store.write() as conn:
        at = club.house.evening.here.stamp
        other = ladders.create_ladder(conn, Terms("Long ladder"), ["All"], "stan", at)
        ids = [club.who[name].id for name in ("Eva", "Finn", "Ana", "Ben", "Dan", "Cleo")]
        ladders.add_members(conn, other.divisions[0].id, ids, "stan", at)
    html = club.player("Eva").html("/me/ladders")
    assert re.findall(r'class="rung-name">(\w+)<', html) == ["Eva", "Eva", "Finn", "Ana"]


def test_who_was_taken_off_sees_it_no_more(club: Club) -> None:
    club.staff.post(f"{club.own}/remove", player=club.who["Ben"].id)
    club.player("Ben").get(page_of(club), 404)


def test_a_challenge_takes_a_tap_and_one_more_and_is_made_once(club: Club) -> None:
    dan = club.player("Dan")
    way = re.findall(r'class="rung may" href="([^"]+)"', dan.html(page_of(club)))
    assert way == [f"{page_of(club)}/challenge/{club.who[name].id}" for name in ("Ben", "Cleo")]
    assert "Challenge Ben?" in dan.html(way[0])
    for _ in range(2):
        dan.post(way[0])
    (made,) = pending(club)
    assert made.names == ("Dan", "Ben")
    html = dan.html(page_of(club))
    assert "You challenged Ben" in html
    assert "14 days left" in html
    assert 'class="rung may"' not in html
    assert "Dan challenged you" in club.player("Ben").html("/me")
    dan.get(f"{page_of(club)}/challenge/{club.who['Ana'].id}", 409)
    refused = dan.post(f"{page_of(club)}/challenge/{club.who['Cleo'].id}", 409)
    assert "One challenge at a time" in refused.get_data(as_text=True)


def test_only_the_two_of_a_challenge_decline_or_withdraw_it_and_twice_is_once(club: Club) -> None:
    known = club.challenge("Dan", "Ben")
    way = f"/me/challenges/{known.id}"
    for what in ("decline", "withdraw"):
        club.player("Ana").get(f"{way}/{what}", 404)
        club.player("Ana").post(f"{way}/{what}", 404)
    club.player("Dan").post(f"{way}/decline", 409)
    club.player("Ben").post(f"{way}/withdraw", 409)
    assert "Decline Dan" in words(club.player("Ben").html(f"{way}/decline"))
    for _ in range(2):
        club.player("Ben").post(f"{way}/decline")
    assert "Declined, staff decide" in club.player("Dan").html(page_of(club))
    assert "Declined, staff decide" in club.staff.html("/counter/ladders")
    for _ in range(2):
        club.player("Dan").post(f"{way}/withdraw")
    assert pending(club) == []
    club.player("Dan").get(f"{way}/burn", 404)
    club.player("Dan").get("/me/challenges/nothing/decline", 404)


def test_a_match_counts_by_a_tap_before_anybody_has_scored(club: Club) -> None:
    screen = club.house.browser(None, SCREEN)
    club.house.evening.match(club.who["Ana"], club.who["Cleo"], race_to=1)
    assert "Counts for House ladder?" in screen.html("/")
    assert "Counts for House ladder?" in screen.html("/table/score")
    for _ in range(2):
        screen.post("/table/ladder", ladder=club.ladder.id)
    html = screen.html("/")
    assert "Counts for House ladder<" in html
    screen.post("/table/ladder", ladder="")
    assert "Counts for House ladder?" in screen.html("/")
    screen.post("/table/ladder", ladder=club.ladder.id)
    club.house.run_out()
    assert "House ladder: waits for staff" in screen.html("/")
    assert "Not for the ladder" not in screen.html("/")
    screen.post("/table/ladder", 409, ladder="")
    session = club.house.evening.rows("SELECT id FROM sessions WHERE player_id = ?", club.who["Cleo"].id)[0]["id"]
    club.house.evening.leave()
    cleo = club.player("Cleo")
    assert "House ladder: waits for staff" in cleo.html(f"/session/{session}")
    assert "Waits for staff" in cleo.html(page_of(club))
    with club.house.evening.store.read() as conn:
        (match,) = ladders.to_confirm(conn)
    club.staff.post("/counter/ladders/confirm", match=f"{match.match_id}:0:1")
    assert "House ladder: final" in cleo.html(f"/session/{session}")
    assert "Final" in cleo.html(page_of(club))


def test_a_match_of_two_with_a_challenge_counts_by_itself_unless_they_say_otherwise(club: Club) -> None:
    club.challenge("Cleo", "Ana")
    screen = club.house.browser(None, SCREEN)
    club.house.evening.wait(5)
    club.house.evening.match(club.who["Ana"], club.who["Cleo"], race_to=1)
    html = screen.html("/")
    assert "Counts for House ladder<" in html
    assert "Not for the ladder" in html
    club.house.run_out()
    club.house.evening.leave()
    assert club.order()[0] == "Cleo"
    assert pending(club) == []


@pytest.mark.parametrize(
    ("a", "b", "game"), [("Ana", "Eva", "9-ball"), ("Ana", "Finn", "9-ball"), ("Ana", "Ben", "8-ball")]
)
def test_a_match_that_can_not_count_is_offered_no_ladder(club: Club, a: str, b: str, game: str) -> None:
    screen = club.house.browser(None, SCREEN)
    club.house.evening.match(club.who[a], club.who[b], game)
    assert "House ladder" not in screen.html("/")
    screen.post("/table/ladder", 409, ladder=club.ladder.id)


def test_where_staff_have_said_otherwise_nothing_is_offered(club: Club) -> None:
    screen = club.house.browser(None, SCREEN)
    match = club.house.evening.match(club.who["Ana"], club.who["Cleo"])
    club.staff.post(f"/counter/match/{match.id}/ladder", ladder=club.ladder.id)
    html = screen.html("/")
    assert "Counts for House ladder<" in html
    assert "Not for the ladder" not in html
    club.staff.post(f"/counter/match/{match.id}/ladder", ladder="")
    assert "House ladder" not in screen.html("/")
    assert screen.post("/table/ladder", 409, ladder=club.ladder.id)


def test_a_climb_is_shown_beside_the_name(club: Club) -> None:
    club.play("Ana", "Cleo")
    html = club.player("Ana").html(page_of(club))
    moves = re.findall(r'class="move( up)?">\s*<svg.*?</svg>.*?(\d)</span>', html, re.DOTALL)
    assert moves == [(" up", "2"), ("", "1"), ("", "1")]


def test_only_who_is_at_the_table_says_that_a_match_counts(club: Club) -> None:
    screen = club.house.browser(None, SCREEN)
    screen.post("/table/ladder", 409, ladder=club.ladder.id)
    club.house.evening.match(club.who["Ana"], club.who["Cleo"])
    club.player("Ben").post("/table/ladder", 403, ladder=club.ladder.id)
    club.player("Ana").post("/table/ladder", ladder=club.ladder.id)


def test_a_challenge_is_played_by_one_tap_and_the_opponents_pin(club: Club) -> None:
    known = club.challenge("Dan", "Ben")
    club.house.set_pin(club.who["Ben"])
    dan = club.player("Dan", SCREEN)
    assert f'value="challenge:{known.id}"' in dan.html("/start/match")
    answer = dan.post("/start/match", game="8-ball", race="3", against=f"challenge:{known.id}")
    assert answer.location.startswith("/start/opponent/pin?name=Ben&game=9-ball&race=1")
    html = dan.html(answer.location)
    assert "Ben" in html
    form: dict[str, Any] = dict(re.findall(r'name="(game|race|ladder|name)" value="([^"]*)"', html))
    assert dan.post("/start/opponent/pin", pin=PIN, **form).location == "/"
    assert "Counts for House ladder<" in dan.html("/")


def test_a_challenge_of_two_at_the_table_begins_at_once(club: Club) -> None:
    known = club.challenge("Dan", "Ben")
    club.house.evening.now = datetime.now(UTC)
    club.house.evening.match(club.who["Dan"], club.who["Ben"])
    dan = club.player("Dan", SCREEN)
    assert dan.post("/start/match", game="9-ball", race="3", against=f"challenge:{known.id}").location == "/"
    html = dan.html("/")
    assert "Counts for House ladder<" in html
    assert "9-ball, race to 3" in html, "a longer race than asked for counts too"


def test_a_ladder_match_is_asked_for_by_one_tap_and_says_so_where_it_can_not_count(club: Club) -> None:
    dan = club.player("Dan", SCREEN)
    ask: dict[str, Any] = {"game": "9-ball", "race": "1", "against": f"ladder:{club.ladder.id}"}
    for name, counts in (("Cleo", True), ("Eva", False)):
        club.house.set_pin(club.who[name])
        answer = dan.post("/start/match", **ask)
        assert answer.location.startswith("/start/opponent?game=9-ball&race=1&ladder=")
        assert f'name="ladder" value="{club.ladder.id}"' in dan.html(answer.location)
        form: dict[str, Any] = {"game": "9-ball", "race": "1", "ladder": club.ladder.id, "name": name, "pin": PIN}
        begun = dan.post("/start/opponent/pin", **form)
        html = dan.html(begun.location)
        assert ("Counts for House ladder<" in html) is counts
        assert ("in no division together" in html) is not counts
        dan.post("/end")


@pytest.mark.parametrize("against", ["challenge:x", "ladder:x"])
def test_what_nobody_is_on_is_played_by_nobody(club: Club, against: str) -> None:
    known = club.challenge("Dan", "Ben")
    ana = club.player("Ana", SCREEN)
    ana.post("/start/match", 409, game="9-ball", race="1", against=against)
    ana.post("/start/match", 409, game="9-ball", race="1", against=f"challenge:{known.id}")


def test_ten_ladder_wins_that_staff_confirmed_earn_the_iron_arm(club: Club) -> None:
    ana = club.player("Ana")
    earned = "<strong>Iron Arm</strong><small>Earned"
    for number in range(10):
        match_id = club.play("Ben", "Ana")
        if number < 9:
            club.staff.post(f"/counter/match/{match_id}", how="confirm", a="0", b="1")
    assert earned not in ana.html("/me/profile"), "the tenth waits"
    club.staff.post(f"/counter/match/{match_id}", how="confirm", a="0", b="1")
    html = ana.html("/me/profile")
    assert earned in html
    assert "10–0" in html
    club.staff.post(f"/counter/match/{match_id}/ladder", ladder="")
    assert earned not in ana.html("/me/profile")


def test_no_page_of_a_ladder_shames_anybody(club: Club) -> None:
    club.play("Ana", "Cleo")
    club.challenge("Dan", "Ben", days_ago=2)
    for name in ("Ana", "Ben", "Dan"):
        for path in (page_of(club), "/me", "/me/profile"):
            assert nowhere_word(words(club.player(name).html(path))) is None
