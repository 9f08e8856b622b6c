"""Shots: the table, how a shot is stored once, and what pages ask.

A stored shot is never edited. What changes later is an amendment with a revision; the view `shots_now` shows
every shot as it stands. Whole shots are in `body` (as in `shots.json`), the columns repeat what is asked for.
"""

import json
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge import facts
from edge.clock import from_stamp, now_stamp, stamp
from edge.store import outbox
from vision.model import Shot, shot_from_json, shot_to_json

migrations = Migrations("shots")

# What analysts ask for; the same columns stand in `shots`, `amendments` and `shots_now`. These are of the
# first migration, for good: a later one adds its own.
_COLUMNS_1: dict[str, str] = {
    "start_s": "REAL NOT NULL",
    "end_s": "REAL",
    "complete": "INTEGER NOT NULL",
    "result": "TEXT NOT NULL CHECK (result IN ('make', 'miss', 'unknown'))",
    "scratch": "INTEGER NOT NULL",
    "kind": "TEXT NOT NULL",
    "potted": "TEXT NOT NULL",  # object balls, JSON
    "potted_count": "INTEGER NOT NULL",
    "pocket": "TEXT",  # of the first object ball potted
    "first_ball": "TEXT",
    "cut_angle_deg": "REAL",
    "cue_distance_in": "REAL",
    "pocket_distance_in": "REAL",
    "cue_speed_mph": "REAL",
    "spin_vertical": "TEXT NOT NULL",
    "spin_side": "TEXT NOT NULL",
    "tags": "TEXT NOT NULL",  # JSON
    "difficulty": "REAL",
    "confidence": "REAL",
    "body": "TEXT NOT NULL",
    "hash": "TEXT NOT NULL",
}


@migrations()
def shots_1(db: Database) -> None:
    columns = ",\n".join(f"{name} {kind}" for name, kind in _COLUMNS_1.items())
    db.execute("""
        CREATE TABLE sources (
            id TEXT PRIMARY KEY,
            place TEXT NOT NULL,
            started_at TEXT NOT NULL,
            table_name TEXT NOT NULL,
            table_length_in REAL NOT NULL,
            table_width_in REAL NOT NULL,
            ball_diameter_in REAL NOT NULL,
            calibration_id TEXT NOT NULL,
            picture_width_px INTEGER NOT NULL,
            picture_height_px INTEGER NOT NULL,
            fps REAL
        ) STRICT
    """)
    db.execute(f"""
        CREATE TABLE shots (
            id TEXT PRIMARY KEY,
            source_id TEXT NOT NULL REFERENCES sources (id),
            played_at TEXT NOT NULL,
            stored_at TEXT NOT NULL,
            revision INTEGER NOT NULL CHECK (revision >= 1),
            {columns}
        ) STRICT
    """)
    db.execute("CREATE INDEX shots_by_time ON shots (played_at, id)")
    db.execute("CREATE INDEX shots_by_source ON shots (source_id, start_s)")
    db.execute(f"""
        CREATE TABLE amendments (
            shot_id TEXT NOT NULL REFERENCES shots (id) ON DELETE CASCADE,
            revision INTEGER NOT NULL,
            author TEXT NOT NULL,
            reason TEXT NOT NULL,
            amended_at TEXT NOT NULL,
            {columns},
            PRIMARY KEY (shot_id, revision)
        ) STRICT
    """)
    _create_shots_now(db, "")
    for table in ("shots", "amendments"):
        db.execute(f"""
            CREATE TRIGGER {table}_are_fixed BEFORE UPDATE ON {table}
            BEGIN SELECT RAISE(ABORT, 'a stored shot is never edited: amend it'); END
        """)


