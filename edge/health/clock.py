"""Whether the clock tells the time: a box without one of its own may begin in the past.

What was stored later than now says so for certain.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from edge.clock import from_stamp, stamp
from edge.health.check import SELDOM_S, Check, Finding, Scene
from edge.health.store import readable
from edge.store.database import translated
from edge.store.errors import StoreError

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # before this program
SLACK = timedelta(minutes=2)
# The newest of what this box dates itself, by the rows' numbers.
_NEWEST = (
    "SELECT stored_at FROM shots ORDER BY rowid DESC LIMIT 1",
    "SELECT created FROM outbox ORDER BY seq DESC LIMIT 1",
    "SELECT at FROM audit ORDER BY id DESC LIMIT 1",
)
_ADVICE = "Connect it to the network, which sets the clock; without one give the box a clock module."


def look(scene: Scene) -> Finding:
    now = scene.now
    if now < EARLIEST:
        return Finding("bad", f"The clock says {now:%Y-%m-%d}, before this program was written.", _ADVICE)
    newest, is_set = _newest(scene), scene.machine.clock_is_set()
    if newest is not None and newest > now + SLACK:
        text = f"The clock went back: it says {_minute(now)}, and {_minute(newest)} is stored already."
        if is_set:
            text = f"{text} The network has set it, so it was ahead before."
            return Finding("warn", text, "Nothing; time mends it.")
        return Finding("bad", text, _ADVICE)
    if is_set is False:
        return Finding("warn", f"The clock says {_minute(now)}, and the network has not set it.", _ADVICE)
    how = ", as the network set it" if is_set else ""
    return Finding("ok", f"The clock says {_minute(now)}{how}.")


def _minute(moment: datetime) -> str:
    return stamp(moment)[:16].replace("T", " ") + " UTC"


def _newest(scene: Scene) -> datetime | None:
    """The latest moment that the store knows of; None where it knows none, or can't be asked."""
    found = readable(scene)
    if isinstance(found, Finding):
        return None
    try:
        with closing(found) as conn, translated(scene.paths.store):
            rows = [conn.execute(question).fetchone() for question in _NEWEST]
            return max((from_stamp(row[0]) for row in rows if row is not None and row[0]), default=None)
    except (StoreError, sqlite3.Error, ValueError):  # of an older version, or damaged: told elsewhere
        return None


CHECK = Check("clock", look, None, SELDOM_S)
