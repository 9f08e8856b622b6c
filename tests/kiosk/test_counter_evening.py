"""An evening at the counter: a tap a name, a tap a match, and everything can be put right."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import SCREEN, Browser, House, a_house, hidden

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall.game_sessions import attending, evenings, get_evening
from edge.hall.matches import matches_of_evening
from edge.hall.pairings import pairings_of
from edge.hall.players import Player, sign_up
from edge.hall.points import points_of
from edge.hall.results import Entered, enter_result


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path) as made:
        yield made


@pytest.fixture
def staff(house: House) -> Browser:
    return house.counter()


@pytest.fixture
def people(house: House) -> list[Player]:
    with house.evening.store.write() as conn:
        return [sign_up(conn, f"Player {letter}", "2026-01-01T00:00:00.000Z") for letter in "ABCDE"]


def begin(staff: Browser) -> str:
    once = re.search(r'name="once" value="([^"]+)"', staff.html("/counter/evening"))
    assert once is not None
    staff.post("/counter/evening", game="8-ball", race="1", kind="singles", once=once[1])
    return once[1]


def here(house: House, evening_id: str) -> set[str]:
    with house.evening.store.read() as conn:
        return {player.name for player in attending(conn, evening_id)}


def test_an_evening_sent_twice_begins_once(house: House, staff: Browser) -> None:
    evening_id = begin(staff)
    answer = staff.post("/counter/evening", game="8-ball", race="1", kind="singles", once=evening_id)
    assert answer.location.startswith(f"/counter/evening/{evening_id}/here")
    with house.evening.store.read() as conn:
        assert [evening.id for evening in evenings(conn, 5)] == [evening_id]


def test_a_name_is_here_by_a_tap_and_not_by_the_next(house: House, staff: Browser, people: list[Player]) -> None:
    way = f"/counter/evening/{begin(staff)}/here"
    evening_id = way.split("/")[3]
    for _ in range(2):  # the page says which it wants, so a double tap is one
        staff.post(way, player=people[0].id, here="yes")
    assert here(house, evening_id) == {"Player A"}
    staff.post(way, player=people[0].id, here="no")
    assert here(house, evening_id) == set()


def test_nobody_and_somebody_gone_can_not_be_here(house: House, staff: Browser) -> None:
    evening_id = begin(staff)
    way = f"/counter/evening/{evening_id}/here"
    answer = staff.post(way, player="nobody", here="yes", back=way)
    assert "trouble=evening_nobody" in answer.location
    assert "not here any more" in staff.html(answer.location)


def test_a_new_name_is_signed_up_and_here(house: House, staff: Browser) -> None:
    evening_id = begin(staff)
    staff.post(f"/counter/evening/{evening_id}/new", name="Zoë")
    staff.post(f"/counter/evening/{evening_id}/new")
    assert here(house, evening_id) == {"Zoë", "Guest"}
    assert "trouble=name_taken" in staff.post(f"/counter/evening/{evening_id}/new", name="ZOË").location


def test_who_is_tapped_has_won_and_it_can_be_put_right_and_taken_back(
    house: House, staff: Browser, people: list[Player]
) -> None:
    evening_id = begin(staff)
    for player in people:
        staff.post(f"/counter/evening/{evening_id}/here", player=player.id, here="yes")
    for _ in range(2):
        staff.post(f"/counter/evening/{evening_id}/pair", how="random", number="1")
    with house.evening.store.read() as conn:
        pairings = pairings_of(conn, evening_id)
    assert len(pairings) == 2  # of five, once
    way = f"/counter/evening/{evening_id}/pairings/{pairings[0].id}"
    a, b = (side[0] for side in pairings[0].sides)

    def points() -> tuple[float, float]:
        with house.evening.store.read() as conn:
            month = evenings(conn, 1)[0].day[:7]
            return points_of(conn, a, month), points_of(conn, b, month)

    answer = staff.post(way, winner="0")
    assert points() == (2.5, 1.5)
    staff.post(way, winner="0")
    assert points() == (2.5, 1.5)
    staff.post(way, winner="1", won="3", lost="2")
    assert points() == (1.5, 2.5)
    deed = re.search(r'name="deed" value="(\d+)"', staff.html(f"/counter/match/{pairings[0].match_id}"))
    assert deed is not None
    staff.post("/counter/undo", deed=deed[1], back="/counter/evening")
    assert points() == (2.5, 1.5)
    assert "trouble=undo_not" in staff.post("/counter/undo", deed=deed[1], back="/counter/evening").location
    # The first deed was undone by nothing yet: its page still says so, until another stands over it.
    assert "Undo" in staff.html(answer.location)


def test_a_match_is_confirmed_only_as_it_was_seen(house: House, staff: Browser) -> None:
    house.play_a_match(house.evening.player("Ana"), house.evening.player("Ben"))
    with house.evening.store.read() as conn:
        match_id = conn.execute("SELECT id FROM matches WHERE status = 'over'").fetchone()["id"]
        row = conn.execute("SELECT score_a, score_b FROM matches WHERE id = ?", [match_id]).fetchone()
    way = f"/counter/match/{match_id}"
    assert "trouble=result_changed" in staff.post(way, how="confirm", a=row["score_b"], b=row["score_a"]).location
    staff.post(way, how="confirm", a=row["score_a"], b=row["score_b"])
    assert "Final" in staff.html(way)


def test_a_match_is_put_right_or_struck_off_only_as_it_was_seen(house: House, staff: Browser) -> None:
    house.play_a_match(house.evening.player("Ana"), house.evening.player("Ben"))
    with house.evening.store.read() as conn:
        row = conn.execute("SELECT id, score_a, score_b FROM matches WHERE status = 'over'").fetchone()
    way, first = f"/counter/match/{row['id']}", f"{row['score_a']}:{row['score_b']}"
    assert hidden(staff.html(f"{way}?winner=1"), "seen") == first
    assert "trouble=" not in staff.post(way, winner="1", won="5", lost="4", seen=first).location
    others: tuple[dict[str, Any], ...] = ({"winner": "0", "won": "5", "lost": "1"}, {"how": "strike"})
    for other in others:  # by somebody whose page is older
        assert "trouble=result_known" in staff.post(way, **other, seen=first).location
    with house.evening.store.read() as conn:
        assert conn.execute("SELECT status, score_a, score_b FROM matches").fetchone()[:] == ("over", 4, 5)
    staff.post("/counter/match/nobody", 404, how="strike")


@pytest.mark.parametrize("form", [{"winner": "2"}, {"winner": "0", "won": "1", "lost": "1"}, {"winner": "x"}])
def test_a_result_that_can_not_be_changes_nothing(
    house: House, staff: Browser, people: list[Player], form: dict[str, str]
) -> None:
    evening_id = begin(staff)
    for player in people[:2]:
        staff.post(f"/counter/evening/{evening_id}/here", player=player.id, here="yes")
    staff.post(f"/counter/evening/{evening_id}/pair", how="random", number="1")
    with house.evening.store.read() as conn:
        pairing = pairings_of(conn, evening_id)[0]
    staff.post(f"/counter/evening/{evening_id}/pairings/{pairing.id}", 400, **form)
    with house.evening.store.read() as conn:
        assert matches_of_evening(conn, evening_id) == []


def test_doubles_are_picked_by_four_taps(house: House, staff: Browser, people: list[Player]) -> None:
    evening_id = begin(staff)
    ids = [player.id for player in people[:4]]
    for player_id in ids:
        staff.post(f"/counter/evening/{evening_id}/here", player=player_id, here="yes")
    page = staff.html(f"/counter/evening/{evening_id}/pick?" + "&".join(f"p={one}" for one in ids))
    assert "Player A and Player B – Player C and Player D" in page
    once = hidden(page, "once")
    for _ in range(2):  # a shaky finger
        staff.post(f"/counter/evening/{evening_id}/pick", p=ids, once=once)
    with house.evening.store.read() as conn:
        (pairing,) = pairings_of(conn, evening_id)
    assert pairing.sides == ((ids[0], ids[1]), (ids[2], ids[3]))


def test_an_evening_is_closed_opened_and_struck_off(house: House, staff: Browser) -> None:
    evening_id = begin(staff)
    for how, expected in (("close", (False, False)), ("reopen", (True, False)), ("void", (False, True))):
        staff.post(f"/counter/evening/{evening_id}/close", how=how)
        with house.evening.store.read() as conn:
            evening = get_evening(conn, evening_id)
        assert evening is not None
        assert (evening.open, evening.voided) == expected
    staff.post(f"/counter/evening/{evening_id}/close", 400, how="delete")


def test_what_was_done_is_told_with_who_did_it(house: House, staff: Browser) -> None:
    evening_id = begin(staff)
    page = staff.html("/counter/deeds")
    assert "Evening begun" in page
    assert "Stan" in page
    staff.get(f"/counter/evening/{evening_id}x", 404)


def pair_two(house: House, staff: Browser, people: list[Player]) -> tuple[str, str]:
    """An evening on which two play each other; returns its way and the pairing's."""
    way = f"/counter/evening/{begin(staff)}"
    for player in people[:2]:
        staff.post(f"{way}/here", player=player.id, here="yes")
    staff.post(f"{way}/pair", how="random", number="1")
    with house.evening.store.read() as conn:
        return way, f"{way}/pairings/{pairings_of(conn, way.split('/')[3])[0].id}"


