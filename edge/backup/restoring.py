"""A snapshot put back: its store in the place of the one that is there, and the files that are missing."""

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from calibration.whole_file import partial_of
from edge.backup.snapshot import STORE, BackupError, Snapshot, blocks, measure, name_of, verify
from edge.clock import stamp
from edge.hall import audit, erasure
from edge.locks import LockHeldError, file_lock
from edge.runtime.paths import Paths
from edge.store import damage, outbox, swap
from edge.store.alone import alone
from edge.store.database import connect, immediate, translated
from edge.store.errors import StoreBusyError, StoreError
from edge.store.migrations import LOCK_TIMEOUT_S, migrate
from edge.store.salvage import erased_players

# What is brought into the new store, before it takes its place: given its path, says in words and numbers what it
# did.
Fill = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the store's new epoch, where the old one is, which files were put back, which stayed
    though the snapshot's differ, and what was brought over from the old store."""

    epoch: str
    aside: Path
    put_back: tuple[str, ...]
    differing: tuple[str, ...]
    told: dict[str, Any]


def restore(paths: Paths, snapshot: Snapshot, *, now: datetime, replacing: Collection[str] = ()) -> Restored:
    """Puts a snapshot back, brought to this version's schema, with a new epoch: all of the store or nothing.

    The store that was there goes to `data/damaged/` whole; who was erased in it is erased again. Files beside it
    are put back where they are missing, and those named in `replacing` in any case; what was there goes aside
    too. Nobody may have the store open.

    Raises BackupError for a snapshot that is not whole, StoreBusyError while the box runs, StoreError, OSError.
    """
    with locked(paths.store):
        swap.finish(paths.store)
        with alone(paths.store):  # said at once, and not after minutes
            pass
        damage.mark(paths.store, "a snapshot is being put back")  # no service starts meanwhile
        try:
            return put_back(
                paths,
                snapshot,
                now,
                why="by-hand",
                fill=lambda new: _erase_again(paths.store, new, now),
                replacing=replacing,
            )
        finally:
            if not swap.pending(paths.store):
                damage.unmark(paths.store)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Nobody migrates, restores or recovers the store meanwhile. Raises StoreBusyError, OSError."""
    store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with file_lock(store.with_name(store.name + ".lock"), LOCK_TIMEOUT_S):
            yield
    except LockHeldError as error:
        raise StoreBusyError(f"{error}: the store is being migrated or restored") from error


def put_back(
    paths: Paths,
    snapshot: Snapshot,
    now: datetime,
    *,
    why: str,
    fill: Fill,
    replacing: Collection[str] = (),
) -> Restored:
    """As `restore`, for who holds the lock of the store. `why` is a word for the audit; `fill` may bring into the
    new store what the old one still tells."""
    verify(snapshot)
    store, new = paths.store, swap.new_of(paths.store)
    swap.clear_new(store)
    _require_room(paths, snapshot)
    _copy(snapshot.path / STORE, new)
    plan, epoch = make_ready(paths, now, why, fill, snapshot)
    missing, differing = _beside(paths, snapshot)
    wanted = [*missing, *(name for name in differing if name in replacing)]
    for name in wanted:
        _put_file(snapshot.path / name, paths.data / name, plan.aside)
    plan.what["files"] = wanted
    with alone(store):
        swap.swap(store, plan)
    left = tuple(name for name in differing if name not in replacing)
    return Restored(epoch, plan.aside, tuple(wanted), left, plan.what)


def make_ready(
    paths: Paths, now: datetime, why: str, fill: Fill, snapshot: Snapshot | None
) -> tuple[swap.Plan, str]:
    """Makes the store at `new_of` one of this version and a new epoch, with a line in its audit; returns what is
    to happen then, and the epoch."""
    new = swap.new_of(paths.store)
    migrate(new)
    with closing(connect(new)) as conn, translated(new), immediate(conn):
        epoch = outbox.begin_epoch(conn)  # before anything is put in line, under numbers that were given before
    told = fill(new)
    with closing(connect(new)) as conn, translated(new):
        with immediate(conn):
            counts = {name: value for name, value in told.items() if isinstance(value, int)}
            after = {"why": why, "snapshot": snapshot and snapshot.name, **counts}
            audit.note(conn, stamp(now), "store.restored", "store:ladder.db", role="system", after=after)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    what = {
        "schema": 1,
        "at": stamp(now),
        "why": why,
        "snapshot": snapshot and snapshot.name,
        "taken_at": snapshot and snapshot.taken_at,
        **told,
        "epoch": epoch,
    }
    return swap.Plan(_free_aside(paths.damaged, now), what), epoch


def _erase_again(old: Path, new: Path, now: datetime) -> dict[str, Any]:
    """Erases those in the new store who were erased in the old one, as far as it can be read."""
    try:
        with closing(connect(old, "read")) as conn:
            gone = erased_players(conn)
    except StoreError:
        return {}
    with closing(connect(new)) as conn, translated(new), immediate(conn):
        return {"erased": sum(erasure.erase(conn, one, now, role="system", who=None) for one in gone)}


def _beside(paths: Paths, snapshot: Snapshot) -> tuple[list[str], list[str]]:
    """The snapshot's files that are missing in the data directory, and those that differ there."""
    missing, differing = [], []
    for part in snapshot.files:
        path = paths.data / part.name
        if part.name == STORE:
            continue
        if not path.exists():
            missing.append(part.name)
        elif measure(path)[1] != part.sha256:
            differing.append(part.name)
    return missing, differing


def _require_room(paths: Paths, snapshot: Snapshot) -> None:
    free = shutil.disk_usage(paths.data).free
    if free < snapshot.size:
        raise BackupError(
            f"putting {snapshot.name} back needs {snapshot.size / 1e6:.0f} MB on the disk of {paths.data},"
            f" which has {free / 1e6:.0f} free: free some space"
        )


def _put_file(kept: Path, path: Path, aside: Path) -> None:
    if path.exists():
        for directory in (aside.parent, aside):
            directory.mkdir(mode=0o700, exist_ok=True)
        _copy(path, aside / path.name)
    partial = partial_of(path)
    _copy(kept, partial)
    partial.replace(path)
    swap.sync_directory(path.parent)


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.writelines(blocks(source))
        file.flush()
        os.fsync(file.fileno())


def _free_aside(damaged: Path, now: datetime) -> Path:
    while (damaged / name_of(now)).exists():
        now += timedelta(seconds=1)
    return damaged / name_of(now)
