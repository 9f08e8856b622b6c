"""Ladder challenges: somebody a few places above, some days to play it, staff's word where it was not played."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hall_facts import make_store
from hypothesis import given
from hypothesis import strategies as st
from ladder_hall import Hall, ladder_of_six, refused

from edge.hall import audit, ladders
from edge.hall.ladders import MyLadder
from edge.hall.ladders.settle import Challenged, Met, meet


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("challenges") / "ladder.db", ladders.migrations)


@pytest.fixture
def hall(path: Path) -> Iterator[Hall]:
    with ladder_of_six(path) as hall:
        yield hall


def test_a_match_between_the_two_meets_the_challenge_by_itself(hall: Hall) -> None:
    challenge = hall.challenge(4, 1)
    match_id = hall.end(hall.begin(1, 4), (2, 5))
    assert hall.order() == [0, 4, 1, 2, 3, 5]
    assert hall.state(challenge) == "met"
    assert ladders.get_challenge(hall.conn, challenge.id).met_by == match_id
    assert hall.counts_for(match_id) == hall.ladder.id
    assert [match.match_id for match in ladders.to_confirm(hall.conn)] == [match_id]
    hall.end(hall.begin(1, 4), (5, 2))
    assert hall.order() == [0, 4, 1, 2, 3, 5], "the next match between them is just a match"


def test_a_match_that_had_begun_meets_no_challenge(hall: Hall) -> None:
    match_id = hall.begin(4, 1)
    challenge = hall.challenge(4, 1)
    hall.end(match_id)
    assert (hall.state(challenge), hall.order()) == ("open", [0, 1, 2, 3, 4, 5])


def test_a_match_on_other_terms_meets_it_only_if_somebody_says_so(hall: Hall) -> None:
    challenge = hall.challenge(4, 1)
    short = hall.begin(4, 1, race_to=3)
    hall.end(short, (3, 0))
    assert hall.state(challenge) == "open"
    ladders.put_on_ladder(hall.conn, short, hall.ladder.id, hall.staff, hall.at, staff=True)
    assert (hall.state(challenge), hall.order()[:2]) == ("met", [0, 4])


def test_a_challenge_keeps_the_terms_under_which_it_was_made(hall: Hall) -> None:
    challenge = hall.challenge(4, 1)
    terms = replace(hall.ladder.terms, game="9-ball", race_to=9, challenge_range=1, challenge_days=2)
    ladders.change_terms(hall.conn, hall.ladder.id, terms, hall.staff, hall.at)
    hall.end(hall.begin(4, 1))
    assert hall.state(challenge) == "met"


def test_a_match_for_no_ladder_meets_none(hall: Hall) -> None:
    challenge = hall.challenge(4, 1)
    match_id = hall.begin(4, 1)
    ladders.put_on_ladder(hall.conn, match_id, None, None, hall.at)
    hall.end(match_id)
    assert (hall.state(challenge), hall.order()[:2]) == ("open", [0, 1])
    said = hall.conn.execute("SELECT max(seq) FROM ladder_matches").fetchone()[0]
    assert ladders.take_back_said(hall.conn, said, hall.staff, hall.at) == {hall.players[4], hall.players[1]}
    assert (hall.state(challenge), hall.order()[:2]) == ("met", [0, 4])


def test_a_struck_match_leaves_the_challenge_waiting_or_met_by_the_next(hall: Hall) -> None:
    challenge = hall.challenge(4, 1)
    first = hall.end(hall.begin(4, 1))
    hall.strike(first)
    assert (hall.state(challenge), hall.order()[:2]) == ("open", [0, 1])
    hall.end(hall.begin(4, 1))
    assert hall.state(challenge) == "met"
    hall.correct(first, (5, 0), hall.at)
    hall.strike(first)
    assert (hall.state(challenge), hall.order()[:2]) == ("met", [0, 4])


def test_only_somebody_a_few_places_above_in_the_same_division(hall: Hall) -> None:
    ladders.add_members(hall.conn, hall.low, [hall.players[6]], hall.staff, hall.at)
    for challenger, challenged, key in (
        (4, 4, "challenge_self"),
        (4, 0, "challenge_range"),
        (1, 2, "challenge_range"),
        (6, 5, "challenge_range"),
    ):
        with refused(key):
            hall.challenge(challenger, challenged)
    ladders.remove_member(hall.conn, hall.ladder.id, hall.players[6], hall.staff, hall.at)
    with refused("challenge_member"):
        hall.challenge(6, 5)
    with refused("ladder_unknown"):
        ladders.challenge(hall.conn, "nowhere", hall.players[1], hall.players[0], hall.here)
    assert hall.challenge(4, 1).names == ("Player 0004", "Player 0001")


def test_one_challenge_made_and_one_had_at_a_time(hall: Hall) -> None:
    known = hall.challenge(4, 1)
    assert hall.challenge(4, 1) == known, "sent twice is sent once"
    with refused("challenge_made"):
        hall.challenge(4, 2)
    with refused("challenge_taken"):
        hall.challenge(3, 1)
    hall.challenge(1, 0)
    hall.challenge(5, 4)
    ladders.withdraw_challenge(hall.conn, known.id, hall.players[4], hall.at)
    ladders.withdraw_challenge(hall.conn, known.id, hall.players[4], hall.at)
    hall.challenge(3, 1)
    hall.challenge(4, 2)
    assert hall.state(known) == "withdrawn"


def test_only_the_two_of_them_withdraw_and_decline(hall: Hall) -> None:
    known = hall.challenge(4, 1)
    for player in (1, 2):
        with refused("challenge_not_yours"):
            ladders.withdraw_challenge(hall.conn, known.id, hall.players[player], hall.at)
    for player in (4, 2):
        with refused("challenge_not_yours"):
            ladders.decline(hall.conn, known.id, hall.players[player], hall.at)
    hall.end(hall.begin(4, 1))
    with refused("challenge_over"):
        ladders.decline(hall.conn, known.id, hall.players[1], hall.at)
    with refused("challenge_over"):
        ladders.withdraw_challenge(hall.conn, known.id, hall.players[4], hall.at)
    with refused("challenge_unknown"):
        ladders.get_challenge(hall.conn, "nothing")


def test_it_is_overdue_from_the_day_after_the_deadline_on_and_a_match_still_meets_it(hall: Hall) -> None:
    known = hall.challenge(4, 1)
    assert known.deadline == "2026-01-15"
    assert [known.state(day) for day in ("2026-01-15", "2026-01-16")] == ["open", "overdue"]
    assert ladders.overdue(hall.conn, "2026-01-15") == []
    assert ladders.overdue(hall.conn, "2026-01-16") == [known]
    hall.wait(days=20)
    hall.end(hall.begin(4, 1))
    assert ladders.overdue(hall.conn, hall.here.day) == []
    assert hall.state(known) == "met"


def test_staff_extend_what_was_declined_or_is_overdue(hall: Hall) -> None:
    known = hall.challenge(4, 1)
    ladders.decline(hall.conn, known.id, hall.players[1], hall.at)
    assert hall.state(known) == "declined"
    assert [waiting.id for waiting in ladders.overdue(hall.conn, hall.here.day)] == [known.id]
    with refused("challenge_taken"):
        hall.challenge(3, 1)
    for day in ("2025-12-31", "2027-01-01", "tomorrow", ""):
        with refused("challenge_day"):
            ladders.extend(hall.conn, known.id, day, hall.staff, hall.here)
    ladders.extend(hall.conn, known.id, "2026-02-01", hall.staff, hall.here)
    assert hall.state(known) == "open"
    assert ladders.overdue(hall.conn, "2026-02-01") == []
    assert len(ladders.overdue(hall.conn, "2026-02-02")) == 1
    (deed,) = audit.about(hall.conn, f"challenge:{known.id}")
    assert (deed.what, deed.before, deed.after) == (
        "challenge.extended",
        {"deadline": "2026-01-15", "declined_at": "2026-01-01T12:01:00.000Z"},
        {"deadline": "2026-02-01"},
    )


def test_a_win_that_staff_give_moves_and_stands_in_nobodys_record(hall: Hall) -> None:
    known = hall.challenge(4, 1)
    ladders.decline(hall.conn, known.id, hall.players[1], hall.at)
    with refused("challenge_not_yours"):
        ladders.give_win(hall.conn, known.id, hall.players[2], hall.staff, hall.at)
    for _ in range(2):
        hall.wait(minutes=1)
        ladders.give_win(hall.conn, known.id, hall.players[4], hall.staff, hall.at)
    with refused("challenge_over"):
        ladders.give_win(hall.conn, known.id, hall.players[1], hall.staff, hall.at)
    assert (hall.state(known), hall.order()) == ("given", [0, 4, 1, 2, 3, 5])
    assert (hall.row(4).played, hall.row(4).streak, hall.row(4).provisional) == (0, 0, False)
    assert ladders.ladder_outcomes(hall.conn, hall.players[4]) == ()
    event = hall.events()[0]
    assert (event["kind"], event["player_id"], event["other"]) == ("given", hall.players[4], hall.players[1])
    ladders.withdraw_event(hall.conn, event["id"], hall.staff, hall.at)
    assert (hall.state(known), hall.order()) == ("declined", [0, 1, 2, 3, 4, 5])
    ladders.give_win(hall.conn, known.id, hall.players[1], hall.staff, hall.at)
    assert (hall.state(known), hall.order()) == ("given", [0, 1, 2, 3, 4, 5])


def test_staff_call_a_challenge_off(hall: Hall) -> None:
    known = hall.challenge(4, 1)
    for _ in range(2):
        ladders.call_off(hall.conn, known.id, hall.staff, hall.at)
    hall.end(hall.begin(4, 1))
    assert (hall.state(known), hall.order()[:2]) == ("called_off", [0, 1])
    assert len(audit.about(hall.conn, f"challenge:{known.id}")) == 1


@pytest.mark.parametrize("player", [4, 1])
@pytest.mark.parametrize("how", ["leaves", "moves", "never came"])
def test_who_is_gone_from_the_division_leaves_no_challenge_behind(hall: Hall, player: int, how: str) -> None:
    stays = hall.challenge(5, 3)
    known = hall.challenge(4, 1)
    if how == "leaves":
        ladders.remove_member(hall.conn, hall.ladder.id, hall.players[player], hall.staff, hall.at)
    elif how == "moves":
        ladders.place_member(hall.conn, hall.low, hall.players[player], hall.staff, hall.at)
    else:
        event = next(e for e in hall.events() if e["player_id"] == hall.players[player])
        ladders.withdraw_event(hall.conn, event["id"], hall.staff, hall.at)
    assert (hall.state(known), hall.state(stays)) == ("called_off", "open")


def test_a_player_sees_the_own_ladders_whom_to_challenge_and_what_waits(hall: Hall) -> None:
    def above(mine: MyLadder) -> list[int]:
        return [hall.players.index(row.player_id) for row in ladders.whom_to_challenge(hall.conn, mine)]

    (mine,) = ladders.my_ladders(hall.conn, hall.players[4])
    assert (mine.ladder.name, mine.division.name, mine.standing.place) == ("House ladder", "Gold", 5)
    assert above(mine) == [1, 2, 3]
    assert mine.challenges == ()
    taken = hall.challenge(5, 2)
    (mine,) = ladders.my_ladders(hall.conn, hall.players[4])
    assert above(mine) == [1, 3]
    own = hall.challenge(4, 1)
    (mine,) = ladders.my_ladders(hall.conn, hall.players[4])
    assert (above(mine), mine.challenges) == ([], (own,))
    (other,) = ladders.my_ladders(hall.conn, hall.players[1])
    assert (other.challenges, len(above(other))) == ((own,), 1)
    assert ladders.my_ladders(hall.conn, hall.players[6]) == []
    assert ladders.challenges(hall.conn, hall.ladder.id) == [taken, own]


def test_of_a_ladders_challenges_those_that_wait_are_listed_and_counted(hall: Hall) -> None:
    today = hall.here.day
    given, met, declined = hall.challenge(5, 3), hall.challenge(4, 2), hall.challenge(1, 0)
    ladders.give_win(hall.conn, given.id, hall.players[5], hall.staff, hall.at)
    hall.end(hall.begin(4, 2))
    ladders.decline(hall.conn, declined.id, hall.players[0], hall.at)
    late = hall.challenge(2, 4)
    found = ladders.challenges(hall.conn, hall.ladder.id)
    assert [(known.id, known.state(today)) for known in found] == [(declined.id, "declined"), (late.id, "open")]
    assert found[1].state("2026-03-01") == "overdue"
    assert (hall.state(given), hall.state(met)) == ("given", "met")
    assert ladders.count_challenges(hall.conn, hall.ladder.id) == 2


MOMENTS = [f"2026-01-{day:02}T00:00:00.000Z" for day in range(1, 12)]


@st.composite
def challenges_and_matches(draw: st.DrawFn) -> tuple[list[Challenged], list[Met]]:
    challenges = [
        Challenged(f"c{n}", draw(st.sampled_from("AB")), None, 5, made, draw(st.sampled_from([None, *MOMENTS])))
        for n, made in enumerate(draw(st.lists(st.sampled_from(MOMENTS), max_size=4)))
    ]
    matches = []
    for n, begin in enumerate(draw(st.lists(st.integers(0, 9), max_size=6))):
        end = draw(st.integers(begin, 10))
        said = draw(st.booleans())
        ladder = draw(st.sampled_from(["A", "B", None])) if said else None
        race_to = draw(st.sampled_from([4, 5]))
        matches.append(Met(f"m{n}", "8-ball", race_to, MOMENTS[begin], MOMENTS[end], said, ladder))
    return challenges, matches


@given(challenges_and_matches(), st.randoms(use_true_random=False))
def test_which_match_met_which_challenge_does_not_depend_on_the_order_of_telling(
    told: tuple[list[Challenged], list[Met]], rnd: "object"
) -> None:
    challenges, matches = told
    met = meet(challenges, matches)
    rnd.shuffle(challenges)  # type: ignore[attr-defined]
    rnd.shuffle(matches)  # type: ignore[attr-defined]
    assert meet(challenges, matches) == met
    assert len(set(met.values())) == len(met), "a match meets one challenge"
    for challenge in challenges:
        for match in matches:
            asked = match.ladder_id == challenge.ladder_id if match.said else match.race_to >= 5
            in_time = challenge.made_at <= match.started_at
            in_time = in_time and (challenge.ended_at is None or match.ended_at < challenge.ended_at)
            if met.get(challenge.id) == match.id:
                assert asked
                assert in_time
            elif asked and in_time and challenge.id not in met:
                assert match.id in met.values(), "no match is passed over while a challenge waits for it"
