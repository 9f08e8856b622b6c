"""Points: the owner's numbers, a ledger that only grows, and boards that show the top ten and nobody below."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from random import Random

import pytest
from hall_facts import (
    NOW,
    Played,
    day_of,
    erase,
    in_order,
    make_store,
    played,
    put_days,
    put_match,
    put_players,
    undone,
    withdraw,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_work import instructions

from edge.hall import points
from edge.hall.players import get_player, name_guest
from edge.hall.points import Entry, OwnRank
from edge.hall.streaks import Outcome

PLAYERS = 3
MONTHS = ("2026-01", "2026-02", "2026-03")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("points") / "ladder.db", points.migrations)


@dataclass(frozen=True, slots=True)
class Attended:
    place: int
    number: int
    shots: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    key: int


Fact = Played | Withdrawn | Attended


def facts() -> st.SearchStrategy[Fact]:
    """Evenings as they come in: late, corrected, withdrawn."""
    attended = st.builds(Attended, st.integers(0, PLAYERS - 1), st.integers(0, 69), st.sampled_from([3, 3, 0]))
    return st.one_of(
        played(PLAYERS, keys=25), played(PLAYERS, keys=25), attended, st.builds(Withdrawn, st.integers(0, 24))
    )


@dataclass(slots=True)
class Evenings:
    """A hall with some facts in its store, and the same facts in plain Python."""

    conn: sqlite3.Connection
    players: list[str]
    matches: dict[int, Played] = field(default_factory=dict)
    days: set[tuple[int, int]] = field(default_factory=set)

    def enter(self, fact: Fact) -> str:
        """Enters a fact; returns the earliest month it touches."""
        if isinstance(fact, Attended):
            put_days(self.conn, self.players[fact.place], [day_of(fact.number)], shots=fact.shots)
            change = self.days.add if fact.shots else self.days.discard
            change((fact.place, fact.number))
            return day_of(fact.number)[:7]
        before = self.matches.get(fact.key)
        if isinstance(fact, Played):
            put_match(self.conn, fact, self.players)
            self.matches[fact.key] = fact
            return min(fact.day, before.day if before else fact.day)[:7]
        if before:
            withdraw(self.conn, before)
            del self.matches[fact.key]
        return before.day[:7] if before else MONTHS[-1]

    def due(self, place: int) -> dict[str, float]:
        """Points by month, told by the owner's words from the facts alone."""
        due: dict[str, float] = defaultdict(float)
        for who, number in self.days:
            if who == place:
                due[day_of(number)[:7]] += 1.0
        own = [match for match in in_order(self.matches.values()) if place in match.pair]
        for match in own:
            due[match.day[:7]] += 0.5 + (1.0 if match.pair[0] == place else 0.0)
        for won, run in groupby(own, lambda match: match.pair[0] == place):
            wins = list(run)
            for bonus in range(len(wins) // 3) if won else ():
                due[wins[3 * bonus + 2].day[:7]] += 1.0
        return dict(due)

    def booked(self, place: int) -> dict[str, float]:
        rows = self.conn.execute(
            "SELECT month, sum(half_points) / 2.0 FROM player_points WHERE player_id = ? GROUP BY month"
            " HAVING sum(half_points) != 0",
            [self.players[place]],
        )
        return {row[0]: row[1] for row in rows}

    def shown(self, place: int) -> dict[str, float]:
        player = self.players[place]
        return {m: p for m in MONTHS if (p := points.points_of(self.conn, player, m))}


def test_the_owners_numbers(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        evenings = Evenings(conn, players)
        evenings.enter(Attended(0, 0, 1))
        for key in range(7):
            evenings.enter(Played(key, (0, 1), (3, 0), key))
        entries = points.settle(conn, players[0], NOW)
        sums: dict[str, int] = defaultdict(int)
        for entry in entries:
            sums[entry.kind] += entry.half_points
        assert sums == {"attend": 2, "game": 7, "win": 14, "streak": 4}
        assert points.points_of(conn, players[0], "2026-01") == 1.0 + 7 * 0.5 + 7 * 1.0 + 2 * 1.0


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 5))
def test_a_bonus_for_every_third_win_of_a_run(won: list[bool], before: int) -> None:
    outcomes = [Outcome(str(number), "2026-01-01", flag, False) for number, flag in enumerate(won)]
    bonuses = [e for e in points.due_points([], outcomes, before) if e.kind == "streak"]
    runs = [len(list(run)) for flag, run in groupby([True] * before + won) if flag]
    assert len(bonuses) == sum(run // 3 for run in runs) - before // 3


def test_a_run_goes_on_across_months_and_its_point_belongs_to_the_win() -> None:
    days = ["2026-01-30", "2026-01-31", "2026-02-01"]
    entries = points.due_points([], [Outcome(day, day, True, False) for day in days])
    assert [e for e in entries if e.kind == "streak"] == [Entry("2026-02", "streak", "2026-02-01", 2)]


@pytest.mark.slow
@settings(max_examples=150)
@given(st.lists(st.tuples(facts(), st.booleans()), max_size=40))
def test_whatever_comes_late_or_corrected_the_ledger_is_a_plain_recomputation(
    hall: Path, story: list[tuple[Fact, bool]]
) -> None:
    with undone(hall) as conn:
        evenings = Evenings(conn, put_players(conn, PLAYERS))
        touched = MONTHS[-1]
        for fact, then_settle in [*story, (Withdrawn(0), True)]:
            touched = min(touched, evenings.enter(fact))
            if then_settle:
                for player in evenings.players:
                    points.settle(conn, player, NOW, touched)
                touched = MONTHS[-1]
        for place, player in enumerate(evenings.players):
            due = evenings.due(place)
            assert evenings.booked(place) == due
            assert evenings.shown(place) == due
            assert points.settle(conn, player, NOW) == [], "settled twice is settled once"
            fame = conn.execute("SELECT * FROM points_alltime WHERE player_id = ?", [player]).fetchone()
            if not due:
                assert fame is None
                continue
            best = max(sorted(due), key=due.__getitem__)
            assert (fame["half_points"] / 2, fame["best_month"]) == (sum(due.values()), best)


@settings(max_examples=40)
@given(
    st.lists(played(PLAYERS, keys=1000), max_size=15, unique_by=lambda match: match.key),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_matches_become_known_changes_nothing(
    hall: Path, matches: list[Played], rnd: Random
) -> None:
    ledgers = []
    for _ in range(2):
        with undone(hall) as conn:
            evenings = Evenings(conn, put_players(conn, PLAYERS))
            for match in matches:
                evenings.enter(match)
                for player in evenings.players:
                    points.settle(conn, player, NOW)
            ledgers.append([evenings.booked(place) for place in range(PLAYERS)])
        rnd.shuffle(matches)
    assert ledgers[0] == ledgers[1]


def test_a_match_that_was_not_won_after_all_is_booked_as_a_difference(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        match = Played(0, (0, 1), (3, 1), 0)
        put_match(conn, match, players)
        points.settle(conn, players[0], NOW)
        put_match(conn, Played(0, (1, 0), (3, 1), 0), players)
        assert points.settle(conn, players[0], NOW) == [Entry("2026-01", "win", match.match_id, -2)]
        rows = conn.execute("SELECT kind, half_points FROM player_points ORDER BY id")
        assert [tuple(row) for row in rows] == [("game", 1), ("win", 2), ("win", -2)]


@pytest.mark.parametrize("change", ["UPDATE player_points SET half_points = 9", "DELETE FROM player_points"])
def test_the_ledger_refuses_to_be_edited(hall: Path, change: str) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        put_days(conn, player, ["2026-01-01"])
        points.settle(conn, player, NOW)
        with pytest.raises(sqlite3.IntegrityError, match="booked points"):
            conn.execute(change)


def test_a_guest_stands_nowhere_and_gets_everything_on_becoming_somebody(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 1, guests=1)
        put_match(conn, Played(0, (1, 0), (3, 0), 0), players)
        put_days(conn, players[1], ["2026-01-01"])
        points.settle(conn, players[1], NOW)
        conn.execute("UPDATE players SET visible = 1")
        assert points.month_board(conn, "2026-01") == []
        assert points.rank_of(conn, players[1], "2026-01") is None
        guest = get_player(conn, players[1])
        assert guest is not None
        name_guest(conn, guest, "Somebody")
        points.settle(conn, players[1], NOW)
        assert [(p.name, p.points) for p in points.month_board(conn, "2026-01")] == [("Somebody", 2.5)]


def test_nothing_is_kept_of_an_erased_player_and_nothing_comes_back(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        put_match(conn, Played(0, (0, 1), (3, 0), 0), players)
        for player in players:
            points.settle(conn, player, NOW)
        erase(conn, players[0])
        points.forget(conn, players[0])
        assert points.settle(conn, players[0], NOW) == []
        for table in ("player_points", "points_monthly", "points_alltime"):
            assert {row[0] for row in conn.execute(f"SELECT player_id FROM {table}")} == {players[1]}
        assert points.points_of(conn, players[1], "2026-01") == 0.5


@settings(max_examples=60)
@given(
    st.one_of(
        st.lists(st.integers(0, 6), min_size=1, max_size=12), st.lists(st.integers(0, 6), min_size=13, max_size=25)
    ),
    st.tuples(st.integers(0, 5), st.integers(0, 2)),
    st.booleans(),
    st.integers(0, 30),
)
def test_boards_show_the_top_ten_and_everybody_the_own_rank(
    hall: Path, days: list[int], unseen: tuple[int, int], with_erased: bool, limit: int
) -> None:
    with undone(hall) as conn:
        hidden, guests = min(unseen[0], len(days) - 1), unseen[1]
        players = put_players(conn, len(days), guests=guests, hidden=hidden)
        for player, count in zip(players, [*days, *[3] * guests], strict=True):
            put_days(conn, player, [day_of(number) for number in range(count)])
            points.settle(conn, player, NOW)
        if with_erased:
            erase(conn, players[0])
            points.forget(conn, players[0])
        seen = {p: n for p, n in list(zip(players, days, strict=False))[: len(days) - hidden] if n}
        if with_erased:
            seen.pop(players[0], None)
        falling = sorted(seen.values(), reverse=True)
        month = points.month_board(conn, "2026-01", limit)
        fame = points.hall_of_fame(conn, limit)
        assert [p.points for p in month] == falling[: min(limit, 10)]
        assert [(f.rank, f.player_id, f.points) for f in fame] == [(p.rank, p.player_id, p.points) for p in month]
        for place in month:
            assert place.points == seen[place.player_id]
            assert place.rank == 1 + sum(other > place.points for other in falling)
            assert place.rank <= 10
            assert points.rank_of(conn, place.player_id, "2026-01") == OwnRank(place.rank, place.points)
        for player, own in zip(players, days, strict=False):
            erased = with_erased and player == players[0]
            expected = None if erased or not own else OwnRank(1 + sum(n > own for n in falling), own)
            assert points.rank_of(conn, player, "2026-01") == points.rank_of(conn, player) == expected
            assert points.rank_of(conn, player, "2026-02") is None


def test_nobody_below_the_tenth_is_shown_however_many_are_asked_for(hall: Path) -> None:
    with undone(hall) as conn:
        for number, player in enumerate(put_players(conn, 14)):
            put_days(conn, player, [day_of(n) for n in range(number + 1)])
            points.settle(conn, player, NOW)
        best = [float(n) for n in range(14, 4, -1)]
        assert [p.points for p in points.month_board(conn, "2026-01", 100)] == best
        assert [f.points for f in points.hall_of_fame(conn, 100)] == best
        assert [f.rank for f in points.hall_of_fame(conn)] == list(range(1, 11))


def test_equal_points_share_a_rank_and_stand_by_name(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 4)
        for player, count in zip(players, [1, 2, 2, 3], strict=True):
            put_days(conn, player, [day_of(number) for number in range(count)])
            points.settle(conn, player, NOW)
        board = points.month_board(conn, "2026-01")
        assert [(p.rank, p.name) for p in board] == [
            (1, "Player 0003"),
            (2, "Player 0001"),
            (2, "Player 0002"),
            (4, "Player 0000"),
        ]


def test_the_months_board_begins_anew_and_the_hall_of_fame_does_not(hall: Path) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        put_days(conn, player, ["2026-01-30", "2026-01-31", "2026-02-01"])
        points.settle(conn, player, NOW)
        assert [p.points for p in points.month_board(conn, "2026-02")] == [1.0]
        assert points.month_board(conn, "2026-03") == []
        (fame,) = points.hall_of_fame(conn)
        assert (fame.points, fame.best_month, fame.member_since, fame.name) == (3.0, "2026-01", NOW, "Player 0000")


def two_years(players: Iterable[str]) -> list[list[object]]:
    months = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)]
    return [[p, m, 1 + (n * 7 + k * 13) % 80] for n, p in enumerate(players) for k, m in enumerate(months)]


def test_boards_of_a_big_hall_read_little_more_than_they_show(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2000)
        conn.executemany("INSERT INTO points_monthly VALUES (?, ?, ?)", two_years(players))
        conn.execute(
            "INSERT INTO points_alltime SELECT player_id, sum(half_points), max(month)"
            " FROM points_monthly GROUP BY player_id"
        )
        row = conn.execute("SELECT player_id FROM points_alltime ORDER BY half_points LIMIT 1").fetchone()
        # A board of ten takes hundreds of instructions; one look at everybody takes tens of thousands.
        assert instructions(conn, lambda: points.month_board(conn, "2025-06")) < 1000
        assert instructions(conn, lambda: points.hall_of_fame(conn)) < 1000
        everybody = instructions(conn, lambda: conn.execute("SELECT sum(visible) FROM players").fetchone())
        assert instructions(conn, lambda: points.rank_of(conn, row[0], "2025-06")) < 6 * everybody
        assert instructions(conn, lambda: points.rank_of(conn, row[0])) < 6 * everybody


def test_settling_the_latest_month_does_not_look_at_all_the_others(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        for key in range(2000):
            put_match(conn, Played(key, (key % 2, 1 - key % 2), (3, 0), key * 50), players)
        points.settle(conn, players[0], NOW)
        last = day_of(69)[:7]
        whole = instructions(conn, lambda: points.settle(conn, players[0], NOW))
        assert instructions(conn, lambda: points.settle(conn, players[0], NOW, last)) < whole / 2
