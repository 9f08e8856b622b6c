"""What the hub does with a fact of another box: it takes it into its own store, and settles what follows from it.

A fact is taken in whole or not at all. What follows (days, points, ratings, ladders …) is made anew once for all
facts of a batch, by the same rules as for what happened at the hub's own table.
"""

import base64
import json
import sqlite3
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from typing import Any

from edge.clock import from_stamp, stamp
from edge.facts import Fact
from edge.hall import standing
from edge.hall.matches import get_match
from edge.hall.scoring import recount
from edge.hall.sessions import get_session
from edge.hall.told_late import as_now_known, is_about_what_is_gone, is_there, whose_it_is_now
from edge.stats.daily import refresh_day
from edge.store import changes
from edge.store.changes import Change, Replica
from edge.store.inbox import REFERS_TO_NOTHING
from edge.store.replicas import BY_TABLE
from edge.store.shots import take_in_amendment, take_in_shot

# Columns of rows that boxes tell, besides those that end in `_at`.
MOMENTS = frozenset({"at", "created", "erased", "expires"})
DAYS = frozenset({"day", "date"})
# What reading a fact ends in that no honest box writes; the errors of SQLite are those for values that it has not.
NOT_SO = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, sqlite3.InterfaceError,
    sqlite3.ProgrammingError, sqlite3.DataError,
)  # fmt: skip


class TakingInError(Exception):
    """A fact can't be taken in; the text says why, and nothing of it was."""


@dataclass(slots=True)
class Touched:
    """What facts were about, and is to be made anew."""

    days: set[tuple[str, str]] = field(default_factory=set)
    matches: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)  # sessions of which no table has seen everything
    others: set[tuple[Any, ...]] = field(default_factory=set)  # keys of rows that are another's than was told


def take_in(conn: sqlite3.Connection, fact: Fact, touched: Touched) -> None:
    """Takes one fact in; a second time changes nothing. Raises TakingInError."""
    act = _ACTS.get(fact.kind)
    if act is None:
        raise TakingInError(f"facts of the kind {fact.kind[:40]} are not known to this version")
    conn.execute("SAVEPOINT one_fact")
    try:
        act(conn, _content(fact), fact, touched)
    except BaseException as error:
        if conn.in_transaction:  # a full disk has ended it already
            conn.execute("ROLLBACK TO one_fact")
            conn.execute("RELEASE one_fact")
        explained = _explained(error)
        if explained is None:
            raise
        raise explained from error
    conn.execute("RELEASE one_fact")


def settle(conn: sqlite3.Connection, touched: Touched, now: datetime) -> None:
    """Makes anew what follows from what was taken in."""
    for session_id in sorted(touched.moved):
        session = get_session(conn, session_id)
        if session is not None:
            recount(conn, session, now)
    for player_id, day in sorted(touched.days):
        refresh_day(conn, player_id, day)
    players = {player_id: day[:7] for player_id, day in sorted(touched.days, reverse=True)}
    for player_id in players:
        # What was played before its box heard that they were erased goes as well.
        conn.execute(
            "INSERT INTO erasures (player_id, begun_at)"
            " SELECT id, ? FROM players WHERE id = ? AND erased IS NOT NULL"
            " AND id NOT IN (SELECT from_id FROM takeovers) ON CONFLICT DO NOTHING",
            [stamp(now), player_id],
        )
    for match_id in sorted(touched.matches):
        match = get_match(conn, match_id)
        if match is not None:
            standing.settle(conn, match.everybody, now, match_id, since_month=match.day[:7])
    for player_id, month in players.items():
        standing.settle(conn, [player_id], now, since_month=month)


def _content(fact: Fact) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(fact.body)
    if content["schema"] != 1:
        raise TakingInError("it is of a schema that is not known to this version")
    return content


def _take_shot(conn: sqlite3.Connection, content: dict[str, Any], fact: Fact, _touched: Touched) -> None:
    _require_moment(content["played_at"])
    take_in_shot(
        conn,
        content["shot"],
        content["source_id"],
        content["played_at"],
        ball_set=content["ball_set"],
        stored_at=fact.created,
    )
    conn.execute("DELETE FROM to_book WHERE shot_id = ?", [content["shot_id"]])  # its own box has booked it


def _take_amendment(conn: sqlite3.Connection, content: dict[str, Any], fact: Fact, _touched: Touched) -> None:
    take_in_amendment(
        conn,
        content["shot"],
        author=content["author"],
        reason=content["reason"],
        ball_set=content["ball_set"],
        amended_at=fact.created,
    )
    conn.execute("DELETE FROM to_book WHERE shot_id = ?", [content["shot_id"]])


def _take_row(conn: sqlite3.Connection, content: dict[str, Any], _fact: Fact, touched: Touched) -> None:
    replica = BY_TABLE.get(content["table"])
    if replica is None or replica.up is None:
        raise TakingInError(f"a table of the hall has no say in {str(content['table'])[:40]}")
    change = _change(replica, content)
    if is_about_what_is_gone(conn, replica, change):
        return
    if not change.gone and not change.new and not is_there(conn, change):
        raise TakingInError(REFERS_TO_NOTHING)
    told = as_now_known(conn, replica, change)
    change = whose_it_is_now(conn, told)
    if change is not told:
        touched.others.add(change.key)
    before = _about(conn, change)
    _require_say(conn, replica, change)
    if changes.put_row(conn, replica, change):
        _require_say(conn, replica, change)
        if change.table == "sources":
            conn.execute("UPDATE sources SET elsewhere = 1 WHERE id = ?", change.key)
        if change.table == "sessions" and change.new and change.values is not None:
            # From now on they may be checked in there without the hub.
            for table in ("pins", "cards"):
                changes.mention(conn, BY_TABLE[table], {"player_id": change.values["player_id"]})
        _touch(touched, change, before)
        _touch(touched, change, _about(conn, change))
        touched.moved.update(_moved(conn, change))
    if change.key in touched.others:
        changes.mention(conn, replica, {replica.key[0]: str(change.key[0])})


