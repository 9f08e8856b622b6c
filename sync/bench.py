"""How fast the cloud takes in facts, beside bare inserts into the same tables of one database in the same run.

A real `ladder cloud` process is told batches of 500 facts over HTTP: by one hub, one after the other, and by four
hubs at once. Gzip, signature, what was known before, the commit and the answer are all in it. The bare inserts are
of the same rows into the same tables with the same indexes, by `executemany` with a commit for each 500. All take
turns, so that what else the machine does meets all.
"""

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from edge.clock import stamp
from edge.facts import OutboxRow, hall_day, uuid7
from sync import protocol
from sync.cloud import days, devices, halls, inbox
from sync.cloud.db import Database, StoreError, opened
from sync.cloud.kind import Told
from sync.cloud.schema import migrate
from sync.protocol import BATCH_ROWS, Batch, CloudProof, Signer, read_answer, unpack

AT_A_TURN = 8  # batches
HUBS = 4  # at once
START_S = 30.0
FIRST_DAY = date(1000, 1, 1)


class BenchError(Exception):
    """It can't be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured on one database: seconds of each turn, told by one hub, told by several, inserted bare;
    each of `facts` facts in all."""

    database: str
    facts: int
    bytes: int
    told: tuple[float, ...]
    told_at_once: tuple[float, ...]
    bare: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How fast telling by one hub is, of bare inserts: the median over the turns."""
        return _ratio(self.bare, self.told)

    @property
    def ratio_at_once(self) -> float:
        return _ratio(self.bare, self.told_at_once)

    def a_second(self, seconds: Sequence[float]) -> str:
        return f"{self.facts / sum(seconds):,.0f}"


@dataclass(frozen=True, slots=True)
class Report:
    runs: tuple[Run, ...]

    def in_words(self) -> str:
        return "\n".join(
            f"{run.database}: {run.a_second(run.told)} facts a second told by one hub (ratio {run.ratio:.2f}),"
            f" {run.a_second(run.told_at_once)} by {HUBS} at once (ratio {run.ratio_at_once:.2f}),"
            f" {run.a_second(run.bare)} inserted bare; {run.facts:,} facts each,"
            f" {run.bytes / run.facts:.0f} bytes a fact on the way"
            for run in self.runs
        )

    def to_json(self) -> dict[str, Any]:
        ratios = [{"ratio": run.ratio, "ratio_at_once": run.ratio_at_once} for run in self.runs]
        return {"schema": 1, "runs": [asdict(run) | more for run, more in zip(self.runs, ratios, strict=True)]}


@dataclass(frozen=True, slots=True)
class _Hub:
    """A hub and its line."""

    device: str
    signer: Signer
    hall_id: str
    epoch: str = field(default_factory=uuid7)

    def batches(self, first: int, count: int) -> list[bytes]:
        """So many batches from the one of that number on, counted from 0: a day a fact."""
        return [self._batch(number) for number in range(first, first + count)]

    def _batch(self, number: int) -> bytes:
        first = number * BATCH_ROWS + 1
        rows = [
            OutboxRow(self.device, self.epoch, seq, hall_day(_figures(seq), created=stamp(_written(seq))))
            for seq in range(first, first + BATCH_ROWS)
        ]
        return protocol.pack(self.device, self.epoch, 1, rows)


def measure(postgres: str | None, batches: int) -> Report:
    """Measures on SQLite, and on PostgreSQL where its address is given. Raises BenchError, OSError."""
    with databases(postgres) as addresses:
        return Report(tuple(_measure_on(name, address, batches) for name, address in addresses.items()))


def _measure_on(name: str, address: str, batches: int) -> Run:
    with opened(address) as db, ExitStack() as stack:
        migrate(db)
        alone, bare, *several = (_enrolled(db) for _ in range(2 + HUBS))
        port = stack.enter_context(_served(address))
        lines = {hub: stack.enter_context(_Line(hub, port)) for hub in (alone, *several)}
        pool = stack.enter_context(ThreadPoolExecutor(HUBS))
        write = _Bare(db, address, bare)
        seconds: dict[str, list[float]] = {"told": [], "told_at_once": [], "bare": []}
        sent = 0
        for first in range(0, batches, AT_A_TURN):
            bodies = alone.batches(first, AT_A_TURN)
            shares = [hub.batches(first // HUBS, AT_A_TURN // HUBS) for hub in several]
            rows = [write.rows(unpack(body)) for body in bare.batches(first, AT_A_TURN)]
            sent += sum(len(body) for body in bodies)
            with _timed(seconds["told"]):
                lines[alone].tell(bodies)
            with _timed(seconds["told_at_once"]):
                list(pool.map(lambda hub, share: lines[hub].tell(share), several, shares))
            with _timed(seconds["bare"]):
                write.insert(rows)
        facts = len(seconds["bare"]) * AT_A_TURN * BATCH_ROWS
        _all_wrote(db, 3 * facts)
    return Run(name, facts, sent, **{what: tuple(found) for what, found in seconds.items()})


class _Line:
    """A hub's connection to the cloud."""

    def __init__(self, hub: _Hub, port: int) -> None:
        self._hub = hub
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def tell(self, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            headers = self._hub.signer.sign("POST", "/v1/facts", body, stamp(datetime.now(UTC)))
            self._connection.request("POST", "/v1/facts", body, headers | {"Content-Type": protocol.BATCH_TYPE})
            answer = self._connection.getresponse()
            said = answer.read()
            if answer.status != 200 or read_answer(json.loads(said)).set_aside:
                raise BenchError(f"the cloud did not take a batch: {answer.status} {said[:200]!r}")


class _Bare:
    """Inserts rows that are ready, and nothing beside: `executemany` of the driver, a commit for each batch."""

    def __init__(self, db: Database, address: str, hub: _Hub) -> None:
        self._db = db
        with db.write() as conn:
            self._line = inbox.begin_line(conn, hub.device, hub.hall_id, hub.epoch, 1)
        mark = "%s" if "://" in address else "?"
        self._sql = [
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"
            for table, columns in (("facts", inbox.COLUMNS), ("hall_days", days.COLUMNS))
        ]

    def rows(self, batch: Batch) -> tuple[list[Any], list[Any]]:
        """The rows of both tables."""
        now = stamp(datetime.now(UTC))
        facts = [
            (
                self._line.id,
                row.seq,
                row.fact.kind,
                row.fact.key,
                row.fact.created,
                row.fact.hash,
                row.fact.body,
                now,
            )
            for row in batch.rows
        ]
        told = [Told(row.seq, row.fact.created, days.read(row.fact)) for row in batch.rows]
        return facts, [days.values_of(self._line, one) for one in told]

    def insert(self, batches: Sequence[tuple[list[Any], list[Any]]]) -> None:
        for batch in batches:
            with self._db.write() as conn:
                for sql, rows in zip(self._sql, batch, strict=True):
                    conn.driver().executemany(sql, rows)


def _all_wrote(db: Database, facts: int) -> None:
    with db.read() as conn:
        found = [conn.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in ("facts", "hall_days")]
    if found != [facts, facts]:
        raise BenchError(f"not all was written: {found} of {facts} rows")


def _ratio(of: Sequence[float], one: Sequence[float]) -> float:
    return median(theirs / ours for theirs, ours in zip(of, one, strict=True))


def _enrolled(db: Database) -> _Hub:
    now, device = datetime.now(UTC), uuid7()
    proof = CloudProof(device, secrets.token_hex(16), "bench")
    with db.write() as conn:
        hall, _ = halls.find_or_make(conn, "Chalk City", stamp(now))
        code = devices.new_code(conn, hall, now)
        found = devices.enrol(conn, proof, proof.by(code, "hub"), now)
    return _Hub(device, Signer(device, found.key_id, found.secret), hall.id)


@contextmanager
def _served(address: str) -> Iterator[int]:
    """A cloud process on that database, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    program = shutil.which("ladder", path=str(Path(sys.executable).parent)) or "ladder"
    command = [program, "cloud", "--port", str(port)]
    environ = os.environ | {"LADDER_CLOUD_DB": address}
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port, process)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=START_S)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchError("the cloud did not start")


@contextmanager
def databases(postgres: str | None) -> Iterator[dict[str, str]]:
    """The addresses of what is measured, by name: a SQLite file and, where its address is given, PostgreSQL; both
    empty, and gone at the end. What fails at one inside the block is a BenchError."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ladder-cloud-"))
        addresses = {"SQLite": str(Path(folder) / "cloud.db")}
        if postgres is not None:
            addresses["PostgreSQL"] = stack.enter_context(_own_schema(postgres))
        try:
            yield addresses
        except StoreError as error:
            raise BenchError(str(error)) from error


@contextmanager
def _own_schema(address: str) -> Iterator[str]:
    """A schema that is removed at the end, so that nothing of anybody's is touched."""
    import psycopg  # noqa: PLC0415

    name = f"ladder_bench_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(address, autocommit=True) as conn:
            conn.execute(f"CREATE SCHEMA {name}")
    except psycopg.Error as error:
        raise BenchError(f"PostgreSQL can't be used: {str(error).splitlines()[0]}") from error
    try:
        yield f"{address}{'&' if '?' in address else '?'}options={quote(f'-csearch_path={name}')}"
    finally:
        with psycopg.connect(address, autocommit=True) as conn:
            conn.execute(f"DROP SCHEMA {name} CASCADE")


def _figures(seq: int) -> dict[str, Any]:
    return {
        "schema": 1, "day": _day(seq).isoformat(), "shots": 500 + seq % 997, "sessions": 20 + seq % 31,
        "players": 10 + seq % 29, "minutes": 300.5 + seq % 613, "matches": seq % 17,
    }  # fmt: skip


def _day(seq: int) -> date:
    return FIRST_DAY + timedelta(days=seq)


def _written(seq: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=seq)


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    into.append(time.perf_counter() - begin)
