"""Whose account became whose: for what a table, or the cloud, tells of the first of them after that.

`edge.hall.taking_over` moves what there is; this is for what comes later.
"""

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.store import changes

migrations = Migrations("takeovers")


@migrations()
def takeovers_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE takeovers (
            from_id TEXT PRIMARY KEY REFERENCES players (id),
            to_id TEXT NOT NULL REFERENCES players (id),
            at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
    """)


def note(conn: sqlite3.Connection, from_id: str, to_id: str, now: str) -> None:
    """What is told of the first from here on is the other's.

    A hall of one box forgets its guests, of whom nobody else has heard.
    """
    if changes.is_noting(conn) or not _is_guest(conn, from_id):
        conn.execute(
            "INSERT INTO takeovers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET to_id = excluded.to_id",
            [from_id, to_id, now],
        )


def is_taken_over(conn: sqlite3.Connection, player_id: str) -> bool:
    """Whether a player's account has become another's."""
    return conn.execute("SELECT 1 FROM takeovers WHERE from_id = ?", [player_id]).fetchone() is not None


def who_is_now(conn: sqlite3.Connection, player_id: str) -> str:
    """Whose the account of that player is now, which may have been taken over several times."""
    seen = {player_id}
    while True:
        row = conn.execute("SELECT to_id FROM takeovers WHERE from_id = ?", [player_id]).fetchone()
        if row is None or row["to_id"] in seen:
            return player_id
        player_id = str(row["to_id"])
        seen.add(player_id)


def of_members(conn: sqlite3.Connection) -> dict[str, str]:
    """Whose each account is now that was taken over from somebody who had signed up."""
    rows = conn.execute("SELECT from_id FROM takeovers t JOIN players p ON p.id = t.from_id WHERE NOT p.guest")
    return {row["from_id"]: who_is_now(conn, row["from_id"]) for row in rows}


def _is_guest(conn: sqlite3.Connection, player_id: str) -> bool:
    return conn.execute("SELECT 1 FROM players WHERE id = ? AND guest", [player_id]).fetchone() is not None
