"""How a month of training stands, for pages and programs: its ten best, a player's own place, and how a score was
made."""

import json
import sqlite3
from dataclasses import dataclass

from edge.coach.score import MEASURES, Measure, Tally, measured_from_json
from edge.hall.points import TOP
from edge.hall.rewards import hall_rules


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
    """What a player's score is by one ladder; `ladder` is None for who is on none."""

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

    rank: int
    coach_avg: float
    hours: float
    hours_norm: float
    sessions: int
    shots: int
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
    minutes: float
    shots: int
    coach_score: float
    steps: dict[Measure, Step]
    late: bool


@dataclass(frozen=True, slots=True)
class HowMade:
    """What a player's score of a month is made of, but for its sessions (`counted_sessions`). `most_hours` are
    those of whoever trained most; by the hall's rules some sessions and hours may be missing to be able to win."""

    place: OwnPlace
    most_hours: float
    missing_sessions: int
    missing_hours: float


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
        LadderPart(row["ladder"], row["won"], row["played"], row["win_rate"], row["total_score"], row["winner"])
        for row in rows
    )
    return OwnPlace(
        first["rank"], first["coach_avg"], first["hours_total"], first["hours_norm"], first["sessions"],
        first["shots"], parts,
    )  # fmt: skip


def how_made(conn: sqlite3.Connection, player_id: str, period: str) -> HowMade | None:
    """The parts of a player's score; None without a session that counts."""
    place = own_place(conn, player_id, period)
    if place is None:
        return None
    (most,) = conn.execute(
        "SELECT coalesce(max(hours_total), 0.0) FROM ladder_training_scores WHERE period = ?", [period]
    ).fetchone()
    rules = hall_rules(conn)
    return HowMade(
        place,
        most,
        max(0, rules.least_sessions - place.sessions),
        round(max(0.0, rules.least_hours - place.hours), 2),
    )


def counted_sessions(
    conn: sqlite3.Connection, player_id: str, period: str, most: int | None = None, before: str | None = None
) -> list[TrainingSession]:
    """The sessions of which a score is made, the latest first: so many at most, and those before that session."""
    earlier = (
        " AND (ended_at, session_id) <"
        " (SELECT ended_at, session_id FROM training_sessions WHERE session_id = ? AND player_id = ?)"
    )
    rows = conn.execute(
        "SELECT * FROM training_sessions WHERE period = ? AND player_id = ? AND scored"
        f"{'' if before is None else earlier} ORDER BY ended_at DESC, session_id DESC LIMIT ?",
        [period, player_id, *([] if before is None else [before, player_id]), -1 if most is None else most],
    )
    return [_session(row) for row in rows]


def usual_of(conn: sqlite3.Connection, player_id: str, period: str) -> dict[Measure, Usual | None]:
    """What was usual for a player when a month began; None where there is nothing to compare with yet."""
    rows = conn.execute(
        "SELECT * FROM training_baselines WHERE player_id = ? AND period = ?", [player_id, period]
    ).fetchall()
    known = {row["measure"]: Usual(row["value"], row["weeks"], row["strokes"]) for row in rows}
    return {measure: known.get(measure) for measure in MEASURES}


def _session(row: sqlite3.Row) -> TrainingSession:
    measured = measured_from_json(json.loads(row["measures"]))
    return TrainingSession(
        row["session_id"],
        row["day"],
        round(row["active_s"] / 60, 1),
        row["shots"],
        row["coach_score"],
        {measure: _step(measured[measure], row[f"{measure}_raw"], row[measure]) for measure in MEASURES},
        row["day"][:7] != row["period"],
    )


def _step(tally: Tally, raw: float | None, counted: float) -> Step:
    value = tally.value
    return Step(None if value is None else round(value, 2), tally.n, raw, counted)
