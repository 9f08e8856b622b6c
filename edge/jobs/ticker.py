"""The tick: what is due and was not done is done, one job after the other.

A job that fails is tried again after a minute, then two, four … up to six hours, by the running time; meanwhile
the others go on. What was broken off by the end of the program counts as a failure too, so that a job which ends
the program each time does not keep the others from their turn.
"""

import logging
from collections.abc import Callable, Sequence

from edge.backup import BackupError
from edge.clock import stamp
from edge.clock_watch import Clocks, ClockWatch, newest_stamp, note_behind, note_jump, read_clocks
from edge.jobs.job import Bench, Job, Moment
from edge.jobs.runs import is_done, note_begun, note_broken_off, note_done, note_failed, troubles
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from edge.store.errors import StoreError

log = logging.getLogger(__name__)

FIRST_DELAY_S = 60.0
LAST_DELAY_S = 6 * 3600.0

Allow = Callable[[float], None]


class Ticker:
    """`allow` is told how long what comes now may take; `stopping` whether the program is to end."""

    def __init__(
        self,
        jobs: Sequence[Job],
        paths: Paths,
        settings: Settings,
        store: Store,
        *,
        boot: str,
        clocks: Callable[[], Clocks] = read_clocks,
        allow: Allow = lambda _: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._jobs = tuple(jobs)
        self._paths = paths
        self._settings = settings
        self._store = store
        self._boot = boot
        self._clocks = clocks
        self._allow = allow
        self._stopping = stopping
        self._watch: ClockWatch | None = None
        self._jumps: list[float] = []  # that are not written down yet
        self._said_behind = False
        self._done: dict[str, str] = {}
        self._failures: dict[str, int] = {}
        self._not_before_up_s: dict[str, float] = {}

    def tick(self) -> None:
        """Does what is due. Never raises but what ends the program."""
        try:
            moment = self._look_at_clocks()
        except StoreError as error:
            log.warning("no job can be looked at: %s", error)
            moment = None
        for job in self._jobs:
            if moment is None or self._stopping():
                return
            self._allow(job.limit_s)
            self._look(job, moment)

    def _look_at_clocks(self) -> Moment:
        clocks = self._clocks()
        if self._watch is None:
            with self._store.read() as conn:
                newest = newest_stamp(conn)
                broken_off = [one for one in troubles(conn) if one.running]
            self._watch = ClockWatch(clocks, newest)
            for one in broken_off:
                self._put_off(one.job, one.failures, clocks.up_s)
        jumped_s = self._watch.look(clocks)
        if jumped_s is not None:
            log.warning("the clock jumped by %+.0f s", jumped_s)
            self._jumps.append(jumped_s)
        behind = self._watch.behind
        if behind is not None and not self._said_behind:
            log.warning("the clock is behind by %s: calendar work goes by the running time", behind)
        self._write_down(clocks)
        return Moment(
            clocks.now,
            self._settings.hall.zone,
            clocks.up_s,
            self._boot,
            behind=behind is not None,
            trusted=self._watch.trusted,
        )

    def _write_down(self, clocks: Clocks) -> None:
        """What the clock did, once each; what can't be written now is written at the next tick."""
        assert self._watch is not None
        behind = None if self._said_behind else self._watch.behind
        if not self._jumps and behind is None:
            return
        try:
            with self._store.write() as conn:
                for jumped_s in self._jumps:
                    note_jump(conn, clocks.now, jumped_s)
                if behind is not None:
                    note_behind(conn, clocks.now, behind)
        except StoreError as error:
            log.warning("what the clock did can't be written down: %s", error)
            return
        self._jumps.clear()
        self._said_behind = self._said_behind or behind is not None

    def _look(self, job: Job, moment: Moment) -> None:
        if moment.up_s < self._not_before_up_s.get(job.name, 0.0):
            return
        bench = Bench(self._paths, self._settings, self._store, moment, self._stopping)
        try:
            period = job.due(bench)
            if period is None or self._is_done(job, period):
                return
            self._begin(job, period, moment)
            said = job.run(bench, period)
            self._end(job, period, said)
        except Exception as error:  # the others have their turn
            self._fail(job, error)
            return
        log.info("%s: %s", job.name, said)

    def _is_done(self, job: Job, period: str) -> bool:
        if self._done.get(job.name) == period:
            return True
        if not job.noted:
            return False
        with self._store.read() as conn:
            done = is_done(conn, job.name, period)
        if done:
            self._done[job.name] = period
        return done

    def _begin(self, job: Job, period: str, moment: Moment) -> None:
        if job.noted:
            with self._store.write() as conn:
                note_begun(conn, job.name, period, stamp(moment.now))

    def _end(self, job: Job, period: str, said: str) -> None:
        if job.noted:
            with self._store.write() as conn:
                note_done(conn, job.name, period, stamp(self._clocks().now), said)
        self._done[job.name] = period
        self._failures.pop(job.name, None)
        self._not_before_up_s.pop(job.name, None)

    def _fail(self, job: Job, error: Exception) -> None:
        stopped, clocks = self._stopping(), self._clocks()
        if not stopped:
            text = str(error) or type(error).__name__
            log.error("%s failed: %s", job.name, text, exc_info=None if _is_told(error) else error)
            self._put_off(job.name, self._failures.get(job.name, 0) + 1, clocks.up_s)
        if not job.noted:
            return
        try:
            with self._store.write() as conn:
                if stopped:
                    note_broken_off(conn, job.name)
                else:
                    note_failed(conn, job.name, stamp(clocks.now), text)
        except StoreError as trouble:
            log.warning("that %s failed can't be written down: %s", job.name, trouble)

    def _put_off(self, job: str, failures: int, up_s: float) -> None:
        self._failures[job] = failures
        self._not_before_up_s[job] = up_s + delay_s(failures)


def delay_s(failures: int) -> float:
    """How long a job waits after so many failures in a row."""
    return min(FIRST_DELAY_S * 2.0 ** min(failures - 1, 20), LAST_DELAY_S)


def _is_told(error: Exception) -> bool:
    """Whether its text says all that a person needs."""
    return isinstance(error, StoreError | BackupError | OSError)
