"""What staff rule of a match: its result, or that it does not count.

A ruling stands over what the cameras saw and the players said, whatever becomes known later. Of several the latest
holds; one that is taken back stays on record, and the one before it holds again. A result that staff entered by
hand is a match with nothing but a ruling; a ladder match that staff confirmed is one whose result was ruled as it
stood.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.facts import uuid7

migrations = Migrations("rulings")

Verdict = Literal["result", "void"]


@migrations()
def rulings_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE rulings (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            match_id TEXT NOT NULL REFERENCES matches (id),
            at TEXT NOT NULL,
            by TEXT NOT NULL REFERENCES players (id),
            verdict TEXT NOT NULL CHECK (verdict IN ('result', 'void')),
            score_a INTEGER NOT NULL CHECK (score_a >= 0),
            score_b INTEGER NOT NULL CHECK (score_b >= 0),
            withdrawn_at TEXT,
            withdrawn_by TEXT REFERENCES players (id),
            CHECK (verdict != 'result' OR score_a != score_b)
        ) STRICT
    """)
    db.execute("CREATE INDEX rulings_of_match ON rulings (match_id, seq)")
    db.execute("""
        CREATE TRIGGER rulings_are_fixed
        BEFORE UPDATE OF id, match_id, at, by, verdict, score_a, score_b ON rulings
        BEGIN SELECT RAISE(ABORT, 'a ruling is never changed: take it back'); END
    """)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was ruled, when, and by whom of the staff. `score` is (0, 0) for a match that does not count."""

    id: str
    match_id: str
    at: str
    by: str
    verdict: Verdict
    score: tuple[int, int]

    @property
    def winner(self) -> int | None:
        """The side that won; None where nobody did."""
        return None if self.verdict == "void" else int(self.score[1] > self.score[0])


def put_ruling(
    conn: sqlite3.Connection, match_id: str, score: tuple[int, int] | None, by: str, now: str
) -> Ruling:
    """Adds a ruling, which holds from now on: a score, or None where the match does not count."""
    verdict: Verdict = "void" if score is None else "result"
    ruling = Ruling(uuid7(), match_id, now, by, verdict, score or (0, 0))
    conn.execute(
        "INSERT INTO rulings (id, match_id, at, by, verdict, score_a, score_b) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [ruling.id, match_id, now, by, verdict, *ruling.score],
    )
    return ruling


def withdraw_ruling(conn: sqlite3.Connection, ruling_id: str, by: str, now: str) -> Ruling | None:
    """Takes a ruling back; returns it, or None when there is none that holds or waits."""
    row = conn.execute(
        "UPDATE rulings SET withdrawn_at = ?, withdrawn_by = ? WHERE id = ? AND withdrawn_at IS NULL RETURNING *",
        [now, by, ruling_id],
    ).fetchone()
    return None if row is None else _ruling(row)


def ruling_of(conn: sqlite3.Connection, match_id: str) -> Ruling | None:
    """The ruling that holds for a match, or None."""
    row = conn.execute(
        "SELECT * FROM rulings WHERE match_id = ? AND withdrawn_at IS NULL ORDER BY seq DESC LIMIT 1", [match_id]
    ).fetchone()
    return None if row is None else _ruling(row)


def _ruling(row: sqlite3.Row) -> Ruling:
    return Ruling(
        row["id"], row["match_id"], row["at"], row["by"], row["verdict"], (row["score_a"], row["score_b"])
    )
