"""The vision service with a camera and a pipeline made for the test, a real store and real files."""

import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from vision_rig import PICTURE, StubFollower, StubSource, parts, running

from calibration.file import Calibration, CalibrationError
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import QUEUE_SHOTS, ShotWriter
from edge.runtime.vision_service import VisionService
from edge.store.database import Store
from edge.store.shots import recent_shots
from vision.feel import USUAL, Feel, feel_from_json
from vision.frames.source import Frame, FrameSource
from vision.model import Seen


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
                told = service.wait_until(lambda state: state["writer"]["waiting"])["writer"]
                assert (told["room"], told["stored"], told["refused"]) == (QUEUE_SHOTS, 0, 0)
            service.wait_for("live", "The table is watched.")
            service.wait_until(lambda state: state["writer"]["stored"] and not state["writer"]["waiting"])
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
        state = service.wait_until(lambda state: state["status"] == "no-camera" and state["feel"]["shots"] == 2)
    assert state["quality"]["shots"] == 2
    assert state["quality"]["unseen_share"] == pytest.approx(0.03)
    assert "2 of 20 shots" in state["condition"]["report"][0]
    kept = kept_feels(paths)["the test's camera"]
    assert kept == feel_from_json(state["feel"])
    assert kept.rolling.value > USUAL.rolling.value
    paths.live_json.unlink()
    later = StubSource(id="later", frames=8, endless=True)
    with running(paths, store, parts(lambda: later, recording=False, every=4)) as service:
        state = service.wait_until(lambda state: state["status"] == "no-camera" and state["feel"]["shots"] == 4)
    assert state["quality"]["shots"] == 2, "the eye's figures begin anew"
    assert kept_feels(paths)["the test's camera"].shots == 4


def test_a_recording_teaches_nothing_that_is_kept(paths: Paths, store: Store) -> None:
    with running(paths, store, parts(lambda: StubSource(frames=8), recording=False, every=2)) as service:
        service.wait_until(lambda state: state["status"] == "no-camera" and state["feel"]["shots"] >= 4)
    before = kept_feels(paths)
    assert before["the test's camera"].shots >= 4
    # Even one whose name is the camera's, seen by the same calibration.
    paths.live_json.unlink()
    with running(paths, store, parts(lambda: StubSource(frames=8, rounds=2, pause_s=0.002), every=2)) as service:
        state = service.wait_for("ended")
    assert 0 < state["feel"]["shots"] <= 4, "each pass begins with a usual table"
    assert kept_feels(paths) == before


@pytest.mark.slow
def test_the_table_is_kept_though_its_shots_can_not_be_stored(paths: Paths, path: Path) -> None:
    source = StubSource(frames=8, endless=True)
    with Store(path, busy_timeout_s=0.02) as store, Store(path) as other, other.write():
        with running(paths, store, parts(lambda: source, recording=False, every=4)) as service:
            service.wait_until(lambda state: state["status"] == "no-camera" and state["feel"]["shots"] == 2)
        assert service.unstored == 3
    assert kept_feels(paths)["the test's camera"].shots == 2
