"""The store looked at before services start, and what becomes of one that is damaged.

How closely it is looked at. Opening it and reading its schema is done always, and costs nothing. SQLite's
quick_check reads the whole file: 1.3 s of CPU time for 150,000 shots (630 MB) on a desktop's core, so 9 s for a
million and some 45 s from an SD card. It is run when the last end was not a clean one, which SQLite's log beside
the store tells, or when the file's header does not fit the file. When a service met damage (`edge.store.damage`),
the slower integrity_check is run.

A damaged store is put aside whole in `data/damaged/`, and the newest snapshot that verifies takes its place, with
what the damaged one still tells of shots and facts (`edge.store.salvage`). Without a snapshot nothing is made up:
an empty store is made only when a person says so.
"""

import logging
import shutil
import sqlite3
import struct
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.backup.restoring import locked, make_ready, put_back
from edge.backup.snapshot import STORE, BackupError, Snapshot, snapshots, verify
from edge.runtime.paths import Paths
from edge.store import damage, swap
from edge.store.alone import alone, is_in_use
from edge.store.database import connect, immediate, translated
from edge.store.errors import StoreDamagedError, StoreError
from edge.store.migrations import migrate
from edge.store.salvage import salvage

log = logging.getLogger(__name__)

LEAVE_S = 30.0  # for services to end when one of them found the store damaged
_MAGIC = b"SQLite format 3\0"
_MOST_FOUND = 20

Say = Callable[[str], None]
Wait = Callable[[float], None]


def prepare(
    paths: Paths, now: datetime, *, say: Say = log.warning, start_anew: bool = False, sleep: Wait = time.sleep
) -> list[str]:
    """Makes the store ready for services: ends what was broken off, recovers it when it is damaged, and migrates
    it. Returns the migrations applied.

    Safe to call while services run; then a damaged store is not touched. Raises StoreError, OSError.
    """
    with locked(paths.store):
        if swap.finish(paths.store):
            say("a store that was being put in place is in place now")
        swap.clear_new(paths.store)
        found = look(paths, sleep)
        if found:
            recover(paths, found, now, say, start_anew)
    return migrate(paths.store)


def look(paths: Paths, sleep: Wait = time.sleep) -> list[str]:
    """What is wrong with the store, in SQLite's words; nothing when it is well, or not there and never was.

    Raises StoreBusyError when it is damaged and somebody has it open all the same.
    """
    store = paths.store
    if not store.exists() or store.stat().st_size == 0:
        return ["the file is gone"] if snapshots(paths) else []
    why = damage.marked(store)
    if why is not None:
        _wait_until_left(store, sleep)
        log.warning("the store is looked at closely (%s)", why)
        found = check(store, "integrity_check")
        if not found:
            damage.unmark(store)
        return found
    if is_in_use(store):
        with closing(connect(store, "read")):  # raises StoreDamagedError for what can't even be opened
            return []
    if _fits(store) and not _was_left_open(store):
        return _opening(store)
    log.info("the store was not closed at the last end: it is looked at, which takes a while when it is large")
    return check(store, "quick_check")


def check(store: Path, how: str = "quick_check") -> list[str]:
    """What SQLite finds wrong by that check; nothing when all is well. Changes nothing."""
    try:
        with closing(connect(store, "read")) as conn, translated(store):
            rows = conn.execute(f"PRAGMA {how}({_MOST_FOUND})").fetchall()
    except StoreDamagedError as error:
        return [str(error.__cause__ or error)]
    found = [str(row[0]) for row in rows]
    return [] if found == ["ok"] else found


def recover(paths: Paths, found: list[str], now: datetime, say: Say, start_anew: bool) -> None:
    """Puts the damaged store aside and a snapshot, or with `start_anew` an empty store, in its place.

    Raises StoreDamagedError when there is no snapshot and nobody said to begin anew.
    """
    store = paths.store
    with alone(store):
        pass
    damage.mark(store, found[0])  # no service starts meanwhile
    said = f"the store {store} is damaged ({found[0].splitlines()[-1]})" if store.exists() else f"{store} is gone"
    snapshot = None if start_anew else _newest_whole(paths, say)
    if snapshot is None and not start_anew:
        raise StoreDamagedError(
            f"{said}, and there is no snapshot in {paths.backups}: put one there and run ladder migrate, or begin"
            " with an empty store by ladder migrate --start-anew, which keeps the damaged one in damaged/"
        )

    def fill(new: Path) -> dict[str, Any]:
        return {"found": found[:_MOST_FOUND], **_bring_over(store, new, snapshot, now)}

    why = "anew" if snapshot is None else "damaged" if store.exists() else "gone"
    if snapshot is None:
        swap.clear_new(store)
        plan, _ = make_ready(paths, now, why, fill, None)
        with alone(store):
            swap.swap(store, plan)
        told, aside = plan.what, plan.aside
    else:
        restored = put_back(paths, snapshot, now, why=why, fill=fill)
        told, aside = restored.told, restored.aside
    instead = "an empty one" if snapshot is None else f"the snapshot of {snapshot.taken_at}"
    say(
        f"{said}: it is kept in {aside}, {instead} is in its place; brought over from it: {told['shots']} shots,"
        f" {told['amendments']} amendments, {told['facts']} facts"
    )


