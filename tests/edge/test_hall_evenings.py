"""Game sessions: who was there, and who is drawn against whom."""

import re
import sqlite3
from datetime import datetime, timedelta
from itertools import combinations

import pytest
from evening import Evening
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit, undoing
from edge.hall.game_sessions import (
    EveningError,
    GameSession,
    attend,
    attending,
    begin_evening,
    close_evening,
    get_evening,
    leave_out,
    reopen_evening,
    set_play,
    time_of_result,
    void_evening,
)
from edge.hall.pairings import Known, draw_round, drop_pairing, latest_round, pair, pair_by_hand, pairings_of
from edge.hall.players import Player
from edge.hall.points import points_of
from edge.hall.results import Entered, enter_result
from edge.hall.roster import regulars


@pytest.fixture
def people(evening: Evening) -> list[Player]:
    return [evening.player(f"Player {letter}") for letter in "ABCDEFG"]


@pytest.fixture
def night(evening: Evening, people: list[Player]) -> GameSession:
    with evening.store.write() as conn:
        made = begin_evening(conn, evening.here, people[0].id)
        attend(conn, made, [player.id for player in people], people[0].id, evening.now)
        return made


def points(evening: Evening, player: Player) -> float:
    with evening.store.read() as conn:
        return points_of(conn, player.id, evening.here.month)


def play(evening: Evening, night: GameSession, a: Player, b: Player) -> None:
    with evening.store.write() as conn:
        ended_at = time_of_result(conn, night, evening.now)
        what = Entered(f"{a.id}-{b.id}", ((a.id,), (b.id,)), "8-ball", (1, 0), night.day, ended_at, night.id)
        enter_result(conn, what, a.id, evening.now)


