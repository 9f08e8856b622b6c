"""What a job is: work that belongs to a span of time and is done once in it.

A job says in which span it is now, as a text: `2026-10-31` for a night. Its row in `job_runs` is written when the
work of that span is done; while there is none, it is due. So it does not matter when the box was off, whether an
hour comes twice or the clock jumps, and nothing is ever asked of a timer (docs/decisions/0014).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store

NIGHT_H = 4
# While the clock is behind, nights are counted by the running time, the first one so long after boot.
FIRST_NIGHT_S = 3600.0
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by the wall clock and by the seconds since the boot of that id.

    `behind`: the wall clock is behind what is stored. `trusted`: it may say what is old enough to be deleted.
    """

    now: datetime
    zone: tzinfo
    up_s: float
    boot: str
    behind: bool = False
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Bench:
    """What a job works with. `stopping` is asked by work that takes long, which then breaks off."""

    paths: Paths
    settings: Settings
    store: Store
    moment: Moment
    stopping: Callable[[], bool] = lambda: False


class Job(Protocol):
    """One job. After `limit_s` it is taken to hang. `noted`: its runs and troubles are kept in the store."""

    @property
    def name(self) -> str: ...

    @property
    def limit_s(self) -> float: ...

    @property
    def noted(self) -> bool: ...

    def due(self, bench: Bench) -> str | None:
        """The span of time whose work is to be done now, if it was not done yet; None when there is none."""
        ...

    def run(self, bench: Bench, period: str) -> str:
        """Does the work and says in words what was done. Doing it twice must do no harm."""
        ...


def night(moment: Moment, hour: int = NIGHT_H) -> str | None:
    """The night it is now: the date of the hall's clocks, which changes at that hour and not at midnight.

    By the clocks on the wall, so a night of 23 or 25 hours is one night. While the clock is behind, one for each
    day of running time; None in the first hour.
    """
    if moment.behind:
        if moment.up_s < FIRST_NIGHT_S:
            return None
        return f"{moment.boot[:8]}+{int((moment.up_s - FIRST_NIGHT_S) // _DAY_S)}"
    local = moment.now.astimezone(moment.zone).replace(tzinfo=None)
    return (local - timedelta(hours=hour)).date().isoformat()
