"""What measuring the kiosk's pages came to, and what is aimed at."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from edge.bench.big_hall import BigHall

Seat = Literal["practice", "match", "nobody"]

# What is asked for by programs has no aim.
FOR_PROGRAMS = ("/api/", "/healthz", "/metrics")

AIM_MEDIAN_MS, AIM_P99_MS, AIM_EVENT_MS, AIM_WEIGHT_KB = 50.0, 150.0, 200.0, 150.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds of many: the median, and what one of a hundred exceeds."""

    n: int
    median_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class PageTimes:
    """A page's times, alone and with the pages open; `sent_bytes` is the answer as it was sent."""

    path: str
    seat: Seat
    chars: int
    sent_bytes: int
    alone: Spread
    busy: Spread

    @property
    def has_aims(self) -> bool:
        return not self.path.startswith(FOR_PROGRAMS)

    @property
    def meets_aims(self) -> bool:
        return self.busy.median_ms <= AIM_MEDIAN_MS and self.busy.p99_ms <= AIM_P99_MS


@dataclass(frozen=True, slots=True)
class PagesReport:
    """What was measured. `empty` is the least that this server can answer: a file of some hundred bytes.

    `events` is how late a stored shot's card came to the pages that were open, counted from its commit, `booking`
    how long storing and entering such a shot took, `results` how long the tap took by which staff entered how a
    match ended. `absent` are pages that this kiosk does not have.
    """

    hall: "BigHall"
    rounds: int
    streams: int
    empty: PageTimes
    pages: tuple[PageTimes, ...]
    events: Spread
    booking: Spread
    results: Spread
    live_per_s: float
    check_in_kb: float
    absent: tuple[str, ...]

    def times_empty(self, page: PageTimes) -> float:
        """A page's median as a ratio to the empty one's, with the pages open."""
        return page.busy.median_ms / self.empty.busy.median_ms

    def to_json(self) -> dict[str, Any]:
        """All of it, with each page's ratio."""
        pages = [{**asdict(page), "times_empty": round(self.times_empty(page), 2)} for page in self.pages]
        return {"schema": 1, **asdict(self), "pages": pages}


def spread(seconds: Iterable[float]) -> Spread:
    """The spread of at least one time."""
    values = 1000 * np.array(list(seconds))
    median, p99 = (round(float(np.percentile(values, q)), 2) for q in (50, 99))
    return Spread(len(values), median, p99)
