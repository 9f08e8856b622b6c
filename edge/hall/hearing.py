"""What a table does with what the hub tells: writes the hall's rows as they stand, and keeps what it has not told.

A column that was changed here and not told yet stays as it is: the hub hears of it next, and tells it back.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edge.clock import stamp
from edge.hall import erasure, logins, takeovers
from edge.hall.scoring import recount
from edge.hall.sessions import get_session, sessions_of_match
from edge.store import changes, outbox, sync_state
from edge.store.changes import Change
from edge.store.replicas import BY_TABLE, REPLICAS

WHOSE = frozenset({"player_id", "player_a", "player_b"})


class UntoldError(Exception):
    """Something was told meanwhile that the hub does not have yet: first that, then this."""


@dataclass(slots=True)
class _Heard:
    """What is to be made anew here after it was heard."""

    sessions: set[str] = field(default_factory=set)
    matches: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)


def told_upto(conn: sqlite3.Connection) -> int:
    """The number of the last fact of this box, all of which are told: to be asked before the hub is, whose rows
    hold those then. Raises UntoldError."""
    if sync_state.count_unsent(conn):
        raise UntoldError
    return outbox.last_seq(conn)


def hear(conn: sqlite3.Connection, told: Sequence[Change], now: datetime, upto: int) -> int:
    """Writes rows that the hub has told, who had this box's facts up to that number; returns how many were other
    than here.

    Raises UntoldError; sqlite3.IntegrityError, perhaps not before the commit, where rows don't fit those that are
    here: then all must be taken anew. `conn` must be inside a transaction for writing.
    """
    _require_nothing_since(conn, upto)
    heard = _Heard()
    conn.execute("PRAGMA defer_foreign_keys = ON")
    with changes.taking_over(conn):
        written = _write_all(conn, told, heard, stamp(now))
    _follow(conn, heard, now)
    return written


def hear_all(conn: sqlite3.Connection, told: Iterable[Change], now: datetime, upto: int) -> int:
    """As `hear`, for everything that the hub tells: rows it does not know are deleted, unless they are not told
    yet or something that is this box's own refers to them: a hub that was restored may hear of them again."""
    _require_nothing_since(conn, upto)
    heard = _Heard()
    seen: dict[str, set[str]] = {one.table: set() for one in REPLICAS if one.down is not None}
    known = [change for change in told if change.table in seen]
    for change in known:
        seen[change.table].add(changes.key_text(change.key))
    conn.execute("PRAGMA defer_foreign_keys = ON")
    with changes.taking_over(conn), changes.unguarded(conn, seen):
        unknown = _Unknown(conn, frozenset(seen))
        written = sum(unknown.delete(table, seen[table]) for table in reversed(seen))
        written += _write_all(conn, known, heard, stamp(now))
    _follow(conn, heard, now)
    return written


def _require_nothing_since(conn: sqlite3.Connection, upto: int) -> None:
    """What another process has told meanwhile the hub's rows may not hold yet."""
    if told_upto(conn) != upto:
        raise UntoldError


def _write_all(conn: sqlite3.Connection, told: Sequence[Change], heard: _Heard, now: str) -> int:
    free = [one for one in told if changes.noted_columns(conn, one.table, changes.key_text(one.key)) == set()]
    for table in dict.fromkeys(one.table for one in free):
        changes.make_room(conn, BY_TABLE[table], free)
    written, waiting = 0, list(told)
    while waiting:
        # What one row alone may have it gets when the one that had it has given it up.
        later = []
        for change in waiting:
            try:
                written += _write(conn, change, heard, now)
            except sqlite3.IntegrityError as error:
                later.append(change)
                if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE or len(later) == len(waiting):
                    raise
        waiting = later
    return written


def _write(conn: sqlite3.Connection, change: Change, heard: _Heard, now: str) -> bool:
    replica = BY_TABLE[change.table]
    here = changes.noted_columns(conn, change.table, changes.key_text(change.key))
    if here is None or (change.gone and here):
        return False
    if change.gone and change.table == "sessions":
        erasure.delete_shots_of(conn, str(change.key[0]), now)  # or they would lie here and be nobody's
    differing = changes.put_row(conn, replica, change, but=here)
    if differing and change.values is not None:
        _note(heard, change, differing)
    return bool(differing)


