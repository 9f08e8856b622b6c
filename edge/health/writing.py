"""Whether the box can write: a transaction of the store, which is taken back, and a file that reaches the disk."""

import os
import tempfile
from contextlib import closing
from pathlib import Path

from edge.health.check import SELDOM_S, Check, Finding, Scene
from edge.store.database import connect, translated
from edge.store.errors import StoreBusyError, StoreDamagedError, StoreError

BUSY_S = 2.0
PROBE_BYTES = 65_536  # more than the last block that a full disk may still give
TABLE = "health_probe"


def look(scene: Scene) -> Finding:
    data = scene.paths.data
    if not data.is_dir():
        return Finding("unknown", "There is no data directory to write into.")
    try:
        _write_file(data)
    except OSError as error:
        advice = "Free some space on that disk; check that it is not mounted read-only, and the user's rights."
        return Finding("bad", f"Nothing can be written in {data}: {error.strerror or error}.", advice)
    if not scene.paths.store.exists():
        return Finding("unknown", "Files can be written; there is no store to write into.")
    try:
        _write_store(scene.paths.store)
    except StoreError as error:
        return _unwritable(error)
    return Finding("ok", "The store and its directory can be written.")


def _unwritable(error: StoreError) -> Finding:
    if isinstance(error, StoreBusyError):
        return Finding("warn", f"The store was held by another program for {BUSY_S:g} s: {error}.", "Look again.")
    if isinstance(error, StoreDamagedError):
        return Finding("unknown", f"The store can't be asked: {error}.")
    return Finding("bad", f"The store can't be written: {error}.")


def _write_file(data: Path) -> None:
    """A nameless file, so that nothing stays however this ends."""
    with tempfile.TemporaryFile(dir=data, buffering=0) as file:
        block = bytes(PROBE_BYTES)
        while block:
            block = block[file.write(block) :]
        os.fsync(file.fileno())


def _write_store(path: Path) -> None:
    """A transaction that nothing stays of."""
    with closing(connect(path, busy_timeout_s=BUSY_S)) as conn, translated(path):
        conn.execute("BEGIN IMMEDIATE")
        try:
            conn.execute(f"CREATE TABLE {TABLE} (x BLOB)")
            conn.execute(f"INSERT INTO {TABLE} VALUES (zeroblob(?))", [PROBE_BYTES])
        finally:
            if conn.in_transaction:
                conn.execute("ROLLBACK")


CHECK = Check("writing", look, None, SELDOM_S)
