"""What a damaged store still tells: read row by row, so that one page that can't be read costs its own rows alone.

A shot, an amendment or a fact is taken only when its content has the hash it was stored with. Everything else of
the hall (who played, matches, points) is as the snapshot had it.
"""

import json
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from edge import facts
from edge.clock import from_stamp
from edge.facts import Fact, content_hash
from edge.hall import erasure
from edge.store import outbox, shots
from vision.model import shot_from_json

log = logging.getLogger(__name__)

Row = dict[str, Any]

_MOST_ROWS = 5_000_000
_MOST_MISSES = 20_000  # in a row, where the last row is not known
# Rows of shots are numbered anew when the last ones were deleted.
_OVERLAP = 2_000


@dataclass(slots=True)
class Salvaged:
    """How much was brought over, and how many facts are known to have been there and can't be read."""

    shots: int = 0
    amendments: int = 0
    facts: int = 0
    erased: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class _Read:
    """What was read of the damaged store."""

    sources: list[Row] = field(default_factory=list)
    shots: list[Row] = field(default_factory=list)
    amendments: list[Row] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    unreadable: int = 0


def salvage(old: sqlite3.Connection, new: sqlite3.Connection, now: datetime) -> Salvaged:
    """Brings into `new`, inside a transaction for writing, what `old` has beyond it and what can still be read.

    Facts go in line under their own keys, after those that are there: who has one already knows it by that.
    """
    read = _read(old, new)
    done = Salvaged(unreadable=read.unreadable)
    for source in read.sources:
        _insert(new, "sources", source)
    brought_shots = [row for row in read.shots if _insert(new, "shots", row)]
    brought_amendments = [row for row in read.amendments if _insert(new, "amendments", row)]
    done.shots, done.amendments = len(brought_shots), len(brought_amendments)
    for fact in read.facts:
        _take_fact(new, fact, done)
    done.facts += _tell_untold(new, brought_shots, brought_amendments)
    gone = {*read.erased, *(player for fact in read.facts if (player := _erased_by(fact)))}
    done.erased = sum(erasure.erase(new, one, now, role="system", who=None) for one in sorted(gone))
    return done


def erased_players(conn: sqlite3.Connection) -> list[str]:
    """The ids of those who were erased in a store, as far as it can be read."""
    return [str(row["id"]) for row in _rows(conn, "players", 0) if row["erased"] is not None]


def _read(old: sqlite3.Connection, new: sqlite3.Connection) -> _Read:
    read = _Read(
        sources=[dict(row) for row in _rows(old, "sources", 0)],
        shots=[dict(row) for row in _rows(old, "shots", _begin(new, "shots")) if _is_whole(row)],
        amendments=[dict(row) for row in _rows(old, "amendments", _begin(new, "amendments")) if _is_whole(row)],
        erased=erased_players(old),
    )
    begin = outbox.last_seq(new)
    for row in _rows(old, "outbox", begin):
        if _is_whole(row):
            read.facts.append(Fact(row["kind"], row["key"], row["created"], row["body"], row["hash"]))
    read.unreadable = max(0, _last_seq(old) - begin - len(read.facts))
    return read


def _rows(conn: sqlite3.Connection, table: str, after: int) -> Iterator[sqlite3.Row]:
    """The rows of a table that can be read, by their numbers from `after` on."""
    last = _last_row(conn, table)
    upto = after + _MOST_ROWS if last is None else min(last, after + _MOST_ROWS)
    number, misses = after, 0
    while number < upto and (last is not None or misses < _MOST_MISSES):
        number += 1
        row = _row(conn, table, number)
        misses = misses + 1 if row is None else 0
        if row is not None:
            yield row


def _row(conn: sqlite3.Connection, table: str, number: int) -> sqlite3.Row | None:
    try:
        row: sqlite3.Row | None = conn.execute(f"SELECT * FROM {table} WHERE rowid = ?", [number]).fetchone()
    except (sqlite3.Error, UnicodeError, OverflowError):
        return None
    return row


