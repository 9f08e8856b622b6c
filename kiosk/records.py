"""What the pages read from the store: shots with the table they were played on, and today's counts."""

import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zlib import crc32

from calibration.table import STANDARD_TABLES, Table
from edge.bookkeeper import waiting
from edge.clock import day_bounds
from edge.hall.plays import PlayedBy, played_by
from edge.store.database import Store, data_version
from edge.store.shots import (
    Bests,
    Counts,
    StoredShot,
    best_shots,
    count_all_shots,
    count_shots,
    count_shots_after,
    get_shot,
    get_source,
    latest_row,
    recent_shots,
    shot_after,
    shot_before,
)
from vision.balls import BallSet, ball_sets

MAX_ID_CHARS = 200  # longer is no id; nothing is asked of the store


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored shot, the table it was played on, and whose it was, if anybody was checked in."""

    stored: StoredShot
    table: Table
    by: PlayedBy | None = None

    @property
    def key(self) -> str:
        return self.stored.id

    @property
    def revision(self) -> int:
        return self.stored.revision

    @property
    def version(self) -> str:
        """Changes with everything a card shows: what was seen of the shot, whose it was, what it counted."""
        by = self.by
        if by is None:
            return str(self.revision)
        shown = f"{by.name if by.open else ''} {by.foul} {by.sure}"
        return f"{self.revision}.{crc32(shown.encode()):08x}"

    @property
    def ball_set(self) -> BallSet | None:
        """The set it was played with; None where it was not noted, or names no set of this version."""
        return ball_sets().get(self.stored.ball_set or "")


@dataclass(frozen=True, slots=True)
class Today:
    """The day's counts and bests."""

    counts: Counts
    bests: Bests

    @property
    def make_percent(self) -> int | None:
        """Makes of the shots whose result is known, in whole per cent."""
        known = self.counts.makes + self.counts.misses
        return None if known == 0 else round(100 * self.counts.makes / known)


class Records:
    """Reads of one process. Every method raises StoreError when the store can't be read."""

    def __init__(
        self, store: Store, zone: tzinfo, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._now = now
        self._counting = threading.Lock()
        self._counted = (0, 0)  # how many shots, and the row of the last of them
        self.zone = zone

    def recent(self, limit: int, before: str | None = None) -> list[Entry]:
        """The latest shots, newest first; with `before`, those older than that shot."""
        if before is not None and len(before) > MAX_ID_CHARS:
            return []
        with self._store.read() as conn:
            return _entries(conn, recent_shots(conn, limit, before))

    def shot(self, key: str) -> Entry | None:
        if len(key) > MAX_ID_CHARS:
            return None
        with self._store.read() as conn:
            stored = get_shot(conn, key)
            return None if stored is None else _entries(conn, [stored])[0]

    def entries(self, keys: Iterable[str]) -> list[Entry]:
        """These shots, in this order; one that is not stored is left out."""
        with self._store.read() as conn:
            found = [get_shot(conn, key) for key in keys]
            return _entries(conn, [stored for stored in found if stored is not None])

    def newer(self, key: str) -> str | None:
        """The id of the shot after that one."""
        with self._store.read() as conn:
            return shot_after(conn, key)

    def older(self, key: str) -> str | None:
        """The id of the shot before that one."""
        with self._store.read() as conn:
            return shot_before(conn, key)

    def today(self) -> Today:
        """What was played since midnight of the hall's zone."""
        begin, end = day_bounds(self._now(), self.zone)
        with self._store.read() as conn:
            return Today(count_shots(conn, begin, end), best_shots(conn, begin, end))

    def total(self) -> int:
        """All shots stored; those that were erased since this process began may still be counted."""
        with self._counting, self._store.read() as conn:
            total, row = self._counted
            latest = latest_row(conn)
            # Counting a million takes as long as a page may, so only the new ones are.
            total = total + count_shots_after(conn, row) if 0 < row <= latest else count_all_shots(conn)
            self._counted = total, latest
            return total

    def unbooked(self) -> bool:
        """Whether shots wait to be entered where they count."""
        with self._store.read() as conn:
            return waiting(conn)[0] > 0

    def day(self) -> str:
        """The hall's date today; counts begin anew when it changes."""
        return self._now().astimezone(self.zone).date().isoformat()

    def close(self) -> None:
        """Closes the store's connections of this process."""
        self._store.close()

    def version(self) -> int:
        """A number that changes when another process has written; only comparable within one thread."""
        with self._store.read() as conn:
            return data_version(conn)


def _entries(conn: sqlite3.Connection, shots: list[StoredShot]) -> list[Entry]:
    tables = {source: _table(conn, source) for source in {s.source_id for s in shots}}
    by = played_by(conn, [s.id for s in shots])
    return [Entry(s, tables[s.source_id], by.get(s.id)) for s in shots]


def _table(conn: sqlite3.Connection, source_id: str) -> Table:
    source = get_source(conn, source_id)
    assert source is not None  # the store refuses a shot without its source
    size = (source.table_length_in, source.table_width_in)
    standard = STANDARD_TABLES.get(source.table_name)
    if standard is not None and (standard.length_in, standard.width_in) == size:
        return standard.with_balls(source.ball_diameter_in)
    return Table(source.table_name, *size, ball_diameter_in=source.ball_diameter_in)
