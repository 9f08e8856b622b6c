"""Which snapshots are kept: the last of each of some days, and of each of some weeks."""

import shutil
from collections.abc import Sequence
from datetime import tzinfo

from edge.backup.snapshot import Snapshot, snapshots
from edge.backup.taking import PARTIAL
from edge.runtime.paths import Paths
from edge.store.swap import sync_directory


def kept(newest_first: Sequence[Snapshot], zone: tzinfo, keep_days: int, keep_weeks: int) -> list[Snapshot]:
    """Those to keep: of each of the last `keep_days` days that have one the last, likewise of weeks.

    The newest is always among them. What is last is told by the snapshots' numbers, so a clock that was wrong for
    a night costs none of the others.
    """
    days: dict[str, Snapshot] = {}
    weeks: dict[str, Snapshot] = {}
    for one in newest_first:
        local = one.moment.astimezone(zone)
        _keep(days, local.date().isoformat(), one, max(1, keep_days))
        _keep(weeks, local.strftime("%G-W%V"), one, keep_weeks)
    wanted = {one.name for one in (*days.values(), *weeks.values())}
    return [one for one in newest_first if one.name in wanted]


def _keep(spans: dict[str, Snapshot], span: str, one: Snapshot, most: int) -> None:
    if span not in spans and len(spans) < most:
        spans[span] = one


def prune(paths: Paths, zone: tzinfo, keep_days: int, keep_weeks: int) -> list[Snapshot]:
    """Deletes the snapshots that are not to be kept, the oldest first; returns them. Raises OSError."""
    known = snapshots(paths)
    wanted = {one.name for one in kept(known, zone, keep_days, keep_weeks)}
    gone = [one for one in reversed(known) if one.name not in wanted]
    for one in gone:
        delete(paths, one)
    return gone


def delete(paths: Paths, snapshot: Snapshot) -> None:
    """Deletes a snapshot. Raises OSError; what is left of it is cleared away by the next taking."""
    aside = paths.backups / f"{PARTIAL}{snapshot.name}"  # whole or not there, while it is deleted too
    shutil.rmtree(aside, ignore_errors=True)
    snapshot.path.rename(aside)
    sync_directory(paths.backups)
    shutil.rmtree(aside)