def _last_row(conn: sqlite3.Connection, table: str) -> int | None:
    try:
        return int(conn.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return None


def _last_seq(conn: sqlite3.Connection) -> int:
    try:
        return outbox.last_seq(conn)
    except (sqlite3.Error, TypeError, ValueError):
        return 0


def _begin(new: sqlite3.Connection, table: str) -> int:
    return max(0, (_last_row(new, table) or 0) - _OVERLAP)


def _is_whole(row: sqlite3.Row) -> bool:
    try:
        return content_hash(row["body"]) == str(row["hash"])
    except (AttributeError, TypeError, UnicodeError):
        return False


def _insert(conn: sqlite3.Connection, table: str, row: Row) -> bool:
    """Whether the row is there now and was not before."""
    known = {column["name"] for column in conn.execute(f"PRAGMA table_info({table})")}
    row = {name: value for name, value in row.items() if name in known}
    marks = ", ".join("?" * len(row))
    try:
        done = conn.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks}) ON CONFLICT DO NOTHING", list(row.values())
        )
    except sqlite3.IntegrityError as error:  # it refers to what could not be read, or is no row at all
        log.warning("a row of %s can't be brought over: %s", table, error)
        return False
    return done.rowcount > 0


def _take_fact(conn: sqlite3.Connection, fact: Fact, done: Salvaged) -> None:
    if conn.execute("SELECT 1 FROM outbox WHERE key = ?", [fact.key]).fetchone() is not None:
        return
    conn.execute("SAVEPOINT fact")
    try:
        stored = _store_told(conn, fact)
        if stored is None:
            outbox.append(conn, fact)
        else:
            _put_under_its_key(conn, fact)
            setattr(done, stored, getattr(done, stored) + 1)
        done.facts += 1
    except (sqlite3.IntegrityError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("a fact of kind %s can't be brought over: %s", fact.kind, error)
        conn.execute("ROLLBACK TO fact")
        done.unreadable += 1
    conn.execute("RELEASE fact")


def _store_told(conn: sqlite3.Connection, fact: Fact) -> str | None:
    """Stores what a fact tells where its row could not be read; the table it went to, None when nothing is
    stored."""
    if fact.kind not in ("shot", "amend"):
        return None
    content = json.loads(fact.body)
    shot = shot_from_json(content["shot"])
    stored = conn.execute("SELECT revision FROM shots_now WHERE id = ?", [shot.id]).fetchone()
    if fact.kind == "shot" and stored is None:
        shots.store_shot(conn, shot, content["source_id"], from_stamp(content["played_at"]), content["ball_set"])
        return "shots"
    if fact.kind == "amend" and stored is not None and stored["revision"] == content["revision"] - 1:
        if content["author"] == shots.VISION:
            outcome = shots.store_shot(conn, shot, "", datetime.min, content["ball_set"])
            return "amendments" if outcome == "amended" else None
        shots.mend_shot(conn, shot, content["author"], content["reason"])
        return "amendments"
    return None


def _put_under_its_key(conn: sqlite3.Connection, fact: Fact) -> None:
    """Puts the fact in the place of the one that was just made of it, so that it is known where it was sent to."""
    row = conn.execute("SELECT * FROM outbox ORDER BY seq DESC LIMIT 1").fetchone()
    conn.execute("DELETE FROM outbox WHERE seq = ?", [row["seq"]])
    conn.execute(
        "INSERT INTO outbox (seq, device, epoch, kind, key, body, hash, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [row["seq"], row["device"], row["epoch"], fact.kind, fact.key, fact.body, fact.hash, fact.created],
    )


def _tell_untold(conn: sqlite3.Connection, shot_rows: list[Row], amendment_rows: list[Row]) -> int:
    """Puts in line what was brought over and whose fact could not be read; returns how many those were."""
    untold = [_logged(row) for row in shot_rows if not _is_told(conn, "shot", row["id"], None)]
    untold += [
        _amended(row) for row in amendment_rows if not _is_told(conn, "amend", row["shot_id"], row["revision"])
    ]
    for fact in untold:
        outbox.append(conn, fact)
    return len(untold)


def _logged(row: Row) -> Fact:
    return facts.shot_logged(
        row["id"],
        row["source_id"],
        row["played_at"],
        ball_set=row["ball_set"],
        shot=json.loads(row["body"]),
        created=row["stored_at"],
    )


def _amended(row: Row) -> Fact:
    return facts.shot_amended(
        row["shot_id"],
        row["revision"],
        author=row["author"],
        reason=row["reason"],
        ball_set=row["ball_set"],
        shot=json.loads(row["body"]),
        created=row["amended_at"],
    )


def _is_told(conn: sqlite3.Connection, kind: str, shot_id: str, revision: int | None) -> bool:
    rows = [row for row in outbox.rows_about(conn, shot_id) if row.fact.kind == kind]
    return any(revision is None or json.loads(row.fact.body)["revision"] == revision for row in rows)


def _erased_by(fact: Fact) -> str | None:
    """The player whom a fact says to be erased."""
    if fact.kind != "erased":
        return None
    try:
        player_id = json.loads(fact.body)["player_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return player_id if isinstance(player_id, str) else None
