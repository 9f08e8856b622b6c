"""What was changed in the store, row by row: what other boxes of the hall are told.

Triggers note every row that is written, with the columns that were changed, in the transaction that changes it, so
no change is told that did not happen, and none that happened is missed. A table of the hall tells the hub the
columns it has changed (`take_all`); a hub tells tables the rows as they stand (`rows_since`).

The triggers are made from the schema as it is, after every migration. They do nothing in a hall of one box.
"""

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("changes")

Role = Literal["hub", "table"]
Values = dict[str, Any]

GONE = "-"
NEW = "*"


@migrations()
def changes_1(db: Database) -> None:
    # `cols` is `*` for a row that is new, `-` for one that is gone, else the columns, each after a comma.
    db.execute("""
        CREATE TABLE changes (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            tbl TEXT NOT NULL,
            key TEXT NOT NULL,
            cols TEXT NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX changes_of_row ON changes (tbl, key)")
    # `noted`: whether changes are noted at all; `taking_over`: whether what is written now came from the hub.
    db.execute("""
        CREATE TABLE hall_role (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            role TEXT NOT NULL CHECK (role IN ('hub', 'table')),
            noted INTEGER NOT NULL CHECK (noted IN (0, 1)),
            taking_over INTEGER NOT NULL CHECK (taking_over IN (0, 1))
        ) STRICT
    """)
    db.execute("INSERT INTO hall_role VALUES (1, 'hub', 0, 0)")


@dataclass(frozen=True, slots=True)
class Replica:
    """A table whose rows other boxes are told of.

    `key` are the columns by which boxes know a row; `local` those that mean something on one box alone. `up` and
    `down` say, as SQL over a row, which of them a table tells the hub and the hub a table, None being none; `down`
    may ask for the table's `:label` and for the day `:since`. `private` columns never go down.
    """

    table: str
    key: tuple[str, ...] = ("id",)
    up: str | None = None
    down: str | None = None
    local: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()

    @property
    def where(self) -> str:
        """SQL that finds a row by the values of its key."""
        return " AND ".join(f"{name} IS ?" for name in self.key)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told: a table, by its label, which may check those in alone who played at it since that day. Without
    a label it is a box that keeps all that the hub has."""

    label: str | None
    since: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A row that was changed: `values` are the columns that are told, by name, None where the row is gone."""

    table: str
    key: tuple[Any, ...]
    values: Values | None
    new: bool = False

    @property
    def gone(self) -> bool:
        return self.values is None


@dataclass(slots=True)
class _Noted:
    """What `changes` says of one row: the columns, and whether it is new, or was gone at some time."""

    cols: set[str] = field(default_factory=set)
    new: bool = False
    gone: bool = False

    def add(self, cols: str) -> None:
        self.new = self.new or cols == NEW
        self.gone = self.gone or cols == GONE
        self.cols.update(cols.split(",")[1:])


def install(conn: sqlite3.Connection, replicas: Iterable[Replica]) -> None:
    """Makes the triggers for the schema as it is; those that are the same stay."""
    wanted = {
        name: sql for one in replicas if _exists(conn, one.table) for name, sql in _triggers(conn, one).items()
    }
    rows = conn.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'told_*'")
    known = {row["name"]: row["sql"] for row in rows}
    for name in known.keys() - wanted.keys() | {n for n in known.keys() & wanted.keys() if known[n] != wanted[n]}:
        conn.execute(f"DROP TRIGGER {name}")
        del known[name]
    for name in wanted.keys() - known.keys():
        conn.execute(wanted[name])


def role_of(conn: sqlite3.Connection) -> Role:
    """What this box is in its hall; one that is alone is a hub."""
    role: Role = conn.execute("SELECT role FROM hall_role").fetchone()["role"]
    return role


def begin_noting(conn: sqlite3.Connection, role: Role) -> None:
    """From here on changes are noted, for this box is one of several."""
    conn.execute("UPDATE hall_role SET role = ?, noted = 1", [role])


def is_noting(conn: sqlite3.Connection) -> bool:
    """Whether this box is one of several of a hall."""
    return bool(conn.execute("SELECT noted FROM hall_role").fetchone()["noted"])


def tell_nobody(conn: sqlite3.Connection, *, nobody: bool = True) -> None:
    """From here on nobody is told what is written; or, as usually, all are who are to be."""
    conn.execute("UPDATE hall_role SET taking_over = ?", [int(nobody)])


@contextmanager
def taking_over(conn: sqlite3.Connection) -> Iterator[None]:
    """What is written inside the block came from the hub, which need not be told; inside a transaction."""
    tell_nobody(conn)
    try:
        yield
    finally:
        if conn.in_transaction:
            tell_nobody(conn, nobody=False)


@contextmanager
def unguarded(conn: sqlite3.Connection, tables: Iterable[str]) -> Iterator[None]:
    """Inside the block no trigger of these tables refuses anything: a hub that was restored may know less than its
    tables, which have to forget what can't be deleted otherwise. Inside a transaction."""
    wanted = set(tables)
    rows = conn.execute("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    guards = [row for row in rows if row["tbl_name"] in wanted and "RAISE(ABORT" in row["sql"]]
    for guard in guards:
        conn.execute(f"DROP TRIGGER {guard['name']}")
    yield
    for guard in guards:  # after an error all of the transaction is undone
        conn.execute(guard["sql"])


def latest(conn: sqlite3.Connection) -> int:
    """The number of the last change that was noted, whether it is still there or not."""
    row = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return 0 if row is None else int(row["seq"])


def feed(conn: sqlite3.Connection) -> str:
    """Whose changes are numbered so: the numbers of a store that was restored are others."""
    row = conn.execute("SELECT device, epoch FROM identity").fetchone()
    return hashlib.sha256(f"{row['device']} {row['epoch']}".encode()).hexdigest()[:24]


def oldest(conn: sqlite3.Connection) -> int:
    """The number of the first change that is still there; one more than the last without any."""
    row = conn.execute("SELECT min(seq) AS seq FROM changes").fetchone()
    return latest(conn) + 1 if row["seq"] is None else int(row["seq"])


def noted_columns(conn: sqlite3.Connection, table: str, key: str) -> set[str] | None:
    """The columns of a row of which a change is noted and was not told yet; None where the row is new or gone."""
    noted = _Noted()
    for row in conn.execute("SELECT cols FROM changes WHERE tbl = ? AND key = ?", [table, key]):
        noted.add(row["cols"])
    return None if noted.new or noted.gone else noted.cols


def is_gone(conn: sqlite3.Connection, table: str, key: Sequence[Any]) -> bool:
    """Whether a row is not there any more that was, as far as changes are still known."""
    row = conn.execute(
        "SELECT cols FROM changes WHERE tbl = ? AND key = ? ORDER BY seq DESC LIMIT 1", [table, key_text(key)]
    ).fetchone()
    return row is not None and bool(row["cols"] == GONE)


def take_all(conn: sqlite3.Connection, replicas: Sequence[Replica]) -> list[Change]:
    """Every change that is noted and is to go up, as the rows stand now, and clears what was noted.

    Rows come after those they refer to, and rows that are gone last, the other way round.
    """
    last = latest(conn)
    noted: dict[str, dict[str, _Noted]] = {}
    for row in conn.execute("SELECT tbl, key, cols FROM changes ORDER BY seq"):
        noted.setdefault(row["tbl"], {}).setdefault(row["key"], _Noted()).add(row["cols"])
    if not noted:
        return []
    conn.execute("DELETE FROM changes WHERE seq <= ?", [last])
    told = [
        _told(conn, replica, key, what)
        for replica in replicas
        if replica.up is not None
        for key, what in noted.get(replica.table, {}).items()
    ]
    return _in_order(change for change in told if change is not None)


def rows_since(
    conn: sqlite3.Connection, replicas: Sequence[Replica], reader: Reader, after: int, limit: int
) -> tuple[list[Change], int]:
    """The rows a reader is told and that were changed after that number, as they stand now, at most `limit`
    changes of them; and the number up to which that is all."""
    rows = conn.execute("SELECT seq, tbl, key FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", [after, limit])
    keys: dict[str, dict[str, None]] = {}
    upto = after
    for row in rows:
        keys.setdefault(row["tbl"], {})[row["key"]] = None
        upto = row["seq"]
    found = _in_order(
        _standing(conn, replica, reader, key)
        for replica in replicas
        if _condition(replica, reader) is not None
        for key in keys.get(replica.table, ())
    )
    return found, upto


def all_rows(conn: sqlite3.Connection, replica: Replica, reader: Reader) -> Iterator[Change]:
    """Every row of a table that a reader is told."""
    condition = _condition(replica, reader)
    if condition is None:
        return
    columns = _columns_down(conn, replica, reader)
    for row in conn.execute(f"SELECT * FROM {replica.table} WHERE {condition}", _asked(reader)):
        values = {name: _to_json(row[name]) for name in columns}
        yield Change(replica.table, tuple(row[name] for name in replica.key), values)


def put_row(
    conn: sqlite3.Connection, replica: Replica, change: Change, *, but: Iterable[str] = (), whole: bool = False
) -> frozenset[str]:
    """Writes what is told of a row, save the columns `but`; returns the columns by which it differs now, or all
    of those told where it was not there. Columns that this version does not know are left out, and those that mean
    something on one box alone, unless it is to be the `whole` row.

    Raises sqlite3.IntegrityError where it refers to what is not here.
    """
    if change.values is None:
        done = conn.execute(f"DELETE FROM {replica.table} WHERE {replica.where}", change.key)
        return frozenset({GONE}) if done.rowcount else frozenset()
    kept = set(columns_of(conn, replica.table)) - {*but, *replica.key} - (frozenset() if whole else replica.local)
    values = {name: _from_json(value) for name, value in change.values.items() if name in kept}
    held = conn.execute(f"SELECT * FROM {replica.table} WHERE {replica.where}", change.key).fetchone()
    if held is None:
        row = {**dict(zip(replica.key, change.key, strict=True)), **values}
        marks = ", ".join("?" * len(row))
        conn.execute(f"INSERT INTO {replica.table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        return frozenset(row)
    differing = {name: value for name, value in values.items() if held[name] != value}
    if differing:
        sets = ", ".join(f"{name} = ?" for name in differing)
        conn.execute(
            f"UPDATE {replica.table} SET {sets} WHERE {replica.where}", [*differing.values(), *change.key]
        )
    return frozenset(differing)


def make_room(conn: sqlite3.Connection, replica: Replica, told: Iterable[Change]) -> None:
    """Frees what one row alone may have, in those rows of a table that are to have another: two that swap it could
    not be written one after the other. All of them must be written then, in the same transaction."""
    alone = _unique_columns(conn, replica)
    if not alone:
        return
    for change in told:
        if change.table != replica.table or change.values is None:
            continue
        held = conn.execute(f"SELECT * FROM {replica.table} WHERE {replica.where}", change.key).fetchone()
        if held is None:
            continue
        for name, free in alone.items():
            if name in change.values and held[name] != _from_json(change.values[name]):
                conn.execute(f"UPDATE {replica.table} SET {name} = {free} WHERE {replica.where}", change.key)


def _unique_columns(conn: sqlite3.Connection, replica: Replica) -> dict[str, str]:
    """The columns of a table that only one row may have alike, besides its key, each with SQL for a value that no
    row has."""
    told = {
        row["name"]: row
        for row in conn.execute(f"PRAGMA table_info({replica.table})")
        if row["name"] not in replica.local and row["name"] not in replica.key
    }
    found: dict[str, str] = {}
    for index in conn.execute(f"PRAGMA index_list({replica.table})").fetchall():
        names = [row["name"] for row in conn.execute(f"PRAGMA index_info({index['name']})")]
        if index["unique"] and set(names) != set(replica.key):
            # Of several columns one is enough.
            name = next((name for name in reversed(names) if name in told), None)
            if name is not None:
                found[name] = _nobodys(told[name])
    return found


def _nobodys(column: sqlite3.Row) -> str:
    if not column["notnull"]:
        return "NULL"
    return "-(random() & 0xFFFFFFFFFFFF) - 1" if column["type"] == "INTEGER" else "'~' || hex(randomblob(16))"


def mention(conn: sqlite3.Connection, replica: Replica, only: Mapping[str, str] | None = None) -> None:
    """Has rows told again, those that have `only` these values, to those who may hear of them now and might not
    before; in a hall of one box nobody is told."""
    values = dict(only or {})
    conditions = " AND ".join(["(SELECT noted FROM hall_role)", *(f"{name} = :{name}" for name in values)])
    conn.execute(
        f"INSERT INTO changes (tbl, key, cols) SELECT '{replica.table}', json_array({', '.join(replica.key)}),"
        f" '{NEW}' FROM {replica.table} WHERE {conditions}",
        values,
    )


def forget_before(conn: sqlite3.Connection, seq: int) -> int:
    """Clears changes up to that number; who has not heard of them takes everything anew. Returns how many."""
    return conn.execute("DELETE FROM changes WHERE seq <= ?", [seq]).rowcount


def compact(conn: sqlite3.Connection, limit: int = 20_000) -> int:
    """Clears what a later change of the same row says too, of the oldest so many; returns how many."""
    return conn.execute(
        "DELETE FROM changes WHERE seq IN ("
        " SELECT c.seq FROM (SELECT seq, tbl, key FROM changes ORDER BY seq LIMIT ?) c WHERE EXISTS"
        " (SELECT 1 FROM changes d WHERE d.tbl = c.tbl AND d.key = c.key AND d.seq > c.seq))",
        [limit],
    ).rowcount


def columns_of(conn: sqlite3.Connection, table: str) -> list[str]:
    """The names of a table's columns."""
    return [row["name"] for row in conn.execute(f"PRAGMA table_info({table})")]


def key_text(key: Sequence[Any]) -> str:
    """A row's key as `changes` notes it: what SQLite's `json_array` writes."""
    return json.dumps(list(key), separators=(",", ":"), ensure_ascii=False)


def _in_order(told: Iterable[Change]) -> list[Change]:
    """Of rows in the order of what refers to what: those that are gone last, the other way round."""
    every = list(told)
    return [one for one in every if not one.gone] + [one for one in reversed(every) if one.gone]


def _told(conn: sqlite3.Connection, replica: Replica, key: str, noted: _Noted) -> Change | None:
    row = _row(conn, replica, key, replica.up or "0")
    if row is None:
        return Change(replica.table, tuple(json.loads(key)), None)
    if not row["told_"]:
        return None
    names = [name for name in columns_of(conn, replica.table) if name not in replica.local]
    if not noted.new:
        names = [name for name in names if name in noted.cols]
    return Change(
        replica.table, tuple(json.loads(key)), {name: _to_json(row[name]) for name in names}, new=noted.new
    )


def _standing(conn: sqlite3.Connection, replica: Replica, reader: Reader, key: str) -> Change:
    row = _row(conn, replica, key, _condition(replica, reader) or "0", _asked(reader))
    if row is None or not row["told_"]:
        return Change(replica.table, tuple(json.loads(key)), None)
    columns = _columns_down(conn, replica, reader)
    return Change(replica.table, tuple(json.loads(key)), {name: _to_json(row[name]) for name in columns})


def _row(
    conn: sqlite3.Connection, replica: Replica, key: str, condition: str, asked: Mapping[str, Any] | None = None
) -> sqlite3.Row | None:
    """The row of that key, with `told_`: whether the condition holds of it."""
    where = " AND ".join(f"{name} IS :key_{i}" for i, name in enumerate(replica.key))
    keys = {f"key_{i}": value for i, value in enumerate(json.loads(key))}
    row: sqlite3.Row | None = conn.execute(
        f"SELECT *, ({condition}) AS told_ FROM {replica.table} WHERE {where}", {**keys, **(asked or {})}
    ).fetchone()
    return row


def _condition(replica: Replica, reader: Reader) -> str | None:
    return "1" if reader.label is None else replica.down


def _asked(reader: Reader) -> dict[str, Any]:
    return {"label": reader.label, "since": reader.since}


def _columns_down(conn: sqlite3.Connection, replica: Replica, reader: Reader) -> list[str]:
    hidden = frozenset[str]() if reader.label is None else replica.local | replica.private
    return [name for name in columns_of(conn, replica.table) if name not in hidden]


def _to_json(value: Any) -> Any:
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _from_json(value: Any) -> Any:
    return base64.b64decode(value["b64"]) if isinstance(value, Mapping) else value


def _exists(conn: sqlite3.Connection, table: str) -> bool:
    return (
        conn.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [table]).fetchone()
        is not None
    )


def _triggers(conn: sqlite3.Connection, replica: Replica) -> dict[str, str]:
    table = replica.table
    columns = [name for name in columns_of(conn, table) if name not in replica.local]

    def note(which: str, *told: tuple[str, str]) -> str:
        inserts = " ".join(
            f"INSERT INTO changes (tbl, key, cols) SELECT '{table}',"
            f" json_array({', '.join(f'{row}.{name}' for name in replica.key)}), cols FROM (SELECT {cols} AS cols)"
            " WHERE cols != '';"
            for row, cols in told
        )
        return (
            f"CREATE TRIGGER told_{table}_{which} AFTER {which.upper()} ON {table}"
            f" WHEN (SELECT noted AND NOT taking_over FROM hall_role) BEGIN {inserts} END"
        )

    changed = " || ".join(f"iif(OLD.{name} IS NEW.{name}, '', ',{name}')" for name in columns)
    # A row of another key is another row.
    same = " AND ".join(f"OLD.{name} IS NEW.{name}" for name in replica.key)
    return {
        f"told_{table}_insert": note("insert", ("NEW", f"'{NEW}'")),
        f"told_{table}_update": note(
            "update", ("OLD", f"iif({same}, '', '{GONE}')"), ("NEW", f"iif({same}, {changed}, '{NEW}')")
        ),
        f"told_{table}_delete": note("delete", ("OLD", f"'{GONE}'")),
    }
