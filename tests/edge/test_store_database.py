"""The store under several threads and processes, and when file or disk fail."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge.store.database import Store, connect, data_version
from edge.store.errors import StoreBusyError, StoreDamagedError, StoreError, StoreFullError

# Reads before it writes: a deferred transaction would fail with "locked" here.
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edge.store.database import Store
from edge.store.shots import Source, store_shot, store_source
from vision.model import Shot

path, name, first, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
source = Source(name, "sim", "2026-01-01T00:00:00.000Z", "9ft", 100.0, 50.0, 2.25, "c", 640, 480, None)
with Store(path, busy_timeout_s=20) as store:
    for n in range(first, first + count):
        with store.write() as conn:
            conn.execute("SELECT count(*) FROM shots").fetchone()
            store_source(conn, source)
            store_shot(conn, Shot(f"{name}@{n}", float(n), "make", False), name, datetime.now(UTC))
        print(f"{name}@{n}", flush=True)
"""


def writer(path: Path, name: str, first: int, count: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, str(path), name, str(first), str(count)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ids(path: Path) -> list[str]:
    with closing(connect(path, "read")) as conn:
        return [row["id"] for row in conn.execute("SELECT id FROM shots")]


def seqs(path: Path) -> list[int]:
    with closing(connect(path, "read")) as conn:
        return [row["seq"] for row in conn.execute("SELECT seq FROM outbox ORDER BY seq")]


ADD = (
    "INSERT INTO outbox (device, epoch, kind, key, body, hash, created) VALUES ('d', 'e', 'shot', ?, ?, 'h', 'c')"
)


def keys(store: Store) -> list[str]:
    with store.read() as conn:
        return [row["key"] for row in conn.execute("SELECT key FROM outbox ORDER BY seq")]


def add(store: Store, key: str, size: int = 1) -> None:
    with store.write() as conn:
        conn.execute(ADD, [key, json.dumps("x" * size)])


def test_four_processes_write_at_once_and_every_shot_is_there_once(path: Path) -> None:
    # Two pairs write the same shots: each is to be stored once all the same.
    writers = [writer(path, name, 0, 50) for name in ("a", "a", "b", "b")]
    for process in writers:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert len(out.split()) == 50
    assert sorted(ids(path)) == sorted(f"{name}@{n}" for name in "ab" for n in range(50))
    assert seqs(path) == list(range(1, 101))


def test_kill_loses_nothing_acknowledged(path: Path) -> None:
    process = writer(path, "a", 0, 100_000)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(25)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=20)
    acknowledged += [line for line in rest.split() if line]
    stored = ids(path)
    assert set(acknowledged) <= set(stored)
    assert len(stored) <= len(acknowledged) + 1, "at most one was stored and not acknowledged any more"
    assert seqs(path) == list(range(1, len(stored) + 1))
    with closing(connect(path, "read")) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_writer_that_is_blocked_says_so(path: Path) -> None:
    with Store(path, busy_timeout_s=0.1) as store, Store(path) as other, other.write():
        block = store.write()
        with pytest.raises(StoreBusyError, match=r"ladder\.db is held"):
            block.__enter__()


def test_a_failed_block_leaves_nothing_and_the_store_usable(store: Store) -> None:
    def fail_half_way() -> None:
        with store.write() as conn:
            conn.execute(ADD, ["first", "{}"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    add(store, "second")
    assert keys(store) == ["second"]


def test_pages_can_not_write(store: Store) -> None:
    with pytest.raises(StoreError, match="can't be written"), store.read() as conn:
        conn.execute("DELETE FROM shots")


def test_a_page_sees_one_moment(store: Store) -> None:
    with store.read() as conn:
        before = conn.execute("SELECT count(*) FROM outbox").fetchone()[0]
        add(store, "first")
        assert conn.execute("SELECT count(*) FROM outbox").fetchone()[0] == before == 0
    with store.read() as conn:
        assert conn.execute("SELECT count(*) FROM outbox").fetchone()[0] == 1


def test_commits_wait_for_the_disk(store: Store) -> None:
    with store.write() as conn:
        assert conn.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert conn.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        assert conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_threads_have_connections_of_their_own_and_ended_ones_are_closed(store: Store) -> None:
    seen: list[sqlite3.Connection] = []

    def look() -> None:
        with store.read() as conn:
            seen.append(conn)

    for _ in range(3):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert len({id(conn) for conn in seen}) == 3
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        seen[0].execute("SELECT 1")


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store(path)
    store.close()
    with pytest.raises(StoreError, match="was closed"), store.read():
        pass


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with Store(tmp_path / "none.db") as store, pytest.raises(StoreError, match="ladder migrate"), store.write():
        pass
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("damage", ["text", "torn"])
def test_a_damaged_file_says_so(path: Path, damage: str) -> None:
    if damage == "text":
        path.write_text("this is no database " * 400)
    else:
        with closing(connect(path)) as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = path.read_bytes()
        path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    with (
        Store(path) as store,
        pytest.raises(StoreDamagedError, match="ladder migrate, which mends it"),
        store.write(),
    ):
        pass


@contextmanager
def small_disk(limit_bytes: int) -> Iterator[None]:
    """No file may grow beyond a size: what is written beyond fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def limit_pages(store: Store, pages: int) -> None:
    """Lets the file grow to so many pages, which SQLite meets as a full disk."""
    with store.write() as conn:
        conn.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_says_so_and_loses_nothing_stored(store: Store) -> None:
    add(store, "first")
    limit_pages(store, 1)  # as many as there are
    with pytest.raises(StoreFullError, match="free some space"):
        add(store, "second", size=100_000)
    limit_pages(store, 100_000)
    add(store, "third")
    assert keys(store) == ["first", "third"]


def test_a_disk_that_fails_says_so_and_loses_nothing_stored(store: Store) -> None:
    add(store, "first")
    room = os.path.getsize(f"{store.path}-wal") + 20_000
    with small_disk(room), pytest.raises(StoreError, match="the disk under the store"):
        add(store, "second", size=200_000)
    add(store, "third")
    assert keys(store) == ["first", "third"]


def test_the_data_version_tells_that_another_has_written(store: Store, path: Path) -> None:
    def version() -> int:
        with store.read() as conn:
            return data_version(conn)

    before = version()
    assert version() == before
    with Store(path) as other:
        add(other, "k")
    assert version() != before