def test_a_tap_that_is_refused_loads_the_page_which_says_why(
    house: House, staff: Browser, people: list[Player]
) -> None:
    way, pairing = pair_two(house, staff, people)
    staff.post(pairing, winner="0")
    answer = staff.client.post(
        f"{way}/here",
        data={"csrf": hidden(staff.html("/sign-up"), "csrf"), "player": people[0].id, "here": "no"},
        headers={"HX-Request": "true", "Referer": f"http://localhost{way}/here"},
        environ_overrides={"REMOTE_ADDR": SCREEN},
    )
    # A redirect's page would stand in place of the name.
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "")
    assert answer.headers["HX-Redirect"] == f"{way}/here?trouble=evening_has_played"
    assert "Whoever has played was here." in staff.html(answer.headers["HX-Redirect"])


def test_of_two_staff_who_tap_another_winner_the_second_is_told(
    house: House, staff: Browser, people: list[Player]
) -> None:
    way, pairing = pair_two(house, staff, people)
    page = staff.html(way)
    assert hidden(page, "seen") == ""
    staff.post(pairing, winner="0", seen="")
    assert "trouble=result_known" in staff.post(pairing, winner="1", seen="").location
    assert "trouble=" not in staff.post(pairing, winner="0", seen="").location  # both tapped the same
    assert hidden(staff.html(f"{pairing}?winner=1"), "seen") == "1:0"
    assert "trouble=" not in staff.post(pairing, winner="1", seen="1:0").location
    with house.evening.store.read() as conn:
        assert matches_of_evening(conn, way.split("/")[3])[0].score == (0, 1)


