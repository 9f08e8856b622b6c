"""What of a month deserves an award: the rules alone, as the facts stand. Nothing here is kept.

The top three by points (equal points share a rank, and as many ranks are left out), the largest rise in win rate
against the month before, everybody who attended in every week in which the hall held an evening, and whom the
players chose. Ties share everything. Who does not want to be seen is passed over, and takes nobody's place.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from edge.clock import monday_of, month_before
from edge.facts import canonical, content_hash
from edge.hall import votes
from edge.hall.typed import a_month
from edge.hall.votes import Ballots

Kind = Literal["top1", "top2", "top3", "progress_star", "consistency_king", "mvp", "best_teammate"]
TOPS: tuple[Kind, ...] = ("top1", "top2", "top3")

PROGRESS_GAMES = 6  # in the month and in the one before
KING_WEEKS = 4

# Whom others may see with an award, of `players p`.
SEEN = "p.visible AND NOT p.guest AND p.erased IS NULL"


@dataclass(frozen=True, slots=True)
class Due:
    """An award that follows from the facts.

    `figure` says why, for staff: half points of the top three, thousandths of the rise of a win rate, weeks
    attended, votes.
    """

    kind: Kind
    player_id: str
    name: str
    figure: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be published of a month now, and the votes as they stand; `digest` tells it from another."""

    month: str
    due: tuple[Due, ...]
    ballots: Ballots = field(default_factory=dict)

    @property
    def digest(self) -> str:
        pairs = sorted([one.kind, one.player_id] for one in self.due)
        return content_hash(canonical({"month": self.month, "due": pairs}))


def weeks(days: Iterable[str]) -> set[str]:
    """The weeks of some days, each as its Monday."""
    return {monday_of(day) for day in days}


def kept_up(evenings: Iterable[str], attended: Iterable[str]) -> bool:
    """Whether somebody came in every week in which the hall held evenings, of at least four.

    One evening of a week is enough, however many it had. What was played on other days is no evening.
    """
    held = set(evenings)
    wanted = weeks(held)
    return len(wanted) >= KING_WEEKS and wanted == weeks(held.intersection(attended))


def rise(before: tuple[int, int], now: tuple[int, int]) -> Fraction | None:
    """How much a win rate rose between two months, each as (games, wins); None with too few, or no rise."""
    if min(before[0], now[0]) < PROGRESS_GAMES:
        return None
    by = Fraction(now[1], now[0]) - Fraction(before[1], before[0])
    return by if by > 0 else None


def calculate(conn: sqlite3.Connection, month: str) -> Preview:
    """What follows from the facts of a month as they stand, whether it is over or not; nothing is written.

    Raises PlayerError `month_unknown`.
    """
    a_month(month)
    ballots = votes.counts(conn, month)
    due = [*_tops(conn, month), *_progress(conn, month), *_kings(conn, month)]
    for kind in votes.KINDS:
        due += _chosen(kind, ballots[kind])
    return Preview(month, tuple(due), ballots)


def _tops(conn: sqlite3.Connection, month: str) -> list[Due]:
    rows = conn.execute(
        "SELECT * FROM (SELECT p.id, p.name, p.name_key, s.half_points,"
        " rank() OVER (ORDER BY s.half_points DESC) AS place"
        f" FROM points_monthly s JOIN players p ON p.id = s.player_id WHERE s.month = ? AND {SEEN})"
        " WHERE place <= ? ORDER BY place, name_key",
        [month, len(TOPS)],
    )
    return [Due(TOPS[row["place"] - 1], row["id"], row["name"], row["half_points"]) for row in rows]


def _progress(conn: sqlite3.Connection, month: str) -> list[Due]:
    # Added up before the names are looked up: far fewer have games enough in both months than have any.
    rows = conn.execute(
        "SELECT p.id, p.name, o.* FROM (SELECT player_id, sum(day < :begin) AS games_before,"
        " sum(day < :begin AND won) AS won_before, sum(day >= :begin) AS games, sum(day >= :begin AND won) AS won"
        " FROM outcomes WHERE rated AND day BETWEEN :before AND :end GROUP BY player_id"
        " HAVING min(games_before, games) >= :least) o CROSS JOIN players p ON p.id = o.player_id"
        f" WHERE {SEEN} ORDER BY p.name_key",
        {
            "begin": f"{month}-01",
            "before": f"{month_before(month)}-01",
            "end": f"{month}-31",
            "least": PROGRESS_GAMES,
        },
    ).fetchall()
    rises = [rise((row["games_before"], row["won_before"]), (row["games"], row["won"])) for row in rows]
    largest = max((by for by in rises if by is not None), default=None)
    return [
        Due("progress_star", row["id"], row["name"], round(1000 * by))
        for row, by in zip(rows, rises, strict=True)
        if by is not None and by == largest
    ]


def _kings(conn: sqlite3.Connection, month: str) -> list[Due]:
    span = [f"{month}-01", f"{month}-31"]
    evenings = [
        row["day"]
        for row in conn.execute(
            "SELECT DISTINCT day FROM game_sessions WHERE voided_at IS NULL AND day BETWEEN ? AND ?", span
        )
    ]
    if len(weeks(evenings)) < KING_WEEKS:
        return []
    attended: dict[tuple[str, str], list[str]] = {}
    rows = conn.execute(
        "SELECT p.id, p.name, a.day FROM attendances a JOIN players p ON p.id = a.player_id"
        f" WHERE a.day BETWEEN ? AND ? AND {SEEN} ORDER BY p.name_key",
        span,
    )
    for row in rows:
        attended.setdefault((row["id"], row["name"]), []).append(row["day"])
    figure = len(weeks(evenings))
    return [
        Due("consistency_king", player_id, name, figure)
        for (player_id, name), days in attended.items()
        if kept_up(evenings, days)
    ]


def _chosen(kind: votes.Kind, counted: Sequence[votes.Count]) -> list[Due]:
    most = max((one.votes for one in counted), default=0)
    return [Due(kind, one.player_id, one.name, one.votes) for one in counted if one.votes == most]
