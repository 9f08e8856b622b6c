"""A vision service for tests: its camera and its pipeline are made here, store and files are real."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from waiting import GIVE_UP_S, wait_until

from calibration.camera import Camera
from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import ShotWriter
from edge.runtime.vision_service import CameraHangsError, Parts, VisionService
from edge.store.database import Store
from edge.store.shots import StoredShot, recent_shots
from vision.balls import ball_sets
from vision.feel import USUAL, Feel, Observation, Observations
from vision.frames.source import Frame, FrameSource, FrameSourceError
from vision.model import BallState, Health, Seen, Shot
from vision.quality import NOTHING, Quality

TABLE = STANDARD_TABLES["8ft"]
CALIBRATION = Calibration(
    "cal",
    "file",
    TABLE,
    Camera.from_pose((64, 48), [[60, 0, 32], [0, 60, 24], [0, 0, 1]], (3.1416, 0, 0), (-44, 22, 120)),
)
PICTURE = np.full((48, 64, 3), (40, 120, 30), dtype=np.uint8)


@dataclass
class StubSource:
    """Gives `frames` frames as fast as they are taken, then ends, breaks or (`endless`) waits to be closed."""

    id: str = "cam"
    frames: int = 10
    pause_s: float = 0.0
    breaks: str | None = None
    endless: bool = False
    rounds: int = 1
    width_px: int = 64
    height_px: int = 48
    fps: float | None = 30.0
    frame_count: int | None = None
    readout_s: float = 0.0
    lost: tuple[int, ...] = ()  # the frames that the sensor drops
    closed: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[Frame]:
        first_id = self.id
        for turn in range(self.rounds):
            self.id = first_id if turn == 0 else f"{first_id}-{turn + 1}"
            for index in range(self.frames):
                if self.closed.wait(self.pause_s):
                    return
                if index not in self.lost:
                    yield replace(Frame.from_bgr(PICTURE, index, index / 30), missing=int(index - 1 in self.lost))
        if self.endless:
            self.closed.wait()
        if self.breaks is not None:
            raise FrameSourceError(self.breaks)

    def close(self) -> None:
        self.closed.set()


class StubFollower:
    """Sees a shot every `every` frames, takes `pause_s` a frame, and has one shot left at the end."""

    def __init__(
        self, source_id: str, every: int = 5, pause_s: float = 0.0, learns_s: float = 0.0, feel: Feel = USUAL
    ) -> None:
        self.feel = feel
        self.quality = NOTHING
        self.source_id = source_id
        self.ball_set = ball_sets()["snooker"]
        self.every = every
        self.pause_s = pause_s
        self.learns_s = learns_s
        self.seen = 0
        self.missing = 0

    def process(self, frame: Frame) -> Seen:
        time.sleep(self.pause_s if self.seen else self.learns_s)
        self.seen += 1
        self.missing += frame.missing
        shots = (self._shot(frame.index / 30, complete=True),) if self.seen % self.every == 0 else ()
        if shots:
            self.feel = self.feel.told(Observations(rolling=[Observation(0.014, 0.002)]))
            self.quality += Quality(shots=1, frames=100, unseen=3)
        ball = BallState("cue", 20.123, 10.0, 30.0, 20.0, "still")
        return Seen(frame.index, frame.t_s, "still", (ball,), shots)

    def finish(self) -> tuple[Shot, ...]:
        return (self._shot(999.0, complete=False),)

    @property
    def health(self) -> Health:
        return Health(frames=self.seen, dropped_frames=self.missing)

    def _shot(self, start_s: float, complete: bool) -> Shot:
        return Shot(f"{self.source_id}@{start_s:.3f}", start_s, "miss", scratch=False, complete=complete)


class Running:
    """A vision service at work in a thread."""

    def __init__(self, paths: Paths, store: Store, parts: Parts, lag_s: float, hung_s: float) -> None:
        self.paths = paths
        self.store = store
        self.stop = threading.Event()
        self.unstored: int | None = None
        writer = ShotWriter(store, paths.spools, paths.rejected_shots)
        self.service = VisionService(
            parts, paths, writer, first_retry_s=0.02, silent_s=0.1, hung_s=hung_s, stop_s=0.2, lag_s=lag_s
        )
        self.hung: CameraHangsError | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.unstored = self.service.run(self.stop)
        except CameraHangsError as error:
            self.hung = error

    def live(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self.paths.live_json.read_text())
        except FileNotFoundError:
            return {"status": "", "message": ""}
        return state

    def wait_for(self, status: str, message: str = "") -> dict[str, Any]:
        return self.wait_until(lambda state: state["status"] == status and message in state["message"])

    def wait_until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first live state of which `condition` holds."""
        state = self.live()

        def holds() -> object:
            nonlocal state
            state = self.live()
            return condition(state)

        wait_until(holds, lambda: state)
        return state

    def shots(self) -> list[StoredShot]:
        with self.store.read() as conn:
            return recent_shots(conn, 1000)


def parts(
    open_source: Callable[[], FrameSource], *, recording: bool = True, every: int = 5, pause_s: float = 0.0
) -> Parts:
    return Parts(
        open=lambda: (open_source(), CALIBRATION),
        follow=lambda _, source_id, feel: StubFollower(source_id, every, pause_s, feel=feel),
        place="the test's camera",
        recording=recording,
        table=STANDARD_TABLES["9ft"],
    )


@contextmanager
def running(
    paths: Paths, store: Store, its_parts: Parts, lag_s: float = 10.0, hung_s: float = 10.0
) -> Iterator[Running]:
    one = Running(paths, store, its_parts, lag_s, hung_s)
    one.thread.start()
    try:
        yield one
    finally:
        one.stop.set()
        one.thread.join(GIVE_UP_S)
        assert not one.thread.is_alive()
