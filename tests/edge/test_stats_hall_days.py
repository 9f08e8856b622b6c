"""A day of the hall in figures: what was played, by how many, and found without looking at other days."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hall_facts import Played, erase, make_store, put_match, put_players, undone, withdraw
from hypothesis import given
from hypothesis import strategies as st
from sqlite_work import instructions

from edge.clock import stamp
from edge.stats.hall_days import day_figures

DAY = "2026-02-14"
NONE = {"schema": 1, "day": DAY, "shots": 0, "sessions": 0, "players": 0, "minutes": 0.0, "matches": 0}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("hall") / "ladder.db")


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    with undone(path) as conn:
        yield conn


def stay(
    conn: sqlite3.Connection, player: str, shots: int, *, day: str = DAY, began: str = "", active_s: float = 0.0
) -> str:
    """A stay with so many shots in it, none of which is one of the store's own shots."""
    conn.execute("PRAGMA defer_foreign_keys = ON")
    (count,) = conn.execute("SELECT count(*) FROM sessions").fetchone()
    session = f"session-{count}"
    began = began or f"{day}T10:00:00.000Z"
    conn.execute(
        "INSERT INTO sessions (id, player_id, kind, table_label, day, goal, started_at, active_at, shots,"
        " active_s) VALUES (?, ?, 'practice', 'Table 1', ?, '{}', ?, ?, ?, ?)",
        [session, player, day, began, began, shots, active_s],
    )
    conn.executemany(
        "INSERT INTO plays (shot_id, session_id, player_id, day, played_at, lasted_s, result, scratch, kind,"
        " potted, seen) VALUES (?, ?, ?, ?, ?, 3, 'make', 0, 'cut', 1, '{}')",
        [(f"{session}-{n}", session, player, day, began) for n in range(shots)],
    )
    return session


def test_a_day_on_which_nobody_came_is_noughts(conn: sqlite3.Connection) -> None:
    assert day_figures(conn, DAY) == NONE


def test_a_day_counts_its_shots_stays_players_minutes_and_matches(conn: sqlite3.Connection) -> None:
    ana, ben, guest = put_players(conn, 2, guests=1)
    stay(conn, ana, 7, active_s=300)
    stay(conn, ana, 2, active_s=66)
    stay(conn, ben, 1, active_s=30)
    stay(conn, guest, 4, active_s=0)
    match = Played(1, (0, 1), (3, 1), 44 * 24 * 60 + 900)
    assert match.day == DAY
    put_match(conn, match, [ana, ben])
    assert day_figures(conn, DAY) == {
        "schema": 1, "day": DAY, "shots": 14, "sessions": 4, "players": 3, "minutes": 6.6, "matches": 1,
    }  # fmt: skip
    withdraw(conn, match)
    assert day_figures(conn, DAY)["matches"] == 0


def test_who_checked_in_and_struck_nothing_is_not_counted(conn: sqlite3.Connection) -> None:
    (ana,) = put_players(conn, 1)
    stay(conn, ana, 0)
    assert day_figures(conn, DAY) == NONE


@pytest.mark.parametrize(
    "began",
    [
        "2026-02-13T10:00:00.000Z",  # midnight at UTC+14
        "2026-02-15T11:59:59.999Z",  # the last moment at UTC-12
    ],
)
def test_a_hall_s_day_is_found_in_the_farthest_zones(conn: sqlite3.Connection, began: str) -> None:
    (ana,) = put_players(conn, 1)
    stay(conn, ana, 3, began=began)
    stay(conn, ana, 5, day="2026-02-13", began="2026-02-14T01:00:00.000Z")
    assert (day_figures(conn, DAY)["shots"], day_figures(conn, "2026-02-13")["shots"]) == (3, 5)


def test_who_was_erased_is_in_no_figure(conn: sqlite3.Connection) -> None:
    ana, ben = put_players(conn, 2)
    stay(conn, ana, 7)
    stay(conn, ben, 2)
    conn.execute("DELETE FROM plays WHERE player_id = ?", [ana])
    erase(conn, ana)
    assert (day_figures(conn, DAY)["shots"], day_figures(conn, DAY)["players"]) == (2, 1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), max_size=12))
def test_figures_are_those_of_a_plain_count(path: Path, stays: list[tuple[int, int, int]]) -> None:
    with undone(path) as conn:
        players = put_players(conn, 4)
        for player, day, shots in stays:
            stay(conn, players[player], shots, day=f"2026-02-1{day}", active_s=12.0 * shots)
        for number in range(4):
            of_day = [(player, shots) for player, day, shots in stays if day == number and shots]
            assert day_figures(conn, f"2026-02-1{number}") == {
                "schema": 1, "day": f"2026-02-1{number}", "shots": sum(shots for _, shots in of_day),
                "sessions": len(of_day), "players": len({player for player, _ in of_day}),
                "minutes": round(sum(12.0 * shots for _, shots in of_day) / 60, 1), "matches": 0,
            }  # fmt: skip


def test_a_day_costs_what_was_played_on_it_however_many_others_there_are(conn: sqlite3.Connection) -> None:
    players = put_players(conn, 3)
    stay(conn, players[0], 20)
    before = instructions(conn, lambda: day_figures(conn, DAY))
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(400):
        began = begin + timedelta(days=number)
        stay(conn, players[number % 3], 5, day=began.date().isoformat(), began=stamp(began.replace(hour=20)))
    conn.execute("DELETE FROM sessions WHERE day BETWEEN '2026-02-12' AND '2026-02-16' AND id != 'session-0'")
    assert instructions(conn, lambda: day_figures(conn, DAY)) <= before * 1.3 + 300


@pytest.mark.parametrize("day", ["", "today", "2026-02-30"])
def test_what_is_no_day_is_refused(conn: sqlite3.Connection, day: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        day_figures(conn, day)
