"""What goes on in a hall while its pages are measured: live states, shots that are stored, pages kept open."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import cos, sin
from urllib.parse import urlsplit

from calibration.whole_file import replace_file
from edge.bench.patterns import book_source
from edge.bench.streams import Seen
from edge.bookkeeper import Bookkeeper
from edge.runtime.live_files import STATES_PER_S
from edge.runtime.paths import Paths
from edge.store.database import Store
from edge.store.shots import recent_shots, store_shot, store_source
from vision.balls import ball_sets
from vision.live import LiveState
from vision.model import BallState, Health
from vision.simulate.shotbook import load_shot_book

KINDS_OF_SHOTS = 30
_OPENS_S = 30.0


@dataclass(frozen=True, slots=True)
class Stored:
    """A shot that was stored: when its row was committed, by the monotonic clock, and what it took in seconds with
    everything that follows from it."""

    shot_id: str
    committed_s: float
    took_s: float


class Shooter:
    """Stores shots as the vision service does, each a copy of one of the latest in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._books = Bookkeeper(store)
        self._source = book_source(f"bench:{time.time_ns()}", datetime.now(UTC))
        self._count = 0
        with store.read() as conn:
            self._kinds = recent_shots(conn, KINDS_OF_SHOTS)[::-1]
        with store.write() as conn:
            store_source(conn, self._source)

    def shoot(self) -> Stored:
        """A shot is over just now."""
        kind = self._kinds[self._count % len(self._kinds)]
        self._count += 1
        shot = replace(kind.shot, id=f"{self._source.id}@{self._count}", revision=1)
        begun_s = time.monotonic()
        with self._store.write() as conn:
            store_shot(conn, shot, self._source.id, datetime.now(UTC), kind.ball_set)
        committed_s = time.monotonic()
        self._books.book()
        return Stored(shot.id, committed_s, time.monotonic() - begun_s)

    @contextmanager
    def every(self, seconds: float) -> Iterator[None]:
        """A shot so often, until the block is left."""
        ended = threading.Event()

        def play() -> None:
            while not ended.wait(seconds):
                self.shoot()

        thread = threading.Thread(target=play, name="shooter")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@contextmanager
def live_states(paths: Paths) -> Iterator[None]:
    """Rewrites the live state as often as vision does, balls moving all the time, until the block is left."""
    ended = threading.Event()

    def write() -> None:
        seq = 0
        while not ended.wait(1 / STATES_PER_S):
            seq += 1
            replace_file(paths.live_json, json.dumps(_state(seq).to_json()).encode())

    replace_file(paths.live_json, json.dumps(_state(0).to_json()).encode())
    thread = threading.Thread(target=write, name="live")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _state(seq: int) -> LiveState:
    table = load_shot_book("shotbook").table
    around = random.Random(1)
    balls = tuple(
        BallState(
            ball.name,
            table.length_in * around.uniform(0.1, 0.9) + 3 * sin(seq / 20),
            table.width_in * around.uniform(0.2, 0.8) + 3 * cos(seq / 20),
            0.0,
            0.0,
            "moving",
        )
        for ball in ball_sets()["american"].balls
    )
    t_s, health = seq / STATES_PER_S, Health(4 * seq)
    return LiveState(seq, "bench", t_s, "live", "", "shot", table, "american", balls, 60.0, health)


class OpenPages:
    """Pages on the live stream, in a process of their own."""

    def __init__(self, url: str, count: int) -> None:
        place = urlsplit(url)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "edge.bench.streams", str(place.hostname), str(place.port), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # they are open
        self._opened_s = time.monotonic()

    def close(self) -> tuple[Seen, float]:
        """What they saw, and for how many seconds they were open."""
        open_s = time.monotonic() - self._opened_s
        out, _ = self._process.communicate(b"", timeout=_OPENS_S)
        return Seen(**json.loads(out)), open_s

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@contextmanager
def open_pages(url: str, count: int) -> Iterator[OpenPages]:
    """So many pages kept open until the block is left."""
    pages = OpenPages(url, count)
    try:
        yield pages
    finally:
        pages.end()
