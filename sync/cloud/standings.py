"""The training scores of halls, as their hubs computed them: the cloud ranks them and shows the leaderboard.

A hub tells all scores of a period at once, again whenever they change. Of what is told the latest holds, until the
period is frozen: what comes after changes nothing of it. Names are told apart from facts (`sync.cloud.names`).
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from edge.clock import from_stamp, stamp
from edge.facts import Fact, canonical, content_hash, is_uuid
from sync.cloud import names, periods
from sync.cloud.db import Conn, Row
from sync.cloud.deciding import Score, best_rows
from sync.cloud.inbox import Line
from sync.cloud.kind import DeadError, Kind, Told, newer_schema
from sync.cloud.periods import OPEN_STATES
from sync.cloud.rules import Rules
from sync.cloud.steps import Steps

SCHEMA = 1
MOST_SCORES = 5_000
MOST_HOURS, MOST_COUNT, MOST_NAME = 744.0, 1_000_000, 80
ROUNDING = 0.02  # of three parts with two decimals each

steps = Steps(
    "standings",
    (
        (
            """
            CREATE TABLE ladder_training_scores (
                hall_id TEXT NOT NULL REFERENCES halls (id),
                period TEXT NOT NULL,
                player_id TEXT NOT NULL,
                ladder_id TEXT NOT NULL,
                ladder_name TEXT NOT NULL,
                coach_avg {real} NOT NULL,
                hours_total {real} NOT NULL,
                hours_norm {real} NOT NULL,
                win_rate {real} NOT NULL,
                total_score {real} NOT NULL,
                sessions {int} NOT NULL,
                shots {int} NOT NULL,
                reached_at TEXT NOT NULL,
                rank {int} NOT NULL,
                best {int} NOT NULL CHECK (best IN (0, 1)),
                winner {int} NOT NULL DEFAULT 0 CHECK (winner IN (0, 1)),
                PRIMARY KEY (hall_id, period, player_id, ladder_id)
            ) {strict}
            """,
            "CREATE INDEX training_board ON ladder_training_scores (hall_id, period, best, rank)",
        ),
    ),
)

COLUMNS = (
    "hall_id", "period", "player_id", "ladder_id", "ladder_name", "coach_avg", "hours_total", "hours_norm",
    "win_rate", "total_score", "sessions", "shots", "reached_at", "rank", "best",
)  # fmt: skip
_SHARES = ("coach_avg", "hours_norm", "win_rate", "total")
_PERIOD = re.compile(r"2\d{3}-(0[1-9]|1[0-2])", re.ASCII)  # the month after it is one too
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_NONE = "it tells no training scores"


class Training(NamedTuple):
    """What a hub tells of a period. `final`: all boxes of the hall have told all of it."""

    period: str
    rev: int
    final: bool
    scores: tuple[Score, ...]


def is_period(text: object) -> bool:
    """Whether it is a month, as `2025-10`."""
    return isinstance(text, str) and _PERIOD.fullmatch(text) is not None


def read(fact: Fact) -> Training:
    """Raises DeadError for what tells no scores."""
    try:
        found = json.loads(fact.body)
        schema = found["schema"]
        if schema != SCHEMA or isinstance(schema, bool):
            raise newer_schema(schema)
        period, rev, final, rows = (found[name] for name in ("period", "rev", "final", "scores"))
        if not (is_period(period) and _is_count(rev) and isinstance(final, bool) and isinstance(rows, list)):
            raise DeadError(_NONE)
        scores = tuple(_score(row) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DeadError(_NONE) from None
    if len(scores) > MOST_SCORES or len({(one.player, one.ladder) for one in scores}) != len(scores):
        raise DeadError("it tells a player's score twice, or of too many")
    if period > _latest_period(fact.created):
        raise DeadError("it tells of a month after that in which it was written")
    return Training(period, rev, final, scores)


def read_all(bodies: Sequence[str], created: Sequence[str]) -> list[Training] | None:
    """Many at once; None where one of them is odd."""
    try:
        return [read(Fact("training", "", at, body, "")) for body, at in zip(bodies, created, strict=True)]
    except DeadError:
        return None


def take_in(conn: Conn, line: Line, told: Sequence[Told]) -> None:
    """Of each period the latest that was told holds, while it is not frozen."""
    latest: dict[str, Told] = {}
    for one in sorted(told):
        latest[one.content.period] = one
    for one in latest.values():
        _take_in(conn, line, one)


KIND = Kind("training", read, read_all, take_in)


def _take_in(conn: Conn, line: Line, told: Told) -> None:
    content: Training = told.content
    period = periods.lock(conn, line.hall_id, content.period)
    if period.state not in OPEN_STATES or not period.is_before(line.id, told.seq, told.created):
        return
    conn.run("DELETE FROM ladder_training_scores WHERE hall_id = ? AND period = ?", [line.hall_id, content.period])
    if content.scores:
        conn.insert_all("ladder_training_scores", COLUMNS, rows_of(line.hall_id, content.period, content.scores))
    periods.keep_told(
        conn,
        period,
        line_id=line.id,
        seq=told.seq,
        created=told.created,
        rev=content.rev,
        final=content.final,
        players=len({one.player for one in content.scores}),
        hash_=hash_of(content.scores),
    )


def rows_of(hall_id: str, period: str, scores: Sequence[Score]) -> list[tuple[object, ...]]:
    """The table's rows, for `COLUMNS`, ranked by score: a player's best row has the player's rank, and so have the
    others."""
    ranked = best_rows(scores, Rules())
    rank = {score.player: i for i, score in enumerate(ranked, 1)}
    best = {(score.player, score.ladder) for score in ranked}
    return [
        (
            hall_id, period, one.player, one.ladder, one.ladder_name, one.coach_avg, one.hours, one.hours_norm,
            one.win_rate, one.total, one.sessions, one.shots, one.reached_at, rank[one.player],
            int((one.player, one.ladder) in best),
        )
        for one in scores
    ]  # fmt: skip


def hash_of(scores: Sequence[Score]) -> str:
    """What a frozen period is known by: the same scores have the same, in whatever order they came."""
    return content_hash(
        canonical(
            {
                "scores": [
                    [
                        one.player, one.ladder, one.coach_avg, one.hours, one.hours_norm, one.win_rate, one.total,
                        one.sessions, one.shots, one.reached_at,
                    ]
                    for one in sorted(scores, key=lambda one: (one.player, one.ladder))
                ]
            }
        )
    )  # fmt: skip


def scores_of(conn: Conn, hall_ids: Sequence[str], period: str) -> dict[str, list[Score]]:
    """All scores of a period, without names, by hall."""
    found: dict[str, list[Score]] = {hall_id: [] for hall_id in hall_ids}
    among, params = conn.among("hall_id", list(hall_ids))
    for row in conn.rows(f"SELECT * FROM ladder_training_scores WHERE {among} AND period = ?", [*params, period]):
        found[row["hall_id"]].append(_from_row(row, None))
    return found


class Place(NamedTuple):
    """A line of the leaderboard."""

    rank: int
    score: Score
    winner: bool


def board(conn: Conn, hall_id: str, period: str, limit: int = 10) -> list[Place]:
    """The best of a hall's month, each player once, with names where the hall tells them."""
    rows = conn.rows(
        "SELECT * FROM ladder_training_scores WHERE hall_id = ? AND period = ? AND best = 1 AND rank <= ?"
        " ORDER BY rank",
        [hall_id, period, limit],
    )
    named = names.names_of(conn, hall_id, [row["player_id"] for row in rows])
    return [Place(row["rank"], _from_row(row, named.get(row["player_id"])), bool(row["winner"])) for row in rows]


