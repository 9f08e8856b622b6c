"""Consent to being recorded: asked once of every player of the hall, and every answer kept.

"No" is a full answer: it is not asked again. A "yes" was given to a wording; when the wording changes in meaning,
its version is raised and those who said yes are asked again.
"""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("consents")

Answer = Literal["yes", "no"]
WORDING = 1  # the version of the question as the kiosk asks it


@migrations()
def consents_1(db: Database) -> None:
    # Numbered, because a clock that jumps back must not bring an earlier answer back.
    db.execute("""
        CREATE TABLE consents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            player_id TEXT NOT NULL REFERENCES players (id),
            answer TEXT NOT NULL CHECK (answer IN ('yes', 'no')),
            wording_version INTEGER NOT NULL CHECK (wording_version > 0),
            at TEXT NOT NULL,
            by TEXT NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX consents_by_player ON consents (player_id, id)")
    db.execute("""
        CREATE TRIGGER consents_are_fixed BEFORE UPDATE ON consents
        BEGIN SELECT RAISE(ABORT, 'an answer is never edited: store the new one'); END
    """)


@dataclass(frozen=True, slots=True)
class Consent:
    """An answer; `by` is the id of who gave it: the player, or staff who were told."""

    player_id: str
    answer: Answer
    wording_version: int
    at: str
    by: str


def give_answer(
    conn: sqlite3.Connection, player_id: str, answer: Answer, now: str, by: str, *, wording_version: int = WORDING
) -> None:
    """Stores an answer, which holds from now on. What a "no" means for clips there are is the caller's affair."""
    conn.execute(
        "INSERT INTO consents (player_id, answer, wording_version, at, by) VALUES (?, ?, ?, ?, ?)",
        [player_id, answer, wording_version, now, by],
    )


def consent_of(conn: sqlite3.Connection, player_id: str) -> Consent | None:
    """The answer that holds, or None when there is none."""
    row = conn.execute(
        "SELECT player_id, answer, wording_version, at, by FROM consents WHERE player_id = ?"
        " ORDER BY id DESC LIMIT 1",
        [player_id],
    ).fetchone()
    return None if row is None else Consent(**dict(row))


def needs_asking(conn: sqlite3.Connection, player_id: str, wording_version: int = WORDING) -> bool:
    """Whether a player who is about to be recorded has to be asked; guests are not, they are never in a clip."""
    consent = consent_of(conn, player_id)
    if consent is None:
        return _is_member(conn, player_id)
    return consent.answer == "yes" and consent.wording_version < wording_version


def may_record(conn: sqlite3.Connection, player_id: str, wording_version: int = WORDING) -> bool:
    """Whether a player may be in a clip: one who signed up and said yes to the question as it is asked now."""
    consent = consent_of(conn, player_id)
    said_yes = consent is not None and consent.answer == "yes" and consent.wording_version >= wording_version
    return said_yes and _is_member(conn, player_id)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's answers."""
    conn.execute("DELETE FROM consents WHERE player_id = ?", [player_id])


def _is_member(conn: sqlite3.Connection, player_id: str) -> bool:
    row = conn.execute("SELECT 1 FROM players WHERE id = ? AND guest = 0 AND erased IS NULL", [player_id])
    return row.fetchone() is not None
