"""Makes room when the disk fills: in a stated order, never of shots or facts, and never without a word.

1. the oldest snapshots, all but the last two;
2. damaged stores that were kept aside more than 30 days ago, unless the clock can't be trusted;
3. clips, once there are any.

It stops as soon as there is as much room as the settings ask for. A
disk that is full all the same is the health page's to say; shots wait in the writer's queue and its spool then.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.backup import snapshots
from edge.backup.keeping import delete
from edge.backup.snapshot import NAME
from edge.clock import stamp
from edge.hall import audit
from edge.jobs.job import Bench
from edge.store.errors import StoreError

log = logging.getLogger(__name__)

MB = 1_000_000
LEAST_SNAPSHOTS = 2
KEPT_ASIDE = timedelta(days=30)
LOOK_S = 3600.0

Free = Callable[[Path], int]


def free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


class DiskGuard:
    """Looks once an hour of running time while there is little room. Its runs are not noted in the store, which
    may have no room for that."""

    name = "disk"
    limit_s = 600.0
    noted = False

    def __init__(self, free: Free = free_bytes) -> None:
        self._free = free

    def due(self, bench: Bench) -> str | None:
        if self._has_room(bench):
            return None
        return f"{bench.moment.boot[:8]}+{int(bench.moment.up_s // LOOK_S)}"

    def run(self, bench: Bench, period: str) -> str:  # noqa: ARG002
        counts = {"snapshots": 0, "damaged": 0}
        before = self._free(bench.paths.data)
        for kind, what, remove in self._expendable(bench):
            if self._has_room(bench) or bench.stopping():
                break
            remove()
            counts[kind] += 1
            log.warning("the disk is nearly full: %s is deleted", what)
        free_mb = self._free(bench.paths.data) // MB
        if any(counts.values()):
            self._note(bench, {**counts, "freed_mb": free_mb - before // MB, "free_mb": free_mb})
        if free_mb < bench.settings.disk.least_free_mb:
            log.error("only %d MB are free on the disk of %s: free some space", free_mb, bench.paths.data)
        return f"{counts['snapshots']} snapshots and {counts['damaged']} damaged stores deleted, {free_mb} MB free"

    def _has_room(self, bench: Bench) -> bool:
        return self._free(bench.paths.data) >= bench.settings.disk.warn_free_mb * MB

    def _expendable(self, bench: Bench) -> Iterator[tuple[str, str, Callable[[], None]]]:
        for one in reversed(snapshots(bench.paths)[LEAST_SNAPSHOTS:]):
            yield "snapshots", f"the snapshot {one.name}", lambda one=one: delete(bench.paths, one)  # type: ignore[misc]
        if bench.moment.trusted:
            for path in old_asides(bench.paths.damaged, bench.moment.now):
                yield "damaged", f"the damaged store of {path.name}", lambda path=path: shutil.rmtree(path)  # type: ignore[misc]

    def _note(self, bench: Bench, counts: dict[str, int]) -> None:
        at = stamp(bench.moment.now)
        try:
            with bench.store.write() as conn:
                audit.note(conn, at, "disk.freed", "disk:data", role="system", after=counts)
        except StoreError as error:  # it is said in the log
            log.warning("what was deleted can't be written down: %s", error)


def old_asides(damaged: Path, now: datetime) -> list[Path]:
    """Stores that were put aside long ago, the oldest first."""
    found = []
    for path in sorted(damaged.glob("*")):
        if NAME.fullmatch(path.name):
            put_aside = datetime.strptime(path.name, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)
            if now - put_aside > KEPT_ASIDE:
                found.append(path)
    return found