def mark_winners(conn: Conn, period: str, won: Sequence[tuple[str, Score]]) -> None:
    """Notes who has won: halls, each with the row that won."""
    for hall_id, score in won:
        conn.run(
            "UPDATE ladder_training_scores SET winner = 1"
            " WHERE hall_id = ? AND period = ? AND player_id = ? AND ladder_id = ?",
            [hall_id, period, score.player, score.ladder],
        )


def _from_row(row: Row, name: str | None) -> Score:
    return Score(
        row["player_id"], name, row["ladder_id"], row["ladder_name"], row["coach_avg"], row["hours_total"],
        row["hours_norm"], row["win_rate"], row["total_score"], row["sessions"], row["shots"], row["reached_at"],
    )  # fmt: skip


def _score(row: dict[str, Any]) -> Score:
    """Raises DeadError, and what reading raises."""
    player, ladder, ladder_name = row["player"], row["ladder"], row["ladder_name"]
    whole = (
        isinstance(player, str)
        and is_uuid(player)
        and (ladder is None or (isinstance(ladder, str) and is_uuid(ladder)))
        and (ladder is None) == (ladder_name is None)
        and (ladder_name is None or _is_name(ladder_name))
        and all(_is_share(row[name]) for name in _SHARES)
        and _is_amount(row["hours"], MOST_HOURS)
        and _is_count(row["sessions"])
        and _is_count(row["shots"])
        and isinstance(row["reached_at"], str)
        and _STAMP.fullmatch(row["reached_at"]) is not None
    )
    if not whole:
        raise DeadError(_NONE)
    wanted = 0.5 * row["coach_avg"] + 0.3 * row["hours_norm"] + 0.2 * row["win_rate"]
    if abs(wanted - row["total"]) > ROUNDING:
        raise DeadError("a total is not what its parts come to")
    return Score(
        player, None, ladder or "", ladder_name or "", float(row["coach_avg"]), float(row["hours"]),
        float(row["hours_norm"]), float(row["win_rate"]), float(row["total"]), row["sessions"], row["shots"],
        row["reached_at"],
    )  # fmt: skip


def _latest_period(created: str) -> str:
    """The month that has begun somewhere when that was written: 14 hours before it has by UTC."""
    return stamp(from_stamp(created) + timedelta(hours=14))[:7]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MOST_NAME and value.isprintable()


def _is_share(value: object) -> bool:
    return _is_amount(value, 100.0)


def _is_amount(value: object, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_COUNT
