"""Facts of a hall for the tests of its rules: players, matches that are over, days on which somebody played.

Facts are written as they are to stand, so the same call enters and corrects. Days and stamps are UTC.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fresh_store import fresh_store
from hypothesis import strategies as st
from sqlite_utils.migrations import Migrations

from edge.clock import stamp
from edge.hall.matches import Result
from edge.hall.players import erase_player, new_guest, save_player, sign_up
from edge.store.database import connect
from edge.store.migrations import SETS, migrate

NOW = "2026-04-01T12:00:00.000Z"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 70  # into the third month


def make_store(path: Path, *sets: Migrations) -> Path:
    """A store with the tables of these features too, in that order."""
    known = {one.name for one in SETS}
    more = [one for one in sets if one.name not in known]
    if more:
        migrate(path, (*SETS, *more))
    else:
        fresh_store(path)
    return path


@contextmanager
def undone(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction for writing of which nothing stays, so that one store serves many examples."""
    with closing(connect(path)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        try:
            yield conn
        finally:
            conn.execute("ROLLBACK")


def put_players(conn: sqlite3.Connection, count: int, *, guests: int = 0, hidden: int = 0) -> list[str]:
    """Ids of new players: `hidden` ones of those who signed up come last, after them the guests."""
    ids = []
    for number in range(count):
        player = sign_up(conn, f"Player {number:04}", NOW)
        if number >= count - hidden:
            save_player(conn, replace(player, visible=False))
        ids.append(player.id)
    return ids + [new_guest(conn, NOW, number + 1).id for number in range(guests)]


def erase(conn: sqlite3.Connection, player_id: str) -> None:
    """Erases a player and what the tests enter of one, as the hall does; matches stay."""
    erase_player(conn, player_id, NOW)
    conn.execute("DELETE FROM sessions WHERE player_id = ?", [player_id])


@dataclass(frozen=True, slots=True)
class Played:
    """A match that is over. `key` tells it apart, `pair` are places in a list of players, the winner's first."""

    key: int
    pair: tuple[int, int]
    score: tuple[int, int]
    minute: int

    @property
    def match_id(self) -> str:
        return f"match-{self.key:05}"

    @property
    def end(self) -> datetime:
        return BEGIN + timedelta(minutes=self.minute)

    @property
    def day(self) -> str:
        return self.end.date().isoformat()

    def result(self, players: list[str]) -> Result:
        """What the view `results` should say of it."""
        pair = (players[self.pair[0]], players[self.pair[1]])
        race_to = max(self.score)
        hill_hill = sum(self.score) == 2 * race_to - 1
        return Result(
            self.match_id,
            "8-ball",
            race_to,
            self.day,
            stamp(self.end),
            pair,
            self.score,
            hill_hill,
            pair[0],
            rated=True,
        )


def in_order(matches: Iterable[Played]) -> list[Played]:
    """In the order in which they ended."""
    return sorted(matches, key=lambda match: (match.end, match.match_id))


def put_match(conn: sqlite3.Connection, match: Played, players: list[str]) -> None:
    """Enters a match, or what it is corrected to."""
    put_results(conn, [match.result(players)])


def put_results(conn: sqlite3.Connection, results: Iterable[Result]) -> None:
    """Enters matches, or what they are corrected to."""
    conn.executemany(
        "INSERT INTO matches (id, game, race_to, breaks, first_breaker, table_label, player_a, player_b,"
        " started_at, ended_at, day, status, score_a, score_b, hill_hill, winner)"
        " VALUES (?, ?, ?, 'alternate', 0, 'Table 1', ?, ?, ?, ?, ?, 'over', ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET player_a = excluded.player_a, player_b = excluded.player_b,"
        " ended_at = excluded.ended_at, day = excluded.day, status = 'over', score_a = excluded.score_a,"
        " score_b = excluded.score_b, hill_hill = excluded.hill_hill, winner = excluded.winner,"
        " race_to = excluded.race_to",
        [
            [
                r.match_id,
                r.game,
                r.race_to,
                *r.players,
                r.ended_at,
                r.ended_at,
                r.day,
                *r.score,
                int(r.hill_hill),
                r.winner,
            ]
            for r in results
        ],
    )


def withdraw(conn: sqlite3.Connection, match: Played) -> None:
    """The match turns out not to be over."""
    conn.execute(
        "UPDATE matches SET status = 'open', winner = NULL, ended_at = NULL WHERE id = ?", [match.match_id]
    )


def put_days(conn: sqlite3.Connection, player_id: str, days: Iterable[str], *, shots: int = 3) -> None:
    """The player struck so many balls on those days; none takes an attendance back."""
    conn.executemany(
        "INSERT INTO sessions (id, player_id, kind, table_label, day, goal, started_at, active_at, shots)"
        " VALUES (:id, :player, 'practice', 'Table 1', :day, '{}', :at, :at, :shots)"
        " ON CONFLICT (id) DO UPDATE SET shots = :shots",
        [
            {
                "id": f"{player_id}-{day}",
                "player": player_id,
                "day": day,
                "at": f"{day}T10:00:00.000Z",
                "shots": shots,
            }
            for day in days
        ],
    )


def day_of(number: int) -> str:
    """The day with that number, from 0 on."""
    return (BEGIN + timedelta(days=number)).date().isoformat()


def scores() -> st.SearchStrategy[tuple[int, int]]:
    """What a race to 3 can end with."""
    return st.tuples(st.just(3), st.integers(0, 2))


@st.composite
def played(draw: st.DrawFn, players: int, keys: int) -> Played:
    """A match between any two of so many players; few keys make matches that correct each other."""
    pair = draw(st.permutations(range(players)))[:2]
    # Few different moments, so that some end at the same one.
    minute = draw(st.integers(0, DAYS * 4 - 1)) * 360
    return Played(draw(st.integers(0, keys - 1)), (pair[0], pair[1]), draw(scores()), minute)
