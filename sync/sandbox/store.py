"""What the sandbox holds, in SQLite: objects as JSON, what is to happen when, answers kept for their keys."""

import json
import random
import sqlite3
import string
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Body = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects(
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, customer TEXT, subscription TEXT,
    body TEXT NOT NULL, UNIQUE(kind, id)) STRICT;
CREATE INDEX IF NOT EXISTS objects_of_kind ON objects(kind, seq);
CREATE INDEX IF NOT EXISTS objects_of_customer ON objects(customer, kind, seq);
CREATE INDEX IF NOT EXISTS objects_of_subscription ON objects(subscription, kind, seq);
CREATE TABLE IF NOT EXISTS timers(
    seq INTEGER PRIMARY KEY, clock TEXT NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL, ref TEXT NOT NULL,
    UNIQUE(ref, what)) STRICT;
CREATE INDEX IF NOT EXISTS timers_due ON timers(clock, at, seq);
CREATE TABLE IF NOT EXISTS answers(
    key TEXT PRIMARY KEY, asked TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, request TEXT NOT NULL,
    at INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS answers_by_age ON answers(at);
CREATE TABLE IF NOT EXISTS deliveries(
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, endpoint TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER
    NOT NULL, state TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries(state, due);
CREATE TABLE IF NOT EXISTS notes(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""

LETTERS = string.ascii_letters + string.digits


class Part:
    """A part of a transaction."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def take_back(self) -> None:
        self._conn.execute("ROLLBACK TO part")


class Store:
    """One connection, one writer at a time; everything between begin and commit is there whole or not at all."""

    def __init__(self, path: Path | None = None, seed: int | None = None) -> None:
        self.lock = threading.RLock()
        self._random = random.Random(seed) if seed is not None else random.SystemRandom()
        self._conn = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, isolation_level=None)
        self._conn.execute("PRAGMA journal_mode=WAL")
        self._conn.execute("PRAGMA synchronous=NORMAL")
        self._conn.executescript(SCHEMA)

    def close(self) -> None:
        with self.lock:
            self._conn.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits at the end; takes all back when the block raises. Not to be nested."""
        with self.lock:
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._conn.execute("ROLLBACK")
                raise
            self._conn.execute("COMMIT")

    @contextmanager
    def part(self) -> Iterator[Part]:
        """A part of a transaction that can be taken back alone."""
        self._conn.execute("SAVEPOINT part")
        try:
            yield Part(self._conn)
        finally:
            self._conn.execute("RELEASE part")

    @contextmanager
    def imagined(self) -> Iterator[None]:
        """Whatever is done within a transaction is taken back at the end."""
        with self.part() as part:
            try:
                yield
            finally:
                part.take_back()

    def new_id(self, prefix: str, length: int = 24) -> str:
        return prefix + "".join(self._random.choices(LETTERS, k=length))

    def get(self, kind: str, ident: str) -> Body | None:
        row = self._conn.execute("SELECT body FROM objects WHERE kind=? AND id=?", (kind, ident)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, kind: str, body: Body) -> Body:
        """Keeps an object as it is now; new ones are the last of their kind."""
        self._conn.execute(
            "INSERT INTO objects(kind, id, customer, subscription, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT(kind, id) DO UPDATE SET body=excluded.body, customer=excluded.customer,"
            " subscription=excluded.subscription",
            (
                kind,
                body["id"],
                _customer_of(body),
                _subscription_of(body),
                json.dumps(body, separators=(",", ":")),
            ),
        )
        return body

    def remove(self, kind: str, ident: str) -> None:
        self._conn.execute("DELETE FROM objects WHERE kind=? AND id=?", (kind, ident))

    def all(
        self,
        kind: str,
        *,
        customer: str | None = None,
        subscription: str | None = None,
        status: str | None = None,
        oldest_first: bool = False,
    ) -> Iterator[Body]:
        """The newest first."""
        asked = {"customer": customer, "subscription": subscription, "json_extract(body, '$.status')": status}
        where = {name: value for name, value in asked.items() if value is not None}
        text = "".join(f" AND {name}=?" for name in where)
        order = "ASC" if oldest_first else "DESC"
        found = self._conn.execute(
            f"SELECT body FROM objects WHERE kind=?{text} ORDER BY seq {order}", (kind, *where.values())
        )
        for (body,) in found:
            yield json.loads(body)

    def set_timer(self, clock: str, at: int, what: str, ref: str) -> None:
        """`what` happens to `ref` at `at` of that clock, and not at a time set earlier."""
        self.stop_timer(what, ref)
        self._conn.execute("INSERT INTO timers(clock, at, what, ref) VALUES (?, ?, ?, ?)", (clock, at, what, ref))

    def stop_timer(self, what: str, ref: str) -> None:
        self._conn.execute("DELETE FROM timers WHERE ref=? AND what=?", (ref, what))

    def stop_timers(self, ref: str) -> None:
        self._conn.execute("DELETE FROM timers WHERE ref=?", (ref,))

    def next_timer(self, clock: str, until: int | None = None) -> tuple[int, str, str] | None:
        """When, what and to whom: the first that is due by `until`."""
        row = self._conn.execute(
            "SELECT at, what, ref FROM timers WHERE clock=? AND at<=? ORDER BY at, seq LIMIT 1",
            (clock, until if until is not None else 1 << 62),
        ).fetchone()
        return None if row is None else (int(row[0]), str(row[1]), str(row[2]))

    def note(self, name: str) -> str | None:
        row = self._conn.execute("SELECT value FROM notes WHERE name=?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_note(self, name: str, value: str) -> None:
        self._conn.execute("INSERT OR REPLACE INTO notes(name, value) VALUES (?, ?)", (name, value))

    def rows(self, text: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        return self._conn.execute(text, tuple(values)).fetchall()


def _customer_of(body: Body) -> str | None:
    value = body.get("customer")
    return value if isinstance(value, str) else None


def _subscription_of(body: Body) -> str | None:
    value = body.get("subscription")
    if isinstance(value, str):
        return value
    details = (body.get("parent") or {}).get("subscription_details") if "parent" in body else None
    return details["subscription"] if details else None
