"""A bench at which jobs of the box are tried: a hall in Chicago, and both its clocks in the test's hands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shot_book import NOW

from edge.clock_watch import Clocks
from edge.hall import audit
from edge.jobs.job import Bench, Job, Moment
from edge.jobs.ticker import Ticker
from edge.runtime.paths import Paths
from edge.settings import Disk, Hall, Settings
from edge.store.database import Store

CHICAGO = ZoneInfo("America/Chicago")
SETTINGS = Settings(hall=Hall(timezone="America/Chicago"), disk=Disk(warn_free_mb=0, least_free_mb=0))


@dataclass
class Hands:
    """Both clocks, moved by the tests."""

    now: datetime = NOW
    up_s: float = 10_000.0

    def __call__(self) -> Clocks:
        return Clocks(self.now, self.up_s)

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.up_s += seconds

    def jump(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def ticker(
    paths: Paths, store: Store, hands: Hands, *jobs: Job, stopping: Callable[[], bool] = lambda: False
) -> Ticker:
    return Ticker(jobs, paths, SETTINGS, store, boot="boot-one-two", clocks=hands, stopping=stopping)


def bench_at(paths: Paths, store: Store, wanted: Settings = SETTINGS, *, trusted: bool = True) -> Bench:
    return Bench(paths, wanted, store, Moment(NOW, CHICAGO, 10_000.0, "boot-one-two", trusted=trusted))


def deeds(store: Store, what: str) -> list[audit.Deed]:
    with store.read() as conn:
        return [deed for deed in audit.recent(conn, 100) if deed.what == what]
