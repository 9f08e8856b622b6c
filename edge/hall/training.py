"""The training of a month: what each session scored, how everybody stands, and how a player's score was made.

`edge.hall.training_scores` makes the rows of an open month anew from facts, `edge.hall.training_periods` knows
which months are open and closes them; here are the tables, and what pages read. A month that is closed stays as it
is, but for players who were erased.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.coach.score import MEASURES, Measure, Tally, measured_from_json
from edge.facts import canonical, content_hash
from edge.hall.players import get_player
from edge.hall.points import TOP

migrations = Migrations("training")

LEAST_SESSIONS, LEAST_HOURS = 4, 3.0  # to be able to win, unless the cloud's rules say otherwise
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
class BoardRow:
    """A line of the month's board. `reward` is `half` or `free` once it was decided, `ladder` None for none."""

    rank: int
    player_id: str
    name: str
    ladder: str | None
    hours: float
    coach_avg: float
    total: float
    reward: str | None = None


@dataclass(frozen=True, slots=True)
class LadderPart:
    """What a player's score is by one ladder; `ladder_id` and `ladder` are None for who is on none."""

    ladder_id: str | None
    ladder: str | None
    won: int
    played: int
    win_rate: float
    total: float
    reward: str | None


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """How somebody stands in a month, for their own eyes. `best` is the ladder whose total counts for the rank,
    the first of `ladders`."""

    period: str
    rank: int
    coach_avg: float
    hours: float
    hours_norm: float
    sessions: int
    shots: int
    reached_at: str
    ladders: tuple[LadderPart, ...]

    @property
    def best(self) -> LadderPart:
        return self.ladders[0]


@dataclass(frozen=True, slots=True)
class Usual:
    """What was usual for a player when the month began: the plain share or mean of a usual week, in percent, and
    on how many weeks and strokes it rests."""

    value: float
    weeks: int
    strokes: int


@dataclass(frozen=True, slots=True)
class Step:
    """One measure of a session: its plain share or mean in percent, the strokes it rests on, the improvement in
    points over what was usual for strokes as hard, before (None: nothing to compare) and after shrinking."""

    value: float | None
    strokes: int
    raw: float | None
    counted: float


@dataclass(frozen=True, slots=True)
class TrainingSession:
    """A session as it counts in a month. `late`: it was played in an earlier one that was closed already."""

    session_id: str
    day: str
    ended_at: str
    minutes: float
    shots: int
    coach_score: float
    steps: dict[Measure, Step]
    late: bool


@dataclass(frozen=True, slots=True)
class HowMade:
    """Everything of which a player's score of a month is made. `usual` has None where there is nothing to compare
    with yet, `most_hours` are those of whoever trained most; to be able to win some sessions and hours may be
    missing."""

    place: OwnPlace
    usual: dict[Measure, Usual | None]
    sessions: tuple[TrainingSession, ...]
    most_hours: float
    missing_sessions: int
    missing_hours: float


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
    frozen_at: str | None

    @property
    def closed(self) -> bool:
        return self.final or self.state in ("frozen", "decided")


def periods(conn: sqlite3.Connection) -> list[Period]:
    """The months that are known, the latest first."""
    return [_period(row) for row in conn.execute("SELECT * FROM training_periods ORDER BY period DESC")]


def get_period(conn: sqlite3.Connection, period: str) -> Period | None:
    """A month, or None where it is not known."""
    row = conn.execute("SELECT * FROM training_periods WHERE period = ?", [period]).fetchone()
    return None if row is None else _period(row)


