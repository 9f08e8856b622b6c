"""The vision process of the bench: the real service, with the imports of `ladder vision` and no others, fed with
frames that another process draws. It prints, as JSON, what its memory did.

`python -m edge.bench.watched` is started by `edge.bench.memory`.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import av  # noqa: F401 (here for what it takes: a camera that compresses its pictures needs it)

from calibration.file import Calibration, load_calibration
from edge.bench.rss import Mark, MemoryReport, peak_mb, resident_mb
from edge.runtime.capture import LAG_BYTES, QUEUE_FRAMES
from edge.runtime.frugal import be_frugal
from edge.runtime.paths import Paths, make_directories
from edge.runtime.shot_writer import ShotWriter
from edge.runtime.vision_parts import Wanted  # noqa: F401 (the service's own parts, with all that they import)
from edge.runtime.vision_service import Parts, VisionService
from edge.store.database import Store
from edge.store.migrations import migrate
from edge.store.shots import count_all_shots
from vision.balls import BallSet
from vision.bench.feed import FeedSource
from vision.bench.footprint import footprint, total_bytes
from vision.feel import Feel
from vision.frames.source import Frame, FrameSource
from vision.model import Health, Seen, Shot
from vision.pipeline import Pipeline
from vision.quality import Quality


class Watched:
    """The pipeline, with a mark of memory every so often; the end of play stops the service."""

    def __init__(self, pipeline: Pipeline, source: FeedSource, every_s: float, stop: threading.Event) -> None:
        self.marks: list[Mark] = []
        self._pipeline = pipeline
        self._source = source
        self._every_s = every_s
        self._stop = stop

    @property
    def ball_set(self) -> BallSet:
        return self._pipeline.ball_set

    @property
    def health(self) -> Health:
        return self._pipeline.health

    @property
    def feel(self) -> Feel:
        return self._pipeline.feel

    @property
    def quality(self) -> Quality:
        return self._pipeline.quality

    def process(self, frame: Frame) -> Seen:
        seen = self._pipeline.process(frame)
        if not self.marks or frame.t_s >= self.marks[-1].t_s + self._every_s:
            self.mark(frame.t_s)
        self._source.done()
        return seen

    def finish(self) -> tuple[Shot, ...]:
        self._stop.set()
        return self._pipeline.finish()

    def mark(self, t_s: float) -> None:
        held_mb = total_bytes(footprint(self._pipeline)) / 1e6
        self.marks.append(Mark(t_s, resident_mb(), peak_mb(), held_mb))


def watch(drawing: Sequence[str], folder: Path, every_s: float, learning_ahead: int) -> MemoryReport:
    """Runs the service on what a drawing process writes, until it ends; returns what it took. While it learns the
    table, so many frames come at a camera's pace and wait."""
    be_frugal()
    start_mb, began_s = resident_mb(), time.perf_counter()
    migrate(folder / "ladder.db")
    paths = Paths(folder, folder / "run")
    make_directories(paths)
    stop = threading.Event()
    followers: list[Watched] = []
    calibration_file = folder / "calibration.json"
    with subprocess.Popen([*drawing, "--calibration", str(calibration_file)], stdout=subprocess.PIPE) as drawer:
        assert drawer.stdout is not None
        source = FeedSource(drawer.stdout, QUEUE_FRAMES, learning_ahead)
        calibration = load_calibration(calibration_file)

        def follow(found: Calibration, source_id: str, feel: Feel) -> Watched:
            followers.append(Watched(Pipeline(found, None, source_id, feel), source, every_s, stop))
            return followers[-1]

        def opened() -> tuple[FrameSource, Calibration]:
            return source, calibration

        with Store(paths.store) as store:
            parts = Parts(opened, follow, "sim", recording=True, table=calibration.table)
            VisionService(parts, paths, ShotWriter(store, paths.spools, paths.rejected_shots)).run(stop)
            with store.read() as conn:
                shots = count_all_shots(conn)
        drawer.terminate()
    health = followers[0].health
    return MemoryReport(
        start_mb=start_mb,
        end_mb=resident_mb(),
        peak_mb=peak_mb(),
        frames=health.frames,
        dropped_frames=health.dropped_frames,
        shots=shots,
        wall_s=time.perf_counter() - began_s,
        marks=tuple(followers[0].marks),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Follows drawn frames and prints what memory that took.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--every", type=float, required=True)
    parser.add_argument("--frame-bytes", type=int, required=True)
    parser.add_argument("drawing", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    print(json.dumps(asdict(watch(given.drawing, given.folder, given.every, LAG_BYTES // given.frame_bytes))))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
