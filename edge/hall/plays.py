"""Plays: which shot belongs to whose session, and what it counted there.

A play is derived from the shot as it stands, from who sat at the table, and from what people said; it can be made
anew at any time. Statistics and pages read plays alone, so a page never opens a shot it does not draw.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp, stamp
from edge.hall.games import Play
from edge.hall.sessions import Session
from edge.store.shots import StoredShot
from vision.model import Shot

migrations = Migrations("plays")

# The map of the table: cells along the length and across the width.
CELLS = (16, 8)


@migrations()
def plays_1(db: Database) -> None:
    # `seen` is what the rules are told of the shot; `cell` where the object ball lay, on the map of the table.
    db.execute("""
        CREATE TABLE plays (
            shot_id TEXT PRIMARY KEY REFERENCES shots (id) ON DELETE CASCADE,
            session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            match_id TEXT REFERENCES matches (id),
            player_id TEXT REFERENCES players (id),
            day TEXT NOT NULL,
            played_at TEXT NOT NULL,
            lasted_s REAL NOT NULL,
            result TEXT NOT NULL,
            scratch INTEGER NOT NULL,
            kind TEXT NOT NULL,
            potted INTEGER NOT NULL,
            cue_speed_mph REAL,
            difficulty REAL,
            cell INTEGER,
            seen TEXT NOT NULL,
            rack INTEGER,
            inning INTEGER,
            run INTEGER NOT NULL DEFAULT 0,
            points INTEGER NOT NULL DEFAULT 0,
            foul TEXT,
            sure INTEGER NOT NULL DEFAULT 1,
            safety_won INTEGER
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX plays_of_player ON plays (player_id, played_at)")
    db.execute("CREATE INDEX plays_of_day ON plays (player_id, day, played_at)")
    db.execute("CREATE INDEX plays_of_session ON plays (session_id, played_at)")
    db.execute("""
        CREATE INDEX plays_safeties ON plays (player_id, match_id, played_at, safety_won)
        WHERE match_id IS NOT NULL AND safety_won IS NOT NULL
    """)
    db.execute("CREATE INDEX plays_of_match ON plays (match_id, played_at) WHERE match_id IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Counted:
    """What a play counted: of a match by its rules, of practice by its makes. `run` is how many balls the run
    holds up to this shot; `sure` is false where sight allows another reading."""

    session_id: str
    player_id: str | None
    rack: int | None = None
    inning: int | None = None
    run: int = 0
    points: int = 0
    foul: str | None = None
    sure: bool = True
    safety_won: bool | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """A play as it stands in the store, with what counting needs."""

    shot_id: str
    begin: datetime
    end: datetime
    play: Play
    kind: str
    counted: Counted


def put_play(
    conn: sqlite3.Connection, stored: StoredShot, session: Session, table_in: tuple[float, float]
) -> None:
    """Notes a shot as played in a session, or anew what is seen of it; what it counted stays until counted anew.

    `table_in` is the length and width of the table it was played on.
    """
    shot = stored.shot
    row: dict[str, Any] = {
        "session_id": session.id,
        "match_id": session.match_id,
        "day": session.day,
        "played_at": stamp(stored.played_at),
        "lasted_s": 0.0 if shot.end_s is None else max(0.0, shot.end_s - shot.start_s),
        "result": shot.result,
        "scratch": int(shot.scratch),
        "kind": shot.kind,
        "potted": sum(pot.group != "cue" for pot in shot.potted),
        "cue_speed_mph": shot.cue_speed_mph,
        "difficulty": shot.difficulty,
        "cell": cell_of(shot, table_in),
        "seen": json.dumps(asdict(seen_of(shot)), separators=(",", ":")),
    }
    again = ", ".join(f"{name} = excluded.{name}" for name in row if name not in ("session_id", "match_id"))
    conn.execute(
        f"INSERT INTO plays (shot_id, {', '.join(row)}) VALUES ({', '.join('?' * (len(row) + 1))})"
        f" ON CONFLICT (shot_id) DO UPDATE SET {again}",
        [shot.id, *row.values()],
    )


def count_play(conn: sqlite3.Connection, shot_id: str, counted: Counted) -> None:
    """Notes what a play counted."""
    names = Counted.__slots__
    sets = ", ".join(f"{name} = ?" for name in names)
    conn.execute(
        f"UPDATE plays SET {sets} WHERE shot_id = ?", [*(getattr(counted, name) for name in names), shot_id]
    )


def plays_in_session(conn: sqlite3.Connection, session_id: str) -> list[Booked]:
    """A practice's plays in the order in which they were played."""
    return _booked(
        conn.execute("SELECT * FROM plays WHERE session_id = ? ORDER BY played_at, shot_id", [session_id])
    )


def plays_in_match(conn: sqlite3.Connection, match_id: str) -> list[Booked]:
    """A match's plays, of both, in the order in which they were played."""
    return _booked(conn.execute("SELECT * FROM plays WHERE match_id = ? ORDER BY played_at, shot_id", [match_id]))


@dataclass(frozen=True, slots=True)
class PlayedBy:
    """Whose a shot was, for a page that shows it; `name` is empty where nobody is known, or not any more.

    While the session is `open` everybody in the hall sees who plays; later it is the player's own affair.
    """

    session_id: str
    match_id: str | None
    player_id: str | None
    name: str
    foul: str | None
    sure: bool
    run: int
    rack: int | None
    open: bool


def played_by(conn: sqlite3.Connection, shot_ids: Iterable[str]) -> dict[str, PlayedBy]:
    """Whose shots these were; one that belongs to no session is missing."""
    ids = list(shot_ids)
    rows = conn.execute(
        "SELECT p.shot_id, p.session_id, p.match_id, p.player_id, coalesce(pl.name, '') AS name, p.foul, p.sure,"
        " p.run, p.rack, s.ended_at IS NULL AS open FROM plays p JOIN sessions s ON s.id = p.session_id"
        " LEFT JOIN players pl ON pl.id = p.player_id"
        f" WHERE p.shot_id IN ({', '.join('?' * len(ids))})",
        ids,
    )
    return {
        row["shot_id"]: PlayedBy(
            row["session_id"], row["match_id"], row["player_id"], row["name"], row["foul"], bool(row["sure"]),
            row["run"], row["rack"], bool(row["open"]),
        )
        for row in rows
    }  # fmt: skip


def shots_of_session(
    conn: sqlite3.Connection, session_id: str, limit: int, *, result: str | None = None, kind: str | None = None
) -> list[str]:
    """The ids of a session's latest shots, newest first; only those of a result or a kind."""
    rows = conn.execute(
        "SELECT shot_id FROM plays WHERE session_id = :session AND (:result IS NULL OR result = :result)"
        " AND (:kind IS NULL OR kind = :kind) ORDER BY played_at DESC, shot_id DESC LIMIT :most",
        {"session": session_id, "result": result, "kind": kind, "most": limit},
    )
    return [row["shot_id"] for row in rows]


def session_of_play(conn: sqlite3.Connection, shot_id: str) -> str | None:
    """The session a shot was booked in, or None."""
    row = conn.execute("SELECT session_id FROM plays WHERE shot_id = ?", [shot_id]).fetchone()
    return None if row is None else str(row["session_id"])


def seen_of(shot: Shot) -> Play:
    """What the rules of a game are told of a shot."""
    contact = shot.first_contact
    moved = [ball for ball in shot.paths_in if ball != "cue"]
    met_nothing = contact is None and shot.complete and "cue" in shot.paths_in and not moved and not shot.potted
    to_cushion: tuple[str, ...] | None = None
    if contact is not None and shot.complete:
        to_cushion = tuple(dict.fromkeys(c.ball for c in shot.cushions if c.t_s > contact.t_s))
    return Play(
        shot_id=shot.id,
        result=shot.result,
        scratch=shot.scratch,
        potted=tuple(pot.ball for pot in sorted(shot.potted, key=lambda pot: pot.t_s) if pot.group != "cue"),
        first_ball=None if contact is None else contact.ball,
        met_anything=True if contact is not None else (False if met_nothing else None),
        is_break=None if shot.kind == "unknown" else shot.kind == "break",
        cushion_after_contact=None if to_cushion is None else bool(to_cushion),
        on_table=tuple(ball for ball in shot.layout_start if ball != "cue") or None,
        complete=shot.complete,
        confidence=shot.confidence,
        to_cushion=to_cushion,
    )


def cell_of(shot: Shot, table_in: tuple[float, float]) -> int | None:
    """The cell of the map in which the object ball lay, counted along the length first; None without a contact."""
    if shot.first_contact is None:
        return None
    (x, y), (across, down) = shot.first_contact.object_ball_in, CELLS
    column = min(across - 1, max(0, int(x / table_in[0] * across)))
    row = min(down - 1, max(0, int(y / table_in[1] * down)))
    return column + across * row


def _booked(rows: Iterable[sqlite3.Row]) -> list[Booked]:
    found = []
    for row in rows:
        begin = from_stamp(row["played_at"])
        seen = json.loads(row["seen"])
        for name in ("potted", "on_table", "off_table", "to_cushion"):
            seen[name] = None if seen[name] is None else tuple(seen[name])
        won = row["safety_won"]
        counted = Counted(
            row["session_id"], row["player_id"], row["rack"], row["inning"], row["run"], row["points"],
            row["foul"], bool(row["sure"]), None if won is None else bool(won),
        )  # fmt: skip
        end = begin + timedelta(seconds=row["lasted_s"])
        found.append(Booked(row["shot_id"], begin, end, Play(**seen), row["kind"], counted))
    return found
