"""How long a shot takes from the pipeline's hands into the store: the real writer thread, the real SQLite file."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from edge.clock import now_stamp
from edge.runtime.shot_writer import SeenShot, ShotWriter
from edge.store.database import Store
from edge.store.migrations import migrate
from edge.store.shots import Source, get_shot
from vision.bench.delays import Delay, Handed


class StampedStore(Store):
    """A store that notes when each write was committed, by `time.perf_counter`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.committed_s: list[float] = []

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        with super().write() as conn:
            yield conn
        self.committed_s.append(time.perf_counter())


class Shelf:
    """Stores shots as the vision service does, while the pipeline goes on with its frames. `fps` and `size` are
    the pictures'."""

    def __init__(self, folder: Path, fps: float, size: tuple[int, int]) -> None:
        migrate(folder / "ladder.db")
        self.folder = folder
        self._store = StampedStore(folder / "ladder.db")
        self._writer = ShotWriter(self._store, (folder / "spool.json",), folder / "rejected.jsonl")
        self._fps, self._size = fps, size
        self._added: list[tuple[str, float]] = []
        self._writer.start()

    def add(self, handed: Handed) -> None:
        """Hands a shot to the writer and returns at once."""
        seen = SeenShot(self._source(handed), handed.shot, datetime.now(UTC), handed.ball_set)
        self._added.append((handed.shot.id, time.perf_counter()))
        self._writer.add(seen)

    def close(self) -> dict[str, float]:
        """Waits for the writer; returns how many seconds each shot took until its row could be read, by its id.

        Raises RuntimeError when one is not there: then the figures would mean nothing.
        """
        left = self._writer.stop(timeout_s=60)
        try:
            with self._store.read() as conn:
                missing = [shot_id for shot_id, _ in self._added if get_shot(conn, shot_id) is None]
        finally:
            self._store.close()
        if left or missing or len(self._store.committed_s) != len(self._added):
            raise RuntimeError(f"{len(self._added)} shots were handed on, {len(missing)} of them are not stored")
        pairs = zip(self._added, self._store.committed_s, strict=True)
        return {shot_id: done_s - added_s for (shot_id, added_s), done_s in pairs}

    def _source(self, handed: Handed) -> Source:
        table = handed.calibration.table
        return Source(
            id=handed.source_id,
            place="sim",
            started_at=now_stamp(),
            table_name=table.name,
            table_length_in=table.length_in,
            table_width_in=table.width_in,
            ball_diameter_in=table.ball_diameter_in,
            calibration_id=handed.calibration.id,
            picture_width_px=self._size[0],
            picture_height_px=self._size[1],
            fps=self._fps,
        )


@contextmanager
def shelf(fps: float, size: tuple[int, int]) -> Iterator[Shelf]:
    """A store of its own in a temporary folder ($TMPDIR says on which disk)."""
    with TemporaryDirectory(prefix="ladder-bench-") as folder:
        yield Shelf(Path(folder), fps, size)


@dataclass(frozen=True, slots=True)
class Wait:
    """One part of what a player waits for, in milliseconds, over `n` shots."""

    name: str
    n: int
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None
    aim: str = ""


def waits(found: list[Delay], write_s: dict[str, float]) -> list[Wait]:
    """The parts of the delay and their sum, over the shots that were found."""
    seen = [delay.seen_s for delay in found]
    work = [delay.work_s for delay in found]
    write = [write_s[delay.shot_id] for delay in found]
    return [
        _wait("last ball's rest → stored row", np.sum([seen, work, write], axis=0), "≤ 250"),
        _wait("  until the frame that ends the shot", seen),
        _wait("  until that frame is followed", work),
        _wait("  until the row is committed", write),
    ]


def _wait(name: str, seconds: "list[float] | np.ndarray", aim: str = "") -> Wait:
    if not len(seconds):
        return Wait(name, 0, None, None, None, aim)
    values = 1000 * np.asarray(seconds)
    p50, p95 = (float(np.percentile(values, q)) for q in (50, 95))
    return Wait(name, len(values), p50, p95, float(values.max()), aim)
