"""Sessions: one player's stay at the table, from check-in to the end, and how much of it was play.

A session goes on until somebody ends it, or by itself after a pause. Its time counts only while someone plays:
`active_s` is the union of what surrounds its shots, kept by `edge.bookkeeper`.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp, stamp
from edge.facts import uuid7
from edge.hall.occasion import Occasion

migrations = Migrations("sessions")

Kind = Literal["practice", "match"]
EndReason = Literal["player", "staff", "pause", "next"]

# Aiming, chalking, walking round the table: as long before a shot counts as play, and no longer.
LEAD_S = 45.0


@migrations()
def sessions_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY,
            player_id TEXT NOT NULL REFERENCES players (id),
            kind TEXT NOT NULL CHECK (kind IN ('practice', 'match')),
            match_id TEXT REFERENCES matches (id),
            table_label TEXT NOT NULL,
            day TEXT NOT NULL,
            goal TEXT NOT NULL,
            started_at TEXT NOT NULL,
            active_at TEXT NOT NULL,
            ended_at TEXT,
            end_reason TEXT CHECK (end_reason IN ('player', 'staff', 'pause', 'next')),
            shots INTEGER NOT NULL DEFAULT 0,
            active_s REAL NOT NULL DEFAULT 0
        ) STRICT
    """)
    db.execute("CREATE INDEX sessions_open ON sessions (started_at) WHERE ended_at IS NULL")
    db.execute("CREATE INDEX sessions_by_player ON sessions (player_id, started_at)")
    db.execute("CREATE INDEX sessions_of_match ON sessions (match_id) WHERE match_id IS NOT NULL")
    db.execute("CREATE INDEX sessions_by_time ON sessions (started_at)")
    db.execute("CREATE INDEX sessions_of_day ON sessions (player_id, day, shots, active_s)")
    # An evening counts as attended once a ball was struck.
    db.execute("""
        CREATE VIEW attendances AS
        SELECT DISTINCT player_id, day FROM sessions WHERE shots > 0
    """)


@migrations()
def sessions_2(db: Database) -> None:
    """Staff may move a stay to another table; what was played before belongs to the table it was played at."""
    db.execute("""
        CREATE TABLE session_moves (
            session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            at TEXT NOT NULL,
            from_label TEXT NOT NULL,
            to_label TEXT NOT NULL,
            PRIMARY KEY (session_id, at)
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Session:
    """One stay. `day` is the hall's date at its start, `active_at` when somebody last played or touched the
    screen; `goal` is what the player set out to do (`{"makes": 20}`, `{"drill": …}`), empty without one."""

    id: str
    player_id: str
    kind: Kind
    table_label: str
    day: str
    started_at: datetime
    active_at: datetime
    match_id: str | None = None
    goal: dict[str, Any] = field(default_factory=dict)
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    shots: int = 0
    active_s: float = 0.0

    @property
    def open(self) -> bool:
        return self.ended_at is None


def begin_session(
    conn: sqlite3.Connection,
    player_id: str,
    kind: Kind,
    here: Occasion,
    *,
    match_id: str | None = None,
    goal: dict[str, Any] | None = None,
) -> Session:
    """Starts a stay. Who else sits at the table is the caller's affair: see `edge.hall.sitting`."""
    session = Session(
        uuid7(), player_id, kind, here.table_label, here.day, here.now, here.now, match_id, goal or {}
    )
    conn.execute(
        "INSERT INTO sessions (id, player_id, kind, match_id, table_label, day, goal, started_at, active_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            session.id,
            player_id,
            kind,
            match_id,
            here.table_label,
            here.day,
            json.dumps(session.goal),
            here.stamp,
            here.stamp,
        ],
    )
    return session


def get_session(conn: sqlite3.Connection, session_id: str) -> Session | None:
    """One session, or None."""
    row = conn.execute("SELECT * FROM sessions WHERE id = ?", [session_id]).fetchone()
    return None if row is None else _session(row)


def open_sessions(conn: sqlite3.Connection, table_label: str | None = None) -> list[Session]:
    """Who is at that table now, or at any table, in the order in which they came."""
    rows = conn.execute(
        "SELECT * FROM sessions WHERE ended_at IS NULL AND table_label = coalesce(?, table_label)"
        " ORDER BY started_at, id",
        [table_label],
    )
    return [_session(row) for row in rows]


def open_session_of(conn: sqlite3.Connection, player_id: str) -> Session | None:
    """Where a player is now, at whichever table."""
    return next((one for one in open_sessions(conn) if one.player_id == player_id), None)


