"""The vision service with a camera and a pipeline made for the test, a real store and real files."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration.camera import Camera
from calibration.file import Calibration, CalibrationError
from calibration.table import STANDARD_TABLES
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import ShotWriter
from edge.runtime.vision_service import CameraHangsError, Parts, VisionService
from edge.store.database import Store
from edge.store.shots import StoredShot, recent_shots
from vision.balls import ball_sets
from vision.feel import USUAL, Feel, Observation, Observations, feel_from_json
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
        give_up_s = time.monotonic() + 5
        while True:
            state = self.live()
            if state["status"] == status and message in state["message"]:
                return state
            assert time.monotonic() < give_up_s, state
            time.sleep(0.01)

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


@pytest.fixture
def paths(path: Path) -> Paths:
    (path.parent / "run").mkdir()
    return Paths(path.parent, path.parent / "run")


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
        one.thread.join(10)
        assert not one.thread.is_alive()


def test_a_recording_is_watched_once_and_its_shots_are_stored(paths: Paths, store: Store) -> None:
    with running(paths, store, parts(lambda: StubSource(pause_s=0.002))) as service:
        state = service.wait_for("ended", "The recording has ended.")
        assert state["table"]["name"] == "8ft", "the calibration's table, not the one expected"
    assert service.unstored == 0
    shots = sorted(s.shot.start_s for s in service.shots())
    assert shots == pytest.approx([4 / 30, 9 / 30, 999.0], abs=1e-3)
    assert [s.shot.complete for s in service.shots() if s.shot.start_s == 999.0] == [False]
    assert {s.ball_set for s in service.shots()} == {"snooker"}


def test_the_moment_a_shot_was_played_is_its_start(paths: Paths, store: Store) -> None:
    before = datetime.now(UTC)
    with running(paths, store, parts(lambda: StubSource(frames=90, pause_s=0.001), every=90)) as service:
        service.wait_for("ended")
    shot = next(s for s in service.shots() if s.shot.complete)
    # Frame 89 of 90 is 2.97 s into the source and so is the shot's start: it was played just now.
    assert before.replace(microsecond=0) <= shot.played_at <= datetime.now(UTC)


def test_live_state_and_picture(paths: Paths, store: Store) -> None:
    source = StubSource(frames=10_000, pause_s=0.005)
    with running(paths, store, parts(lambda: source, recording=False)) as service:
        first = service.wait_for("live", "The table is watched.")
        assert (first["source_id"], first["ball_set"]) == ("cam", "snooker")
        assert first["balls"] == [{"ball": "cue", "x_in": 20.12, "y_in": 10.0, "state": "still"}]
        rates = []
        for _ in range(10):  # a machine that is busy with something else gets several chances
            before = service.live()
            time.sleep(1.0)
            later = service.live()
            rates.append((later["seq"] - before["seq"], later["fps"]))
            if later["seq"] - before["seq"] >= 10 and later["fps"] > 20:
                break
        else:
            pytest.fail(f"never ten states a second: {rates}")
        assert later["t_s"] > first["t_s"]
        assert later["health"]["frames"] > first["health"]["frames"]
        picture = cv2.imdecode(np.frombuffer(paths.live_jpg.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (48, 64, 3)
        assert np.abs(picture.astype(int) - PICTURE.astype(int)).mean() < 6


def test_a_slow_pipeline_drops_frames_and_counts_them_and_loses_no_shot(paths: Paths, store: Store) -> None:
    source = StubSource(frames=300, pause_s=0.001)
    with running(paths, store, parts(lambda: source, every=2, pause_s=0.005), lag_s=0.0) as service:
        health = service.wait_for("ended")["health"]
    assert health["dropped_frames"] > 50
    # A dropped frame at the very end has no next one to be counted by, so the capture's own count stands.
    assert health["frames"] + health["dropped_frames"] == 300
    assert len(service.shots()) == health["frames"] // 2 + 1


def test_learning_the_table_takes_long_and_drops_no_frame(paths: Paths, store: Store) -> None:
    its_parts = replace(
        parts(lambda: StubSource(frames=200, pause_s=0.002)),
        follow=lambda _, source_id, feel: StubFollower(source_id, learns_s=0.3, feel=feel),
    )
    with running(paths, store, its_parts) as service:
        health = service.wait_for("ended")["health"]
    assert (health["frames"], health["dropped_frames"]) == (200, 0)


def test_no_camera_is_said_and_tried_again(paths: Paths, store: Store) -> None:
    tries: list[int] = []

    def open_source() -> FrameSource:
        tries.append(1)
        if len(tries) < 4:
            raise FrameSourceError("the cable is out")
        return StubSource(frames=10_000, pause_s=0.005)

    with running(paths, store, parts(open_source, recording=False)) as service:
        service.wait_for("no-camera", "the cable is out")
        service.wait_for("live")
    assert len(tries) == 4


def test_a_camera_that_stops_is_opened_again(paths: Paths, store: Store) -> None:
    starts = itertools.count()

    def open_source() -> FrameSource:
        return StubSource(id=f"start-{next(starts)}", breaks="the camera was pulled out")

    with running(paths, store, parts(open_source, recording=False)) as service:
        service.wait_for("no-camera", "the camera was pulled out")
        give_up_s = time.monotonic() + 5
        while len({s.source_id for s in service.shots()}) < 2:
            assert time.monotonic() < give_up_s
            time.sleep(0.02)


def test_a_camera_that_falls_silent_is_said(paths: Paths, store: Store) -> None:
    with running(paths, store, parts(lambda: StubSource(endless=True), recording=False)) as service:
        service.wait_for("no-camera", "No picture for 0.1 s")
        time.sleep(0.1)
        assert not paths.live_jpg.exists(), "an old picture is no live picture"


def test_a_camera_that_hangs_is_opened_again(paths: Paths, store: Store) -> None:
    starts = itertools.count()

    def open_source() -> FrameSource:
        number = next(starts)
        return StubSource(id=f"start-{number}", frames=10_000 if number else 5, pause_s=0.005, endless=True)

    its_parts = replace(parts(open_source, recording=False), camera=True)
    with running(paths, store, its_parts, hung_s=0.3) as service:
        service.wait_for("no-camera", "the camera hangs, no picture for 0.3 s")
        assert service.wait_for("live")["source_id"] == "start-1"


def test_a_camera_that_never_lets_go_ends_the_service_after_storing_what_it_saw(
    paths: Paths, store: Store
) -> None:
    never = threading.Event()

    class Stuck(StubSource):
        def __iter__(self) -> Iterator[Frame]:
            yield Frame.from_bgr(PICTURE, 0, 0.0)
            never.wait(30)

    its_parts = replace(parts(Stuck, recording=False), camera=True)
    with running(paths, store, its_parts, hung_s=0.2) as service:
        service.thread.join(5)
        assert service.hung is not None
        assert "does not let go" in str(service.hung)
        assert [s.shot.start_s for s in service.shots()] == [999.0]
    never.set()


def test_a_camera_that_gives_nothing_is_asked_less_and_less_often(paths: Paths, store: Store) -> None:
    opened_s: list[float] = []

    def open_source() -> FrameSource:
        opened_s.append(time.monotonic())
        return StubSource(frames=0, breaks="the camera is stone dead")

    with running(paths, store, replace(parts(open_source, recording=False), camera=True)):
        give_up_s = time.monotonic() + 5
        while len(opened_s) < 5 and time.monotonic() < give_up_s:
            time.sleep(0.01)
    waits = np.diff(opened_s)
    assert len(waits) >= 4
    # Each wait is twice the one before; a busy machine only lengthens them.
    assert waits[3] >= 0.16


def test_what_the_sensor_drops_and_what_the_box_drops_are_told_apart(paths: Paths, store: Store) -> None:
    source = StubSource(frames=300, pause_s=0.002, lost=(100, 150, 151, 200), endless=True)
    its_parts = replace(parts(lambda: source, recording=False), camera=True)
    with running(paths, store, its_parts) as service:
        service.wait_for("no-camera")
        state = service.live()
    camera = state["camera"]
    assert (camera["dropped_by_sensor"], camera["dropped_by_overload"]) == (3, 0)
    assert state["health"]["frames"] == 296
    assert state["health"]["dropped_frames"] == 3


def test_a_slow_pipeline_shows_what_it_lets_go_and_its_queue_keeps_its_bound(paths: Paths, store: Store) -> None:
    source = StubSource(frames=10_000, pause_s=0.002)
    its_parts = replace(parts(lambda: source, recording=False, pause_s=0.02), camera=True)
    with running(paths, store, its_parts, lag_s=0.0) as service:
        give_up_s = time.monotonic() + 20
        while (service.live().get("camera") or {}).get("dropped_by_overload", 0) < 200:
            assert time.monotonic() < give_up_s
            time.sleep(0.02)
        camera = service.live()["camera"]
    assert camera["dropped_by_sensor"] == 0
    assert camera["skipped_fps"] > camera["process_fps"]
    assert 0 < camera["waiting"] <= camera["room"] == 8


def test_no_table_is_said(paths: Paths, store: Store) -> None:
    def fail() -> tuple[FrameSource, Calibration]:
        raise CalibrationError("the picture is almost black")

    with running(paths, store, replace(parts(StubSource), open=fail)) as service:
        state = service.wait_for("no-table", "the picture is almost black")
        assert state["table"]["name"] == "9ft"


def test_a_recording_that_breaks_is_not_played_again(paths: Paths, store: Store) -> None:
    opened: list[int] = []

    def open_source() -> FrameSource:
        opened.append(1)
        return StubSource(breaks="the file is cut short")

    with running(paths, store, parts(open_source)) as service:
        service.wait_for("ended", "the file is cut short")
        time.sleep(0.1)
    assert len(opened) == 1


def test_every_round_of_a_loop_is_a_source_of_its_own(paths: Paths, store: Store) -> None:
    with running(paths, store, parts(lambda: StubSource(rounds=3, pause_s=0.002))) as service:
        service.wait_for("ended")
    by_source = {s: sum(1 for x in service.shots() if x.source_id == s) for s in ("cam", "cam-2", "cam-3")}
    assert by_source == {"cam": 3, "cam-2": 3, "cam-3": 3}


def test_stopping_finishes_the_shot_in_motion(paths: Paths, store: Store) -> None:
    source = StubSource(frames=10_000, pause_s=0.005)
    with running(paths, store, parts(lambda: source, recording=False, every=100_000)) as service:
        service.wait_for("live")
        assert service.shots() == []
    assert [s.shot.start_s for s in service.shots()] == [999.0]
    assert source.closed.is_set()


def test_shots_that_can_not_be_stored_are_said_and_kept(paths: Paths, path: Path) -> None:
    with Store(path, busy_timeout_s=0.02) as store:
        source = StubSource(frames=10_000, pause_s=0.005)
        with Store(path) as other, running(paths, store, parts(lambda: source, recording=False)) as service:
            with other.write():
                service.wait_for("live", "Shots are seen but not stored yet: the store")
            service.wait_for("live", "The table is watched.")
        assert service.unstored == 0
        seen = service.live()["health"]["frames"] // 5
        assert len(service.shots()) >= seen


def test_a_pipeline_that_fails_ends_the_service_after_storing_what_it_saw(paths: Paths, store: Store) -> None:
    class Failing(StubFollower):
        def process(self, frame: Frame) -> Seen:
            if frame.index == 7:
                raise RuntimeError("a mistake in the pipeline")
            return super().process(frame)

    def follow(_: Calibration, source_id: str, feel: Feel) -> Failing:
        return Failing(source_id, feel=feel)

    its_parts = replace(parts(lambda: StubSource(pause_s=0.01)), follow=follow)
    service = VisionService(its_parts, paths, ShotWriter(store, paths.spools, paths.rejected_shots))
    with pytest.raises(RuntimeError, match="a mistake in the pipeline"):
        service.run(threading.Event())
    with store.read() as conn:
        assert len(recent_shots(conn, 10)) == 2


def kept_feels(paths: Paths) -> dict[str, Feel]:
    """What is in the file, by place."""
    try:
        tables = json.loads(paths.table_feel.read_text())["tables"]
    except FileNotFoundError:
        return {}
    return {table["place"]: feel_from_json(table["feel"]) for table in tables}


def test_what_shots_teach_of_the_table_is_told_live_and_outlives_a_restart(paths: Paths, store: Store) -> None:
    first = StubSource(frames=8, endless=True)
    with running(paths, store, parts(lambda: first, recording=False, every=4)) as service:
        service.wait_for("no-camera", "No picture")
        state = service.live()
    assert (state["feel"]["shots"], state["quality"]["shots"]) == (2, 2)
    assert state["quality"]["unseen_share"] == pytest.approx(0.03)
    assert "2 of 20 shots" in state["condition"]["report"][0]
    kept = kept_feels(paths)["the test's camera"]
    assert kept == feel_from_json(state["feel"])
    assert kept.rolling.value > USUAL.rolling.value
    paths.live_json.unlink()
    later = StubSource(id="later", frames=8, endless=True)
    with running(paths, store, parts(lambda: later, recording=False, every=4)) as service:
        service.wait_for("no-camera", "No picture")
        state = service.live()
    assert (state["feel"]["shots"], state["quality"]["shots"]) == (4, 2), "the eye's figures begin anew"
    assert kept_feels(paths)["the test's camera"].shots == 4


def test_a_camera_that_comes_back_goes_on_with_the_table_it_knew(paths: Paths, store: Store) -> None:
    starts = itertools.count()
    followers: list[tuple[int, StubFollower]] = []

    def follow(_: Calibration, source_id: str, feel: Feel) -> StubFollower:
        followers.append((feel.shots, StubFollower(source_id, every=2, feel=feel)))
        return followers[-1][1]

    def open_source() -> FrameSource:
        return StubSource(id=f"start-{next(starts)}", pause_s=0.002, breaks="pulled out", rounds=2)

    with running(paths, store, replace(parts(open_source, recording=False), follow=follow)):
        give_up_s = time.monotonic() + 10
        while len(followers) < 4:
            assert time.monotonic() < give_up_s
            time.sleep(0.02)
    begun_with = [shots for shots, _ in followers]
    learnt = [follower.feel.shots for _, follower in followers]
    assert begun_with == [0, *learnt[:-1]]
    assert begun_with[3] >= 6


def test_a_recording_teaches_nothing_that_is_kept(paths: Paths, store: Store) -> None:
    with running(paths, store, parts(lambda: StubSource(frames=8), recording=False, every=2)) as service:
        service.wait_for("no-camera")
    before = kept_feels(paths)
    assert before["the test's camera"].shots >= 4
    # Even one whose name is the camera's, seen by the same calibration.
    paths.live_json.unlink()
    with running(paths, store, parts(lambda: StubSource(frames=8, rounds=2, pause_s=0.002), every=2)) as service:
        state = service.wait_for("ended")
    assert 0 < state["feel"]["shots"] <= 4, "each pass begins with a usual table"
    assert kept_feels(paths) == before


def test_the_table_is_kept_though_its_shots_can_not_be_stored(paths: Paths, path: Path) -> None:
    source = StubSource(frames=8, endless=True)
    with Store(path, busy_timeout_s=0.02) as store, Store(path) as other, other.write():
        with running(paths, store, parts(lambda: source, recording=False, every=4)) as service:
            service.wait_for("no-camera")
        assert service.unstored == 3
    assert kept_feels(paths)["the test's camera"].shots == 2
