"""How long the cloud takes to close a month of many halls, and how fast the owner's pages are with them.

Beside it, in the same run, all those scores are only read, once: what closing costs is a ratio to that. The
pages are asked of the application itself, signed in; their time is a ratio to `/healthz`, which says nothing.
"""

import random
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from flask.testing import FlaskClient

from edge.clock import month_before, stamp
from edge.facts import uuid7
from sync.bench import BenchError, databases
from sync.cloud import owners, rules, standings
from sync.cloud.app import create_app
from sync.cloud.closing import close_due
from sync.cloud.db import Database, opened
from sync.cloud.deciding import Score
from sync.cloud.rules import Rules
from sync.cloud.schema import migrate
from sync.cloud.site import parse_site

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
MONTH = "2026-10"
MONTHS = 3  # that were decided before
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC")
FILLED_AT_ONCE = 200
ASKED = 21  # times


@dataclass(frozen=True, slots=True)
class MonthsRun:
    """Seconds: scores only read, the month frozen and decided; milliseconds of each page; megabytes at most."""

    database: str
    halls: int
    scores: int
    read_s: float
    closed_s: float
    rewards: int
    grown_mb: float
    pages_ms: dict[str, float]

    def in_words(self) -> str:
        plain = self.pages_ms["/healthz"]
        pages = ", ".join(
            f"{path} {ms:.1f} ms ({ms / plain:.1f} × /healthz)"
            for path, ms in self.pages_ms.items()
            if path != "/healthz"
        )
        return (
            f"{self.database}: {self.halls:,} halls with {self.scores:,} scores closed in {self.closed_s:.1f} s"
            f" ({self.closed_s / self.read_s:.1f} × reading them), {self.rewards:,} rewards, {self.grown_mb:.0f} "
            "MB"
            f" grown; {pages}"
        )

    def to_json(self) -> dict[str, Any]:
        return {"schema": 1, **asdict(self)}


def measure_months(postgres: str | None, halls: int, players: int) -> list[MonthsRun]:
    """On SQLite, and on PostgreSQL where its address is given. Raises BenchError, OSError."""
    with databases(postgres) as addresses:
        return [_measure(name, address, halls, players) for name, address in addresses.items()]


def _measure(name: str, address: str, halls: int, players: int) -> MonthsRun:
    with opened(address) as db:
        migrate(db)
        ids = _fill(db, halls, players)
        read_s, scores = _read(db, ids)
        before_mb = _peak_mb()
        begin = time.perf_counter()
        frozen = close_due(db, NOW)
        decided = close_due(db, NOW + timedelta(hours=13))
        closed_s = time.perf_counter() - begin
        if (frozen.frozen, decided.decided) != (halls, halls):
            raise BenchError(f"not every hall was closed: {frozen}, {decided}")
        grown_mb = _peak_mb() - before_mb
        return MonthsRun(
            name, halls, scores, read_s, closed_s, decided.rewards, grown_mb, _ask_pages(db, ids[halls // 2])
        )


def _fill(db: Database, halls: int, players: int) -> list[str]:
    """Halls with a month to close, and months before it that are decided."""
    rng = random.Random(1)
    ids = [uuid7() for _ in range(halls)]
    for first in range(0, halls, FILLED_AT_ONCE):
        some = ids[first : first + FILLED_AT_ONCE]
        with db.write() as conn:
            conn.insert_all(
                "halls",
                ("id", "name", "name_key", "zone", "made_at"),
                [
                    (
                        one,
                        f"Hall {first + i}",
                        f"hall {first + i}",
                        ZONES[i % len(ZONES)],
                        "2026-10-01T00:00:00.000Z",
                    )
                    for i, one in enumerate(some)
                ],
            )
            told: list[tuple[object, ...]] = []
            rows: list[tuple[object, ...]] = []
            for hall_id in some:
                found = _scores(rng, players)
                rows += standings.rows_of(hall_id, MONTH, found)
                told.append((hall_id, MONTH, "open", 1, 1, stamp(NOW), 3, 1, players, standings.hash_of(found)))
            conn.insert_all("ladder_training_scores", standings.COLUMNS, rows)
            conn.insert_all(
                "periods",
                (
                    "hall_id",
                    "period",
                    "state",
                    "told_line",
                    "told_seq",
                    "told_at",
                    "rev",
                    "final",
                    "players",
                    "hash",
                ),
                told,
            )
            earlier = MONTH
            for _ in range(MONTHS):
                earlier = month_before(earlier)
                conn.insert_all(
                    "periods",
                    ("hall_id", "period", "state", "rev", "final", "players", "nobody"),
                    [(hall_id, earlier, "decided", 1, 1, 0, "nobody trained") for hall_id in some],
                )
    return ids


def _scores(rng: random.Random, players: int) -> list[Score]:
    found = []
    for _ in range(players):
        coach, hours, won = (round(rng.uniform(low, 100), 2) for low in (40, 0, 0))
        total = round(0.5 * coach + 0.3 * hours + 0.2 * won, 2)
        found.append(
            Score(
                uuid7(), None, "", "", coach, round(hours / 3, 2), hours, won, total, rng.randrange(1, 20), 500,
                "2026-10-30T20:00:00.000Z",
            )
        )  # fmt: skip
    return found


def _read(db: Database, ids: Sequence[str]) -> tuple[float, int]:
    begin, count = time.perf_counter(), 0
    for first in range(0, len(ids), FILLED_AT_ONCE):
        with db.read() as conn:
            among, params = conn.among("hall_id", list(ids[first : first + FILLED_AT_ONCE]))
            count += len(conn.rows(f"SELECT * FROM ladder_training_scores WHERE {among}", params))
    return time.perf_counter() - begin, count


def _ask_pages(db: Database, hall_id: str) -> dict[str, float]:
    client = create_app(db, parse_site("http://localhost"), lambda: NOW).test_client()
    _sign_in(db, client)
    paths = ("/healthz", "/", f"/halls/{hall_id}?month={MONTH}", f"/rewards?month={MONTH}", "/rules")
    found = {}
    for path in paths:
        times = []
        for _ in range(ASKED):
            begin = time.perf_counter()
            answer = client.get(path)
            times.append(time.perf_counter() - begin)
            if answer.status_code != 200:
                raise BenchError(f"{path} answers {answer.status_code}")
        found[path.partition("?")[0].replace(hall_id, "ID")] = 1000 * median(times)
    return found


def _sign_in(db: Database, client: FlaskClient) -> None:
    email, password = "bench@example.com", owners.new_password()
    hashed = owners.hash_password(password)
    with db.write() as conn:
        owners.keep(conn, email, hashed, NOW)
        rules.keep_rules(conn, rules.ALL_HALLS, Rules(), by=email, now=stamp(NOW))
    token = owners.sign_in(db, email, password, NOW).token
    client.set_cookie("ladder-cloud", token)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
