"""The box's SQLite file: one connection a thread, one way to write, read-only connections for pages."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from edge.store import damage
from edge.store.errors import StoreDamagedError, StoreError, explain

BUSY_TIMEOUT_S = 5.0

Mode = Literal["read", "write", "create"]
_URI_MODE = {"read": "ro", "write": "rw", "create": "rwc"}


def connect(path: Path, mode: Mode = "write", busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """A connection with the house's settings; rows are `sqlite3.Row`. Raises StoreError.

    Only `create` makes a file that is not there. The connection never begins a transaction by itself.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode={_URI_MODE[mode]}"
    with translated(path):
        conn = sqlite3.connect(
            uri, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            conn.row_factory = sqlite3.Row
            conn.execute("PRAGMA foreign_keys = ON")
            if mode == "create":
                conn.execute("PRAGMA journal_mode = WAL")
            # Commits reach the disk before they are acknowledged: what was promised survives a power cut.
            conn.execute("PRAGMA query_only = ON" if mode == "read" else "PRAGMA synchronous = FULL")
            conn.execute("SELECT 1 FROM sqlite_schema").fetchone()  # a damaged file says so here
        except BaseException:
            conn.close()
            raise
    return conn


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns SQLite's errors inside the block into StoreError; mistakes of the program stay what they are."""
    try:
        yield
    except sqlite3.Error as error:
        explained = explain(error, path)
        if explained is None:
            raise
        raise explained from error


@contextmanager
def immediate(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction, begun with the write lock in hand: committed at the end, or nothing of it.

    A deferred one, begun by reading, could not take the lock later once another process has written.
    """
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield conn
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:  # a full disk may have ended it already
            conn.execute("ROLLBACK")
        raise


def data_version(conn: sqlite3.Connection) -> int:
    """A number that changes when another connection has written; only comparable on one connection."""
    return int(conn.execute("PRAGMA data_version").fetchone()[0])


class Store:
    """The store of one process. Every thread gets connections of its own; `close` closes them all."""

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._lock = threading.Lock()
        self._connections: dict[tuple[threading.Thread, Mode], sqlite3.Connection] = {}
        self._pid = os.getpid()
        self._left_behind: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The one way to write: a transaction that begins immediate.

        Raises StoreError, and then nothing of the block is stored.
        """
        with self._watched(), immediate(self._connection("write")) as conn:
            yield conn

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that can't write. All reads of one block see the same moment. Raises StoreError."""
        with self._watched():
            conn = self._connection("read")
            conn.execute("BEGIN")
            try:
                yield conn
            finally:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")

    def close(self) -> None:
        """Closes every thread's connections; the store can't be used after."""
        with self._lock:
            self._closed = True
            if self._pid == os.getpid():
                # Those that write come last: the last of all folds in the log, which one that only reads can't.
                for _, conn in sorted(self._connections.items(), key=lambda item: item[0][1] != "read"):
                    conn.close()
            self._connections.clear()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """As `translated`; damage is told to all services by its mark."""
        try:
            with translated(self.path):
                yield
        except StoreDamagedError as error:
            damage.mark(self.path, str(error))
            raise

    def _connection(self, mode: Mode) -> sqlite3.Connection:
        key = (threading.current_thread(), mode)
        with self._lock:
            if self._closed:
                raise StoreError(f"the store {self.path} was closed")
            if self._pid != os.getpid():  # SQLite's connections must not cross a fork
                self._left_behind += self._connections.values()  # nor be closed by the child
                self._connections, self._pid = {}, os.getpid()
            conn = self._connections.get(key)
            if conn is None:
                self._close_of_ended_threads()
                conn = self._connections[key] = connect(self.path, mode, self._busy_timeout_s)
            return conn

    def _close_of_ended_threads(self) -> None:
        for key in [key for key in self._connections if not key[0].is_alive()]:
            self._connections.pop(key).close()
