"""How far a box has told its facts and heard the hub's: kept in the store, so a restored one knows it as well."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.store.outbox import Lane

migrations = Migrations("sync_state")


@migrations()
def sync_state_1(db: Database) -> None:
    # `begins` is the first number that was ever given in an epoch, `acked` that up to which who is told has all.
    db.execute("""
        CREATE TABLE sync_lines (
            lane TEXT NOT NULL,
            epoch TEXT NOT NULL,
            begins INTEGER NOT NULL,
            acked INTEGER NOT NULL,
            PRIMARY KEY (lane, epoch)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE TABLE sync_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID")


@dataclass(frozen=True, slots=True)
class OwnLine:
    """What this box wrote in one epoch for the hub or the cloud, and how far it is acknowledged."""

    epoch: str
    begins: int
    acked: int


def own_lines(conn: sqlite3.Connection, lane: Lane = "outbox") -> list[OwnLine]:
    """The lines in the outbox, in the order in which they were written; one that is new begins where it does.

    `conn` must be inside a transaction for writing.
    """
    # A line that is new has begun after all that is acknowledged of the others: the rest need not be looked at.
    conn.execute(
        f"INSERT INTO sync_lines (lane, epoch, begins, acked) SELECT ?1, epoch, min(seq), min(seq) - 1 FROM {lane}"
        " WHERE seq > (SELECT coalesce(max(acked), 0) FROM sync_lines WHERE lane = ?1)"
        " AND epoch NOT IN (SELECT epoch FROM sync_lines WHERE lane = ?1) GROUP BY epoch",
        [lane],
    )
    rows = conn.execute("SELECT * FROM sync_lines WHERE lane = ? ORDER BY begins", [lane])
    return [OwnLine(row["epoch"], row["begins"], row["acked"]) for row in rows]


def keep_acked(conn: sqlite3.Connection, epoch: str, acked: int, lane: Lane = "outbox") -> None:
    """Notes up to where a line is acknowledged: also less than before, by a hub that was restored."""
    conn.execute(
        "UPDATE sync_lines SET acked = max(?, begins - 1) WHERE lane = ? AND epoch = ?", [acked, lane, epoch]
    )


def hear_acked(conn: sqlite3.Connection, upto: Mapping[str, int], lane: Lane = "outbox") -> list[OwnLine]:
    """Notes up to where who is told has each line, by its epoch: nothing of one that is not named. Returns the
    lines."""
    for line in own_lines(conn, lane):
        keep_acked(conn, line.epoch, upto.get(line.epoch, line.begins - 1), lane)
    return own_lines(conn, lane)


def get(conn: sqlite3.Connection, name: str) -> str | None:
    row = conn.execute("SELECT value FROM sync_state WHERE name = ?", [name]).fetchone()
    return None if row is None else str(row["value"])


def term(conn: sqlite3.Connection) -> int:
    """How many boxes have been the hub, this one among them: counted at a hub."""
    return int(get(conn, "term") or 1)


def put(conn: sqlite3.Connection, name: str, value: str) -> None:
    conn.execute(
        "INSERT INTO sync_state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [name, value],
    )


def count_unsent(conn: sqlite3.Connection, lane: Lane = "outbox") -> int:
    """How many facts are not acknowledged yet."""
    lines = conn.execute("SELECT begins, acked FROM sync_lines WHERE lane = ? ORDER BY begins", [lane]).fetchall()
    # Each line up to where the next begins, for what was acknowledged is not to be looked at; the last one with
    # what came after it.
    ends = [line["begins"] for line in lines[1:]] + [1 << 62]
    spans = [(line["acked"], end) for line, end in zip(lines, ends, strict=False)] or [(0, 1 << 62)]
    count = f"SELECT count(*) FROM {lane} WHERE seq > ? AND seq < ?"
    return sum(int(conn.execute(count, span).fetchone()[0]) for span in spans)


def waiting_since(conn: sqlite3.Connection, lane: Lane = "outbox") -> str | None:
    """When the oldest fact was written that is not acknowledged; None without one."""
    row = conn.execute(
        f"SELECT o.created FROM {lane} o LEFT JOIN sync_lines l ON l.lane = ? AND l.epoch = o.epoch"
        " WHERE o.seq > coalesce(l.acked, 0) ORDER BY o.seq LIMIT 1",
        [lane],
    ).fetchone()
    return None if row is None else str(row["created"])


def forget_sent(conn: sqlite3.Connection, before: str, limit: int = 5_000, lane: Lane = "outbox") -> int:
    """Clears facts that are acknowledged and older than that stamp; returns how many.

    Those that are younger stay, for a hub that is restored asks for them again.
    """
    # Up to the first that is younger, so that those after it are not looked at.
    young = f"coalesce((SELECT seq FROM {lane} WHERE created >= ? ORDER BY seq LIMIT 1), {1 << 62})"
    return conn.execute(
        f"DELETE FROM {lane} WHERE seq IN (SELECT o.seq FROM {lane} o JOIN sync_lines l"
        f" ON l.lane = ? AND l.epoch = o.epoch WHERE o.seq <= l.acked AND o.seq < {young} ORDER BY o.seq LIMIT ?)",
        [lane, before, limit],
    ).rowcount