def _take_erased(conn: sqlite3.Connection, content: dict[str, Any], _fact: Fact, touched: Touched) -> None:
    """What a box has deleted of somebody's who was erased; who is erased themselves is the hub's affair."""
    for shot_id in content["shots"]:
        play = conn.execute("SELECT player_id, day FROM plays WHERE shot_id = ?", [shot_id]).fetchone()
        if play is not None and play["player_id"] is not None:
            touched.days.add((play["player_id"], play["day"]))
        conn.execute("DELETE FROM shots WHERE id = ?", [shot_id])


_ACTS = {"shot": _take_shot, "amend": _take_amendment, "row": _take_row, "erased": _take_erased}


def about(fact: Fact) -> str:
    """What a fact tells of: facts about the same are taken in in the order in which they were told."""
    try:
        content = json.loads(fact.body)
        if fact.kind == "row":
            return f"{content['table']} {changes.key_text(content['key'])}"
        return f"shot {content['shot_id']}" if fact.kind in ("shot", "amend") else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def is_new(fact: Fact) -> bool:
    """Whether a fact begins what it tells of."""
    try:
        return fact.kind == "shot" or bool(json.loads(fact.body)["new"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _change(replica: Replica, content: dict[str, Any]) -> Change:
    """Raises ValueError and the like for what no honest box writes."""
    key, values, new = content["key"], content["values"], content["new"]
    if not isinstance(key, list) or len(key) != len(replica.key) or isinstance(new, (list, dict)):
        raise ValueError(key)
    for part in key:
        _require_stored(part)
    for name, value in (values or {}).items():
        _require_stored(base64.b64decode(value["b64"], validate=True) if isinstance(value, dict) else value)
        if value is not None and (name in MOMENTS or name.endswith("_at")):
            _require_moment(value)
        elif name in DAYS and value is not None:
            date.fromisoformat(value)
    return Change(replica.table, tuple(key), values, new=bool(new))


def _require_moment(value: str) -> None:
    if from_stamp(value).tzinfo is None:
        raise ValueError(value)


def _require_stored(value: object) -> None:
    fits = (
        value is None
        or isinstance(value, (str, bytes))
        or (
            -(1 << 63) <= value < 1 << 63
            if isinstance(value, int)
            else isinstance(value, float) and isfinite(value)
        )
    )
    if not fits:
        raise ValueError(value)


def _require_say(conn: sqlite3.Connection, replica: Replica, change: Change) -> None:
    """Also of a table's rows some are the hub's alone: of players all who are no guests."""
    sql = f"SELECT 1 FROM {replica.table} WHERE {replica.where} AND NOT ({replica.up})"
    if conn.execute(sql, change.key).fetchone() is not None:
        raise TakingInError(f"a table of the hall has no say in this row of {replica.table}")


def _about(conn: sqlite3.Connection, change: Change) -> sqlite3.Row | None:
    """Whom and which day a play or a session is about, as the store has it now."""
    if change.table not in ("plays", "sessions"):
        return None
    key = BY_TABLE[change.table].key[0]
    row: sqlite3.Row | None = conn.execute(
        f"SELECT player_id, day FROM {change.table} WHERE {key} = ?", change.key
    ).fetchone()
    return row


def _moved(conn: sqlite3.Connection, change: Change) -> list[str]:
    """The session that a row is of, where it went on at several tables: each has told what it saw of it."""
    of = {
        "sessions": "id = ?1",
        "matches": "match_id = ?1",
        "plays": "id = (SELECT session_id FROM plays WHERE shot_id = ?1)",
    }
    if change.table not in of:
        return []
    rows = conn.execute(
        f"SELECT id FROM sessions s WHERE {of[change.table]}"
        " AND EXISTS (SELECT 1 FROM session_moves WHERE session_id = s.id) ORDER BY id LIMIT 1",
        change.key[:1],
    )
    return [row["id"] for row in rows]


def _touch(touched: Touched, change: Change, about: sqlite3.Row | None) -> None:
    if about is not None and about["player_id"] is not None:
        touched.days.add((about["player_id"], about["day"]))
    if change.table in ("ladder_matches", "said") and change.values is not None and change.values.get("match_id"):
        touched.matches.add(change.values["match_id"])
    if change.table == "matches" and (change.values is None or not {"status", "winner", "score_a", "score_b",
            "hill_hill", "player_a", "player_b"}.isdisjoint(change.values)):  # fmt: skip
        touched.matches.add(str(change.key[0]))


def _explained(error: BaseException) -> TakingInError | None:
    """Why a fact can't be taken in; None where it is not the fact."""
    if isinstance(error, sqlite3.IntegrityError):
        missing = "FOREIGN KEY" in str(error)
        return TakingInError(REFERS_TO_NOTHING if missing else f"it goes against what is here: {error}")
    if isinstance(error, NOT_SO):
        return TakingInError("it is not written as such a fact is")
    return error if isinstance(error, TakingInError) else None
