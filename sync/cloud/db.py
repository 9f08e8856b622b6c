"""One small layer over SQLite and PostgreSQL: what the cloud needs of a database, and no more.

SQL is written once, in what both understand, with `?` for what is filled in; text never stands in it. What differs
is here: types in a schema, lists, locks, and how many rows are written at once.
"""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

BUSY_S = 5.0  # so long one waits for another's transaction
MIGRATE_S = 60.0

Row = Mapping[str, Any]


class StoreError(Exception):
    """The database can't be used just now; the text says why, without a secret."""


class BusyError(StoreError):
    """Somebody else's transaction took too long."""


class DuplicateError(StoreError):
    """A row is there already under a key that is to be unique."""


class SchemaError(StoreError):
    """The database is of another version of this program."""


class Conn(ABC):
    """A connection inside a transaction."""

    # What stands in a schema for each: a whole number, one with a point, bytes, a number given by the database.
    types: Mapping[str, str]
    lock = ""  # at the end of a SELECT: nobody else gets this row before the transaction ends

    @abstractmethod
    def rows(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        """What a SELECT finds, or a RETURNING."""

    @abstractmethod
    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Changes something; returns how many rows."""

    @abstractmethod
    def insert_all(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Many new rows at once. Raises DuplicateError, and then the transaction can't go on."""

    @abstractmethod
    def put_all(
        self, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]], newer: str
    ) -> None:
        """Many rows at once, no two of one key; one that is there is replaced where it has less in `newer`.

        A column is of one Python type in all rows, and never None.
        """

    @abstractmethod
    def among(self, column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
        """The condition that a column has one of these values, and what is filled in."""

    @abstractmethod
    def driver(self) -> Any:
        """What of the driver's has its own `executemany`, to measure against."""

    @abstractmethod
    def lock_schema(self) -> None:
        """Nobody else changes the schema before the transaction ends."""

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row, if there is one."""
        found = self.rows(sql, params)
        return found[0] if found else None

    def make(self, sql: str) -> None:
        """Runs a statement of a schema, in which `{int}`, `{real}`, `{bytes}`, `{id}` and `{strict}` stand."""
        self.run(sql.format_map(self.types))


class Database(ABC):
    """A database; every thread has a connection of its own. Both contexts raise StoreError."""

    name: str  # for people, without a password

    @abstractmethod
    def write(self, wait_s: float = BUSY_S) -> AbstractContextManager[Conn]:
        """A transaction for writing: all of it, or nothing."""

    @abstractmethod
    def read(self) -> AbstractContextManager[Conn]:
        """Everything that is read in it is of one moment."""

    @abstractmethod
    def close(self) -> None:
        """Closes the connections of all threads."""


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class PerThread(Generic[C]):
    """A connection for each thread that asks, made when it does; those of threads that ended are closed.

    Whoever was forked has none of its parent's.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: dict[Hashable, C] = {}
        self._pid = os.getpid()
        self._left_behind: list[C] = []  # of the parent, which must close them itself

    def get(self, key: Hashable | None = None) -> C:
        """This thread's; or, with a `key`, the one that all who name it share, one at a time."""
        with self._lock:
            if self._pid != os.getpid():
                self._left_behind += self._made.values()
                self._made, self._pid = {}, os.getpid()
            key = threading.current_thread() if key is None else key
            if key not in self._made:
                for ended in [
                    one for one in self._made if isinstance(one, threading.Thread) and not one.is_alive()
                ]:
                    self._made.pop(ended).close()
                self._made[key] = self._make()
            return self._made[key]

    def drop(self) -> None:
        """Closes this thread's, which is good for nothing any more."""
        with self._lock:
            made = self._made.pop(threading.current_thread(), None)
        if made is not None:
            made.close()

    def close(self) -> None:
        with self._lock:
            made = list(self._made.values()) if self._pid == os.getpid() else []
            self._made.clear()
        for one in made:
            one.close()


def open_database(address: str) -> Database:
    """The database at `postgresql://…`, or in the SQLite file of that path. Raises StoreError."""
    if address.startswith(("postgresql://", "postgres://")):
        try:
            from sync.cloud.postgres_db import PostgresDatabase  # noqa: PLC0415
        except ImportError:
            raise StoreError('PostgreSQL needs psycopg: pip install "action-ladder[cloud]"') from None
        return PostgresDatabase(address)
    if "://" in address:
        raise StoreError("a database is postgresql://… or the path of a file for SQLite")
    from sync.cloud.sqlite_db import SqliteDatabase  # noqa: PLC0415

    return SqliteDatabase(Path(address))


@contextmanager
def opened(address: str) -> Iterator[Database]:
    """The database, closed at the end."""
    db = open_database(address)
    try:
        yield db
    finally:
        db.close()
