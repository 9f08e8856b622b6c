"""The hall's tables: what each is called, how large it is, what it costs, and whether a box watches it.

Sessions, matches, clocks and calls know a table by its label, so whatever goes on there follows when the label
changes; what is over keeps the label it was played under. The table of this box is called what its settings say,
and registers itself.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from calibration.table import parse_table
from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit, calls, clocks
from edge.hall.audit import Deed
from edge.hall.devices import device_at
from edge.hall.errors import HallError
from edge.hall.players import name_key
from edge.hall.sessions import open_sessions
from edge.hall.sitting import move_table
from edge.hall.typed import one_line

migrations = Migrations("tables")

Box = Literal["own", "other"]  # this box, or another one of the hall's
LABEL_CHARS = (1, 24)
SIZE_CHARS = 20
MOST_TABLES = 64
MOST_CENTS = 10_000_000


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


@dataclass(frozen=True, slots=True)
class Wish:
    """What staff want a table to be."""

    label: str
    size: str
    cents_per_hour: int | None = None
    box: bool = False


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
        own = HallTable(uuid7(), label, size, _next_place(conn), "own")
        _insert(conn, own, now)
        _note(conn, now, "table.added", own, by=None)
    if own.label != label:
        _relabel(conn, own, label, now)
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
        known = HallTable(uuid7(), label, _size(size), _next_place(conn), "other")
        _insert(conn, known, now)
        _note(conn, now, "table.added", known, by=None)
    if called is None and known.label != label:
        _relabel(conn, known, label, now)
    if known.box is None or known.size != size:
        box = known.box or "other"
        conn.execute("UPDATE hall_tables SET box = ?, size = ? WHERE id = ?", [box, _size(size), known.id])
    return get_table(conn, known.id)


def has_box(conn: sqlite3.Connection, table: HallTable) -> bool:
    """Whether a box says what the table is called: this one, or another that is enrolled."""
    return table.box == "own" or device_at(conn, table.label) is not None


def add_table(
    conn: sqlite3.Connection, wish: Wish, by: str, now: datetime, table_id: str | None = None
) -> HallTable:
    """A new table, last in order; with an id that is there already, that one. Raises HallError."""
    known = None if table_id is None else get_table(conn, table_id)
    if known is not None:
        return known
    label = _free_label(conn, wish.label)
    if len(hall_tables(conn)) >= MOST_TABLES:
        raise TableError("table_too_many")
    _require_price(wish.cents_per_hour)
    box: Box | None = "other" if wish.box else None
    made = HallTable(table_id or uuid7(), label, _size(wish.size), _next_place(conn), box, wish.cents_per_hour)
    _insert(conn, made, now)
    _note(conn, now, "table.added", made, by=by)
    return made


def change_table(conn: sqlite3.Connection, table: HallTable, wish: Wish, by: str, now: datetime) -> bool:
    """A table is otherwise from now on; a clock that runs keeps the price it began with. False for no change.

    The label and the size of a table with a box stand in that box's settings. Raises HallError.
    """
    _require_there(table)
    _require_price(wish.cents_per_hour)
    own = has_box(conn, table)
    label = table.label if own else _free_label(conn, wish.label, table.id)
    new: dict[str, Any] = {
        "size": table.size if own else _size(wish.size),
        "cents_per_hour": wish.cents_per_hour,
        "box": table.box if own else "other" if wish.box else None,
    }
    before = {key: getattr(table, key) for key, value in new.items() if getattr(table, key) != value}
    after = {key: new[key] for key in before}
    if label != table.label:
        before["label"], after["label"] = _label_line(conn, table), _relabel(conn, table, label, now)
    if not after:
        return False
    _set(conn, table.id, new)
    _note(conn, now, "table.changed", table, by=by, before=before, after=after)
    return True


def swap_places(conn: sqlite3.Connection, table: HallTable, step: int, by: str, now: datetime) -> bool:
    """A table changes places with its neighbour, the one before (-1) or after (1); False at the end of the row."""
    row = hall_tables(conn)
    at = next((place for place, one in enumerate(row) if one.id == table.id), None)
    if at is None or step not in (-1, 1) or not 0 <= at + step < len(row):
        return False
    other = row[at + step]
    row[at], row[at + step] = other, table
    _keep_order(conn, row)
    _note(conn, now, "table.placed", table, by=by, after={"other": other.id})
    return True


def retire_table(conn: sqlite3.Connection, table: HallTable, by: str, now: datetime) -> bool:
    """The table is not there any more; what was played at it stays. Raises HallError for one in play, and for
    this box's own."""
    if table.retired:
        return False
    if has_box(conn, table):
        raise TableError("table_own")
    _require_free(conn, table)
    conn.execute("UPDATE hall_tables SET retired_at = ? WHERE id = ?", [stamp(now), table.id])
    _note(conn, now, "table.retired", table, by=by)
    return True


