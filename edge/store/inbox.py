"""The inbox of a hub: which facts of other boxes have come, each once, and those that are set aside.

A line is what one device wrote in one epoch. `upto` is the number up to which all of a line has come. A fact that
is set aside counts as come, so that it never holds up those after it; it is kept whole, and shown.

What came is noted by its number, key and hash for a fortnight, in which its box may still tell it again. After
that `upto` alone says that it came.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.facts import Fact

migrations = Migrations("inbox")

# `conflict`: another content under a number or key that is there. `dead`: it can't be taken in. `held`: its time
# has not come yet, by this box's clock.
Fate = Literal["conflict", "dead", "held"]

KEPT = timedelta(days=14)  # as long as tables keep what they have told
AT_ONCE = 2_000  # so many are cleared in one transaction


@migrations()
def inbox_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE inbox_lines (
            device TEXT NOT NULL,
            epoch TEXT NOT NULL,
            upto INTEGER NOT NULL,
            PRIMARY KEY (device, epoch)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE inbox (
            device TEXT NOT NULL,
            epoch TEXT NOT NULL,
            seq INTEGER NOT NULL,
            key TEXT NOT NULL UNIQUE,
            hash TEXT NOT NULL,
            PRIMARY KEY (device, epoch, seq)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE set_aside (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            device TEXT NOT NULL,
            epoch TEXT NOT NULL,
            seq INTEGER NOT NULL,
            fate TEXT NOT NULL CHECK (fate IN ('conflict', 'dead', 'held')),
            why TEXT NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            created TEXT NOT NULL,
            hash TEXT NOT NULL,
            body TEXT NOT NULL,
            at TEXT NOT NULL,
            taken_in_at TEXT,
            about TEXT NOT NULL,
            due TEXT,
            tries INTEGER NOT NULL DEFAULT 0,
            UNIQUE (device, epoch, seq, hash)
        ) STRICT
    """)
    # `due`: from when on it is tried again, NULL for never; what is `about` the same is, in the order in which it
    # was told.
    db.execute(
        "CREATE INDEX set_aside_due ON set_aside (about, id, due) WHERE taken_in_at IS NULL AND due IS NOT NULL"
    )
    db.execute("CREATE INDEX set_aside_waiting ON set_aside (fate) WHERE taken_in_at IS NULL")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the number up to which all of it has come."""

    device: str
    epoch: str
    upto: int


@dataclass(frozen=True, slots=True)
class Aside:
    """A fact that is set aside."""

    id: int
    device: str
    epoch: str
    seq: int
    fate: Fate
    why: str
    at: str
    fact: Fact


def lines_of(conn: sqlite3.Connection, device: str) -> dict[str, int]:
    """Up to where all of a device's lines has come, by epoch."""
    rows = conn.execute("SELECT epoch, upto FROM inbox_lines WHERE device = ?", [device])
    return {row["epoch"]: row["upto"] for row in rows}


def begin_line(conn: sqlite3.Connection, device: str, epoch: str, begins: int) -> Line:
    """A line as it stands; nothing is waited for from before where its sender says that it begins: that is
    gone."""
    conn.execute(
        "INSERT INTO inbox_lines (device, epoch, upto) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET upto = excluded.upto WHERE upto < excluded.upto",
        [device, epoch, begins - 1],
    )
    row = conn.execute("SELECT upto FROM inbox_lines WHERE device = ? AND epoch = ?", [device, epoch]).fetchone()
    return Line(device, epoch, row["upto"])


def keep_upto(conn: sqlite3.Connection, line: Line) -> None:
    conn.execute(
        "UPDATE inbox_lines SET upto = ? WHERE device = ? AND epoch = ?", [line.upto, line.device, line.epoch]
    )


def known_hashes(conn: sqlite3.Connection, line: Line, first: int, last: int) -> dict[int, str]:
    """The hashes of what has come of a line between two numbers, both with it."""
    rows = conn.execute(
        "SELECT seq, hash FROM inbox WHERE device = ? AND epoch = ? AND seq BETWEEN ? AND ?",
        [line.device, line.epoch, first, last],
    )
    return {row["seq"]: row["hash"] for row in rows}


def known_keys(conn: sqlite3.Connection, keys: Iterable[str]) -> dict[str, int]:
    """The numbers under which facts of these keys have come, from whomever."""
    wanted = list(keys)
    rows = conn.execute(f"SELECT key, seq FROM inbox WHERE key IN ({', '.join('?' * len(wanted))})", wanted)
    return {row["key"]: row["seq"] for row in rows}


def note(conn: sqlite3.Connection, line: Line, facts: Iterable[tuple[int, Fact]]) -> None:
    """Notes that facts have come. A key that is known already, of another fact, is noted no second time."""
    conn.executemany(
        "INSERT INTO inbox (device, epoch, seq, key, hash) VALUES (?1, ?2, ?3,"
        " iif(EXISTS (SELECT 1 FROM inbox WHERE key = ?4), ?1 || ' ' || ?2 || ' ' || ?3, ?4), ?5)",
        ((line.device, line.epoch, seq, fact.key, fact.hash) for seq, fact in facts),
    )


