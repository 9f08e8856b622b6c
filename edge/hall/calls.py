"""Calls for staff from a table: one open call a table, until staff go there or the table takes it back."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp, stamp
from edge.facts import uuid7
from edge.hall import audit
from edge.hall.audit import Deed
from edge.hall.errors import HallError

# For so long after the answer the table's screen says that somebody comes.
ON_THE_WAY = timedelta(minutes=2)

migrations = Migrations("calls")


@migrations()
def calls_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE staff_calls (
            id TEXT PRIMARY KEY,
            table_label TEXT NOT NULL,
            at TEXT NOT NULL,
            player_id TEXT REFERENCES players (id),
            answered_at TEXT,
            answered_by TEXT REFERENCES players (id),
            withdrawn_at TEXT
        ) STRICT
    """)
    db.execute("""
        CREATE UNIQUE INDEX staff_calls_open ON staff_calls (table_label)
        WHERE answered_at IS NULL AND withdrawn_at IS NULL
    """)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `player_id` is who was checked in where it was made, None for somebody at the screen."""

    id: str
    table_label: str
    at: datetime
    player_id: str | None = None


_OPEN = "SELECT * FROM staff_calls WHERE answered_at IS NULL AND withdrawn_at IS NULL"


def call(conn: sqlite3.Connection, table_label: str, now: datetime, player_id: str | None = None) -> Call:
    """Calls staff to a table; a table that calls already goes on with the same call."""
    known = call_at(conn, table_label)
    if known is not None:
        return known
    made = Call(uuid7(), table_label, now, player_id)
    conn.execute(
        "INSERT INTO staff_calls (id, table_label, at, player_id) VALUES (?, ?, ?, ?)",
        [made.id, table_label, stamp(now), player_id],
    )
    return made


def call_at(conn: sqlite3.Connection, table_label: str) -> Call | None:
    """The open call of a table, or None."""
    row = conn.execute(f"{_OPEN} AND table_label = ?", [table_label]).fetchone()
    return None if row is None else _call(row)


def is_coming(conn: sqlite3.Connection, table_label: str, now: datetime) -> bool:
    """Whether a table's latest call was answered a moment ago: somebody is on the way there.

    Only the hall's last calls are looked at.
    """
    row = conn.execute(
        "SELECT answered_at FROM (SELECT * FROM staff_calls ORDER BY id DESC LIMIT 40)"
        " WHERE table_label = ? ORDER BY id DESC LIMIT 1",
        [table_label],
    ).fetchone()
    return row is not None and row["answered_at"] is not None and row["answered_at"] >= stamp(now - ON_THE_WAY)


def was_answered(conn: sqlite3.Connection, call_id: str) -> bool:
    """Whether somebody of the staff went there."""
    row = conn.execute("SELECT 1 FROM staff_calls WHERE id = ? AND answered_at IS NOT NULL", [call_id]).fetchone()
    return row is not None


def open_calls(conn: sqlite3.Connection) -> list[Call]:
    """Every table that calls, who has waited longest first."""
    return [_call(row) for row in conn.execute(f"{_OPEN} ORDER BY at, id")]


def withdraw(conn: sqlite3.Connection, table_label: str, now: datetime) -> bool:
    """The table takes its call back; False when it does not call."""
    changed = conn.execute(
        "UPDATE staff_calls SET withdrawn_at = ?"
        " WHERE table_label = ? AND answered_at IS NULL AND withdrawn_at IS NULL",
        [stamp(now), table_label],
    )
    return changed.rowcount > 0


def answer(conn: sqlite3.Connection, call_id: str, by: str, now: datetime) -> bool:
    """Somebody of the staff goes there; False when the call is not open any more."""
    changed = conn.execute(
        "UPDATE staff_calls SET answered_at = ?, answered_by = ?"
        " WHERE id = ? AND answered_at IS NULL AND withdrawn_at IS NULL",
        [stamp(now), by, call_id],
    )
    if changed.rowcount:
        audit.deed(conn, stamp(now), "call.answered", f"call:{call_id}", by)
    return changed.rowcount > 0


def follow_table(conn: sqlite3.Connection, from_label: str, to_label: str) -> None:
    """The table is called otherwise from now on: its open call with it."""
    conn.execute(
        "UPDATE staff_calls SET table_label = ?"
        " WHERE table_label = ? AND answered_at IS NULL AND withdrawn_at IS NULL",
        [to_label, from_label],
    )


def undo_answered(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    """Nobody went: the table calls again. Raises HallError when it has called anew meanwhile."""
    call_id = deed.subject.partition(":")[2]
    row = conn.execute("SELECT * FROM staff_calls WHERE id = ?", [call_id]).fetchone()
    if row is None or row["withdrawn_at"] is not None or call_at(conn, row["table_label"]) is not None:
        raise HallError("undo_too_late")
    conn.execute("UPDATE staff_calls SET answered_at = NULL, answered_by = NULL WHERE id = ?", [call_id])


UNDO = {"call.answered": undo_answered}


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Takes a player's id from the calls; that there was one stays, and who of the staff went."""
    conn.execute("UPDATE staff_calls SET player_id = NULL WHERE player_id = ?", [player_id])


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """A player's calls become another's."""
    for column in ("player_id", "answered_by"):
        conn.execute(f"UPDATE staff_calls SET {column} = ? WHERE {column} = ?", [to_id, from_id])


def _call(row: sqlite3.Row) -> Call:
    return Call(row["id"], row["table_label"], from_stamp(row["at"]), row["player_id"])