def _undo_added(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    table = _of(conn, deed)
    if table.retired:
        raise TableError("undo_too_late")
    retire_table(conn, table, by, now)


def _undo_changed(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    table, before, after = _of(conn, deed), dict(deed.before or {}), dict(deed.after or {})
    label, new_label = before.pop("label", None), after.pop("label", None)
    still = all(getattr(table, key) == value for key, value in after.items())
    if table.retired or not still or (new_label is not None and _label_line(conn, table) != new_label):
        raise TableError("undo_too_late")
    if label is not None:
        row = conn.execute("SELECT label FROM hall_table_labels WHERE id = ?", [label]).fetchone()
        other = table_called(conn, row["label"])
        if other is not None and other.id != table.id:
            raise TableError("undo_too_late")
        _relabel(conn, table, row["label"], now)
    _set(conn, table.id, before)


def _undo_placed(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    row, table = hall_tables(conn), _of(conn, deed)
    ids = [one.id for one in row]
    other = str((deed.after or {})["other"])
    if not {table.id, other} <= set(ids):
        raise TableError("undo_too_late")
    a, b = ids.index(table.id), ids.index(other)
    row[a], row[b] = row[b], row[a]
    _keep_order(conn, row)


def _undo_retired(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    table = _of(conn, deed)
    if not table.retired or table_called(conn, table.label) is not None:
        raise TableError("undo_too_late")
    conn.execute("UPDATE hall_tables SET retired_at = NULL WHERE id = ?", [table.id])


UNDO = {
    "table.added": _undo_added,
    "table.changed": _undo_changed,
    "table.placed": _undo_placed,
    "table.retired": _undo_retired,
}


def own_table(conn: sqlite3.Connection) -> HallTable | None:
    """The table of this box, if it is registered."""
    row = conn.execute("SELECT * FROM hall_tables WHERE box = 'own'").fetchone()
    return None if row is None else _table(row)


def _of(conn: sqlite3.Connection, deed: Deed) -> HallTable:
    table = get_table(conn, deed.subject.partition(":")[2])
    if table is None:
        raise TableError("undo_too_late")
    return table


def _relabel(conn: sqlite3.Connection, table: HallTable, label: str, now: datetime) -> int:
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


def _label_line(conn: sqlite3.Connection, table: HallTable) -> int:
    row = conn.execute("SELECT max(id) AS id FROM hall_table_labels WHERE table_id = ?", [table.id]).fetchone()
    return int(row["id"])


def _free_label(conn: sqlite3.Connection, text: str, own_id: str = "") -> str:
    label = one_line(text, *LABEL_CHARS, "table_label")
    taken = table_called(conn, label)
    if taken is not None and taken.id != own_id:
        raise TableError("table_label_taken")
    return label


def _size(text: str) -> str:
    size = "".join(text.split()).lower().replace("×", "x")
    if not size.isascii() or len(size) > SIZE_CHARS:
        raise TableError("table_size")
    try:
        parse_table(size)
    except ValueError as error:
        raise TableError("table_size") from error
    return size


def _require_price(cents: int | None) -> None:
    if cents is not None and not 0 <= cents <= MOST_CENTS:
        raise TableError("money_unreadable")


def _require_there(table: HallTable) -> None:
    if table.retired:
        raise TableError("table_gone")


def _require_free(conn: sqlite3.Connection, table: HallTable) -> None:
    busy = (
        open_sessions(conn, table.label) or clocks.clock_at(conn, table.label) or calls.call_at(conn, table.label)
    )
    if busy:
        raise TableError("table_in_play")


def _next_place(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT coalesce(max(place), 0) + 1 AS next FROM hall_tables").fetchone()["next"])


def _keep_order(conn: sqlite3.Connection, row: list[HallTable]) -> None:
    conn.executemany(
        "UPDATE hall_tables SET place = ? WHERE id = ?", [[place, one.id] for place, one in enumerate(row, 1)]
    )


def _set(conn: sqlite3.Connection, table_id: str, values: dict[str, Any]) -> None:
    for key in ("size", "cents_per_hour", "box"):
        if key in values:
            conn.execute(f"UPDATE hall_tables SET {key} = ? WHERE id = ?", [values[key], table_id])


def _insert(conn: sqlite3.Connection, table: HallTable, now: datetime) -> None:
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


def _note(
    conn: sqlite3.Connection,
    now: datetime,
    what: str,
    table: HallTable,
    *,
    by: str | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    role: audit.Role = "system" if by is None else "staff"
    subject = f"table:{table.id}"
    audit.note(conn, stamp(now), what, subject, role=role, who=by, before=before, after=after)


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
