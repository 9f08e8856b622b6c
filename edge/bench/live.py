"""A live camera followed while people use the kiosk: which frames were lost, by whom, and what it cost.

Everything is real but the camera, whose frames are drawn beforehand and come from memory at its pace: the capture,
the vision service, the store, a kiosk process, and a process of people who watch its pages. `ladder bench --live`
runs it.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.file import Calibration
from edge.bench.kiosk_process import kiosk_process
from edge.bench.listener import Heard
from edge.bench.replay import Clip, ReplayCamera, draw_clip
from edge.runtime.capture import LAG_S
from edge.runtime.paths import Paths, make_directories
from edge.runtime.shot_writer import ShotWriter
from edge.runtime.vision_service import Follower, Parts, VisionService
from edge.store.database import Store
from edge.store.migrations import migrate
from vision.balls import BallSet
from vision.feel import Feel
from vision.frames.source import Frame, FrameSource
from vision.model import Health, Seen, Shot
from vision.pipeline import Pipeline
from vision.quality import Quality

_DRAIN_S = 10.0
_WATCH_S = 0.05
MakeFollower = Callable[[Calibration, BallSet | None, str, Feel], Follower]

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Soak:
    """What to run. `slow_s` makes the follower that much slower a frame than it is: an overload by design, in
    which nothing is kept for later while the table is learnt, so that it shows at once."""

    size_px: tuple[int, int] = (1920, 1080)
    fps: float = 60.0
    seconds: float = 20.0
    clip_s: float = 5.0
    seed: int = 1
    listeners: int = 3
    slow_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SoakReport:
    """What became of the frames that were due: each was followed, dropped by the camera or by overload, or is
    `unaccounted`, which none should be. CPU times are of the following thread, in milliseconds a frame."""

    size_px: tuple[int, int]
    fps: float
    due: int
    followed: int
    dropped_by_sensor: int
    dropped_by_overload: int
    unaccounted: int
    most_waiting: int
    room: int
    memory_growth_mb: float
    cpu_ms_mean: float | None
    cpu_ms_p99: float | None
    shots: int
    state: dict[str, Any]
    heard: Heard

    @property
    def lost(self) -> int:
        return self.due - self.followed

    def in_words(self) -> str:
        """Three lines for a person."""
        return (
            f"{self.due} frames due, {self.followed} followed, {self.lost} lost: "
            f"{self.dropped_by_sensor} by the camera, {self.dropped_by_overload} by overload, "
            f"{self.unaccounted} unaccounted\n"
            f"queue at most {self.most_waiting} of {self.room}, memory +{self.memory_growth_mb:g} MB, "
            f"{self.cpu_ms_mean} ms of CPU a frame (99 %: {self.cpu_ms_p99}), {self.shots} shots stored\n"
            f"pages: {self.heard.live_events} live states, {self.heard.pages} fetched, statuses "
            f"{', '.join(self.heard.statuses)}; errors: {len(self.heard.errors)}"
        )


def measure_live(soak: Soak, clip: Clip | None = None, make: MakeFollower = Pipeline) -> SoakReport:
    """Runs a soak in a directory of its own; `clip` is drawn unless given, `make` gives the follower.

    Raises RuntimeError when the kiosk does not start or the vision service fails.
    """
    clip = clip or draw_clip(soak.size_px, soak.fps, soak.clip_s, soak.seed)
    with tempfile.TemporaryDirectory(prefix="ladder-live-") as directory:
        paths = Paths(Path(directory) / "data", Path(directory) / "run")
        make_directories(paths)
        migrate(paths.store)
        with kiosk_process(paths) as url, Store(paths.store) as store:
            return _soak(soak, clip, _Box(paths, store, url), make)


@dataclass(frozen=True, slots=True)
class _Box:
    paths: Paths
    store: Store
    url: str


def _soak(soak: Soak, clip: Clip, box: _Box, make: MakeFollower) -> SoakReport:
    camera = ReplayCamera(clip, round(soak.seconds * clip.fps))
    timed: list[_Timed] = []

    def follow(calibration: Calibration, source_id: str, feel: Feel) -> Follower:
        timed.append(_Timed(make(calibration, None, source_id, feel), soak.slow_s))
        return timed[-1]

    def open_once() -> tuple[FrameSource, Calibration]:
        return camera, clip.calibration

    parts = Parts(open_once, follow, "memory", recording=False, table=clip.calibration.table, camera=True)
    writer = ShotWriter(box.store, box.paths.spools, box.paths.rejected_shots)
    # The camera is silent at its end; that must not be taken for its cable.
    lag_s = 0.0 if soak.slow_s else LAG_S
    service = VisionService(parts, box.paths, writer, silent_s=3600.0, hung_s=3600.0, lag_s=lag_s)
    stop = threading.Event()
    failed: list[Exception] = []

    def serve() -> None:
        try:
            service.run(stop)
        except Exception as error:  # told below: a thread's own goes nowhere
            failed.append(error)

    thread = threading.Thread(target=serve, name="vision")
    with _people(box.url, soak.listeners) as people:
        thread.start()
        watch = _Watch(box.paths.live_json)
        try:
            watch.until(camera, thread)
        finally:
            stop.set()
            camera.close()
            thread.join()
        heard = people.leave()
    if failed:
        raise RuntimeError(f"the vision service failed: {failed[0]}") from failed[0]
    return _report(camera, watch, timed, heard, _shots(box.store))


class _Timed:
    """A follower that notes what each frame costs its thread, and dawdles when told to."""

    def __init__(self, follower: Follower, slow_s: float) -> None:
        self.cpu_s: list[float] = []
        self._follower = follower
        self._slow_s = slow_s

    @property
    def ball_set(self) -> BallSet:
        return self._follower.ball_set

    @property
    def health(self) -> Health:
        return self._follower.health

    @property
    def feel(self) -> Feel:
        return self._follower.feel

    @property
    def quality(self) -> Quality:
        return self._follower.quality

    def process(self, frame: Frame) -> Seen:
        began_s = time.thread_time()
        seen = self._follower.process(frame)
        self.cpu_s.append(time.thread_time() - began_s)
        if self._slow_s and len(self.cpu_s) > 1:  # the first one learns the table
            time.sleep(self._slow_s)
        return seen

    def finish(self) -> tuple[Shot, ...]:
        return self._follower.finish()


class _Watch:
    """Looks at the live state as others see it, and at this process's memory, until the last frame is done."""

    def __init__(self, live_json: Path) -> None:
        self.state: dict[str, Any] = {}
        self.most_waiting = 0
        self.room = 0
        self.growth_bytes = 0
        self._live_json = live_json
        self._first_bytes: int | None = None

    def until(self, camera: ReplayCamera, vision: threading.Thread) -> None:
        give_up_s: float | None = None
        while self._accounted() < camera.due and vision.is_alive():
            time.sleep(_WATCH_S)
            self._look()
            if camera.finished.is_set():
                give_up_s = give_up_s or time.monotonic() + _DRAIN_S
                if time.monotonic() > give_up_s:
                    return

    def _accounted(self) -> int:
        flow = self.state.get("camera", {})
        followed = self.state.get("health", {}).get("frames", 0)
        return int(followed + flow.get("dropped_by_sensor", 0) + flow.get("dropped_by_overload", 0))

    def _look(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.state = json.loads(self._live_json.read_bytes())
        flow = self.state.get("camera", {})
        self.most_waiting = max(self.most_waiting, flow.get("waiting", 0))
        self.room = max(self.room, flow.get("room", 0))
        if self.state.get("status") == "live":
            now_bytes = _resident_bytes()
            self._first_bytes = self._first_bytes or now_bytes
            self.growth_bytes = max(self.growth_bytes, now_bytes - self._first_bytes)


class _People:
    """The process of those who use the kiosk."""

    def __init__(self, url: str, listeners: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "edge.bench.listener", url, str(listeners)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def leave(self) -> Heard:
        out, _ = self._process.communicate(b"", timeout=60)
        return Heard(**json.loads(out))

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@contextlib.contextmanager
def _people(url: str, listeners: int) -> Iterator[_People]:
    people = _People(url, listeners)
    try:
        yield people
    finally:
        people.end()


def _report(camera: ReplayCamera, watch: _Watch, timed: list[_Timed], heard: Heard, shots: int) -> SoakReport:
    flow = watch.state.get("camera", {})
    followed = sum(len(one.cpu_s) for one in timed)
    sensor, overload = flow.get("dropped_by_sensor", 0), flow.get("dropped_by_overload", 0)
    cpu_ms = 1000 * np.array([cpu_s for one in timed for cpu_s in one.cpu_s[1:]])
    return SoakReport(
        size_px=camera.clip.size_px,
        fps=camera.clip.fps,
        due=camera.due,
        followed=followed,
        dropped_by_sensor=sensor,
        dropped_by_overload=overload,
        unaccounted=camera.due - followed - sensor - overload,
        most_waiting=watch.most_waiting,
        room=watch.room,
        memory_growth_mb=round(watch.growth_bytes / 1e6, 1),
        cpu_ms_mean=round(float(cpu_ms.mean()), 3) if len(cpu_ms) else None,
        cpu_ms_p99=round(float(np.percentile(cpu_ms, 99)), 3) if len(cpu_ms) else None,
        shots=shots,
        state=watch.state,
        heard=heard,
    )


def _shots(store: Store) -> int:
    with store.read() as conn:
        return int(conn.execute("SELECT count(*) FROM shots").fetchone()[0])


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
