"""The training of a month: what each session scored, and how everybody stands.

`edge.hall.training_scores` makes the rows of an open month anew from facts, `edge.hall.training_periods` knows
which months are open and closes them, `edge.hall.training_board` is what pages read; here are the tables, and what
becomes of a player's rows. A month that is closed stays as it is, but for players who were erased.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.coach.score import MEASURES
from edge.facts import canonical, content_hash
from edge.hall.players import get_player

migrations = Migrations("training")

CLOSED = ("frozen", "decided")  # states of a month in which its rows stay as they are
NO_LADDER = ""

Rows = list[dict[str, Any]]


@migrations()
def training_1(db: Database) -> None:
    # `period` is the month in which a session is booked; NULL: it was before the first one and is compared with.
    # `scored`: it is in the month's scores as they stand; `told_rev` the first revision that was told with it in.
    columns = ", ".join(f"{measure}_raw REAL, {measure} REAL NOT NULL" for measure in MEASURES)
    db.execute(f"""
        CREATE TABLE training_sessions (
            session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
            player_id TEXT NOT NULL REFERENCES players (id),
            day TEXT NOT NULL,
            ended_at TEXT NOT NULL,
            shots INTEGER NOT NULL,
            active_s REAL NOT NULL,
            measures TEXT NOT NULL,
            {columns},
            coach_score REAL NOT NULL,
            period TEXT,
            scored INTEGER NOT NULL DEFAULT 0 CHECK (scored IN (0, 1)),
            told_rev INTEGER
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX training_sessions_of ON training_sessions (player_id, day)")
    db.execute("CREATE INDEX training_sessions_in ON training_sessions (period, player_id)")
    # What was usual for a player when a month began.
    db.execute("""
        CREATE TABLE training_baselines (
            player_id TEXT NOT NULL REFERENCES players (id),
            period TEXT NOT NULL,
            measure TEXT NOT NULL,
            weeks INTEGER NOT NULL,
            strokes INTEGER NOT NULL,
            value REAL NOT NULL,
            bands TEXT NOT NULL,
            PRIMARY KEY (player_id, period, measure)
        ) STRICT, WITHOUT ROWID
    """)
    # `ladder_id` is empty for who is on none. `rank` is the player's by the best of the rows, `winner` the reward.
    db.execute("""
        CREATE TABLE ladder_training_scores (
            player_id TEXT NOT NULL REFERENCES players (id),
            ladder_id TEXT NOT NULL,
            period TEXT NOT NULL,
            coach_avg REAL NOT NULL,
            hours_total REAL NOT NULL,
            hours_norm REAL NOT NULL,
            win_rate REAL NOT NULL,
            total_score REAL NOT NULL,
            sessions INTEGER NOT NULL,
            shots INTEGER NOT NULL,
            won INTEGER NOT NULL,
            played INTEGER NOT NULL,
            reached_at TEXT NOT NULL,
            rank INTEGER NOT NULL,
            winner TEXT CHECK (winner IN ('half', 'free')),
            PRIMARY KEY (player_id, ladder_id, period)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX ladder_training_scores_in ON ladder_training_scores (period, rank)")
    # `heard`: when each table was first heard of with all told after the month's end, by device. `again`: who
    # knew a revision has forgotten it.
    db.execute("""
        CREATE TABLE training_periods (
            period TEXT PRIMARY KEY,
            state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'grace', 'frozen', 'decided')),
            settled_at TEXT,
            heard TEXT NOT NULL DEFAULT '{}',
            final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1)),
            final_at TEXT,
            rev INTEGER NOT NULL DEFAULT 0,
            told_hash TEXT,
            told_at TEXT,
            told_final INTEGER NOT NULL DEFAULT 0 CHECK (told_final IN (0, 1)),
            again INTEGER NOT NULL DEFAULT 0 CHECK (again IN (0, 1)),
            frozen_rev INTEGER,
            frozen_at TEXT
        ) STRICT, WITHOUT ROWID
    """)
    # The rows of `ladder_training_scores` as they were told, until it is known which revision was frozen.
    db.execute("""
        CREATE TABLE training_told (
            period TEXT NOT NULL REFERENCES training_periods (period),
            rev INTEGER NOT NULL,
            scores TEXT NOT NULL,
            PRIMARY KEY (period, rev)
        ) STRICT, WITHOUT ROWID
    """)


@dataclass(frozen=True, slots=True)
class Period:
    """A month as this hub knows it. `closed` months stay as they are; `settled_at` is when its scores were last
    made anew, None before the first time."""

    period: str
    state: str
    final: bool
    rev: int
    settled_at: str | None
    frozen_rev: int | None

    @property
    def closed(self) -> bool:
        return self.final or self.state in CLOSED


def periods(conn: sqlite3.Connection) -> list[Period]:
    """The months that are known, the latest first."""
    return [_period(row) for row in conn.execute("SELECT * FROM training_periods ORDER BY period DESC")]


def get_period(conn: sqlite3.Connection, period: str) -> Period | None:
    """A month, or None where it is not known."""
    row = conn.execute("SELECT * FROM training_periods WHERE period = ?", [period]).fetchone()
    return None if row is None else _period(row)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes what is kept of a player who was erased, of closed months too, and takes them out of what waits to
    be told; ranks of others stay."""
    player = get_player(conn, player_id)
    if player is None or player.erased is None:
        return
    for table in ("training_sessions", "training_baselines", "ladder_training_scores"):
        conn.execute(f"DELETE FROM {table} WHERE player_id = ?", [player_id])
    _rewrite_told(conn, player_id, lambda rows: [row for row in rows if row["player_id"] != player_id])
    _untell(conn, player_id)


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """The sessions of one player become another's, who turned out to be the same, and so do the scores of closed
    months. Where both have one it stays where it is, and goes with `forget`."""
    who = {"f": from_id, "t": to_id}
    conn.execute(
        "UPDATE training_sessions SET player_id = :t WHERE player_id = :f"
        " AND session_id IN (SELECT id FROM sessions WHERE player_id = :t)",
        who,
    )
    conn.execute(
        "UPDATE ladder_training_scores AS a SET player_id = :t WHERE player_id = :f AND NOT EXISTS"
        " (SELECT 1 FROM ladder_training_scores b WHERE b.player_id = :t AND b.period = a.period)",
        who,
    )
    conn.execute("DELETE FROM training_baselines WHERE player_id = :f", who)
    _rewrite_told(conn, from_id, lambda rows: _as_anothers(rows, from_id, to_id))


