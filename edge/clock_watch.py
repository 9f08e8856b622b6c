"""Notices what the wall clock does: that it jumped while the box ran, and that it is behind what is stored.

A box without a clock of its own starts in 1970, or when it was last shut down, until the network sets it. Shots
are stored all the same, for they keep their order; what goes by the calendar waits or goes by the running time.
"""

import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.clock import from_stamp, stamp
from edge.hall import audit

JUMP_S = 2.0
# After a jump of so much or more the calendar is not trusted with deleting anything, for a day of running time.
BIG_JUMP_S = 12 * 3600.0
DISTRUST_S = 24 * 3600.0
# An older moment than the newest row's by less is two clocks of one box that were read one after the other.
SLACK = timedelta(seconds=JUMP_S)

SUBJECT = "clock:box"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Both clocks at one moment: the wall's, and the seconds since boot, sleep included, which nobody sets."""

    now: datetime
    up_s: float


def read_clocks() -> Clocks:
    return Clocks(datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME))


class ClockWatch:
    """Compares the clocks again and again. `newest` is the stamp of what was stored last before the start."""

    def __init__(self, clocks: Clocks, newest: str | None = None) -> None:
        self._last = clocks
        self._newest = None if newest is None else from_stamp(newest)
        self._big_jump_up_s: float | None = None

    def look(self, clocks: Clocks) -> float | None:
        """By how many seconds the wall clock jumped since the last look; None when it did not."""
        passed_s = clocks.up_s - self._last.up_s
        jumped_s = (clocks.now - self._last.now).total_seconds() - passed_s
        self._last = clocks
        if abs(jumped_s) <= JUMP_S:
            return None
        if abs(jumped_s) >= BIG_JUMP_S:
            self._big_jump_up_s = clocks.up_s
        return jumped_s

    @property
    def behind(self) -> timedelta | None:
        """How far the clock is behind what was stored before the start; None when it is not."""
        if self._newest is None or self._last.now >= self._newest - SLACK:
            return None
        return self._newest - self._last.now

    @property
    def trusted(self) -> bool:
        """Whether the calendar may be trusted with deleting what is old."""
        jumped = self._big_jump_up_s
        return self.behind is None and (jumped is None or self._last.up_s - jumped >= DISTRUST_S)


def newest_stamp(conn: sqlite3.Connection) -> str | None:
    """When what was stored last was stored, of shots, facts and the audit; None in an empty store.

    Asked for the last rows and not for the latest stamps: a clock that was once ahead is not believed for ever.
    """
    queries = (
        "SELECT stored_at FROM shots ORDER BY rowid DESC LIMIT 1",
        "SELECT created FROM outbox ORDER BY seq DESC LIMIT 1",
        "SELECT at FROM audit ORDER BY id DESC LIMIT 1",
    )
    rows = [conn.execute(sql).fetchone() for sql in queries]
    return max((str(row[0]) for row in rows if row is not None), default=None)


def note_jump(conn: sqlite3.Connection, now: datetime, by_s: float) -> None:
    """Writes a jump down; inside a transaction for writing."""
    audit.note(conn, stamp(now), "clock.jumped", SUBJECT, role="system", after={"by_s": round(by_s)})


def note_behind(conn: sqlite3.Connection, now: datetime, by: timedelta) -> None:
    """Writes down that the clock is behind; inside a transaction for writing."""
    after = {"by_s": round(by.total_seconds())}
    audit.note(conn, stamp(now), "clock.behind", SUBJECT, role="system", after=after)
