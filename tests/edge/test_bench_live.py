"""The live soak: every frame is accounted for, and an overload is counted, shown and bounded.

Small pictures and a follower made for the test: what is promised here must hold on any machine, so counts are
compared, never times. The figures for the real pipeline at 1080p come from running `ladder bench --live`.
"""

import time

import numpy as np
import pytest

from calibration.file import Calibration
from edge.bench.live import Soak, measure_live
from edge.bench.replay import DRIVER_BUFFERS, Clip, ReplayCamera, draw_clip, there_and_back
from vision.balls import BallSet, ball_sets
from vision.feel import Feel
from vision.frames.source import Frame
from vision.model import Health, Seen, Shot
from vision.quality import NOTHING


@pytest.fixture(scope="module")
def clip() -> Clip:
    return draw_clip((320, 180), 60.0, 0.5, seed=1)


class Quick:
    """Sees nothing, at once."""

    def __init__(
        self,
        calibration: Calibration,  # noqa: ARG002
        ball_set: BallSet | None,  # noqa: ARG002
        source_id: str,  # noqa: ARG002
        feel: Feel,
    ) -> None:
        self.ball_set = ball_sets()["american"]
        self.feel = feel
        self.quality = NOTHING
        self._frames = 0
        self._missing = 0

    def process(self, frame: Frame) -> Seen:
        self._frames += 1
        self._missing += frame.missing
        return Seen(frame.index, frame.t_s, "still", ())

    def finish(self) -> tuple[Shot, ...]:
        return ()

    @property
    def health(self) -> Health:
        return Health(frames=self._frames, dropped_frames=self._missing)


def test_a_clip_is_shown_there_and_back_without_a_jump() -> None:
    shown = [there_and_back(tick, 4) for tick in range(12)]
    assert shown == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]


def test_frames_come_in_their_time_and_those_nobody_fetched_are_counted(clip: Clip) -> None:
    camera = ReplayCamera(clip, 60)
    missing = 0
    for frame in camera:
        missing += frame.missing
        assert frame.t_s == pytest.approx((frame.index + missing) / 60)
        if frame.index == 5:
            time.sleep((DRIVER_BUFFERS + 10) / 60)
        if frame.index + missing == 59:
            camera.close()
    assert missing >= 8, "the driver keeps six, the others are lost"
    assert camera.finished.is_set()


@pytest.mark.slow
def test_every_frame_is_accounted_for_and_shown_while_people_use_the_kiosk(clip: Clip) -> None:
    report = measure_live(Soak(seconds=2.0, listeners=2), clip, Quick)
    assert report.due == 120
    assert report.unaccounted == 0
    # Health is told twice a second: the count shown last is at most so many frames old.
    assert 0 <= report.followed - report.state["health"]["frames"] <= report.fps
    assert report.most_waiting <= report.room
    assert min(report.heard.live_events) > 0
    assert report.heard.pages > 0
    assert report.heard.errors == []


@pytest.mark.slow
def test_an_overload_is_counted_shown_and_bounded(clip: Clip) -> None:
    report = measure_live(Soak(seconds=3.0, listeners=1, slow_s=0.05), clip, Quick)
    assert report.unaccounted == 0
    # 50 ms a frame is a third of what comes, or less on a busy machine.
    assert report.dropped_by_overload > 0.5 * report.due
    assert report.state["camera"]["dropped_by_overload"] == report.dropped_by_overload
    assert report.state["health"]["dropped_frames"] >= report.dropped_by_overload
    assert report.room == 8
    assert report.most_waiting <= report.room
    assert "overloaded" in report.heard.statuses
    # Were frames kept, 100 of them would be 9 MB; a few are let in while others leave.
    frame_mb = sum(plane.nbytes for plane in (clip.frames[0].y, clip.frames[0].u, clip.frames[0].v)) / 1e6
    assert report.memory_growth_mb < 0.5 * report.dropped_by_overload * frame_mb


def test_a_follower_that_fails_is_said(clip: Clip) -> None:
    class Failing(Quick):
        def process(self, frame: Frame) -> Seen:  # noqa: ARG002
            raise ZeroDivisionError("a mistake in the pipeline")

    with pytest.raises(RuntimeError, match="the vision service failed: a mistake in the pipeline"):
        measure_live(Soak(seconds=2.0, listeners=0), clip, Failing)


def test_frames_of_a_clip_are_its_own(clip: Clip) -> None:
    assert not np.shares_memory(clip.frames[0].y, clip.frames[1].y)
    assert clip.size_px == (320, 180)
