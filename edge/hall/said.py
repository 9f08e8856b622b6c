"""What people say of shots and matches with a tap: who played a shot, who won a rack, that it was no foul.

Nothing said is ever changed; it can be taken back, and who said and took back what stays on record. What the
camera sees later never overrides it.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.facts import uuid7
from edge.hall.games import WordKind

migrations = Migrations("said")

# `nobody`: the shot is none of the session's. The others are the words of a match.
Kind = WordKind | Literal["nobody"]


@migrations()
def said_1(db: Database) -> None:
    # `seq` is the order in which things were said; `after` the shot that was the latest then.
    db.execute("""
        CREATE TABLE said (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
            match_id TEXT REFERENCES matches (id) ON DELETE CASCADE,
            shot_id TEXT,
            after TEXT,
            side INTEGER CHECK (side IN (0, 1)),
            amount INTEGER NOT NULL,
            speaker TEXT,
            withdrawn_at TEXT,
            withdrawn_by TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX said_in_match ON said (match_id, seq)")
    db.execute("CREATE INDEX said_in_session ON said (session_id, seq)")
    db.execute("""
        CREATE TRIGGER said_is_fixed BEFORE UPDATE OF id, at, kind, session_id, match_id, shot_id, after,
            side, amount ON said
        BEGIN SELECT RAISE(ABORT, 'what was said is never changed: take it back'); END
    """)


@dataclass(frozen=True, slots=True)
class Said:
    """One tap. `side` is 0 or 1, which of a match's two players is meant; `speaker` the player who was checked in,
    None for somebody at the screen."""

    id: str
    at: str
    kind: Kind
    session_id: str | None = None
    match_id: str | None = None
    shot_id: str | None = None
    after: str | None = None
    side: int | None = None
    amount: int = 0
    speaker: str | None = None


def say(
    conn: sqlite3.Connection,
    kind: Kind,
    at: str,
    *,
    session_id: str | None = None,
    match_id: str | None = None,
    shot_id: str | None = None,
    side: int | None = None,
    amount: int = 0,
    speaker: str | None = None,
) -> Said:
    """Notes what was said, after the latest shot there is. `edge.bookkeeper` makes it count."""
    after = _latest_play(conn, session_id, match_id)
    said = Said(uuid7(), at, kind, session_id, match_id, shot_id, after, side, amount, speaker)
    names = ", ".join(Said.__slots__)
    marks = ", ".join("?" * len(Said.__slots__))
    conn.execute(f"INSERT INTO said ({names}) VALUES ({marks})", [getattr(said, name) for name in Said.__slots__])
    return said


def take_back(conn: sqlite3.Connection, said_id: str, at: str, speaker: str | None) -> Said | None:
    """Takes back what was said; returns it, or None when there is nothing to take back."""
    row = conn.execute(
        "UPDATE said SET withdrawn_at = ?, withdrawn_by = ? WHERE id = ? AND withdrawn_at IS NULL RETURNING *",
        [at, speaker, said_id],
    ).fetchone()
    return None if row is None else _said(row)


def said_in_match(conn: sqlite3.Connection, match_id: str) -> list[Said]:
    """What holds of a match, in the order in which it was said."""
    rows = conn.execute("SELECT * FROM said WHERE match_id = ? AND withdrawn_at IS NULL ORDER BY seq", [match_id])
    return [_said(row) for row in rows]


def said_in_session(conn: sqlite3.Connection, session_id: str) -> list[Said]:
    """What holds of a practice, in the order in which it was said."""
    rows = conn.execute(
        "SELECT * FROM said WHERE session_id = ? AND withdrawn_at IS NULL ORDER BY seq", [session_id]
    )
    return [_said(row) for row in rows]


def _latest_play(conn: sqlite3.Connection, session_id: str | None, match_id: str | None) -> str | None:
    column, value = ("match_id", match_id) if match_id is not None else ("session_id", session_id)
    row = conn.execute(
        f"SELECT shot_id FROM plays WHERE {column} = ? ORDER BY played_at DESC, shot_id DESC LIMIT 1", [value]
    ).fetchone()
    return None if row is None else str(row["shot_id"])


def _said(row: sqlite3.Row) -> Said:
    return Said(**{name: row[name] for name in Said.__slots__})
