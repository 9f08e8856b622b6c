"""Spans of a player's time (a day, a week from Monday on, a month, all of it) and what was played in them.

Days are the hall's, as in `metrics_daily`. Borders are borders of days, so no change of the clocks moves them.
"""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge.stats.daily import Figures, figures_between, figures_by, first_day, map_between

Range = Literal["day", "week", "month", "lifetime"]
RANGES: tuple[Range, ...] = get_args(Range)
Step = Literal["day", "month", "year"]

MOST_MONTHS = 36  # a longer time is told by years
DATE_CHARS: dict[Step, int] = {"day": 10, "month": 7, "year": 4}

MOST_VERSUS = 24  # opponents that a page shows


@dataclass(frozen=True, slots=True)
class Span:
    """From the day `begin` to before the day `end`; `step` is what its parts are."""

    range: Range
    begin: str
    end: str
    step: Step

    @property
    def parts(self) -> list[str]:
        """Every day, month or year that it touches, in order, as `2025-10-31`, `2025-10` or `2025`."""
        chars, day, last = DATE_CHARS[self.step], date.fromisoformat(self.begin), date.fromisoformat(self.end)
        days = ((day + timedelta(days=n)).isoformat()[:chars] for n in range((last - day).days))
        return list(dict.fromkeys(days))


@dataclass(frozen=True, slots=True)
class Versus:
    """How a player fared against somebody; all guests are one, and so are all whose names were erased."""

    kind: Literal["player", "guest", "former"]
    name: str
    won: int
    lost: int


@dataclass(frozen=True, slots=True)
class Record:
    """Rated matches, and how many of them were won."""

    won: int = 0
    played: int = 0

    @property
    def win_pct(self) -> float | None:
        return None if self.played == 0 else 100 * self.won / self.played


@dataclass(frozen=True, slots=True)
class Stats:
    """What a player did in a span. `parts` are its days, months or years, each with its figures, None where there
    are none; `map` is (2, width cells, length cells), misses then makes."""

    span: Span
    figures: Figures
    parts: tuple[tuple[str, Figures | None], ...]
    map: NDArray[np.int64]
    versus: tuple[Versus, ...]


def span_of(name: Range, today: str, ago: int = 0, first: str | None = None) -> Span:
    """The span that holds the hall's day `today`, or the one that lies `ago` of them before it.

    All of it begins with the day `first`.
    """
    day = date.fromisoformat(today)
    if name == "day":
        day -= timedelta(days=ago)
        return Span(name, day.isoformat(), (day + timedelta(days=1)).isoformat(), "day")
    if name == "week":
        monday = day - timedelta(days=day.weekday() + 7 * ago)
        return Span(name, monday.isoformat(), (monday + timedelta(days=7)).isoformat(), "day")
    if name == "month":
        number = day.year * 12 + day.month - 1 - ago
        return Span(name, _first_of(number), _first_of(number + 1), "day")
    begin, end = first or today, (day + timedelta(days=1)).isoformat()
    months = (day.year - int(begin[:4])) * 12 + day.month - int(begin[5:7]) + 1
    return Span(name, begin, end, "month" if months <= MOST_MONTHS else "year")


def stats_of(conn: sqlite3.Connection, player_id: str, name: Range, today: str, ago: int = 0) -> Stats:
    """What a player did in a span, read from the days' summaries and the matches' results alone."""
    first = first_day(conn, player_id) if name == "lifetime" else None
    span = span_of(name, today, ago, first)
    found = figures_by(conn, player_id, span.begin, span.end, DATE_CHARS[span.step])
    return Stats(
        span,
        figures_between(conn, player_id, span.begin, span.end),
        tuple((part, found.get(part)) for part in span.parts),
        map_between(conn, player_id, span.begin, span.end),
        tuple(versus_between(conn, player_id, span.begin, span.end)),
    )


def versus_between(
    conn: sqlite3.Connection, player_id: str, begin: str, end: str, limit: int = MOST_VERSUS
) -> list[Versus]:
    """Whom a player met in singles from the day `begin` to before the day `end`, those met most often first."""
    side = (
        "SELECT player_{} AS opponent, winner = :p AS won FROM results"
        " WHERE player_{} = :p AND day >= :begin AND day < :end"
    )
    rows = conn.execute(
        "SELECT kind, name, sum(won) AS won, count(*) AS played FROM ("
        " SELECT r.won, CASE WHEN o.erased IS NOT NULL THEN 'former' WHEN o.guest THEN 'guest' ELSE 'player' END"
        " AS kind, CASE WHEN o.guest THEN '' ELSE o.name END AS name"
        f" FROM ({side.format('b', 'a')} UNION ALL {side.format('a', 'b')}) r JOIN players o ON o.id = r.opponent"
        ") GROUP BY kind, name ORDER BY played DESC, name, kind LIMIT :most",
        {"p": player_id, "begin": begin, "end": end, "most": limit},
    )
    return [Versus(row["kind"], row["name"], row["won"], row["played"] - row["won"]) for row in rows]


def record_of(conn: sqlite3.Connection, player_id: str) -> Record:
    """How many rated matches, doubles too, a player ever finished, and won."""
    row = conn.execute(
        "SELECT coalesce(sum(won), 0) AS won, count(*) AS played FROM outcomes WHERE player_id = ? AND rated",
        [player_id],
    ).fetchone()
    return Record(row["won"], row["played"])


def _first_of(number: int) -> str:
    """The first day of a month that is counted from the year 0 on."""
    year, month = divmod(number, 12)
    return date(year, month + 1, 1).isoformat()
