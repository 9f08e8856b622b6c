"""Season championships at the counter: a bracket by taps, and every tap can be taken back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import PHONE, Browser, hidden
from month_hall import NOW, MonthHall, month_hall, nobody_else, told, undo, words

from edge.clock import stamp
from edge.hall import championships
from edge.hall.championships import Bracket, Node
from edge.hall.matches import get_match
from edge.hall.players import Player
from edge.hall.results import Entered, correct, enter_result

WISH: dict[str, Any] = {"quarter": "2025-Q4", "game": "8-ball", "race": "5", "size": "4"}


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonthHall]:
    with month_hall(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def staff(hall: MonthHall) -> Browser:
    return hall.counter()


@pytest.fixture
def four(hall: MonthHall) -> list[Player]:
    """In the order of their seeds: the first match is of 1 and 4, the second of 2 and 3."""
    return hall.regulars("Ana", "Ben", "Cleo", "Dan")


@pytest.fixture
def way(staff: Browser, four: list[Player]) -> str:
    """The page of a championship of four."""
    return str(staff.post("/counter/championships", **WISH).location).partition("?")[0]


def bracket(hall: MonthHall, way: str) -> Bracket:
    with hall.evening.store.read() as conn:
        return championships.bracket(conn, way.rpartition("/")[2])


def node(hall: MonthHall, way: str, number: int) -> Node:
    return next(one for nodes in bracket(hall, way).rounds for one in nodes if one.tie.number == number)


def enter(staff: Browser, way: str, number: int, winner: int, lost: int = 2) -> str:
    """Taps who won, then how many the other one has; returns where that leads."""
    html = staff.html(f"{way}/{number}?winner={winner}")
    values: dict[str, Any] = {"winner": hidden(html, "winner"), "once": hidden(html, "once")}
    return str(staff.post(f"{way}/{number}", how="enter", lost=str(lost), **values).location)


def elsewhere(hall: MonthHall, a: Player, b: Player, match_id: str, score: tuple[int, int] = (5, 1)) -> None:
    """The two have played already, at a table or in an evening."""
    what = Entered(match_id, ((a.id,), (b.id,)), "8-ball", score, "2025-11-01", stamp(NOW))
    with hall.evening.store.write() as conn:
        enter_result(conn, what, a.id, NOW)


def test_a_championship_is_played_to_its_end(hall: MonthHall, staff: Browser, way: str) -> None:
    assert "Championship made" in words(staff.html("/counter/deeds"))
    enter(staff, way, 1, 0)
    enter(staff, way, 2, 1, lost=4)
    assert [one and one.name for one in node(hall, way, 3).sides] == ["Ana", "Cleo"]
    assert "Ana – Cleo 2:5, in the bracket" in told(staff.html(enter(staff, way, 3, 1)))
    assert "Champion: Cleo" in staff.html(way)
    assert "Champion: Cleo" in hall.browser(None, PHONE).html(
        way.removeprefix("/counter").replace("ships", "ship")
    )
    assert node(hall, way, 2).score == (4, 5)


def test_a_result_entered_for_the_bracket_counts_like_any_other(hall: MonthHall, staff: Browser, way: str) -> None:
    enter(staff, way, 1, 0)
    match_id = node(hall, way, 1).tie.match_id
    assert match_id is not None
    with hall.evening.store.read() as conn:
        match = get_match(conn, match_id)
    assert match is not None
    assert (match.status, match.score, match.race_to) == ("over", (5, 2), 5)


def test_a_result_sent_twice_is_entered_once(hall: MonthHall, staff: Browser, way: str) -> None:
    html = staff.html(f"{way}/1?winner=0")
    for _ in range(2):
        staff.post(f"{way}/1", how="enter", lost="2", winner=hidden(html, "winner"), once=hidden(html, "once"))
    assert hall.count("matches") == 1
    assert hall.count("audit WHERE what = 'championship.linked'") == 1


def test_the_same_championship_is_made_once(hall: MonthHall, staff: Browser, way: str) -> None:
    answer = staff.post("/counter/championships", **WISH)
    assert "has a championship of this game already" in told(staff.html(answer.location))
    assert hall.count("championships") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"quarter": "2026-Q1"},
        {"quarter": "x" * 9000},
        {"game": "snooker"},
        {"race": "0"},
        {"race": "99"},
        {"size": "5"},
    ],
)
def test_what_can_not_be_is_said(
    hall: MonthHall,
    staff: Browser,
    four: list[Player],
    wrong: dict[str, Any],
) -> None:
    answer = staff.post("/counter/championships", back="/counter/championships", **{**WISH, **wrong})
    assert told(staff.html(answer.location))
    assert hall.count("championships") == 0


def test_undoing_what_was_entered_takes_the_match_back_too(hall: MonthHall, staff: Browser, way: str) -> None:
    location = enter(staff, way, 1, 0)
    match_id = node(hall, way, 1).tie.match_id
    undo(staff, location)
    assert node(hall, way, 1).tie.status == "ready"
    assert hall.evening.rows("SELECT status FROM matches WHERE id = ?", match_id) == [{"status": "abandoned"}]
    assert hall.count("results") == 0
    enter(staff, way, 1, 1)
    assert next(one and one.name for one in node(hall, way, 3).sides) == "Dan"


def test_nothing_is_undone_on_which_the_next_match_was_played(hall: MonthHall, staff: Browser, way: str) -> None:
    location = enter(staff, way, 1, 0)
    enter(staff, way, 2, 0)
    enter(staff, way, 3, 0)
    assert "championship_followed" in undo(staff, location)
    assert node(hall, way, 1).tie.status == "over"
    assert hall.count("results") == 3


def test_a_result_put_right_since_is_not_taken_back(hall: MonthHall, staff: Browser, way: str) -> None:
    location = enter(staff, way, 1, 0)
    match_id = str(node(hall, way, 1).tie.match_id)
    with hall.evening.store.write() as conn:
        match = get_match(conn, match_id)
        assert match is not None
        correct(conn, match_id, (5, 4), match.players[0], NOW)
    assert "undo_too_late" in undo(staff, location)
    assert node(hall, way, 1).score == (5, 4)


def test_a_match_that_was_played_already_is_linked(
    hall: MonthHall, staff: Browser, way: str, four: list[Player]
) -> None:
    ana, _, _, dan = four
    elsewhere(hall, dan, ana, "m1")
    elsewhere(hall, dan, ana, "m2", (4, 1))  # another race
    html = staff.html(f"{way}/1")
    assert re.findall(r'name="match" value="([^"]+)"', html) == ["m1"]
    location = staff.post(f"{way}/1", how="link", match="m1").location
    assert node(hall, way, 1).score == (1, 5)
    undo(staff, location)
    assert node(hall, way, 1).tie.status == "ready"
    assert hall.count("results") == 2  # the match itself stays
    for match_id in ("m2", "", "x" * 9000):
        answer = staff.post(f"{way}/1", how="link", match=match_id, back=way)
        assert "does not fit" in told(staff.html(answer.location))


def test_a_bracket_follows_corrections_and_says_what_does_not_count(
    hall: MonthHall, staff: Browser, way: str, four: list[Player]
) -> None:
    ana, _, _, dan = four
    elsewhere(hall, ana, dan, "m1")
    staff.post(f"{way}/1", how="link", match="m1")
    enter(staff, way, 2, 0)
    enter(staff, way, 3, 0)
    hall.turn("m1")
    html = staff.html(way)
    assert "between the wrong two" in html
    assert "Champion:" not in html
    enter(staff, way, 3, 1)
    assert "Champion: Ben" in staff.html(way)


def test_who_does_not_come_and_who_plays_instead(
    hall: MonthHall, staff: Browser, way: str, four: list[Player]
) -> None:
    _, ben, cleo, dan = four
    zelda = hall.evening.player("Zelda")
    html = staff.html(f"{way}/replace?player={dan.id}&name=Zel")
    assert re.findall(r'name="instead" value="([^"]+)"', html) == [zelda.id]
    location = staff.post(f"{way}/replace", player=dan.id, instead=zelda.id).location
    assert "Zelda plays in somebody" in told(staff.html(location))
    undo(staff, location)
    location = staff.post(f"{way}/2", how="walkover", player=cleo.id).location
    assert "Cleo goes on without a match" in told(staff.html(location))
    assert "begun" in staff.post(f"{way}/replace", player=dan.id, instead=zelda.id).location
    undo(staff, location)
    assert node(hall, way, 2).tie.status == "ready"
    staff.post(f"{way}/2", how="walkover", player=ben.id)
    location = staff.post(f"{way}/2", how="clear").location
    undo(staff, location)
    assert node(hall, way, 2).tie.winner == ben.id


def test_making_one_is_undone_as_long_as_nothing_was_played(hall: MonthHall, staff: Browser, way: str) -> None:
    deed = hall.evening.rows("SELECT id FROM audit WHERE what = 'championship.created'")[0]["id"]
    enter(staff, way, 1, 0)
    assert "undo_too_late" in staff.post("/counter/undo", deed=str(deed), back=way).location
    staff.post(f"{way}/1", how="clear")
    staff.post("/counter/undo", deed=str(deed), back=way)
    assert bracket(hall, way).championship.cancelled


def test_calling_it_off_leaves_the_matches(hall: MonthHall, staff: Browser, way: str) -> None:
    enter(staff, way, 1, 0)
    staff.post(f"{way}/cancel")
    staff.post(f"{way}/cancel")
    assert hall.count("audit WHERE what = 'championship.cancelled'") == 1
    assert hall.count("results") == 1
    assert "Called off" in staff.html(way)
    assert 'name="how"' not in staff.html(f"{way}/1")


@pytest.mark.parametrize("lost", ["5", "6", "-1", "x", "", "9" * 400])
def test_a_score_that_can_not_be_is_not_entered(hall: MonthHall, staff: Browser, way: str, lost: str) -> None:
    html = staff.html(f"{way}/1?winner=0")
    values: dict[str, Any] = {"winner": hidden(html, "winner"), "once": hidden(html, "once")}
    answer = staff.post(f"{way}/1", how="enter", lost=lost, back=way, **values)
    assert "more than the other" in told(staff.html(answer.location))
    assert hall.count("matches") == 0


def test_who_hides_is_nobody_to_the_public_and_ten_have_a_seed(hall: MonthHall, staff: Browser) -> None:
    players = hall.regulars(*(f"Player {letter}" for letter in "ABCDEFGHIJKLMNOP"))
    way = str(staff.post("/counter/championships", **{**WISH, "size": "16"}).location).partition("?")[0]
    hall.hide(players[2])
    public = hall.browser(None, PHONE).html(f"/championship/{way.rpartition('/')[2]}")
    assert "Player C" not in public
    assert "A player" in public
    assert sorted(int(seed) for seed in re.findall(r'class="b-seed">(\d+)<', public)) == list(range(1, 11))
    assert "Player C" in staff.html(way)
    assert "/counter/" not in public


def test_nobody_is_sent_to_a_championship_that_is_none(hall: MonthHall, staff: Browser, way: str) -> None:
    browser = hall.browser(None, PHONE)
    assert browser.get("/championship", 303).location == f"/championship/{way.rpartition('/')[2]}"
    for path in ("/championship/x", "/counter/championships/x", f"{way}/9", f"{way}/replace?player=x"):
        staff.get(path, 404)
    staff.post("/counter/championships/x/1", 404, how="clear")
    staff.post(f"{way}/1", 400, how="whatever")
    staff.post(f"{way}/cancel")
    assert "to come" in browser.html("/championship")


def test_championships_are_for_staff_alone(hall: MonthHall, way: str, four: list[Player]) -> None:
    paths = ["/counter/championships", way, f"{way}/1", f"{way}/replace?player={four[0].id}"]
    posts = ["/counter/championships", f"{way}/1", f"{way}/replace", f"{way}/cancel"]
    nobody_else(hall, four[0], paths, posts)