def board(conn: sqlite3.Connection, period: str) -> list[BoardRow]:
    """Of the month's first ten those who want to be seen, each once, with the ladder that is best for them.

    Ranks are true: who stays out of sight has one, for a reward goes by it.
    """
    rows = conn.execute(
        "SELECT s.*, p.name, l.name AS ladder FROM ladder_training_scores s"
        " CROSS JOIN players p ON p.id = s.player_id LEFT JOIN ladders l ON l.id = s.ladder_id"
        " WHERE s.period = ? AND s.rank <= ? AND p.visible AND NOT p.guest AND p.erased IS NULL"
        " ORDER BY s.rank, s.total_score DESC, s.ladder_id",
        [period, TOP],
    )
    found: dict[str, BoardRow] = {}
    for row in rows:
        line = BoardRow(
            row["rank"], row["player_id"], row["name"], row["ladder"], row["hours_total"], row["coach_avg"],
            row["total_score"], row["winner"],
        )  # fmt: skip
        known = found.setdefault(line.player_id, line)
        if line.reward and not known.reward:  # the reward may be for another of the ladders
            found[line.player_id] = line
    return list(found.values())


def own_place(conn: sqlite3.Connection, player_id: str, period: str) -> OwnPlace | None:
    """A player's own rank and all parts of the score; None without a session that counts."""
    rows = conn.execute(
        "SELECT s.*, l.name AS ladder FROM ladder_training_scores s LEFT JOIN ladders l ON l.id = s.ladder_id"
        " WHERE s.player_id = ? AND s.period = ? ORDER BY s.total_score DESC, s.ladder_id",
        [player_id, period],
    ).fetchall()
    if not rows:
        return None
    first = rows[0]
    parts = tuple(
        LadderPart(
            row["ladder_id"] or None, row["ladder"], row["won"], row["played"], row["win_rate"],
            row["total_score"], row["winner"],
        )
        for row in rows
    )  # fmt: skip
    return OwnPlace(
        period, first["rank"], first["coach_avg"], first["hours_total"], first["hours_norm"], first["sessions"],
        first["shots"], first["reached_at"], parts,
    )  # fmt: skip


def how_made(
    conn: sqlite3.Connection,
    player_id: str,
    period: str,
    *,
    least_sessions: int = LEAST_SESSIONS,
    least_hours: float = LEAST_HOURS,
) -> HowMade | None:
    """Each part of a player's score with the sessions it came from, the latest first; None without any."""
    place = own_place(conn, player_id, period)
    if place is None:
        return None
    rows = conn.execute(
        "SELECT * FROM training_sessions WHERE period = ? AND player_id = ? AND scored ORDER BY ended_at DESC",
        [period, player_id],
    )
    (most,) = conn.execute(
        "SELECT coalesce(max(hours_total), 0.0) FROM ladder_training_scores WHERE period = ?", [period]
    ).fetchone()
    return HowMade(
        place,
        usual_of(conn, player_id, period),
        tuple(_session(row) for row in rows),
        most,
        max(0, least_sessions - place.sessions),
        round(max(0.0, least_hours - place.hours), 2),
    )


def usual_of(conn: sqlite3.Connection, player_id: str, period: str) -> dict[Measure, Usual | None]:
    """What was usual for a player when a month began."""
    rows = conn.execute(
        "SELECT * FROM training_baselines WHERE player_id = ? AND period = ?", [player_id, period]
    ).fetchall()
    known = {row["measure"]: Usual(row["value"], row["weeks"], row["strokes"]) for row in rows}
    return {measure: known.get(measure) for measure in MEASURES}


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
    before: Mapping[str, Any] | None,
) -> int:
    """Inserts a row, or changes the columns that are other than before; columns that are not named stay."""
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


def _session(row: sqlite3.Row) -> TrainingSession:
    measured = measured_from_json(json.loads(row["measures"]))
    return TrainingSession(
        row["session_id"],
        row["day"],
        row["ended_at"],
        round(row["active_s"] / 60, 1),
        row["shots"],
        row["coach_score"],
        {measure: _step(measured[measure], row[f"{measure}_raw"], row[measure]) for measure in MEASURES},
        row["day"][:7] != row["period"],
    )


def _step(tally: Tally, raw: float | None, counted: float) -> Step:
    value = tally.value
    return Step(None if value is None else round(value, 2), tally.n, raw, counted)


def _period(row: sqlite3.Row) -> Period:
    return Period(
        row["period"], row["state"], bool(row["final"]), row["rev"], row["settled_at"], row["frozen_rev"],
        row["frozen_at"],
    )  # fmt: skip
