"""How a whole hall improves: a figure a month, as marks and a line for an SVG, and as words."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.clock import month_before
from sync.cloud.db import Conn
from sync.cloud.owner.words import month_words, short_month

MONTHS = 12
STEP, WIDE, HEIGHT, PAD = 20.0, 12.0, 56.0, 6.0


@dataclass(frozen=True, slots=True)
class HallMonthSums:
    """A hall's month. `coach_avg` is weighted by shots, None where no shot counts."""

    coach_avg: float | None
    hours: float
    players: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A month: where it stands, from which height down, and its words."""

    x: float
    y: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Progress:
    """One chart. `line` is a path through the marks where it is drawn as one; `last` and `change` are in words,
    `change` since the first month that is there."""

    title: str
    marks: tuple[Mark, ...]
    line: str
    first: str
    end: str
    last: str
    change: str
    words: str

    @property
    def width(self) -> float:
        return MONTHS * STEP - (STEP - WIDE)


def progress_of(conn: Conn, hall_id: str, month: str) -> list[Progress]:
    """The twelve months that end with that one."""
    months = [month]
    while len(months) < MONTHS:
        months.insert(0, month_before(months[0]))
    told = sums_of(conn, hall_id, months[0], month)
    found = [told.get(one) for one in months]
    return [
        chart("Coach average", months, [None if one is None else one.coach_avg for one in found], line=True),
        chart("Hours", months, [None if one is None else one.hours for one in found]),
        chart("Players who trained", months, [None if one is None else one.players for one in found], digits=0),
    ]


def sums_of(conn: Conn, hall_id: str, first: str, last: str) -> dict[str, HallMonthSums]:
    """By month; each player counts once, on however many ladders."""
    rows = conn.rows(
        "SELECT period, sum(coach_avg * shots) AS weighed, sum(shots) AS shots, sum(hours_total) AS hours,"
        " count(*) AS players FROM ladder_training_scores"
        " WHERE hall_id = ? AND period BETWEEN ? AND ? AND best = 1 AND sessions > 0 GROUP BY period",
        [hall_id, first, last],
    )
    return {
        row["period"]: HallMonthSums(
            None if not row["shots"] else row["weighed"] / float(row["shots"]), row["hours"], row["players"]
        )
        for row in rows
    }


def chart(
    title: str, months: Sequence[str], values: Sequence[float | None], *, line: bool = False, digits: int = 1
) -> Progress:
    """A chart of `MONTHS` values: bars from nothing up, or a line between the least and the most."""
    known = [value for value in values if value is not None]
    low, high = _range(known, line=line)
    marks = tuple(
        _mark(i, months[i], value, (low, high), line=line, digits=digits)
        for i, value in enumerate(values)
        if value is not None
    )
    path = " ".join(f"{'M' if i == 0 else 'L'}{one.x + WIDE / 2:g},{one.y:g}" for i, one in enumerate(marks))
    told = ", ".join(
        f"{short_month(one)}: {'not told' if value is None else f'{value:,.{digits}f}'}"
        for one, value in zip(months, values, strict=True)
    )
    return Progress(
        title,
        marks,
        path if line else "",
        short_month(months[0], with_year=True),
        short_month(months[-1]),
        f"{known[-1]:,.{digits}f}" if known else "–",
        _change(months, values, digits),
        f"{title} a month, {month_words(months[0])} to {month_words(months[-1])}. {told}",
    )


def _range(known: Sequence[float], *, line: bool) -> tuple[float, float]:
    """What is at the foot, and at the top; a line has some room, so that a small change looks small."""
    if not known:
        return 0.0, 1.0
    if not line:
        return 0.0, max(1e-9, *known)
    middle, half = (min(known) + max(known)) / 2, max((max(known) - min(known)) / 2, 5.0)
    return middle - half, middle + half


def _mark(i: int, month: str, value: float, span: tuple[float, float], *, line: bool, digits: int) -> Mark:
    low, high = span
    share = (value - low) / (high - low)
    y = round(PAD + (HEIGHT - 2 * PAD) * (1 - share), 1) if line else round(HEIGHT * (1 - share), 1)
    return Mark(i * STEP, y, round(HEIGHT - y, 1), f"{month_words(month)}: {value:,.{digits}f}")


def _change(months: Sequence[str], values: Sequence[float | None], digits: int) -> str:
    told = [(month, value) for month, value in zip(months, values, strict=True) if value is not None]
    if len(told) < 2:
        return "" if not told or told[0][0] == months[-1] else f"in {short_month(told[0][0])}"
    (since, first), (until, last) = told[0], told[-1]
    change = f"{last - first:+,.{digits}f} since {short_month(since, with_year=True)}"
    return change if until == months[-1] else f"in {short_month(until)}, {change}"
