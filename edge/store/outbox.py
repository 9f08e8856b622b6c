"""The outbox: facts in the order in which they are to leave this box, and who this box is.

A fact's row is written in the same transaction as what it tells, so neither is there without the other. At a table
of a hall, rows that were changed are noted in that transaction (`edge.store.changes`) and told before the next
fact, or when the line is to be sent: what is told first has happened first.
"""

import sqlite3
from datetime import datetime, timedelta
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import now_stamp, stamp
from edge.facts import Fact, Kind, OutboxRow, row_changed, uuid7
from edge.store import changes
from edge.store.replicas import REPLICAS

migrations = Migrations("outbox")

KEPT_UNREAD = timedelta(days=30)
Lane = Literal["outbox", "cloud_outbox"]  # to the hub, and to the cloud


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
    _make_lane(db, "outbox")


@migrations()
def outbox_2(db: Database) -> None:
    """What waits to be sent of a shot is found by the shot, for the day on which it is erased."""
    db.execute("CREATE INDEX outbox_by_shot ON outbox (json_extract(body, '$.shot_id'))")


@migrations()
def outbox_3(db: Database) -> None:
    """What a hub tells the cloud is a line of its own: no box of the hall is told it."""
    _make_lane(db, "cloud_outbox")


def _make_lane(db: Database, name: Lane) -> None:
    """A line of facts, as the first migrations make it, for good."""
    # AUTOINCREMENT: a number is never given twice, not even after sent rows were cleared away.
    db.execute(f"""
        CREATE TABLE {name} (
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
    db.execute(f"""
        CREATE TRIGGER {name}_is_fixed BEFORE UPDATE ON {name}
        BEGIN SELECT RAISE(ABORT, 'a fact in the outbox is never changed'); END
    """)


def append_for_cloud(conn: sqlite3.Connection, fact: Fact) -> int:
    """Puts a fact in the line to the cloud and returns its seq; inside a transaction for writing."""
    return _insert(conn, fact, "cloud_outbox")


def append(conn: sqlite3.Connection, fact: Fact) -> int:
    """Puts a fact in line and returns its seq; `conn` must be inside the transaction of what it tells."""
    tell_changes(conn)
    return _insert(conn, fact)


def tell_changes(conn: sqlite3.Connection) -> int:
    """At a table, puts in line what has changed in the rows of which the hub is told; returns how many.

    `conn` must be inside a transaction for writing.
    """
    if changes.role_of(conn) != "table":
        return 0
    told = changes.take_all(conn, REPLICAS)
    created = now_stamp()
    for one in told:
        _insert(conn, row_changed(one.table, one.key, one.values, new=one.new, created=created))
    return len(told)


def _insert(conn: sqlite3.Connection, fact: Fact, lane: Lane = "outbox") -> int:
    cursor = conn.execute(
        f"INSERT INTO {lane} (device, epoch, kind, key, body, hash, created)"
        " SELECT device, epoch, ?, ?, ?, ?, ? FROM identity",
        [fact.kind, fact.key, fact.body, fact.hash, fact.created],
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def forget_unread(conn: sqlite3.Connection, now: datetime) -> int:
    """At a hub, or a box that is alone, nobody is told what is in line: what is old goes; returns how many did."""
    if changes.role_of(conn) == "table":
        return 0
    old = stamp(now - KEPT_UNREAD)
    return conn.execute(
        "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE created < ? ORDER BY seq LIMIT 20000)",
        [old],
    ).rowcount


def last_seq(conn: sqlite3.Connection) -> int:
    """The number of the last fact in line, whether it is still there or not."""
    row = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 0 if row is None else int(row["seq"])


def begin_epoch(conn: sqlite3.Connection) -> str:
    """Begins another epoch and returns it: for a store that was put back, whose next numbers were given before."""
    epoch = uuid7()
    conn.execute("UPDATE identity SET epoch = ?", [epoch])
    return epoch


def rows_after(conn: sqlite3.Connection, seq: int, limit: int, lane: Lane = "outbox") -> list[OutboxRow]:
    """The next rows in line after `seq`, at most `limit`."""
    rows = conn.execute(f"SELECT * FROM {lane} WHERE seq > ? ORDER BY seq LIMIT ?", [seq, limit])
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
