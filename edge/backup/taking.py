"""How a snapshot is taken while the box runs."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from urllib.parse import quote

from calibration.whole_file import replace_file
from edge.backup.snapshot import (
    FILES,
    MANIFEST,
    STORE,
    BackupError,
    Part,
    Snapshot,
    measure,
    name_of,
    snapshots,
)
from edge.clock import stamp
from edge.locks import LockHeldError, file_lock
from edge.runtime.paths import Paths
from edge.store import outbox
from edge.store.database import connect, translated
from edge.store.swap import sync_directory, sync_file

STEP_PAGES = 256  # 1 MB
# Between two steps, so that the card is left to others; a store of 4 GB takes some minutes more by it.
PAUSE_S = 0.02
SYNC_STEPS = 32  # so that what waits to be written never grows to gigabytes
LOCK_TIMEOUT_S = 60.0
PARTIAL = ".taking-"
BROKEN_OFF = "the snapshot was broken off"

Stopping = Callable[[], bool]


class DamagedSourceError(BackupError):
    """The store itself is damaged."""


def take(
    paths: Paths, now: datetime, *, least_free_bytes: int = 0, stopping: Stopping = lambda: False
) -> Snapshot:
    """Takes a snapshot; it is whole, on the disk and checked by SQLite when it is returned.

    Reads one moment of the store: in WAL mode nobody who writes waits for that. `stopping` is asked again and
    again whether to break off. Raises BackupError, StoreError, OSError, and then there is no snapshot.
    """
    paths.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with file_lock(paths.data / "backups.lock", LOCK_TIMEOUT_S):
            clear_partials(paths)
            _require_room(paths, least_free_bytes)
            return _take(paths, now, stopping)
    except LockHeldError as error:
        raise BackupError("another snapshot is being taken: wait for it") from error


def _take(paths: Paths, now: datetime, stopping: Stopping) -> Snapshot:
    known = snapshots(paths)
    name = _free_name(paths.backups, now)
    partial = paths.backups / f"{PARTIAL}{name}"
    partial.mkdir(mode=0o700)
    try:
        made = _copy_store(paths.store, partial / STORE, stopping)
        made = replace(
            made,
            number=max((one.number for one in known), default=0) + 1,
            taken_at=stamp(now),
            files=(_part(partial / STORE, stopping), *_copy_files(paths.data, partial)),
        )
        replace_file(partial / MANIFEST, made.json(), durable=True)
        partial.rename(paths.backups / name)
        sync_directory(paths.backups)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return replace(made, path=paths.backups / name)


def clear_partials(paths: Paths) -> None:
    """Removes what was left of snapshots that were broken off."""
    for partial in paths.backups.glob(f"{PARTIAL}*"):
        shutil.rmtree(partial, ignore_errors=True)


def _require_room(paths: Paths, least_free_bytes: int) -> None:
    wal = paths.store.with_name(paths.store.name + "-wal")
    needed = sum(path.stat().st_size for path in (paths.store, wal) if path.exists()) + least_free_bytes
    free = shutil.disk_usage(paths.backups).free
    if free < needed:
        raise BackupError(
            f"a snapshot needs {needed / 1e6:.0f} MB free on the disk of {paths.backups}, which has"
            f" {free / 1e6:.0f}: free some space"
        )


def _free_name(directory: Path, now: datetime) -> str:
    while (directory / name_of(now)).exists():
        now += timedelta(seconds=1)
    return name_of(now)


def _copy_store(store: Path, copy: Path, stopping: Stopping) -> Snapshot:
    """Copies the store as it is at one moment; returns whose it is."""

    steps = count(1)

    def step(_status: int, left: int, _all: int) -> None:
        _go_on(stopping)
        if next(steps) % SYNC_STEPS == 0:
            sync_file(copy)
        if left:
            time.sleep(PAUSE_S)

    copy.touch(mode=0o600)
    with closing(connect(store, "read")) as source, translated(store):
        # One reading transaction: a backup begins anew at every write otherwise, in a busy hall for ever.
        source.execute("BEGIN")
        made = _whose(source)
        with closing(sqlite3.connect(copy, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous = OFF")  # it is brought to the disk as a whole, below
            source.backup(target, pages=STEP_PAGES, progress=step)
            target.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, to be read where nobody writes
    _require_sound(copy, stopping)
    sync_file(copy)
    return made


def _go_on(stopping: Stopping) -> None:
    if stopping():
        raise BackupError(BROKEN_OFF)


def _whose(conn: sqlite3.Connection) -> Snapshot:
    row = conn.execute("SELECT device, epoch FROM identity").fetchone()
    return Snapshot(Path(), 0, "", row["device"], row["epoch"], outbox.last_seq(conn), _version(), ())


def _require_sound(copy: Path, stopping: Stopping) -> None:
    """Raises BackupError when SQLite finds the copy damaged, and so the store it was made of."""
    uri = f"file:{quote(str(copy.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as conn:
        conn.set_progress_handler(stopping, 100_000)
        try:
            (found,) = conn.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
    _go_on(stopping)
    if found != "ok":
        last = found.splitlines()[-1]
        raise DamagedSourceError(
            f"the store can't be copied, it is damaged ({last}): start the box again to mend it"
        )


def _copy_files(data: Path, into: Path) -> list[Part]:
    made = []
    for name in FILES:
        try:
            content = (data / name).read_bytes()
        except FileNotFoundError:
            continue
        copy = into / name
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        copy.write_bytes(content)
        sync_file(copy)
        made.append(_part(copy, lambda: False))
    return made


def _part(path: Path, stopping: Stopping) -> Part:
    size, sha256 = measure(path, lambda: _go_on(stopping))
    return Part(path.name, size, sha256)


def _version() -> str:
    try:
        return version("action-ladder")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
