"""The vision service when its camera is missing, stops, hangs, or gives more than the box can follow."""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from vision_rig import PICTURE, StubFollower, StubSource, parts, running
from waiting import GIVE_UP_S, wait_until

from calibration.file import Calibration
from edge.runtime.paths import Paths
from edge.store.database import Store
from vision.feel import Feel
from vision.frames.source import Frame, FrameSource, FrameSourceError


def test_no_camera_is_said_and_tried_again(paths: Paths, store: Store) -> None:
    tries = itertools.count()
    plugged_in = threading.Event()

    def open_source() -> FrameSource:
        next(tries)
        if not plugged_in.is_set():
            raise FrameSourceError("the cable is out")
        return StubSource(frames=10_000, pause_s=0.005)

    with running(paths, store, parts(open_source, recording=False)) as service:
        service.wait_for("no-camera", "the cable is out")
        plugged_in.set()
        service.wait_for("live")
    assert next(tries) >= 2


def test_a_camera_that_stops_is_opened_again(paths: Paths, store: Store) -> None:
    starts = itertools.count()

    def open_source() -> FrameSource:
        return StubSource(id=f"start-{next(starts)}", breaks="the camera was pulled out")

    with running(paths, store, parts(open_source, recording=False)) as service:
        service.wait_for("no-camera", "the camera was pulled out")
        wait_until(lambda: len({s.source_id for s in service.shots()}) >= 2)


def test_a_camera_that_falls_silent_is_said(paths: Paths, store: Store) -> None:
    with running(paths, store, parts(lambda: StubSource(endless=True), recording=False)) as service:
        service.wait_for("no-camera", "No picture for 0.1 s")
        wait_until(lambda: not paths.live_jpg.exists(), lambda: "an old picture is no live picture")


def test_a_camera_that_hangs_is_opened_again(paths: Paths, store: Store) -> None:
    starts = itertools.count()
    told = threading.Event()

    def open_source() -> FrameSource:
        number = next(starts)
        if number:
            told.wait(GIVE_UP_S)
        return StubSource(id=f"start-{number}", frames=10_000 if number else 5, pause_s=0.005, endless=True)

    its_parts = replace(parts(open_source, recording=False), camera=True)
    with running(paths, store, its_parts, hung_s=0.3) as service:
        service.wait_for("no-camera", "the camera hangs, no picture for 0.3 s")
        told.set()
        service.wait_until(lambda state: state["status"] == "live" and state["source_id"] != "start-0")


def test_a_camera_that_never_lets_go_ends_the_service_after_storing_what_it_saw(
    paths: Paths, store: Store
) -> None:
    never = threading.Event()

    class Stuck(StubSource):
        def __iter__(self) -> Iterator[Frame]:
            yield Frame.from_bgr(PICTURE, 0, 0.0)
            never.wait(GIVE_UP_S)

    its_parts = replace(parts(Stuck, recording=False), camera=True)
    with running(paths, store, its_parts, hung_s=0.2) as service:
        service.thread.join(GIVE_UP_S)
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
        wait_until(lambda: len(opened_s) >= 5)
    waits = np.diff(opened_s)
    # Each wait is twice the one before; a busy machine only lengthens them.
    assert waits[3] >= 0.16


def test_what_the_sensor_drops_and_what_the_box_drops_are_told_apart(paths: Paths, store: Store) -> None:
    source = StubSource(frames=300, pause_s=0.002, lost=(100, 150, 151, 200), endless=True)
    its_parts = replace(parts(lambda: source, recording=False), camera=True)
    with running(paths, store, its_parts) as service:
        # A machine that is busy with other tests may let some go; then those are counted as its own.
        state = service.wait_until(
            lambda state: (
                state["status"] == "no-camera"
                and state["health"]["frames"] + state["camera"]["dropped_by_overload"] == 296
            )
        )
    camera = state["camera"]
    assert camera["dropped_by_sensor"] == 3
    assert state["health"]["dropped_frames"] == 3 + camera["dropped_by_overload"]


def test_a_slow_pipeline_shows_what_it_lets_go_and_its_queue_keeps_its_bound(paths: Paths, store: Store) -> None:
    source = StubSource(frames=10_000, pause_s=0.002)
    its_parts = replace(parts(lambda: source, recording=False, pause_s=0.02), camera=True)
    with running(paths, store, its_parts, lag_s=0.0) as service:
        state = service.wait_until(
            lambda state: state["status"] == "live" and state["camera"]["dropped_by_overload"] >= 200
        )
    camera = state["camera"]
    assert camera["dropped_by_sensor"] == 0
    assert camera["skipped_fps"] > camera["process_fps"]
    assert 0 < camera["waiting"] <= camera["room"] == 8


def test_a_camera_that_comes_back_goes_on_with_the_table_it_knew(paths: Paths, store: Store) -> None:
    starts = itertools.count()
    followers: list[tuple[int, StubFollower]] = []

    def follow(_: Calibration, source_id: str, feel: Feel) -> StubFollower:
        followers.append((feel.shots, StubFollower(source_id, every=2, feel=feel)))
        return followers[-1][1]

    def open_source() -> FrameSource:
        return StubSource(id=f"start-{next(starts)}", pause_s=0.002, breaks="pulled out", rounds=2)

    with running(paths, store, replace(parts(open_source, recording=False), follow=follow)):
        wait_until(lambda: len(followers) >= 4)
    begun_with = [shots for shots, _ in followers]
    learnt = [follower.feel.shots for _, follower in followers]
    assert begun_with == [0, *learnt[:-1]]
    assert begun_with[3] >= 6
