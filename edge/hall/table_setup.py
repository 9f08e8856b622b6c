"""What staff make of the hall's tables: they add, change, place and retire them, and take any of that back."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit, calls, clocks
from edge.hall.audit import Deed
from edge.hall.sessions import open_sessions
from edge.hall.tables import (
    MOST_TABLES,
    Box,
    HallTable,
    TableError,
    clean_size,
    get_table,
    hall_tables,
    has_box,
    insert_table,
    label_line,
    next_place,
    relabel,
    table_called,
)
from edge.hall.typed import one_line

LABEL_CHARS = (1, 24)
MOST_CENTS = 10_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What staff want a table to be."""

    label: str
    size: str
    cents_per_hour: int | None = None
    box: bool = False


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
    made = HallTable(table_id or uuid7(), label, clean_size(wish.size), next_place(conn), box, wish.cents_per_hour)
    insert_table(conn, made, now)
    audit.deed(conn, stamp(now), "table.added", f"table:{made.id}", by)
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
        "size": table.size if own else clean_size(wish.size),
        "cents_per_hour": wish.cents_per_hour,
        "box": table.box if own else "other" if wish.box else None,
    }
    before = {key: getattr(table, key) for key, value in new.items() if getattr(table, key) != value}
    after = {key: new[key] for key in before}
    if label != table.label:
        before["label"], after["label"] = label_line(conn, table), relabel(conn, table, label, now)
    if not after:
        return False
    _set(conn, table.id, new)
    audit.deed(conn, stamp(now), "table.changed", f"table:{table.id}", by, before=before, after=after)
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
    audit.deed(conn, stamp(now), "table.placed", f"table:{table.id}", by, after={"other": other.id})
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
    audit.deed(conn, stamp(now), "table.retired", f"table:{table.id}", by)
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
    if table.retired or not still or (new_label is not None and label_line(conn, table) != new_label):
        raise TableError("undo_too_late")
    if label is not None:
        row = conn.execute("SELECT label FROM hall_table_labels WHERE id = ?", [label]).fetchone()
        other = table_called(conn, row["label"])
        if other is not None and other.id != table.id:
            raise TableError("undo_too_late")
        relabel(conn, table, row["label"], now)
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


def _of(conn: sqlite3.Connection, deed: Deed) -> HallTable:
    table = get_table(conn, deed.subject.partition(":")[2])
    if table is None:
        raise TableError("undo_too_late")
    return table


def _free_label(conn: sqlite3.Connection, text: str, own_id: str = "") -> str:
    label = one_line(text, *LABEL_CHARS, "table_label")
    taken = table_called(conn, label)
    if taken is not None and taken.id != own_id:
        raise TableError("table_label_taken")
    return label


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


def _keep_order(conn: sqlite3.Connection, row: list[HallTable]) -> None:
    conn.executemany(
        "UPDATE hall_tables SET place = ? WHERE id = ?", [[place, one.id] for place, one in enumerate(row, 1)]
    )


def _set(conn: sqlite3.Connection, table_id: str, values: dict[str, Any]) -> None:
    for key in ("size", "cents_per_hour", "box"):
        if key in values:
            conn.execute(f"UPDATE hall_tables SET {key} = ? WHERE id = ?", [values[key], table_id])
