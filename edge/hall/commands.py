"""Commands of other boxes: what a person at a table wants of the hub, done once however often it is asked.

A table that hears no answer asks again with the same key. The key is kept in the transaction of the deed, so a
deed is done with its key or not at all.
"""

import sqlite3
from datetime import datetime, timedelta

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import stamp

migrations = Migrations("commands")

KEPT = timedelta(days=2)


class DoneAlreadyError(Exception):
    """A command of this key was done before; nothing was done now."""


@migrations()
def commands_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE commands (
            key TEXT PRIMARY KEY,
            device TEXT NOT NULL,
            at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX commands_by_time ON commands (at)")


def once(conn: sqlite3.Connection, key: str, device: str, now: datetime) -> None:
    """Keeps a command's key; to be called in the transaction of its deed. Raises DoneAlreadyError."""
    done = conn.execute(
        "INSERT INTO commands (key, device, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [key, device, stamp(now)]
    ).rowcount
    if not done:
        raise DoneAlreadyError


def forget_old(conn: sqlite3.Connection, now: datetime) -> int:
    """Clears keys that nobody asks for again; returns how many."""
    return conn.execute("DELETE FROM commands WHERE at < ?", [stamp(now - KEPT)]).rowcount
