"""PostgreSQL under the cloud, through psycopg."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.rows import dict_row

from sync.cloud.db import BUSY_S, BusyError, Conn, Database, DuplicateError, PerThread, Row, StoreError
from sync.cloud.sqlite_db import replacing

_TYPES = {
    "int": "BIGINT",
    "real": "DOUBLE PRECISION",
    "bytes": "BYTEA",
    "id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "strict": "",
}
_ARRAYS: dict[type, str] = {str: "text[]", int: "bigint[]", float: "float8[]"}
_SCHEMA_LOCK = 0x6C6164646572  # any number, as long as nobody else has it: "ladder"
CONNECT_S = 5

PgConnection = psycopg.Connection[dict[str, Any]]


class PostgresConn(Conn):
    types = _TYPES
    lock = " FOR UPDATE"

    def __init__(self, conn: PgConnection) -> None:
        self._conn = conn

    def rows(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        return self._conn.execute(_translated_sql(sql), params).fetchall()

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        return self._conn.execute(_translated_sql(sql), params).rowcount

    def insert_all(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._conn.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)

    def put_all(
        self, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]], newer: str
    ) -> None:
        if not rows:
            return
        # A list for each column: one statement, however many rows.
        lists = ", ".join(f"?::{_ARRAYS[type(value)]}" for value in rows[0])
        self.run(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({lists})"
            f" {replacing(table, key, columns, newer)}",
            [list(column) for column in zip(*rows, strict=True)],
        )

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
        return f"{column} = ANY(?)", [list(values)]

    def driver(self) -> Any:
        return self._conn.cursor()

    def lock_schema(self) -> None:
        self.rows("SELECT pg_advisory_xact_lock(?)", [_SCHEMA_LOCK])


class PostgresDatabase(Database):
    def __init__(self, address: str) -> None:
        try:
            parts = conninfo.conninfo_to_dict(address)
        except psycopg.ProgrammingError as error:
            raise StoreError("that is no address of a PostgreSQL database") from error
        self._address = address
        where = parts.get("host") or "this machine"
        self.name = f"PostgreSQL {parts.get('dbname', '')} at {where}"
        self._connections = PerThread(self._connect)

    @contextmanager
    def write(self, wait_s: float = BUSY_S) -> Iterator[Conn]:
        with self._transaction("BEGIN", wait_s) as conn:
            yield conn

    @contextmanager
    def read(self) -> Iterator[Conn]:
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", BUSY_S) as conn:
            yield conn

    def close(self) -> None:
        self._connections.close()

    @contextmanager
    def _transaction(self, begin: str, wait_s: float) -> Iterator[Conn]:
        with self._translated():
            conn = self._begun(begin)
            try:
                if wait_s != BUSY_S:
                    conn.execute(f"SET LOCAL lock_timeout = {round(1000 * wait_s)}")
                yield PostgresConn(conn)
                conn.execute("COMMIT")
            except BaseException:
                if not conn.closed:
                    conn.execute("ROLLBACK")
                raise

    def _begun(self, begin: str) -> PgConnection:
        """A connection with its transaction begun: another one, where the server has ended it meanwhile."""
        conn = self._connections.get()
        try:
            conn.execute(begin)
        except psycopg.OperationalError:
            self._connections.drop()
            conn = self._connections.get()
            conn.execute(begin)
        return conn

    def _connect(self) -> PgConnection:
        conn: PgConnection = psycopg.connect(
            self._address,
            autocommit=True,  # transactions are begun by hand
            row_factory=dict_row,
            connect_timeout=CONNECT_S,
            application_name="ladder-cloud",
        )
        conn.execute(f"SET lock_timeout = {round(1000 * BUSY_S)}")
        conn.execute("SET synchronous_commit = on")  # as a server's own settings may not say
        return conn

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.UniqueViolation as error:
            raise DuplicateError("it is there already") from error
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            raise BusyError(f"{self.name}: {_first_line(error)}") from error
        except (psycopg.OperationalError, psycopg.InternalError) as error:
            raise StoreError(f"{self.name}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@lru_cache(maxsize=256)
def _translated_sql(sql: str) -> str:
    return sql.replace("?", "%s")
