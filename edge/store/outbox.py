"""The outbox: facts in the order in which they are to leave this box, and who this box is.

A fact's row is written in the same transaction as what it tells, so neither is there without the other.
"""

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import now_stamp
from edge.facts import Fact, Kind, OutboxRow, uuid7

migrations = Migrations("outbox")


@migrations()
def outbox_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE identity (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            device TEXT NOT NULL,
            epoch TEXT NOT NULL,
            created TEXT NOT NULL
        ) STRICT
    """)
    db.execute("INSERT INTO identity VALUES (1, ?, ?, ?)", [uuid7(), uuid7(), now_stamp()])
    # AUTOINCREMENT: a number is never given twice, not even after sent rows were cleared away.
    db.execute("""
        CREATE TABLE outbox (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            device TEXT NOT NULL,
            epoch TEXT NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL UNIQUE,
            body TEXT NOT NULL,
            hash TEXT NOT NULL,
            created TEXT NOT NULL
        ) STRICT
    """)
    db.execute("""
        CREATE TRIGGER outbox_is_fixed BEFORE UPDATE ON outbox
        BEGIN SELECT RAISE(ABORT, 'a fact in the outbox is never changed'); END
    """)


@migrations()
def outbox_2(db: Database) -> None:
    """What waits to be sent of a shot is found by the shot, for the day on which it is erased."""
    db.execute("CREATE INDEX outbox_by_shot ON outbox (json_extract(body, '$.shot_id'))")


def append(conn: sqlite3.Connection, fact: Fact) -> int:
    """Puts a fact in line and returns its seq; `conn` must be inside the transaction of what it tells."""
    cursor = conn.execute(
        "INSERT INTO outbox (device, epoch, kind, key, body, hash, created)"
        " SELECT device, epoch, ?, ?, ?, ?, ? FROM identity",
        [fact.kind, fact.key, fact.body, fact.hash, fact.created],
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def rows_after(conn: sqlite3.Connection, seq: int, limit: int) -> list[OutboxRow]:
    """The next rows in line after `seq`, at most `limit`."""
    rows = conn.execute("SELECT * FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", [seq, limit])
    return [_row(row) for row in rows]


def rows_about(conn: sqlite3.Connection, shot_id: str) -> list[OutboxRow]:
    """What is in line of a shot."""
    rows = conn.execute("SELECT * FROM outbox WHERE json_extract(body, '$.shot_id') = ? ORDER BY seq", [shot_id])
    return [_row(row) for row in rows]


def put_instead(conn: sqlite3.Connection, row: OutboxRow, fact: Fact) -> None:
    """Puts another content in a fact's place, under its number and key: for what must not be told any more.

    The line has no gap by it. Who has the first already keeps it, so what takes it back must be told apart.
    """
    conn.execute("DELETE FROM outbox WHERE seq = ?", [row.seq])
    conn.execute(
        "INSERT INTO outbox (seq, device, epoch, kind, key, body, hash, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [row.seq, row.device, row.epoch, fact.kind, row.fact.key, fact.body, fact.hash, row.fact.created],
    )


def _row(row: sqlite3.Row) -> OutboxRow:
    kind: Kind = row["kind"]
    fact = Fact(kind, row["key"], row["created"], row["body"], row["hash"])
    return OutboxRow(row["device"], row["epoch"], row["seq"], fact)