def forget_old(conn: sqlite3.Connection, now: datetime) -> int:
    """Clears what is noted of facts that were written long ago and up to which all of their line has come, a part
    of it at a time; returns how many went. What is set aside stays."""
    # Keys begin with the moment in which a fact was written (`edge.facts.uuid7`).
    milliseconds = f"{int((now - KEPT).timestamp() * 1000):012x}"
    return conn.execute(
        "DELETE FROM inbox WHERE key IN (SELECT i.key FROM inbox i JOIN inbox_lines l USING (device, epoch)"
        " WHERE i.key < ? AND i.seq <= l.upto ORDER BY i.key LIMIT ?)",
        [f"{milliseconds[:8]}-{milliseconds[8:]}", AT_ONCE],
    ).rowcount


def set_aside(
    conn: sqlite3.Connection,
    line: Line,
    seq: int,
    fact: Fact,
    *,
    fate: Fate,
    why: str,
    now: str,
    about: str = "",
    due: str | None = None,
) -> None:
    """Keeps a fact that is not taken in; the same again is kept once. `due` says from when on it is tried again,
    None for never; `about` what it tells of, so that nothing overtakes what was told of that before."""
    conn.execute(
        "INSERT INTO set_aside (device, epoch, seq, fate, why, kind, key, created, hash, body, at, about, due)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            line.device, line.epoch, seq, fate, why, fact.kind, fact.key, fact.created, fact.hash, fact.body, now,
            about, due,
        ],
    )  # fmt: skip


def anything_due(conn: sqlite3.Connection) -> bool:
    """Whether anything that is set aside is ever tried again."""
    return (
        conn.execute("SELECT 1 FROM set_aside WHERE taken_in_at IS NULL AND due IS NOT NULL LIMIT 1").fetchone()
        is not None
    )


def waits_until(conn: sqlite3.Connection, about: str) -> str | None:
    """Until when what was told of this before waits; None where nothing does."""
    row = conn.execute(
        "SELECT max(due) AS due FROM set_aside WHERE about = ? AND taken_in_at IS NULL AND due IS NOT NULL",
        [about],
    ).fetchone()
    return None if row["due"] is None else str(row["due"])


def waiting(conn: sqlite3.Connection, *, device: str | None = None, limit: int = 200) -> list[Aside]:
    """What is set aside and was not taken in since, the oldest first."""
    rows = conn.execute(
        "SELECT * FROM set_aside WHERE taken_in_at IS NULL AND (:device IS NULL OR device = :device)"
        " ORDER BY id LIMIT :limit",
        {"device": device, "limit": limit},
    )
    return [_aside(row) for row in rows]


def to_try_again(conn: sqlite3.Connection, before: str, limit: int = 200) -> list[Aside]:
    """What may be taken in now: what was held and whose time has come, and what referred to what was not here.

    Of several that are about the same the first alone; what was tried least often comes first.
    """
    rows = conn.execute(
        "SELECT * FROM set_aside a WHERE taken_in_at IS NULL AND due <= ?"
        " AND NOT EXISTS (SELECT 1 FROM set_aside b WHERE b.about = a.about"
        " AND b.taken_in_at IS NULL AND b.due IS NOT NULL AND b.id < a.id)"
        " ORDER BY tries, id LIMIT ?",
        [before, limit],
    )
    return [_aside(row) for row in rows]


def count_waiting(conn: sqlite3.Connection) -> dict[Fate, int]:
    """How many facts are set aside, by their fate."""
    rows = conn.execute("SELECT fate, count(*) AS n FROM set_aside WHERE taken_in_at IS NULL GROUP BY fate")
    return {row["fate"]: row["n"] for row in rows}


def taken_in(conn: sqlite3.Connection, aside: Aside, now: str) -> None:
    conn.execute("UPDATE set_aside SET taken_in_at = ? WHERE id = ?", [now, aside.id])


def still_dead(conn: sqlite3.Connection, aside: Aside, why: str) -> None:
    """It was tried again, in vain; it is again if it still refers to what is not here."""
    due = REFERS_DUE if why == REFERS_TO_NOTHING else None
    conn.execute(
        "UPDATE set_aside SET fate = 'dead', why = ?, due = ?, tries = tries + 1 WHERE id = ?",
        [why, due, aside.id],
    )


REFERS_TO_NOTHING = "it refers to what is not here"
REFERS_DUE = ""  # before every stamp: whenever anything new has come


def _aside(row: sqlite3.Row) -> Aside:
    fact = Fact(row["kind"], row["key"], row["created"], row["body"], row["hash"])
    return Aside(row["id"], row["device"], row["epoch"], row["seq"], row["fate"], row["why"], row["at"], fact)