def _newest_whole(paths: Paths, say: Say) -> Snapshot | None:
    for one in snapshots(paths):
        try:
            verify(one)
        except BackupError as error:
            say(str(error))
        else:
            return one
    return None


def _bring_over(store: Path, new: Path, snapshot: Snapshot | None, now: datetime) -> dict[str, int]:
    """What the damaged store still tells, in the new one; what could not be opened at all is tried with the
    snapshot's first page, which holds where every table begins."""
    nothing = {"shots": 0, "amendments": 0, "facts": 0, "erased": 0, "unreadable": 0}
    if not store.exists():
        return nothing
    try:
        return _salvage(store, new, now, keep_name=snapshot is None)
    except (StoreError, sqlite3.Error) as error:
        log.warning("the damaged store can't be opened: %s", error)
    if snapshot is None:
        return nothing
    mended = new.with_name(new.name + "-mended")
    try:
        _with_first_page(store, snapshot.path / STORE, mended)
        return _salvage(mended, new, now)
    except (StoreError, sqlite3.Error, OSError) as error:
        log.warning("nothing can be read of the damaged store: %s", error)
        return nothing
    finally:
        for end in ("", "-wal", "-shm"):
            mended.with_name(mended.name + end).unlink(missing_ok=True)


def _salvage(store: Path, new: Path, now: datetime, *, keep_name: bool = False) -> dict[str, int]:
    with closing(connect(store, "read")) as old, closing(connect(new)) as conn, immediate(conn):
        if keep_name:
            _keep_name(old, conn)
        return asdict(salvage(old, conn, now))


def _keep_name(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """It is the same box, if it still knows its name."""
    try:
        row = old.execute("SELECT device FROM identity").fetchone()
        new.execute("UPDATE identity SET device = ?", [row["device"]])
    except (sqlite3.Error, TypeError) as error:
        log.warning("the box has a new name, for the damaged store does not tell its own: %s", error)


def _with_first_page(store: Path, sound: Path, target: Path) -> None:
    """A copy of a store and its log, with the first page of a sound one of the same schema. Raises OSError."""
    for end in ("", "-wal"):
        source = store.with_name(store.name + end)
        if source.exists():
            copy = target.with_name(target.name + end)
            copy.touch(mode=0o600)
            shutil.copyfile(source, copy)
    header = _header(sound)
    with sound.open("rb") as file:
        page = bytearray(file.read(_page_size(header)))
    page[18:20] = b"\x02\x02"  # it is in WAL mode, so that its log is read
    page[92:96] = bytes(4)  # its length is that of the file
    with target.open("rb+") as file:
        file.write(page)


def _was_left_open(store: Path) -> bool:
    """Whether the last program to have the store open did not close it: it would have folded in the log."""
    wal = store.with_name(store.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _fits(store: Path) -> bool:
    """Whether the file's header is one, and of this file."""
    header, size = _header(store), store.stat().st_size
    if len(header) < 100 or not header.startswith(_MAGIC):
        return False
    page = _page_size(header)
    if page < 512 or page & (page - 1) or size % page:
        return False
    changes, pages, valid_for = (struct.unpack_from(">I", header, place)[0] for place in (24, 28, 92))
    return changes != valid_for or bool(pages == size // page)


def _opening(store: Path) -> list[str]:
    try:
        with closing(connect(store, "read")):
            return []
    except StoreDamagedError as error:
        return [str(error.__cause__ or error)]


def _header(store: Path) -> bytes:
    with store.open("rb") as file:
        return file.read(100)


def _page_size(header: bytes) -> int:
    size: int = struct.unpack_from(">H", header, 16)[0]
    return 65536 if size == 1 else size


def _wait_until_left(store: Path, sleep: Wait) -> None:
    """Services that see the mark end by themselves. Raises StoreBusyError when somebody stays."""
    for _ in range(round(LEAVE_S / 0.2)):
        if not is_in_use(store):
            return
        sleep(0.2)
    with alone(store):
        pass