def test_who_is_ticked_has_come_once_however_often(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    with evening.store.write() as conn:
        assert attend(conn, night, [people[0].id, people[0].id], people[1].id, evening.now) == []
    assert points(evening, people[0]) == 1.0
    evening.practise(people[0])
    evening.shoot("1")
    evening.leave()
    assert points(evening, people[0]) == 1.0  # a day is a day


def test_who_was_not_there_after_all_loses_the_point_and_can_come_again(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    with evening.store.write() as conn:
        assert leave_out(conn, night, people[0].id, people[1].id, evening.now)
        assert not leave_out(conn, night, people[0].id, people[1].id, evening.now)
    assert points(evening, people[0]) == 0.0
    with evening.store.write() as conn:
        attend(conn, night, [people[0].id], people[1].id, evening.now)
    assert points(evening, people[0]) == 1.0


def test_who_has_played_was_there(evening: Evening, people: list[Player], night: GameSession) -> None:
    play(evening, night, people[0], people[1])
    with evening.store.write() as conn:
        with pytest.raises(EveningError, match="evening_has_played"):
            leave_out(conn, night, people[1].id, people[2].id, evening.now)
        with pytest.raises(EveningError, match="evening_has_results"):
            void_evening(conn, night, people[2].id, evening.now)


def test_an_evening_begun_by_mistake_counts_for_nobody_until_it_does_after_all(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    with evening.store.write() as conn:
        void_evening(conn, night, people[0].id, evening.now)
    assert points(evening, people[3]) == 0.0
    with evening.store.write() as conn:
        voided = get_evening(conn, night.id)
        assert voided is not None
        with pytest.raises(EveningError, match="evening_voided"):
            attend(conn, voided, [people[0].id], people[0].id, evening.now)
        reopen_evening(conn, voided, people[0].id, evening.now)
    assert points(evening, people[3]) == 1.0


def test_results_after_midnight_and_of_the_day_after_belong_to_the_evening(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    evening.wait(8 * 3600)  # two in the morning
    play(evening, night, people[0], people[1])
    with evening.store.write() as conn:
        close_evening(conn, night, people[0].id, evening.now)
        closed = get_evening(conn, night.id)
    assert closed is not None
    evening.wait(20 * 3600)
    play(evening, closed, people[2], people[3])
    days = evening.rows("SELECT day, ended_at FROM matches ORDER BY ended_at")
    assert [row["day"] for row in days] == [night.day, night.day]
    assert days[1]["ended_at"] == stamp(evening.now - timedelta(hours=20) + timedelta(minutes=1))
    assert evening.rows("SELECT DISTINCT month FROM player_points") == [{"month": night.day[:7]}]


def test_a_round_is_drawn_once_however_often_it_is_asked_for(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    with evening.store.write() as conn:
        for _ in range(2):
            assert draw_round(conn, night, "random", people[0].id, evening.now, number=1) == 1
        drawn = pairings_of(conn, night.id)
        assert len(drawn) == 3  # of seven
        assert drop_pairing(conn, night, drawn[0].id, people[0].id, evening.now)
        assert not drop_pairing(conn, night, drawn[0].id, people[0].id, evening.now)
        assert [p.id for p in pairings_of(conn, night.id)] == [p.id for p in drawn[1:]]
        assert latest_round(conn, night.id) == 1


def undo_latest(conn: sqlite3.Connection, what: str, by: str, now: datetime) -> None:
    (deed, *_) = [one for one in audit.recent(conn, 20) if one.what == what]
    undoing.undo(conn, deed.id, by, now)


def test_a_round_that_was_drawn_is_undone_until_something_of_it_is_played(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    by = people[0].id
    with evening.store.write() as conn:
        draw_round(conn, night, "random", by, evening.now, number=1)
        undo_latest(conn, "evening.paired", by, evening.now)
        assert (pairings_of(conn, night.id), latest_round(conn, night.id)) == ([], 0)
        draw_round(conn, night, "level", by, evening.now, number=1)
        first, *others = pairings_of(conn, night.id)
        assert drop_pairing(conn, night, others[0].id, by, evening.now)
        undo_latest(conn, "evening.pairing_dropped", by, evening.now)
        assert [one.id for one in pairings_of(conn, night.id)] == [first.id, *(one.id for one in others)]
        what = Entered(first.match_id, first.sides, night.game, (1, 0), night.day, stamp(evening.now), night.id)
        enter_result(conn, what, by, evening.now)
        with pytest.raises(EveningError, match="undo_too_late"):
            undo_latest(conn, "evening.paired", by, evening.now)
        assert len(pairings_of(conn, night.id)) == 3


def test_a_pairing_by_hand_is_made_once_however_often_it_is_sent(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    by, once = people[0].id, uuid7()
    sides = ((people[0].id,), (people[1].id,))
    with evening.store.write() as conn:
        for _ in range(2):
            assert pair_by_hand(conn, night, sides, by, evening.now, pairing_id=once) == 1
        assert [one.sides for one in pairings_of(conn, night.id)] == [sides]


def test_what_is_played_is_written_down_and_undone(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    by = people[0].id
    with evening.store.write() as conn:
        set_play(conn, night, night.game, night.race_to, doubles=night.doubles, by=by, now=evening.now)
        assert not [one for one in audit.recent(conn, 20) if one.what == "evening.play_set"], "nothing changed"
        set_play(conn, night, "straight pool", 75, doubles=True, by=by, now=evening.now)
        undo_latest(conn, "evening.play_set", by, evening.now)
        assert get_evening(conn, night.id) == night

        set_play(conn, night, "straight pool", 75, doubles=True, by=by, now=evening.now)
        (first, *_) = audit.recent(conn, 1)
        now = get_evening(conn, night.id)
        assert now is not None
        set_play(conn, now, "straight pool", 50, doubles=True, by=by, now=evening.now)
        with pytest.raises(EveningError, match="undo_too_late"):
            undoing.undo(conn, first.id, by, evening.now)


def test_nobody_sits_out_twice_before_everybody_has(
    evening: Evening, people: list[Player], night: GameSession
) -> None:
    out: list[str] = []
    for number in range(1, len(people) + 1):
        with evening.store.write() as conn:
            draw_round(conn, night, "random", people[0].id, evening.now, number=number)
            playing = {
                p
                for pairing in pairings_of(conn, night.id)
                if pairing.round == number
                for p in (*pairing.sides[0], *pairing.sides[1])
            }
        out += [player.id for player in people if player.id not in playing]
    assert sorted(out) == sorted(player.id for player in people)


def test_too_few_are_not_paired(evening: Evening, people: list[Player]) -> None:
    with evening.store.write() as conn:
        alone = begin_evening(conn, evening.here, people[0].id)
        attend(conn, alone, [people[0].id], people[0].id, evening.now)
        assert [player.id for player in attending(conn, alone.id)] == [people[0].id]
        with pytest.raises(EveningError, match="evening_too_few"):
            draw_round(conn, alone, "random", people[0].id, evening.now, number=1)


@given(st.integers(2, 20), st.sampled_from(["random", "level"]), st.booleans(), st.integers(0, 5))
def test_everybody_plays_once_or_sits_out(count: int, how: str, doubles: bool, seed: int) -> None:
    players = [f"p{i}" for i in range(count)]
    known = Known(level={one: 400.0 + 10 * i for i, one in enumerate(players)})
    pairs = pair(players, how, str(seed), known, doubles=doubles)  # type: ignore[arg-type]
    size = 4 if doubles else 2
    everybody = [one for a, b in pairs for one in (*a, *b)]
    assert len(everybody) == len(set(everybody)) == count - count % size
    assert all(len(a) == len(b) == size // 2 for a, b in pairs)
    assert pairs == pair(players, how, str(seed), known, doubles=doubles)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["random", "level"])
def test_eight_meet_all_others_before_anybody_twice_or_nearly(how: str) -> None:
    players = [f"p{i}" for i in range(8)]
    met: dict[frozenset[str], int] = {}
    for number in range(5):
        known = Known(met, level={one: 450.0 + 20 * i for i, one in enumerate(players)})
        for a, b in pair(players, how, f"round {number}", known):  # type: ignore[arg-type]
            two = frozenset((*a, *b))
            met[two] = met.get(two, 0) + 1
    assert max(met.values()) == 1


def test_by_level_neighbours_meet_and_pairs_are_even() -> None:
    level = {"a": 700.0, "b": 690.0, "c": 300.0, "d": 310.0}
    singles = {frozenset((*x, *y)) for x, y in pair(list(level), "level", "s", Known(level=level))}
    assert singles == {frozenset("ab"), frozenset("cd")}
    ((x, y),) = pair(list(level), "level", "s", Known(level=level), doubles=True)
    assert {frozenset(x), frozenset(y)} == {frozenset("ac"), frozenset("bd")}


def test_a_draw_at_random_gives_every_pair_its_chance() -> None:
    players = [f"p{i}" for i in range(4)]
    seen = {frozenset((*a, *b)) for seed in range(60) for a, b in pair(players, "random", str(seed), Known())}
    assert seen == {frozenset(two) for two in combinations(players, 2)}


def test_who_comes_most_often_is_offered_first(evening: Evening, people: list[Player], night: GameSession) -> None:
    evening.wait(24 * 3600)
    evening.practise(people[3])
    evening.shoot("1")
    evening.leave()
    with evening.store.write() as conn:
        leave_out(conn, night, people[0].id, people[1].id, evening.now)
        names = [player.name for player in regulars(conn, evening.here.day, 3)]
    assert names == ["Player D", "Player B", "Player C"]


@pytest.mark.parametrize(
    "where", ["player_id = 'p' AND day >= '2026-01-01'", "day BETWEEN '2026-01-01' AND '2026-01-31'"]
)
def test_attendance_of_a_player_or_a_month_is_looked_up_and_not_read_through(evening: Evening, where: str) -> None:
    with evening.store.read() as conn:
        rows = conn.execute(f"EXPLAIN QUERY PLAN SELECT player_id, day FROM attendances WHERE {where}")
        steps = [row["detail"] for row in rows]
    read_through = [step for step in steps if re.match(r"SCAN (sessions|a|g)\b", step)]
    assert read_through == [], steps
