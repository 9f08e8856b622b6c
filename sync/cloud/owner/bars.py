"""Small bars, a day each, as figures for an SVG and as words for who can't see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT, GAP = 16.0, 56.0, 4.0
LEAST = 2.0  # of a day on which something was played, however little


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where it stands, how high, and its words. `kind` is `told`, `none` where nothing was told."""

    x: float
    y: float
    height: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Bars:
    """`today` is None where nothing was told of the last day yet."""

    title: str
    bars: tuple[Bar, ...]
    total: int
    today: int | None
    words: str

    @property
    def width(self) -> float:
        return len(self.bars) * (WIDTH + GAP) - GAP


def bars(title: str, first_day: str, values: Sequence[int | None]) -> Bars:
    """Bars from the day `first_day` on; the highest fills the height."""
    most = max((value for value in values if value is not None), default=0)
    begin = date.fromisoformat(first_day)
    shown = tuple(_bar(i, begin + timedelta(days=i), value, most) for i, value in enumerate(values))
    told = [value for value in values if value is not None]
    end = begin + timedelta(days=len(values) - 1)
    words = f"{title} a day, {day_words(begin)} to {day_words(end)}: " + ", ".join(
        "not told" if value is None else f"{value:,}" for value in values
    )
    return Bars(title, shown, sum(told), values[-1] if values else None, words)


def day_words(day: date) -> str:
    return f"{day.day} {day:%b}"


def duration_words(duration: timedelta) -> str:
    """`20 s`, `3 min`, `2 h`, `4 days`."""
    seconds = int(duration.total_seconds())
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def _bar(i: int, day: date, value: int | None, most: int) -> Bar:
    x = i * (WIDTH + GAP)
    if value is None:
        return Bar(x, HEIGHT - 1, 1.0, "none", f"{day_words(day)}: not told")
    height = 0.0 if not value else max(LEAST, HEIGHT * value / most)
    return Bar(x, round(HEIGHT - height, 1), round(height, 1), "told", f"{day_words(day)}: {value:,}")