def test_what_was_done_keeps_the_score_that_it_had(house: House, staff: Browser, people: list[Player]) -> None:
    _, pairing = pair_two(house, staff, people)
    staff.post(pairing, winner="0")
    staff.post(pairing, winner="1")
    lines = re.findall(r"Result (?:entered|corrected): [^<]*?([01]:[01])", staff.html("/counter/deeds"))
    assert lines == ["0:1", "1:0"]


def test_a_match_that_nobody_plays_is_a_tap_away(house: House, staff: Browser, people: list[Player]) -> None:
    way, pairing = pair_two(house, staff, people)
    assert f'href="{pairing}"' in staff.html(way)
    assert "Not played" in staff.html(pairing)
    staff.post(f"{pairing}/drop")
    assert pairing not in staff.html(way)


def test_a_name_that_is_looked_for_stands_alone_and_is_not_signed_up_again(
    house: House, staff: Browser, people: list[Player]
) -> None:
    way = f"/counter/evening/{begin(staff)}/here"
    for player in people[:3]:
        staff.post(way, player=player.id, here="yes")
    page = staff.html(f"{way}?name=player+d")
    assert re.findall(r"Player [A-E]<", page) == ["Player D<"]
    assert "Sign up" not in page
    assert "Sign up Play" in staff.html(f"{way}?name=Play")


def test_who_has_no_match_in_the_round_is_named(house: House, staff: Browser, people: list[Player]) -> None:
    way = f"/counter/evening/{begin(staff)}"
    for player in people:
        staff.post(f"{way}/here", player=player.id, here="yes")
    staff.post(f"{way}/pair", how="random", number="1")
    with house.evening.store.read() as conn:
        playing = {
            one for pairing in pairings_of(conn, way.split("/")[3]) for side in pairing.sides for one in side
        }
    (out,) = (player.name for player in people if player.id not in playing)
    assert f"Without a match: {out}<" in staff.html(way)
    two = [people[0].id, people[1].id]
    once = hidden(staff.html(f"{way}/pick?p={two[0]}&p={two[1]}"), "once")
    staff.post(f"{way}/pick", p=two, once=once)  # picked by hand: everybody else is no news
    assert "Without a match" not in staff.html(way)


def test_a_result_that_nobody_was_paired_for_stands_on_the_evening_and_can_be_put_right(
    house: House, staff: Browser, people: list[Player]
) -> None:
    evening_id = begin(staff)
    way = f"/counter/evening/{evening_id}"
    assert "Nobody is paired yet" in staff.html(way)
    with house.evening.store.write() as conn:
        evening = get_evening(conn, evening_id)
        assert evening is not None
        sides = ((people[0].id,), (people[1].id,))
        what = Entered(uuid7(), sides, "9-ball", (2, 3), evening.day, stamp(evening.started_at), evening_id)
        match = enter_result(conn, what, people[0].id, evening.started_at)
    page = staff.html(way)
    assert "Nobody is paired yet" not in page
    assert "Other results" in page
    own = page[page.index("Other results") :]
    assert own.index(people[0].name) < own.index("2<span>:</span>3") < own.index(people[1].name)
    assert f'href="/counter/match/{match.id}?from={way}"' in own
    assert "trouble=" not in staff.post(f"/counter/match/{match.id}", winner="0", won="3", lost="2").location
    assert "3<span>:</span>2" in staff.html(way)


def test_straight_pool_is_played_to_points(house: House, staff: Browser) -> None:
    once = hidden(staff.html("/counter/evening"), "once")
    staff.post("/counter/evening", game="straight pool", race="1", points="50", kind="singles", once=once)
    with house.evening.store.read() as conn:
        evening = get_evening(conn, once)
    assert evening is not None
    assert evening.race_to == 50
    staff.post(f"/counter/evening/{once}/play", game="9-ball", race="3", points="50", kind="singles")
    with house.evening.store.read() as conn:
        evening = get_evening(conn, once)
    assert evening is not None
    assert evening.race_to == 3


def test_an_evening_that_was_struck_off_says_so(staff: Browser) -> None:
    evening_id = begin(staff)
    assert "Evening of" in staff.html(f"/counter/evening/{evening_id}")
    staff.post(f"/counter/evening/{evening_id}/close", how="void")
    assert "Struck off: " in staff.html(f"/counter/evening/{evening_id}")
