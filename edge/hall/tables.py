"""The hall's tables: what each is called, how large it is, what it costs, and whether a box watches it.

What staff make of them is in `edge.hall.table_setup`.

Sessions, matches, clocks and calls know a table by its label, so whatever goes on there follows when the label
changes; what is over keeps the label it was played under. The table of this box is called what its settings say,
and registers itself.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from calibration.table import parse_table
from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit, calls, clocks
from edge.hall.devices import device_at
from edge.hall.errors import HallError
from edge.hall.players import name_key
from edge.hall.sitting import move_table

migrations = Migrations("tables")

Box = Literal["own", "other"]  # this box, or another one of the hall's
SIZE_CHARS = 20
MOST_TABLES = 64


@migrations()
def tables_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE hall_tables (
            id TEXT PRIMARY KEY,
            label TEXT NOT NULL,
            label_key TEXT NOT NULL,
            size TEXT NOT NULL,
            place INTEGER NOT NULL,
            box TEXT CHECK (box IN ('own', 'other')),
            cents_per_hour INTEGER CHECK (cents_per_hour >= 0),
            created_at TEXT NOT NULL,
            retired_at TEXT
        ) STRICT
    """)
    db.execute("CREATE UNIQUE INDEX hall_tables_label ON hall_tables (label_key) WHERE retired_at IS NULL")
    db.execute("CREATE UNIQUE INDEX hall_tables_own ON hall_tables (box) WHERE box = 'own'")
    # What a table was called: the audit names these lines, since nothing that was typed may stand there.
    db.execute("""
        CREATE TABLE hall_table_labels (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            table_id TEXT NOT NULL REFERENCES hall_tables (id),
            label TEXT NOT NULL,
            since TEXT NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX hall_table_labels_of ON hall_table_labels (table_id, id)")


class TableError(HallError):
    """What was wanted of a table can't be."""


@dataclass(frozen=True, slots=True)
class HallTable:
    """One table. `size` is a word such as `9ft`; `cents_per_hour` None is the hall's own price."""

    id: str
    label: str
    size: str
    place: int
    box: Box | None = None
    cents_per_hour: int | None = None
    retired: bool = False

    def price(self, of_the_hall: int) -> int:
        """What an hour costs here, in minor units."""
        return of_the_hall if self.cents_per_hour is None else self.cents_per_hour


def hall_tables(conn: sqlite3.Connection) -> list[HallTable]:
    """The tables that are there, in the hall's order."""
    rows = conn.execute("SELECT * FROM hall_tables WHERE retired_at IS NULL ORDER BY place, created_at, id")
    return [_table(row) for row in rows]


def get_table(conn: sqlite3.Connection, table_id: str) -> HallTable | None:
    """One table, retired ones too, or None."""
    row = conn.execute("SELECT * FROM hall_tables WHERE id = ?", [table_id]).fetchone()
    return None if row is None else _table(row)


def table_called(conn: sqlite3.Connection, label: str) -> HallTable | None:
    """The table of that label, however it is written, or None."""
    row = conn.execute(
        "SELECT * FROM hall_tables WHERE label_key = ? AND retired_at IS NULL", [name_key(label)]
    ).fetchone()
    return None if row is None else _table(row)


def label_now(conn: sqlite3.Connection, label: str) -> str:
    """What the table is called now that was called so. Raises TableError for one that is not there any more."""
    if table_called(conn, label) is None:
        row = conn.execute(
            "SELECT t.label, t.retired_at FROM hall_table_labels l JOIN hall_tables t ON t.id = l.table_id"
            " WHERE l.label = ? ORDER BY l.id DESC LIMIT 1",
            [label],
        ).fetchone()
        if row is None or row["retired_at"] is not None:
            raise TableError("table_gone")
        return str(row["label"])
    return label


def own_table(conn: sqlite3.Connection) -> HallTable | None:
    """The table of this box, if it is registered."""
    row = conn.execute("SELECT * FROM hall_tables WHERE box = 'own'").fetchone()
    return None if row is None else _table(row)


def is_own_table(table: HallTable | None, label: str, size: str) -> bool:
    """Whether the row of this box's table says what the settings say."""
    return table is not None and (table.box, table.label, table.size) == ("own", label, size)


def require_own_table(conn: sqlite3.Connection, label: str, size: str, now: datetime) -> HallTable:
    """The table of this box, as the settings call it; makes or changes its row where that is not so yet.

    Called otherwise, it is the same table under another label, and what goes on there follows. Where the hall has
    a table of that label already, the box was carried there: that one has the box from now on.
    """
    own, called = own_table(conn), table_called(conn, label)
    if is_own_table(own, label, size):
        assert own is not None
        return own
    if called is not None and (own is None or called.id != own.id):
        conn.execute("UPDATE hall_tables SET box = NULL WHERE box = 'own'")
        conn.execute("UPDATE hall_tables SET box = 'own' WHERE id = ?", [called.id])
        own = called
    if own is None:
        own = HallTable(uuid7(), label, size, next_place(conn), "own")
        insert_table(conn, own, now)
        audit.deed(conn, stamp(now), "table.added", f"table:{own.id}", None)
    if own.label != label:
        relabel(conn, own, label, now)
    conn.execute("UPDATE hall_tables SET size = ? WHERE id = ?", [size, own.id])
    found = get_table(conn, own.id)
    assert found is not None
    return found


def note_other_box(
    conn: sqlite3.Connection, label: str, before: str, size: str, now: datetime
) -> HallTable | None:
    """The table that another box of the hall says it watches, called `before` until now; None where there are too
    many tables. Its box says what it is called and how large it is.

    A label that another table has already is that table's.
    """
    called = table_called(conn, label)
    known = called or table_called(conn, before)
    if known is None:
        if len(hall_tables(conn)) >= MOST_TABLES:
            return None
        known = HallTable(uuid7(), label, clean_size(size), next_place(conn), "other")
        insert_table(conn, known, now)
        audit.deed(conn, stamp(now), "table.added", f"table:{known.id}", None)
    if called is None and known.label != label:
        relabel(conn, known, label, now)
    if known.box is None or known.size != size:
        box = known.box or "other"
        conn.execute("UPDATE hall_tables SET box = ?, size = ? WHERE id = ?", [box, clean_size(size), known.id])
    return get_table(conn, known.id)


def has_box(conn: sqlite3.Connection, table: HallTable) -> bool:
    """Whether a box says what the table is called: this one, or another that is enrolled."""
    return table.box == "own" or device_at(conn, table.label) is not None


def relabel(conn: sqlite3.Connection, table: HallTable, label: str, now: datetime) -> int:
    """Calls a table otherwise; what goes on there follows. Returns the line of the new label."""
    conn.execute(
        "UPDATE hall_tables SET label = ?, label_key = ? WHERE id = ?", [label, name_key(label), table.id]
    )
    move_table(conn, table.label, label, now)
    clocks.follow_table(conn, table.label, label)
    calls.follow_table(conn, table.label, label)
    return _add_label(conn, table.id, label, now)


def _add_label(conn: sqlite3.Connection, table_id: str, label: str, now: datetime) -> int:
    cursor = conn.execute(
        "INSERT INTO hall_table_labels (table_id, label, since) VALUES (?, ?, ?)", [table_id, label, stamp(now)]
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def label_line(conn: sqlite3.Connection, table: HallTable) -> int:
    """The line of the label a table has now, by which the audit names it."""
    row = conn.execute("SELECT max(id) AS id FROM hall_table_labels WHERE table_id = ?", [table.id]).fetchone()
    return int(row["id"])


def clean_size(text: str) -> str:
    """A size as it is kept. Raises TableError for what is none."""
    size = "".join(text.split()).lower().replace("×", "x")
    if not size.isascii() or len(size) > SIZE_CHARS:
        raise TableError("table_size")
    try:
        parse_table(size)
    except ValueError as error:
        raise TableError("table_size") from error
    return size


def next_place(conn: sqlite3.Connection) -> int:
    """The place behind all tables."""
    return int(conn.execute("SELECT coalesce(max(place), 0) + 1 AS next FROM hall_tables").fetchone()["next"])


def insert_table(conn: sqlite3.Connection, table: HallTable, now: datetime) -> None:
    """Adds a table's row, and the line of its label."""
    conn.execute(
        "INSERT INTO hall_tables (id, label, label_key, size, place, box, cents_per_hour, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            table.id,
            table.label,
            name_key(table.label),
            table.size,
            table.place,
            table.box,
            table.cents_per_hour,
            stamp(now),
        ],
    )
    _add_label(conn, table.id, table.label, now)


def _table(row: sqlite3.Row) -> HallTable:
    return HallTable(
        id=row["id"],
        label=row["label"],
        size=row["size"],
        place=row["place"],
        box=row["box"],
        cents_per_hour=row["cents_per_hour"],
        retired=row["retired_at"] is not None,
    )
