"""The table clock: from when until when people had a table, at which price.

A clock runs at one table at a time, and one table has one clock at most. Moved to another table it begins a new
span; each span keeps the price of the hour that it began with. What was noted is never edited: a correction of the
start or of the end is a line of its own and can be taken back. Times are the wall's, which may jump: a span that
ends before it begins counts as none, and what looks wrong is marked for staff to correct.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.clock import from_stamp, stamp
from edge.facts import uuid7
from edge.hall.clock_price import Bill, Part, bill_of
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion

migrations = Migrations("clocks")

End = Literal["start", "end"]
DOUBTFUL = timedelta(hours=12)  # nobody plays for so long: the wall's clock jumped, or nobody stopped this one


@migrations()
def clocks_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE clocks (
            id TEXT PRIMARY KEY,
            day TEXT NOT NULL,
            started_at TEXT NOT NULL,
            stopped_at TEXT,
            step_min INTEGER NOT NULL CHECK (step_min > 0),
            waived_at TEXT,
            voided_at TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX clocks_by_day ON clocks (day, started_at)")
    db.execute("CREATE INDEX clocks_running ON clocks (started_at) WHERE stopped_at IS NULL AND voided_at IS NULL")
    db.execute("""
        CREATE TABLE clock_spans (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            clock_id TEXT NOT NULL REFERENCES clocks (id),
            table_label TEXT NOT NULL,
            begun_at TEXT NOT NULL,
            ended_at TEXT,
            cents_per_hour INTEGER NOT NULL CHECK (cents_per_hour >= 0),
            withdrawn_at TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX clock_spans_of ON clock_spans (clock_id, id)")
    db.execute("CREATE UNIQUE INDEX clock_spans_at ON clock_spans (table_label) WHERE ended_at IS NULL")
    # The latest line of an end holds; one without a moment takes back those before.
    db.execute("""
        CREATE TABLE clock_corrections (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            clock_id TEXT NOT NULL REFERENCES clocks (id),
            which TEXT NOT NULL CHECK (which IN ('start', 'end')),
            moment TEXT,
            at TEXT NOT NULL
        ) STRICT
    """)
    db.execute("CREATE INDEX clock_corrections_of ON clock_corrections (clock_id, id)")


_LAST_SPAN = "SELECT max(id) FROM clock_spans WHERE clock_id = ? AND withdrawn_at IS NULL"


class ClockError(HallError):
    """What was wanted of a table clock can't be."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time at one table, as it was noted. `ended_at` is None while it goes on."""

    table_label: str
    begun_at: datetime
    ended_at: datetime | None
    cents_per_hour: int


@dataclass(frozen=True, slots=True)
class Clock:
    """A table clock with its spans in order; `start` and `end` are corrections, None where none holds."""

    id: str
    day: str
    started_at: datetime
    stopped_at: datetime | None
    step_min: int
    waived: bool
    voided: bool
    spans: tuple[Span, ...]
    start: datetime | None = None
    end: datetime | None = None

    @property
    def running(self) -> bool:
        return self.stopped_at is None and not self.voided

    @property
    def table_label(self) -> str:
        """Where it runs, or ran last."""
        return self.spans[-1].table_label

    @property
    def from_when(self) -> datetime:
        return self.start or self.spans[0].begun_at

    @property
    def until_when(self) -> datetime | None:
        return None if self.running else self.end or self.spans[-1].ended_at

    def times(self, now: datetime) -> list[tuple[Span, datetime, datetime]]:
        """Each span with its begin and its end as they count."""
        last = len(self.spans) - 1
        found = []
        for place, span in enumerate(self.spans):
            begin = self.from_when if place == 0 else span.begun_at
            end = span.ended_at or now
            found.append((span, begin, (self.until_when or now) if place == last else end))
        return found

    def doubtful(self, now: datetime) -> bool:
        """Whether its times look wrong: backwards, or longer than anybody plays."""
        times = self.times(now)
        whole = sum((end - begin for _, begin, end in times), timedelta())
        return whole > DOUBTFUL or any(end < begin for _, begin, end in times)


def bill(clock: Clock, now: datetime) -> Bill:
    """What a clock shows: of one that runs, up to now."""
    parts = [Part(_ms(begin, end), span.cents_per_hour) for span, begin, end in clock.times(now)]
    return bill_of(parts, clock.step_min, waived=clock.waived)


def start_clock(
    conn: sqlite3.Connection, here: Occasion, cents_per_hour: int, step_min: int, since: datetime | None = None
) -> Clock:
    """A clock runs at that table from now, or from an earlier moment. Raises ClockError where one runs already."""
    if clock_at(conn, here.table_label) is not None:
        raise ClockError("clock_runs")
    if since is not None and since > here.now:
        raise ClockError("clock_future")
    begun, clock_id = stamp(since or here.now), uuid7()
    conn.execute(
        "INSERT INTO clocks (id, day, started_at, step_min) VALUES (?, ?, ?, ?)",
        [clock_id, here.day, begun, step_min],
    )
    _begin_span(conn, clock_id, here.table_label, begun, cents_per_hour)
    return _known(conn, clock_id)


def stop_clock(conn: sqlite3.Connection, clock_id: str, now: datetime) -> bool:
    """Stops a clock; one that has stopped stays as it is."""
    _end_span(conn, clock_id, now)
    changed = conn.execute(
        "UPDATE clocks SET stopped_at = ? WHERE id = ? AND stopped_at IS NULL", [stamp(now), clock_id]
    )
    return changed.rowcount > 0


def resume_clock(conn: sqlite3.Connection, clock: Clock, table_label: str, now: datetime) -> None:
    """A clock that was stopped goes on as if it had not been; a correction of that end is taken back.

    Raises ClockError when that table has another by now.
    """
    if clock_at(conn, table_label) is not None:
        raise ClockError("clock_runs")
    if clock.end is not None:
        correct_clock(conn, clock, "end", None, now)
    conn.execute("UPDATE clocks SET stopped_at = NULL WHERE id = ?", [clock.id])
    conn.execute(
        f"UPDATE clock_spans SET ended_at = NULL, table_label = ? WHERE id = ({_LAST_SPAN})",
        [table_label, clock.id],
    )


def move_clock(conn: sqlite3.Connection, clock_id: str, here: Occasion, cents_per_hour: int) -> None:
    """A running clock goes on at that table, at its price. Raises ClockError where one runs already."""
    if clock_at(conn, here.table_label) is not None:
        raise ClockError("clock_runs")
    _end_span(conn, clock_id, here.now)
    _begin_span(conn, clock_id, here.table_label, here.stamp, cents_per_hour)


def unmove_clock(conn: sqlite3.Connection, clock_id: str, table_label: str, now: datetime) -> None:
    """The clock's last move was a mistake: the span before goes on, at that table. Raises ClockError."""
    if clock_at(conn, table_label) is not None:
        raise ClockError("clock_runs")
    at = stamp(now)
    conn.execute(
        f"UPDATE clock_spans SET ended_at = ?, withdrawn_at = ? WHERE id = ({_LAST_SPAN})", [at, at, clock_id]
    )
    conn.execute(
        f"UPDATE clock_spans SET ended_at = NULL, table_label = ? WHERE id = ({_LAST_SPAN})",
        [table_label, clock_id],
    )


def correct_clock(
    conn: sqlite3.Connection, clock: Clock, which: End, moment: datetime | None, now: datetime
) -> None:
    """The clock began, or ended, at another moment; None is what was noted.

    The start belongs to the first span and the end to the last, so neither may lie beyond it. Raises ClockError.
    """
    if which == "end" and clock.running:
        raise ClockError("clock_still_runs")
    if moment is not None:
        _require_possible(clock, which, moment, now)
    conn.execute(
        "INSERT INTO clock_corrections (clock_id, which, moment, at) VALUES (?, ?, ?, ?)",
        [clock.id, which, None if moment is None else stamp(moment), stamp(now)],
    )


def waive_clock(conn: sqlite3.Connection, clock_id: str, now: datetime, *, waived: bool = True) -> None:
    """Nothing is to be paid for it; or it is after all."""
    conn.execute("UPDATE clocks SET waived_at = ? WHERE id = ?", [stamp(now) if waived else None, clock_id])


def void_clock(conn: sqlite3.Connection, clock_id: str, now: datetime) -> None:
    """The clock was started by mistake and counts nowhere."""
    stop_clock(conn, clock_id, now)
    conn.execute("UPDATE clocks SET voided_at = ? WHERE id = ?", [stamp(now), clock_id])


def follow_table(conn: sqlite3.Connection, from_label: str, to_label: str) -> None:
    """The table is called otherwise from now on: the clock that runs there with it."""
    conn.execute(
        "UPDATE clock_spans SET table_label = ? WHERE table_label = ? AND ended_at IS NULL", [to_label, from_label]
    )


def get_clock(conn: sqlite3.Connection, clock_id: str) -> Clock | None:
    """One clock, or None."""
    found = _clocks(conn, conn.execute("SELECT * FROM clocks WHERE id = ?", [clock_id]))
    return found[0] if found else None


def clock_at(conn: sqlite3.Connection, table_label: str) -> Clock | None:
    """The clock that runs at a table, or None."""
    row = conn.execute(
        "SELECT clock_id FROM clock_spans WHERE table_label = ? AND ended_at IS NULL", [table_label]
    ).fetchone()
    return None if row is None else get_clock(conn, row["clock_id"])


def running_clocks(conn: sqlite3.Connection) -> list[Clock]:
    """Every clock that runs, the oldest first."""
    sql = "SELECT * FROM clocks WHERE stopped_at IS NULL AND voided_at IS NULL ORDER BY started_at, id"
    return _clocks(conn, conn.execute(sql))


def clocks_of(conn: sqlite3.Connection, day: str) -> list[Clock]:
    """The clocks that were started on that day of the hall's, in that order; none that counts nowhere."""
    sql = "SELECT * FROM clocks WHERE day = ? AND voided_at IS NULL ORDER BY started_at, id"
    return _clocks(conn, conn.execute(sql, [day]))


def _require_possible(clock: Clock, which: End, moment: datetime, now: datetime) -> None:
    if moment > now:
        raise ClockError("clock_future")
    first, last = clock.times(now)[0], clock.times(now)[-1]
    if (which == "start" and moment > first[2]) or (which == "end" and moment < last[1]):
        raise ClockError("clock_order")


def _ms(begin: datetime, end: datetime) -> int:
    return (end - begin) // timedelta(milliseconds=1)


def _begin_span(
    conn: sqlite3.Connection, clock_id: str, table_label: str, begun: str, cents_per_hour: int
) -> None:
    conn.execute(
        "INSERT INTO clock_spans (clock_id, table_label, begun_at, cents_per_hour) VALUES (?, ?, ?, ?)",
        [clock_id, table_label, begun, cents_per_hour],
    )


def _end_span(conn: sqlite3.Connection, clock_id: str, now: datetime) -> None:
    conn.execute(
        "UPDATE clock_spans SET ended_at = ? WHERE clock_id = ? AND ended_at IS NULL", [stamp(now), clock_id]
    )


def _known(conn: sqlite3.Connection, clock_id: str) -> Clock:
    found = get_clock(conn, clock_id)
    assert found is not None  # just made
    return found


def _clocks(conn: sqlite3.Connection, rows: Iterable[sqlite3.Row]) -> list[Clock]:
    return [_clock(conn, row) for row in list(rows)]


def _clock(conn: sqlite3.Connection, row: sqlite3.Row) -> Clock:
    spans = conn.execute(
        "SELECT * FROM clock_spans WHERE clock_id = ? AND withdrawn_at IS NULL ORDER BY id", [row["id"]]
    )
    corrected: dict[str, datetime | None] = {}
    for line in conn.execute("SELECT * FROM clock_corrections WHERE clock_id = ? ORDER BY id", [row["id"]]):
        corrected[line["which"]] = _moment(line["moment"])
    return Clock(
        id=row["id"],
        day=row["day"],
        started_at=from_stamp(row["started_at"]),
        stopped_at=_moment(row["stopped_at"]),
        step_min=row["step_min"],
        waived=row["waived_at"] is not None,
        voided=row["voided_at"] is not None,
        spans=tuple(
            Span(s["table_label"], from_stamp(s["begun_at"]), _moment(s["ended_at"]), s["cents_per_hour"])
            for s in spans
        ),
        start=corrected.get("start"),
        end=corrected.get("end"),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else from_stamp(text)
