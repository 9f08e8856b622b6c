"""Streaks: wins in a row, hill-hill sets won in a row, days in a row in the hall.

A player's matches are taken by evening and then by end. Only rated ones count: what a guest plays neither makes
nor ends a streak until the guest is somebody.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.players import get_player

migrations = Migrations("streaks")


@migrations()
def streaks_1(db: Database) -> None:
    # A page reads one row instead of everything a player ever played.
    db.execute("""
        CREATE TABLE streaks (
            player_id TEXT PRIMARY KEY REFERENCES players (id),
            wins INTEGER NOT NULL,
            best_wins INTEGER NOT NULL,
            hill_hill INTEGER NOT NULL,
            best_hill_hill INTEGER NOT NULL,
            days INTEGER NOT NULL,
            best_days INTEGER NOT NULL,
            last_day TEXT
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rated match as one of its two players sees it."""

    match_id: str
    day: str
    won: bool
    hill_hill: bool


@dataclass(frozen=True, slots=True)
class Streak:
    """How long it is now, and how long the longest ever was."""

    now: int = 0
    best: int = 0


@dataclass(frozen=True, slots=True)
class Streaks:
    """What a player has going."""

    wins: Streak = Streak()
    hill_hill: Streak = Streak()
    days: Streak = Streak()


def streak(results: Iterable[bool]) -> Streak:
    """The streak of wins in results that are in order; a loss ends it."""
    now = best = 0
    for won in results:
        now = now + 1 if won else 0
        best = max(best, now)
    return Streak(now, best)


def win_streak(outcomes: Iterable[Outcome]) -> Streak:
    """Wins in a row."""
    return streak(outcome.won for outcome in outcomes)


def hill_hill_streak(outcomes: Iterable[Outcome]) -> Streak:
    """Sets won in a row among those that went to hill-hill; others between them change nothing."""
    return streak(outcome.won for outcome in outcomes if outcome.hill_hill)


def day_streak(days: Iterable[str]) -> Streak:
    """Days in a row up to the latest of these days, which come in any order."""
    now = best = 0
    before: date | None = None
    for day in sorted({date.fromisoformat(text) for text in days}):
        now = now + 1 if before is not None and day - before == timedelta(days=1) else 1
        best = max(best, now)
        before = day
    return Streak(now, best)


def goes_on(last_day: str | None, today: str) -> bool:
    """Whether a streak of days that reached `last_day` can still be kept up: it has all of today for it."""
    if last_day is None:
        return False
    return date.fromisoformat(today) - date.fromisoformat(last_day) <= timedelta(days=1)


def outcomes_of(conn: sqlite3.Connection, player_id: str, since_day: str = "") -> list[Outcome]:
    """A player's rated matches, doubles too, of that day and later, by evening and then by end."""
    rows = conn.execute(
        "SELECT match_id, day, ended_at, won, hill_hill FROM outcomes"
        " WHERE player_id = ? AND rated AND day >= ? ORDER BY day, ended_at, match_id",
        [player_id, since_day],
    )
    return [Outcome(row["match_id"], row["day"], bool(row["won"]), bool(row["hill_hill"])) for row in rows]


def hill_hill_sets(conn: sqlite3.Connection, player_id: str) -> list[bool]:
    """Whether a player won, for each rated match that went to hill-hill, by evening and then by end."""
    rows = conn.execute(
        "SELECT won, day, ended_at, match_id FROM outcomes WHERE player_id = ? AND rated AND hill_hill"
        " ORDER BY day, ended_at, match_id",
        [player_id],
    )
    return [bool(row["won"]) for row in rows]


def hill_hill_now(conn: sqlite3.Connection, player_id: str) -> int:
    """How many of a player's latest sets that went to hill-hill were won in a row, as they were settled."""
    row = conn.execute("SELECT hill_hill FROM streaks WHERE player_id = ?", [player_id]).fetchone()
    return 0 if row is None else int(row["hill_hill"])


def attended_days(conn: sqlite3.Connection, player_id: str, since_day: str = "") -> list[str]:
    """The days from that one on, in order, on which a player came to play."""
    rows = conn.execute(
        "SELECT day FROM attendances WHERE player_id = ? AND day >= ? ORDER BY day", [player_id, since_day]
    )
    return [row["day"] for row in rows]


def settle(conn: sqlite3.Connection, player_id: str) -> None:
    """Makes a player's streaks anew from what is known; `conn` must be inside a transaction for writing."""
    player = get_player(conn, player_id)
    if player is None or player.erased:
        return
    outcomes, days = outcomes_of(conn, player_id), attended_days(conn, player_id)
    wins, hill_hill, stayed = win_streak(outcomes), hill_hill_streak(outcomes), day_streak(days)
    conn.execute(
        "INSERT OR REPLACE INTO streaks"
        " (player_id, wins, best_wins, hill_hill, best_hill_hill, days, best_days, last_day)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            player_id,
            wins.now,
            wins.best,
            hill_hill.now,
            hill_hill.best,
            stayed.now,
            stayed.best,
            days[-1] if days else None,
        ],
    )


def streaks_of(conn: sqlite3.Connection, player_id: str, today: str) -> Streaks:
    """A player's streaks as they stand on the hall's day `today`."""
    row = conn.execute("SELECT * FROM streaks WHERE player_id = ?", [player_id]).fetchone()
    if row is None:
        return Streaks()
    return Streaks(
        Streak(row["wins"], row["best_wins"]),
        Streak(row["hill_hill"], row["best_hill_hill"]),
        Streak(row["days"] if goes_on(row["last_day"], today) else 0, row["best_days"]),
    )


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's streaks."""
    conn.execute("DELETE FROM streaks WHERE player_id = ?", [player_id])
