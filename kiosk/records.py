"""What the pages read from the store: shots with the table they were played on, and today's counts."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from calibration.table import STANDARD_TABLES, Table
from edge.clock import day_bounds
from edge.store.database import Store
from edge.store.shots import Counts, StoredShot, count_shots, get_shot, recent_shots

MAX_ID_CHARS = 200  # longer is no id; nothing is asked of the store


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored shot and the table it was played on."""

    stored: StoredShot
    table: Table

    @property
    def key(self) -> str:
        return self.stored.shot.id

    @property
    def revision(self) -> int:
        return self.stored.shot.revision


@dataclass(frozen=True, slots=True)
class Today:
    """The day's counts; a best is None while nothing was measured."""

    counts: Counts
    best_speed_mph: float | None
    longest_pot_in: float | None

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

    def newer(self, key: str) -> str | None:
        """The id of the shot after that one."""
        with self._store.read() as conn:
            row = conn.execute(
                "SELECT id FROM shots WHERE (played_at, id) > (SELECT played_at, id FROM shots WHERE id = ?)"
                " ORDER BY played_at, id LIMIT 1",
                [key],
            ).fetchone()
        return None if row is None else str(row["id"])

    def older(self, key: str) -> str | None:
        """The id of the shot before that one."""
        entries = self.recent(1, before=key)
        return entries[0].key if entries else None

    def today(self) -> Today:
        """What was played since midnight of the hall's zone."""
        begin, end = day_bounds(self._now(), self.zone)
        with self._store.read() as conn:
            bests = conn.execute(
                "SELECT max(cue_speed_mph) AS speed,"
                " max(CASE WHEN result = 'make' THEN pocket_distance_in END) AS pot"
                " FROM shots_now WHERE played_at >= ? AND played_at < ?",
                [begin, end],
            ).fetchone()
            return Today(count_shots(conn, begin, end), bests["speed"], bests["pot"])

    def total(self) -> int:
        """All shots ever stored."""
        with self._store.read() as conn:
            return int(conn.execute("SELECT count(*) FROM shots").fetchone()[0])

    def day(self) -> str:
        """The hall's date today; counts begin anew when it changes."""
        return self._now().astimezone(self.zone).date().isoformat()

    def close(self) -> None:
        """Closes the store's connections of this process."""
        self._store.close()

    def version(self) -> int:
        """A number that changes when another process has written; only comparable within one thread."""
        with self._store.read() as conn:
            return int(conn.execute("PRAGMA data_version").fetchone()[0])


def _entries(conn: sqlite3.Connection, shots: list[StoredShot]) -> list[Entry]:
    tables = {source: _table(conn, source) for source in {s.source_id for s in shots}}
    return [Entry(s, tables[s.source_id]) for s in shots]


def _table(conn: sqlite3.Connection, source_id: str) -> Table:
    row = conn.execute("SELECT * FROM sources WHERE id = ?", [source_id]).fetchone()
    name, length, width = row["table_name"], row["table_length_in"], row["table_width_in"]
    standard = STANDARD_TABLES.get(name)
    if standard is not None and (standard.length_in, standard.width_in) == (length, width):
        return standard.with_balls(row["ball_diameter_in"])
    return Table(name, length, width, ball_diameter_in=row["ball_diameter_in"])
