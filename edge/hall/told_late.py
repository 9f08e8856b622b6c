"""What a table tells and could not know yet: of rows that are gone, of matches that are over, of people who are
somebody else by now.

The hub takes such a row in as it holds here, and tells the table how it stands.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edge.hall import takeovers
from edge.hall.calls import call_at
from edge.store import changes
from edge.store.changes import Change, Replica
from edge.store.replicas import BY_TABLE

PEOPLE = ("player_id", "player_a", "player_b", "partner_a", "partner_b", "winner", "speaker", "withdrawn_by")
BY_PEOPLE = frozenset({"matches", "sessions", "plays", "said", "staff_calls"})


def is_there(conn: sqlite3.Connection, change: Change) -> bool:
    """Whether the row is here."""
    where = BY_TABLE[change.table].where
    return conn.execute(f"SELECT 1 FROM {change.table} WHERE {where}", change.key).fetchone() is not None


def is_about_what_is_gone(conn: sqlite3.Connection, replica: Replica, change: Change) -> bool:
    """Whether it changes a row that was deleted here, or is one of those that went with another: of somebody who
    was erased, before their table had heard of it."""
    if change.gone or is_there(conn, change):
        return False
    if changes.is_gone(conn, replica.table, change.key):
        return True
    values = {**(change.values or {}), **dict(zip(replica.key, change.key, strict=True))}
    for link in conn.execute(f"PRAGMA foreign_key_list({replica.table})").fetchall():
        target = [values.get(link["from"])]
        if link["on_delete"] == "CASCADE" and changes.is_gone(conn, link["table"], target):
            return True
    return False


def as_now_known(conn: sqlite3.Connection, replica: Replica, change: Change) -> Change:
    """What a table could not know yet. Who sits down at one gets up at another, where a match is broken off by it
    that may have been over by then; and a table that calls, from a phone say, goes on with that call. What does
    not hold is not written, and the table is told how it stands."""
    values = change.values or {}
    if change.table == "staff_calls" and change.new and not values.get("answered_at") and _calls(conn, change):
        return replace(change, values={**values, "withdrawn_at": values.get("withdrawn_at") or values["at"]})
    if change.table != "matches" or values.get("status") != "abandoned" or change.new or "winner" in values:
        return change
    if conn.execute("SELECT 1 FROM matches WHERE id = ? AND status = 'over'", change.key).fetchone() is None:
        return change
    changes.mention(conn, replica, {"id": str(change.key[0])})
    left = {name: value for name, value in values.items() if name not in ("status", "ended_at")}
    return replace(change, values=left)


def whose_it_is_now(conn: sqlite3.Connection, change: Change) -> Change:
    """What a table tells of somebody whose account has become another's is the other's, save what the two played
    against each other; the table is told how it stands."""
    values = change.values or {}
    now = {name: takeovers.who_is_now(conn, values[name]) for name in PEOPLE if isinstance(values.get(name), str)}
    now = {name: player_id for name, player_id in now.items() if player_id != values[name]}
    if not now or change.table not in BY_PEOPLE:
        return change
    playing = _people_of_match(conn, change)
    if any({values[name], player_id} <= playing for name, player_id in now.items()):
        return change
    return replace(change, values={**values, **now})


def _calls(conn: sqlite3.Connection, change: Change) -> bool:
    known = call_at(conn, (change.values or {})["table_label"])
    return known is not None and known.id != change.key[0]


def _people_of_match(conn: sqlite3.Connection, change: Change) -> set[str]:
    """Who is in the match that a row is or is of, as it stands here, or as it is told for the first time."""
    values = change.values or {}
    row: Mapping[str, Any] | sqlite3.Row | None
    if change.table == "matches":
        row = conn.execute("SELECT * FROM matches WHERE id = ?", change.key).fetchone() or values
    elif change.table == "staff_calls":
        return set()
    elif "match_id" in values:
        row = conn.execute("SELECT * FROM matches WHERE id = ?", [values["match_id"]]).fetchone()
    else:
        key = BY_TABLE[change.table].key[0]
        row = conn.execute(
            f"SELECT m.* FROM {change.table} r JOIN matches m ON m.id = r.match_id WHERE r.{key} = ?", change.key
        ).fetchone()
    sides = ("player_a", "player_b", "partner_a", "partner_b")
    return set() if row is None else {row[name] for name in sides if name in row.keys() and row[name] is not None}  # noqa: SIM118