def write_row(
    conn: sqlite3.Connection,
    table: str,
    key: tuple[str, ...],
    row: Mapping[str, Any],
    before: sqlite3.Row | None,
) -> int:
    """Inserts a row, or changes the columns that are other than before; columns that are not named stay. Returns
    how many rows are other now."""
    if before is None:
        marks = ", ".join("?" * len(row))
        conn.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        return 1
    differing = {name: value for name, value in row.items() if before[name] != value}
    if not differing:
        return 0
    sets = ", ".join(f"{name} = ?" for name in differing)
    where = " AND ".join(f"{name} = ?" for name in key)
    conn.execute(f"UPDATE {table} SET {sets} WHERE {where}", [*differing.values(), *(row[name] for name in key)])
    return 1


def put_rows(
    conn: sqlite3.Connection,
    table: str,
    key: tuple[str, ...],
    rows: Iterable[Mapping[str, Any]],
    held: Iterable[sqlite3.Row],
) -> int:
    """Has those rows of a table that are `held` become these; returns how many are other now, or gone."""
    left = {tuple(row[name] for name in key): row for row in held}
    written = 0
    for row in rows:
        written += write_row(conn, table, key, row, left.pop(tuple(row[name] for name in key), None))
    where = " AND ".join(f"{name} = ?" for name in key)
    conn.executemany(f"DELETE FROM {table} WHERE {where}", list(left))
    return written + len(left)


def _rewrite_told(conn: sqlite3.Connection, player_id: str, change: Callable[[Rows], Rows]) -> None:
    rows = conn.execute("SELECT * FROM training_told WHERE instr(scores, ?)", [player_id]).fetchall()
    for row in rows:
        conn.execute(
            "UPDATE training_told SET scores = ? WHERE period = ? AND rev = ?",
            [json.dumps(change(json.loads(row["scores"]))), row["period"], row["rev"]],
        )


def _as_anothers(rows: Rows, from_id: str, to_id: str) -> Rows:
    if any(row["player_id"] == to_id for row in rows):
        return rows
    return [{**row, "player_id": to_id} if row["player_id"] == from_id else row for row in rows]


def _untell(conn: sqlite3.Connection, player_id: str) -> None:
    """Takes a player out of the facts in line to the cloud, under their numbers and keys. What is there already is
    told anew: the month's next revision, if it is open, is one without them."""
    rows = conn.execute(
        "SELECT * FROM cloud_outbox WHERE kind = 'training' AND instr(body, ?)", [player_id]
    ).fetchall()
    for row in rows:
        content = json.loads(row["body"])
        content["scores"] = [one for one in content["scores"] if one["player"] != player_id]
        body = canonical(content)
        conn.execute("DELETE FROM cloud_outbox WHERE seq = ?", [row["seq"]])
        conn.execute(
            "INSERT INTO cloud_outbox (seq, device, epoch, kind, key, body, hash, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                row["seq"], row["device"], row["epoch"], row["kind"], row["key"], body, content_hash(body),
                row["created"],
            ],
        )  # fmt: skip


def _period(row: sqlite3.Row) -> Period:
    return Period(
        row["period"], row["state"], bool(row["final"]), row["rev"], row["settled_at"], row["frozen_rev"]
    )