@migrations()
def shots_2(db: Database) -> None:
    """The ball set in play, which an earlier version did not store."""
    for table in ("shots", "amendments"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN ball_set TEXT")
    db.execute("DROP VIEW shots_now")
    _create_shots_now(db, "coalesce(a.ball_set, s.ball_set) AS ball_set,")


@migrations()
def shots_3(db: Database) -> None:
    """Which table a source looks at, now that a hall may have several; nobody noted it before."""
    db.execute("ALTER TABLE sources ADD COLUMN table_label TEXT")


@migrations()
def shots_4(db: Database) -> None:
    """A hub has the shots of other tables too, which its own table's pages don't show."""
    db.execute("ALTER TABLE sources ADD COLUMN elsewhere INTEGER NOT NULL DEFAULT 0 CHECK (elsewhere IN (0, 1))")


# Of shots: those of this box's own table.
_OWN = "NOT EXISTS (SELECT 1 FROM sources e WHERE e.id = source_id AND e.elsewhere = 1)"


def _create_shots_now(db: Database, added: str) -> None:
    now = ",\n".join(f"CASE WHEN a.shot_id IS NULL THEN s.{c} ELSE a.{c} END AS {c}" for c in _COLUMNS_1)
    db.execute(f"""
        CREATE VIEW shots_now AS
        SELECT s.id, s.source_id, s.played_at, s.stored_at,
            coalesce(a.revision, s.revision) AS revision,
            a.shot_id IS NOT NULL AS amended,
            {added}
            {now}
        FROM shots s LEFT JOIN amendments a ON a.shot_id = s.id
            AND a.revision = (SELECT max(revision) FROM amendments WHERE shot_id = s.id)
    """)


@dataclass(frozen=True, slots=True)
class Source:
    """One start of a camera, or one playing of a recording. `place` says where it came from, for a person;
    `table_label` which of the hall's tables it looks at, None where nobody noted it."""

    id: str
    place: str
    started_at: str
    table_name: str
    table_length_in: float
    table_width_in: float
    ball_diameter_in: float
    calibration_id: str
    picture_width_px: int
    picture_height_px: int
    fps: float | None
    table_label: str | None = None


_UNKNOWN = shot_to_json(Shot(id="", start_s=0.0, result="unknown", scratch=False))


@dataclass(frozen=True)
class StoredShot:
    """A shot as it stands, with what the store knows of it. `played_at` is UTC.

    `ball_set` names the set in play, by which the balls' names are to be read; None where nobody noted it. `body`
    is the shot's JSON, which is read only when somebody asks for `shot`: it is long.
    """

    id: str
    revision: int
    source_id: str
    played_at: datetime
    amended: bool
    ball_set: str | None
    body: str

    @cached_property
    def shot(self) -> Shot:
        return shot_from_json(json.loads(self.body))

    def as_json(self) -> dict[str, Any]:
        """What `shot_to_json` makes of `shot`: that is what was stored, but for what an older version did not know
        yet."""
        return {**_UNKNOWN, **json.loads(self.body)}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many shots of a span of time; `potted` counts object balls."""

    shots: int = 0
    makes: int = 0
    misses: int = 0
    unknown: int = 0
    scratches: int = 0
    breaks: int = 0
    potted: int = 0


@dataclass(frozen=True, slots=True)
class Bests:
    """The best of a span of time: the fastest cue ball, the longest way to the pocket of a make.

    None where nothing was measured.
    """

    cue_speed_mph: float | None = None
    pocket_distance_in: float | None = None


Outcome = Literal["stored", "amended", "known", "overruled", "conflict"]
VISION = "vision"  # the author of what the camera saw


def store_source(conn: sqlite3.Connection, source: Source) -> None:
    """Stores a source; one that is there already stays as it is."""
    names = Source.__slots__
    conn.execute(
        f"INSERT INTO sources ({', '.join(names)}) VALUES ({_marks(len(names))}) ON CONFLICT (id) DO NOTHING",
        [getattr(source, name) for name in names],
    )


def store_shot(
    conn: sqlite3.Connection, shot: Shot, source_id: str, played_at: datetime, ball_set: str | None = None
) -> Outcome:
    """Stores a shot or an amendment with its fact, once; `conn` must be inside a transaction for writing.

    `ball_set` names the set in play, which is no part of the shot's content. `known`: it, or a later revision, is
    stored already, nothing is written. `overruled`: a person has mended the shot, and what the camera sees later
    changes nothing. `conflict`: this revision is stored with other content, which stays. Raises
    sqlite3.IntegrityError when the source is not stored.
    """
    stored = conn.execute("SELECT revision, hash FROM shots_now WHERE id = ?", [shot.id]).fetchone()
    if stored is None:
        _insert_shot(conn, shot, source_id, played_at, ball_set)
        return "stored"
    mended = conn.execute(
        "SELECT 1 FROM amendments WHERE shot_id = ? AND author != ? LIMIT 1", [shot.id, VISION]
    ).fetchone()
    if mended is not None:
        return "overruled"
    if shot.revision > stored["revision"]:
        _insert_amendment(conn, shot, ball_set, VISION, "seen again")
        return "amended"
    same = shot.revision < stored["revision"] or stored["hash"] == _columns(shot)["hash"]
    return "known" if same else "conflict"


def mend_shot(conn: sqlite3.Connection, shot: Shot, author: str, reason: str) -> Shot:
    """Stores how a person says a shot was, as its next revision; returns it. `author` is a player's id or
    `screen`.

    `conn` must be inside a transaction for writing, and the shot be stored.
    """
    row = conn.execute("SELECT revision FROM shots_now WHERE id = ?", [shot.id]).fetchone()
    mended = replace(shot, revision=row["revision"] + 1)
    _insert_amendment(conn, mended, None, author, reason)
    return mended


def get_source(conn: sqlite3.Connection, source_id: str) -> Source | None:
    """One source, or None."""
    row = conn.execute(f"SELECT {', '.join(Source.__slots__)} FROM sources WHERE id = ?", [source_id]).fetchone()
    return None if row is None else Source(**dict(row))


def recent_shots(conn: sqlite3.Connection, limit: int, before: str | None = None) -> list[StoredShot]:
    """The own table's latest shots as they stand, newest first; with `before`, those older than that shot's id.

    An id that is not stored has nothing before it.
    """
    if before is None:
        sql = f"SELECT * FROM shots_now WHERE {_OWN} ORDER BY played_at DESC, id DESC LIMIT ?"
        return [_stored(row) for row in conn.execute(sql, [limit])]
    sql = (
        f"SELECT * FROM shots_now WHERE {_OWN} AND (played_at, id) <"
        " (SELECT played_at, id FROM shots WHERE id = ?) ORDER BY played_at DESC, id DESC LIMIT ?"
    )
    return [_stored(row) for row in conn.execute(sql, [before, limit])]


def get_shot(conn: sqlite3.Connection, shot_id: str) -> StoredShot | None:
    """One shot as it stands, or None."""
    row = conn.execute("SELECT * FROM shots_now WHERE id = ?", [shot_id]).fetchone()
    return None if row is None else _stored(row)


def shot_after(conn: sqlite3.Connection, shot_id: str) -> str | None:
    """The id of the shot played next after that one; None after the latest, and for an id that is not stored."""
    row = conn.execute(
        f"SELECT id FROM shots WHERE {_OWN}"
        " AND (played_at, id) > (SELECT played_at, id FROM shots WHERE id = ?) ORDER BY played_at, id LIMIT 1",
        [shot_id],
    ).fetchone()
    return None if row is None else str(row["id"])


def shot_before(conn: sqlite3.Connection, shot_id: str) -> str | None:
    """The id of the shot played just before that one; None before the first, and for an id that is not stored."""
    row = conn.execute(
        f"SELECT id FROM shots WHERE {_OWN} AND (played_at, id) <"
        " (SELECT played_at, id FROM shots WHERE id = ?) ORDER BY played_at DESC, id DESC LIMIT 1",
        [shot_id],
    ).fetchone()
    return None if row is None else str(row["id"])


def count_all_shots(conn: sqlite3.Connection) -> int:
    """How many shots of the own table are stored. SQLite walks an index for it: some 20 ms with a million."""
    return int(conn.execute(f"SELECT count(*) FROM shots WHERE {_OWN}").fetchone()[0])


def count_shots_after(conn: sqlite3.Connection, row: int) -> int:
    """How many of the own table's shots were stored after the one in that row."""
    return int(conn.execute(f"SELECT count(*) FROM shots WHERE rowid > ? AND {_OWN}", [row]).fetchone()[0])


def latest_row(conn: sqlite3.Connection) -> int:
    """The row of the shot that was stored last; rows are numbered in the order of storing. 0 without a shot."""
    return int(conn.execute("SELECT coalesce(max(rowid), 0) FROM shots").fetchone()[0])


def count_shots(conn: sqlite3.Connection, begin: str, end: str) -> Counts:
    """Counts over the own table's shots played from `begin` on and before `end`, stamps as `edge.clock.day_bounds`
    gives."""
    row = conn.execute(
        """
        SELECT count(*) AS shots,
            coalesce(sum(result = 'make'), 0) AS makes,
            coalesce(sum(result = 'miss'), 0) AS misses,
            coalesce(sum(result = 'unknown'), 0) AS unknown,
            coalesce(sum(scratch), 0) AS scratches,
            coalesce(sum(kind = 'break'), 0) AS breaks,
            coalesce(sum(potted_count), 0) AS potted
        FROM shots_now WHERE played_at >= ? AND played_at < ? AND """
        + _OWN,
        [begin, end],
    ).fetchone()
    return Counts(**dict(row))


def best_shots(conn: sqlite3.Connection, begin: str, end: str) -> Bests:
    """The bests of the own table's shots, as they stand, played from `begin` on and before `end`: stamps as in
    `count_shots`."""
    row = conn.execute(
        """
        SELECT max(cue_speed_mph) AS cue_speed_mph,
            max(CASE WHEN result = 'make' THEN pocket_distance_in END) AS pocket_distance_in
        FROM shots_now WHERE played_at >= ? AND played_at < ? AND """
        + _OWN,
        [begin, end],
    ).fetchone()
    return Bests(**dict(row))


def take_in_shot(
    conn: sqlite3.Connection,
    body: dict[str, Any],
    source_id: str,
    played_at: str,
    *,
    ball_set: str | None,
    stored_at: str,
) -> None:
    """Stores a shot that another box has told of, once; `body` is its form in `shots.json`.

    Raises ValueError for what is no shot, or another one of that id.
    """
    shot = shot_from_json(body)
    columns = _columns(shot)
    held = conn.execute("SELECT hash FROM shots WHERE id = ?", [shot.id]).fetchone()
    if held is None:
        _put_shot(conn, shot, columns, [source_id, played_at, stored_at, ball_set])
    elif held["hash"] != columns["hash"]:
        raise ValueError(f"another shot {shot.id} is stored")


def take_in_amendment(
    conn: sqlite3.Connection,
    body: dict[str, Any],
    *,
    author: str,
    reason: str,
    ball_set: str | None,
    amended_at: str,
) -> None:
    """As `take_in_shot`, for an amendment."""
    shot = shot_from_json(body)
    columns = _columns(shot)
    held = conn.execute(
        "SELECT hash FROM amendments WHERE shot_id = ? AND revision = ?", [shot.id, shot.revision]
    ).fetchone()
    if held is None:
        _put_amendment(conn, shot, columns, [author, reason, amended_at, ball_set])
    elif held["hash"] != columns["hash"]:
        raise ValueError(f"another revision {shot.revision} of the shot {shot.id} is stored")


def _insert_shot(
    conn: sqlite3.Connection, shot: Shot, source_id: str, played_at: datetime, ball_set: str | None
) -> None:
    created, columns = now_stamp(), _columns(shot)
    _put_shot(conn, shot, columns, [source_id, stamp(played_at), created, ball_set])
    body = json.loads(columns["body"])
    fact = facts.shot_logged(shot.id, source_id, stamp(played_at), ball_set=ball_set, shot=body, created=created)
    outbox.append(conn, fact)


def _insert_amendment(
    conn: sqlite3.Connection, shot: Shot, ball_set: str | None, author: str, reason: str
) -> None:
    created, columns = now_stamp(), _columns(shot)
    _put_amendment(conn, shot, columns, [author, reason, created, ball_set])
    body = json.loads(columns["body"])
    fact = facts.shot_amended(
        shot.id,
        shot.revision,
        author=author,
        reason=reason,
        ball_set=ball_set,
        shot=body,
        created=created,
    )
    outbox.append(conn, fact)


def _put_shot(conn: sqlite3.Connection, shot: Shot, columns: dict[str, Any], head: list[str | None]) -> None:
    """`head` is the source's id, when it was played and stored, and the ball set."""
    conn.execute(
        "INSERT INTO shots (id, revision, source_id, played_at, stored_at, ball_set,"
        f" {', '.join(columns)}) VALUES ({_marks(6 + len(columns))})",
        [shot.id, shot.revision, *head, *columns.values()],
    )


def _put_amendment(conn: sqlite3.Connection, shot: Shot, columns: dict[str, Any], head: list[str | None]) -> None:
    """`head` is the author, the reason, when it was amended, and the ball set."""
    conn.execute(
        "INSERT INTO amendments (shot_id, revision, author, reason, amended_at, ball_set,"
        f" {', '.join(columns)}) VALUES ({_marks(6 + len(columns))})",
        [shot.id, shot.revision, *head, *columns.values()],
    )


def _columns(shot: Shot) -> dict[str, Any]:
    body = facts.canonical(shot_to_json(shot))
    potted = [pot for pot in shot.potted if pot.group != "cue"]
    return {
        "start_s": float(shot.start_s),
        "end_s": shot.end_s,
        "complete": int(shot.complete),
        "result": shot.result,
        "scratch": int(shot.scratch),
        "kind": shot.kind,
        "potted": json.dumps([pot.ball for pot in potted]),
        "potted_count": len(potted),
        "pocket": potted[0].pocket if potted else None,
        "first_ball": shot.first_contact.ball if shot.first_contact else None,
        "cut_angle_deg": shot.cut_angle_deg,
        "cue_distance_in": shot.cue_distance_in,
        "pocket_distance_in": shot.pocket_distance_in,
        "cue_speed_mph": shot.cue_speed_mph,
        "spin_vertical": shot.spin.vertical.label,
        "spin_side": shot.spin.side.label,
        "tags": json.dumps(shot.tags),
        "difficulty": shot.difficulty,
        "confidence": shot.confidence,
        "body": body,
        "hash": facts.content_hash(body),
    }


def _stored(row: sqlite3.Row) -> StoredShot:
    return StoredShot(
        row["id"],
        row["revision"],
        row["source_id"],
        from_stamp(row["played_at"]),
        bool(row["amended"]),
        row["ball_set"],
        row["body"],
    )


def _marks(count: int) -> str:
    return ", ".join("?" * count)