def _note(heard: _Heard, change: Change, differing: frozenset[str]) -> None:
    values = change.values or {}
    if change.table == "players" and "erased" in differing and values.get("erased"):
        heard.erased.add(str(change.key[0]))
    elif change.table in ("said", "rulings"):
        if values.get("match_id"):
            heard.matches.add(values["match_id"])
        elif values.get("session_id"):
            heard.sessions.add(values["session_id"])
    elif change.table == "sessions" and WHOSE & differing:
        heard.sessions.add(str(change.key[0]))
    elif change.table == "matches" and WHOSE & differing:
        heard.matches.add(str(change.key[0]))


def _follow(conn: sqlite3.Connection, heard: _Heard, now: datetime) -> None:
    """What was played here is counted by what is known now; what was somebody's who is erased is deleted."""
    for match_id in sorted(heard.matches):
        heard.sessions.update(session.id for session in sessions_of_match(conn, match_id)[:1])
    for session_id in sorted(heard.sessions):
        session = get_session(conn, session_id)
        if session is not None and _played_here(conn, session_id, session.match_id):
            recount(conn, session, now)
    for player_id in sorted(heard.erased):
        logins.forget(conn, player_id)
        if takeovers.is_taken_over(conn, player_id):
            continue  # all of theirs is somebody's: the hub tells whose, row by row
        conn.execute(
            "INSERT INTO erasures (player_id, begun_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [player_id, stamp(now)],
        )


def _played_here(conn: sqlite3.Connection, session_id: str, match_id: str | None) -> bool:
    found = conn.execute(
        "SELECT 1 FROM plays WHERE session_id = ? OR (match_id IS NOT NULL AND match_id = ?) LIMIT 1",
        [session_id, match_id],
    ).fetchone()
    return found is not None


class _Unknown:
    """The rows here that the hub does not know. Tables are asked for in the order in which those that refer come
    before what they refer to."""

    def __init__(self, conn: sqlite3.Connection, halls: frozenset[str]) -> None:
        self._conn = conn
        self._to: dict[str, list[tuple[str, str]]] = {}  # by a row that refers: its column, and to what
        self._from: dict[str, list[tuple[str, str]]] = {}  # by what is referred to: by what that is this box's own
        self._wanted: set[tuple[str, object]] = set()
        for child, column, parent in _references(conn):
            self._to.setdefault(child, []).append((column, parent))
            if child not in halls:
                self._from.setdefault(parent, []).append((child, column))

    def delete(self, table: str, known: set[str]) -> int:
        """Deletes those of a table that nothing here needs, and that are told already; returns how many."""
        replica = BY_TABLE[table]
        gone = 0
        for row in self._conn.execute(f"SELECT * FROM {table}").fetchall():
            key = tuple(row[name] for name in replica.key)
            text = changes.key_text(key)
            if text in known or changes.noted_columns(self._conn, table, text) != set():
                continue
            if self._is_needed(table, key[0]):
                self._keep(table, row)
                continue
            changes.put_row(self._conn, replica, Change(table, key, None))
            gone += 1
        return gone

    def _is_needed(self, table: str, row_id: object) -> bool:
        return (table, row_id) in self._wanted or any(
            self._conn.execute(f"SELECT 1 FROM {child} WHERE {column} = ? LIMIT 1", [row_id]).fetchone()
            for child, column in self._from.get(table, ())
        )

    def _keep(self, table: str, row: sqlite3.Row) -> None:
        """With all that it refers to. The name of a player whom the hall does not know may be another's by now."""
        self._wanted.update((parent, row[column]) for column, parent in self._to.get(table, ()))
        if table == "players":
            self._conn.execute("UPDATE players SET name_key = NULL WHERE id = ?", [row["id"]])


def _references(conn: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Which column of which table refers to which table's rows, by their id."""
    tables = conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return [
        (table["name"], found["from"], found["table"])
        for table in tables
        for found in conn.execute(f"PRAGMA foreign_key_list({table['name']})")
    ]
