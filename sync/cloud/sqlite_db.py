"""SQLite under the cloud: WAL, and a commit that is on the disk when it returns."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sync.cloud.db import BUSY_S, BusyError, Conn, Database, DuplicateError, PerThread, Row, StoreError

_TYPES = {
    "int": "INTEGER",
    "real": "REAL",
    "bytes": "BLOB",
    "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "strict": "STRICT",
}
CACHE = "cache_size = -32768"  # kB
_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


class SqliteConn(Conn):
    types = _TYPES

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def rows(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        return self._conn.execute(sql, params).fetchall()

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        return self._conn.execute(sql, params).rowcount

    def insert_all(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(columns))
        self._conn.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def put_all(
        self, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]], newer: str
    ) -> None:
        marks = ", ".join("?" * len(columns))
        self._conn.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {replacing(table, key, columns, newer)}",
            rows,
        )

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
        return f"{column} IN ({', '.join('?' * len(values))})", list(values)

    def driver(self) -> Any:
        return self._conn

    def lock_schema(self) -> None:
        """A transaction for writing is alone anyway."""


class SqliteDatabase(Database):
    """A file, made where it is not there; only its own user reads it, for it holds keys.

    All threads write through one connection, in turns: it knows the pages it has just written, where every other
    would have to read them again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().absolute()
        self.name = str(self._path)
        self._connections = PerThread(self._connect)
        self._turn = threading.Lock()

    @contextmanager
    def write(self, wait_s: float = BUSY_S) -> Iterator[Conn]:
        if not self._turn.acquire(timeout=wait_s):
            raise BusyError(f"{self._path}: another writes")
        try:
            with self._transaction("writer", "BEGIN IMMEDIATE", wait_s) as conn:
                yield conn
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Conn]:
        with self._transaction(None, "BEGIN", BUSY_S) as conn:
            yield conn

    def close(self) -> None:
        self._connections.close()

    @contextmanager
    def _transaction(self, who: str | None, begin: str, wait_s: float) -> Iterator[Conn]:
        with self._translated():
            conn = self._connections.get(who)
            conn.execute(f"PRAGMA busy_timeout = {round(1000 * wait_s)}")
            conn.execute(begin)
            try:
                yield SqliteConn(conn)
                conn.execute("COMMIT")
            except BaseException:
                if conn.in_transaction:  # a full disk may have ended it already
                    conn.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        with self._translated():
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._make_private()
            except OSError as error:
                raise StoreError(f"{self._path} can't be opened: {error.strerror}") from error
            conn = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                conn.row_factory = sqlite3.Row
                for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", CACHE):
                    conn.execute(f"PRAGMA {pragma}")
            except BaseException:
                conn.close()
                raise
            return conn

    def _make_private(self) -> None:
        """Makes a file that is not there. One that is must not be opened but by SQLite: whoever closes a file ends
        all locks that this process has on it, and others then take its log away."""
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            if getattr(error, "sqlite_errorcode", 0) in _UNIQUE:
                raise DuplicateError("it is there already") from error
            raise
        except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
            raise
        except sqlite3.DatabaseError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            raise (BusyError if busy else StoreError)(f"{self._path}: {error}") from error


def replacing(table: str, key: Sequence[str], columns: Sequence[str], newer: str) -> str:
    """What follows an INSERT that replaces what is older; the same in both dialects."""
    sets = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets} WHERE excluded.{newer} > {table}.{newer}"