def move_session(conn: sqlite3.Connection, session: Session, table_label: str, at: datetime) -> None:
    """An open stay goes on at another table."""
    conn.execute(
        "INSERT INTO session_moves (session_id, at, from_label, to_label) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (session_id, at) DO UPDATE SET to_label = excluded.to_label",
        [session.id, stamp(at), session.table_label, table_label],
    )
    conn.execute("UPDATE sessions SET table_label = ? WHERE id = ?", [table_label, session.id])


def sessions_at(conn: sqlite3.Connection, moment: datetime, table_label: str | None = None) -> list[Session]:
    """The sessions that went on at that moment, at that table or at any, open ones too, in the order in which they
    began.

    What happens in the moment at which one ends and the next begins belongs to the one that ends.
    """
    # Nobody stays for longer than a day; without the bound every session ever held would be looked at.
    earliest = stamp(moment - timedelta(days=1))
    rows = conn.execute(
        "SELECT * FROM sessions s WHERE started_at > :earliest AND started_at < :at"
        " AND (ended_at IS NULL OR ended_at >= :at) AND (:label IS NULL OR :label = coalesce((SELECT v.from_label"
        " FROM session_moves v WHERE v.session_id = s.id AND v.at > :at ORDER BY v.at LIMIT 1), s.table_label))"
        " ORDER BY started_at, id",
        {"earliest": earliest, "at": stamp(moment), "label": table_label},
    )
    return [_session(row) for row in rows]


def sessions_of_match(conn: sqlite3.Connection, match_id: str) -> list[Session]:
    """The two stays of a match."""
    return [_session(row) for row in conn.execute("SELECT * FROM sessions WHERE match_id = ?", [match_id])]


def sessions_of(
    conn: sqlite3.Connection, player_id: str, limit: int, before: datetime | None = None
) -> list[Session]:
    """A player's latest stays, newest first; with `before`, those that began earlier."""
    rows = conn.execute(
        "SELECT * FROM sessions WHERE player_id = ? AND started_at < ? ORDER BY started_at DESC LIMIT ?",
        [player_id, "9" if before is None else stamp(before), limit],
    )
    return [_session(row) for row in rows]


def touch(conn: sqlite3.Connection, session_ids: Iterable[str], now: datetime) -> None:
    """Somebody played or touched the screen; a time that lies before the one known changes nothing."""
    for session_id in session_ids:
        conn.execute(
            "UPDATE sessions SET active_at = max(active_at, ?) WHERE id = ? AND ended_at IS NULL",
            [stamp(now), session_id],
        )


def end_session(conn: sqlite3.Connection, session_id: str, at: datetime, reason: EndReason) -> None:
    """Ends a stay; one that has ended stays as it is."""
    conn.execute(
        "UPDATE sessions SET ended_at = max(started_at, ?), end_reason = ? WHERE id = ? AND ended_at IS NULL",
        [stamp(at), reason, session_id],
    )


def reopen_session(conn: sqlite3.Connection, session_id: str) -> None:
    """A stay that was ended by mistake goes on. Whether its table is still free is the caller's affair."""
    conn.execute("UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE id = ?", [session_id])


def rejoin_session(conn: sqlite3.Connection, session_id: str, match_id: str | None, kind: Kind) -> None:
    """Who practised and now plays a match, or the other way, stays in the same session."""
    conn.execute("UPDATE sessions SET kind = ?, match_id = ? WHERE id = ?", [kind, match_id, session_id])


def played_s(spans: Iterable[tuple[datetime, datetime]], lead_s: float = LEAD_S) -> float:
    """Seconds of play in a stay: the union of its shots (begin, end), each with what led to it, in any order."""
    total, reached = 0.0, None
    for begin, end in sorted((begin - timedelta(seconds=lead_s), end) for begin, end in spans):
        start = begin if reached is None else max(begin, reached)
        if end > start:
            total += (end - start).total_seconds()
            reached = end
    return total


def _session(row: sqlite3.Row) -> Session:
    return Session(
        id=row["id"],
        player_id=row["player_id"],
        kind=row["kind"],
        table_label=row["table_label"],
        day=row["day"],
        started_at=from_stamp(row["started_at"]),
        active_at=from_stamp(row["active_at"]),
        match_id=row["match_id"],
        goal=json.loads(row["goal"]),
        ended_at=None if row["ended_at"] is None else from_stamp(row["ended_at"]),
        end_reason=row["end_reason"],
        shots=row["shots"],
        active_s=row["active_s"],
    )
