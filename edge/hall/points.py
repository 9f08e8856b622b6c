"""Points of a month: what a player gets for coming, playing and winning, and the two boards that show the top ten.

The ledger `player_points` only ever grows: what is withdrawn later is booked as a difference. What is due follows
from the facts alone, so the ledger's sum never depends on the order in which they became known. The summaries
beside it are kept in the same transaction; boards read those.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.players import get_player
from edge.hall.streaks import Outcome, attended_days, outcomes_of

migrations = Migrations("points")

Kind = Literal["attend", "game", "win", "streak"]

# The owner's numbers, in half points, which add up exactly.
HALF_POINTS: dict[Kind, int] = {"attend": 2, "game": 1, "win": 2, "streak": 2}
STREAK_WINS = 3  # each time a streak of wins reaches a multiple of it
TOP = 10  # nobody's place below is ever shown to others

# Who stands on boards, of `players p`.
_SEEN = "p.visible AND NOT p.guest AND p.erased IS NULL"


@migrations()
def points_1(db: Database) -> None:
    # `ref` is the day for `attend`, the match otherwise.
    db.execute("""
        CREATE TABLE player_points (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            player_id TEXT NOT NULL REFERENCES players (id),
            month TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('attend', 'game', 'win', 'streak')),
            ref TEXT NOT NULL,
            half_points INTEGER NOT NULL CHECK (half_points != 0),
            created TEXT NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX player_points_of ON player_points (player_id, month, kind, ref, half_points)")
    db.execute("""
        CREATE TRIGGER player_points_are_fixed BEFORE UPDATE ON player_points
        BEGIN SELECT RAISE(ABORT, 'booked points are never changed: book the difference'); END
    """)
    db.execute("""
        CREATE TRIGGER player_points_stay BEFORE DELETE ON player_points
        WHEN (SELECT erased FROM players WHERE id = OLD.player_id) IS NULL
        BEGIN SELECT RAISE(ABORT, 'booked points go only with a player who was erased'); END
    """)
    db.execute("""
        CREATE TABLE points_monthly (
            player_id TEXT NOT NULL REFERENCES players (id),
            month TEXT NOT NULL,
            half_points INTEGER NOT NULL CHECK (half_points >= 0),
            PRIMARY KEY (player_id, month)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX points_monthly_board ON points_monthly (month, half_points DESC)")
    db.execute("""
        CREATE TABLE points_alltime (
            player_id TEXT PRIMARY KEY REFERENCES players (id),
            half_points INTEGER NOT NULL,
            best_month TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX points_alltime_board ON points_alltime (half_points DESC)")


@dataclass(frozen=True, slots=True)
class Entry:
    """Half points of a month (`2025-10`), and what they are for: `ref` is a day or a match."""

    month: str
    kind: Kind
    ref: str
    half_points: int


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the month's board. Equal points share a rank."""

    rank: int
    player_id: str
    name: str
    points: float


@dataclass(frozen=True, slots=True)
class Fame:
    """A line of the Hall of Fame. `member_since` is the stamp of signing up; of equal months the first is best."""

    rank: int
    player_id: str
    name: str
    points: float
    best_month: str
    member_since: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A line of the full board, for staff. `seen` is whether the player may stand on boards."""

    rank: int | None
    player_id: str
    name: str
    points: float
    guest: bool
    seen: bool


@dataclass(frozen=True, slots=True)
class OwnRank:
    """Where somebody stands, for their own eyes."""

    rank: int
    points: float


def due_points(days: Iterable[str], outcomes: Iterable[Outcome], streak: int = 0) -> list[Entry]:
    """What a player is due for the days attended and the rated matches, which are in order.

    `streak` is how many wins in a row led up to the first of the matches. The point for a streak belongs to the
    month of the win that made it.
    """
    due = [Entry(day[:7], "attend", day, HALF_POINTS["attend"]) for day in sorted(set(days))]
    for outcome in outcomes:
        month, ref = outcome.day[:7], outcome.match_id
        due.append(Entry(month, "game", ref, HALF_POINTS["game"]))
        streak = streak + 1 if outcome.won else 0
        if outcome.won:
            due.append(Entry(month, "win", ref, HALF_POINTS["win"]))
        if outcome.won and streak % STREAK_WINS == 0:
            due.append(Entry(month, "streak", ref, HALF_POINTS["streak"]))
    return due


def differences(due: Iterable[Entry], booked: Iterable[Entry]) -> list[Entry]:
    """The entries after which the sums of what is booked are what is due: what falls away, then what is new."""
    wanted = {(e.month, e.kind, e.ref): e.half_points for e in due}
    held = {(e.month, e.kind, e.ref): e.half_points for e in booked}
    gone = [Entry(*key, -half_points) for key, half_points in held.items() if key not in wanted]
    new = [Entry(*key, half_points - held.get(key, 0)) for key, half_points in wanted.items()]
    return gone + [entry for entry in new if entry.half_points]


def settle(conn: sqlite3.Connection, player_id: str, created: str, since_month: str | None = None) -> list[Entry]:
    """Books what a player is due and has not got, or has got and is no longer due; returns what was booked.

    `conn` must be inside a transaction for writing. With `since_month` only that month and later ones are looked
    at; facts of the months before, as the day of a fact says, must be what they were when last settled.
    """
    player = get_player(conn, player_id)
    if player is None or player.erased:
        return []
    since = since_month or ""
    due = due_points(
        attended_days(conn, player_id, since),
        outcomes_of(conn, player_id, since),
        _streak_before(conn, player_id, since) if since else 0,
    )
    entries = differences(due, _booked(conn, player_id, since))
    conn.executemany(
        "INSERT INTO player_points (player_id, month, kind, ref, half_points, created) VALUES (?, ?, ?, ?, ?, ?)",
        [[player_id, e.month, e.kind, e.ref, e.half_points, created] for e in entries],
    )
    if entries:
        _sum_up(conn, player_id, sorted({entry.month for entry in entries}))
    return entries


def month_board(conn: sqlite3.Connection, month: str, limit: int = TOP) -> list[Place]:
    """The month's best, ten at most, of those who signed up and want to be seen. Equal ones stand by name."""
    # CROSS JOIN keeps SQLite at the summary's index, which it leaves after the tenth.
    rows = conn.execute(
        "SELECT p.id, p.name, s.half_points FROM points_monthly s CROSS JOIN players p ON p.id = s.player_id"
        f" WHERE s.month = ? AND {_SEEN} ORDER BY s.half_points DESC, p.name_key LIMIT ?",
        [month, min(limit, TOP)],
    ).fetchall()
    ranks = shared_ranks([row["half_points"] for row in rows])
    return [
        Place(rank, row["id"], row["name"], row["half_points"] / 2) for rank, row in zip(ranks, rows, strict=True)
    ]


def hall_of_fame(conn: sqlite3.Connection, limit: int = TOP) -> list[Fame]:
    """The best of all time, ten at most, of those who signed up and want to be seen. Equal ones stand by name."""
    rows = conn.execute(
        "SELECT p.id, p.name, p.created, s.half_points, s.best_month"
        " FROM points_alltime s CROSS JOIN players p ON p.id = s.player_id"
        f" WHERE {_SEEN} ORDER BY s.half_points DESC, p.name_key LIMIT ?",
        [min(limit, TOP)],
    ).fetchall()
    ranks = shared_ranks([row["half_points"] for row in rows])
    return [
        Fame(rank, row["id"], row["name"], row["half_points"] / 2, row["best_month"], row["created"])
        for rank, row in zip(ranks, rows, strict=True)
    ]


def full_board(conn: sqlite3.Connection, month: str | None = None) -> list[Standing]:
    """Everybody with points of a month, or of all time, the most first, for staff alone.

    A rank is the one that the player is told (`rank_of`), so who stays out of sight stands beside others; guests,
    who come with their points, have none.
    """
    table, of_month = ("points_alltime", "") if month is None else ("points_monthly", "s.month = :month AND ")
    rows = conn.execute(
        f"SELECT p.id, p.name, p.guest, s.half_points, {_SEEN} AS seen FROM {table} s"
        f" CROSS JOIN players p ON p.id = s.player_id WHERE {of_month}p.erased IS NULL"
        " ORDER BY s.half_points DESC, p.guest, p.name_key",
        {"month": month},
    ).fetchall()
    found, rank, above, latest = [], 1, 0, None
    for row in rows:
        if row["half_points"] != latest:
            rank, latest = above + 1, row["half_points"]
        above += row["seen"]
        guest = bool(row["guest"])
        found.append(
            Standing(
                None if guest else rank, row["id"], row["name"], row["half_points"] / 2, guest, bool(row["seen"])
            )
        )
    return found


def rank_of(conn: sqlite3.Connection, player_id: str, month: str | None = None) -> OwnRank | None:
    """A player's own rank and points, of a month or of all time; None without points, and for guests.

    Only those are counted above who may be seen, so who stays out of sight takes nobody's place.
    """
    table, of_month = ("points_alltime", "") if month is None else ("points_monthly", "s.month = :month AND ")
    row = conn.execute(
        f"SELECT s.half_points FROM {table} s JOIN players p ON p.id = s.player_id"
        f" WHERE {of_month}s.player_id = :player AND NOT p.guest AND p.erased IS NULL",
        {"month": month, "player": player_id},
    ).fetchone()
    if row is None:
        return None
    above = conn.execute(
        f"SELECT count(*) FROM {table} s CROSS JOIN players p ON p.id = s.player_id"
        f" WHERE {of_month}s.half_points > :own AND {_SEEN}",
        {"month": month, "own": row["half_points"]},
    ).fetchone()[0]
    return OwnRank(above + 1, row["half_points"] / 2)


def shared_ranks(scores: Iterable[int]) -> list[int]:
    """Ranks of scores that fall from the first on: equal ones share a rank, and as many ranks are left out."""
    ranks: list[int] = []
    before: int | None = None
    for place, score in enumerate(scores, 1):
        ranks.append(ranks[-1] if score == before else place)
        before = score
    return ranks


def points_of(conn: sqlite3.Connection, player_id: str, month: str) -> float:
    """A player's points of a month."""
    row = conn.execute(
        "SELECT half_points FROM points_monthly WHERE player_id = ? AND month = ?", [player_id, month]
    ).fetchone()
    return 0.0 if row is None else row["half_points"] / 2


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's points; the ledger lets them go only once `erase_player` has been."""
    for table in ("player_points", "points_monthly", "points_alltime"):
        conn.execute(f"DELETE FROM {table} WHERE player_id = ?", [player_id])


def _booked(conn: sqlite3.Connection, player_id: str, since_month: str) -> list[Entry]:
    rows = conn.execute(
        "SELECT month, kind, ref, sum(half_points) AS half_points FROM player_points"
        " WHERE player_id = ? AND month >= ? GROUP BY month, kind, ref HAVING sum(half_points) != 0",
        [player_id, since_month],
    )
    return [Entry(*row) for row in rows]


def _streak_before(conn: sqlite3.Connection, player_id: str, day: str) -> int:
    """How many wins in a row a player had when that day, or month, began."""
    rows = conn.execute(
        "SELECT won, day, ended_at, match_id FROM outcomes WHERE player_id = ? AND rated AND day < ?"
        " ORDER BY day DESC, ended_at DESC, match_id DESC",
        [player_id, day],
    )
    wins = 0
    for row in rows:
        if not row["won"]:
            break
        wins += 1
    return wins


def _sum_up(conn: sqlite3.Connection, player_id: str, months: list[str]) -> None:
    for month in months:
        conn.execute(
            "INSERT OR REPLACE INTO points_monthly SELECT :p, :month, coalesce(sum(half_points), 0)"
            " FROM player_points WHERE player_id = :p AND month = :month",
            {"p": player_id, "month": month},
        )
    conn.execute("DELETE FROM points_monthly WHERE player_id = ? AND half_points = 0", [player_id])
    conn.execute("DELETE FROM points_alltime WHERE player_id = ?", [player_id])
    conn.execute(
        "INSERT INTO points_alltime SELECT :p, sum(half_points),"
        " (SELECT month FROM points_monthly WHERE player_id = :p ORDER BY half_points DESC, month LIMIT 1)"
        " FROM points_monthly WHERE player_id = :p GROUP BY player_id",
        {"p": player_id},
    )
