"""The bookkeeper: every stored shot and amendment is entered once where it counts, in the order of storing.

Storing a shot puts it in a queue, by a trigger in the same transaction; whoever stored it then has the queue
worked off, and what a killed process left is worked off by the next. What an entry changes (the match, the day,
points, ratings) is made anew from its plays in the same transaction, so entering twice changes nothing. An entry
that fails is put aside with its reason and holds up no other.
"""

import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import now_stamp
from edge.hall import scoring
from edge.store.database import Store

migrations = Migrations("bookkeeper")

log = logging.getLogger(__name__)


@migrations()
def bookkeeper_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE to_book (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            shot_id TEXT NOT NULL REFERENCES shots (id) ON DELETE CASCADE
        ) STRICT
    """)
    db.execute("""
        CREATE TABLE not_booked (
            seq INTEGER PRIMARY KEY,
            shot_id TEXT NOT NULL REFERENCES shots (id) ON DELETE CASCADE,
            reason TEXT NOT NULL,
            at TEXT NOT NULL
        ) STRICT
    """)
    db.execute("""
        CREATE TRIGGER shots_are_booked AFTER INSERT ON shots
        BEGIN INSERT INTO to_book (shot_id) VALUES (new.id); END
    """)
    db.execute("""
        CREATE TRIGGER amendments_are_booked AFTER INSERT ON amendments
        BEGIN INSERT INTO to_book (shot_id) VALUES (new.shot_id); END
    """)


class Bookkeeper:
    """Works the queue off for one process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def book(self, each: Callable[[], None] = lambda: None) -> int:
        """Enters all that waits and calls `each` after each entry; returns how many there were. Raises StoreError,
        and then the rest waits on."""
        count = 0
        while self._book_next():
            count += 1
            each()
        return count

    def _book_next(self) -> bool:
        with self._store.read() as conn:
            if conn.execute("SELECT 1 FROM to_book LIMIT 1").fetchone() is None:
                return False
        with self._store.write() as conn:
            row = conn.execute("SELECT seq, shot_id FROM to_book ORDER BY seq LIMIT 1").fetchone()
            if row is None:  # another process was quicker
                return False
            conn.execute("DELETE FROM to_book WHERE seq = ?", [row["seq"]])
            self._enter(conn, row["seq"], row["shot_id"])
        return True

    def _enter(self, conn: sqlite3.Connection, seq: int, shot_id: str) -> None:
        conn.execute("SAVEPOINT entry")
        try:
            scoring.book_shot(conn, shot_id, datetime.now(UTC))
        except sqlite3.OperationalError:  # the disk, not the entry: the whole transaction is tried again
            raise
        except Exception as error:
            log.exception("shot %s can't be booked", shot_id)
            conn.execute("ROLLBACK TO entry")
            conn.execute(
                "INSERT INTO not_booked (seq, shot_id, reason, at) VALUES (?, ?, ?, ?)",
                [seq, shot_id, f"{type(error).__name__}: {error}", now_stamp()],
            )
        conn.execute("RELEASE entry")


def waiting(conn: sqlite3.Connection) -> tuple[int, int]:
    """How many entries wait, and how many were put aside."""
    return (
        int(conn.execute("SELECT count(*) FROM to_book").fetchone()[0]),
        int(conn.execute("SELECT count(*) FROM not_booked").fetchone()[0]),
    )
