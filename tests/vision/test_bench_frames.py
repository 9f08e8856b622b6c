"""The bench's frames: what went on in each is told by the truth, and what is measured is what was promised."""

import time

import numpy as np
import pytest

from vision.bench.film import fresh, reels, take_of
from vision.bench.floor import Floor
from vision.bench.frames import FramePlan, time_frames
from vision.bench.profile import profile_play
from vision.bench.stopwatch import Lap, spread, timed
from vision.frames.source import Frame
from vision.simulate.take import Take

SIZE = (640, 360)


@pytest.fixture(scope="module")
def take() -> Take:
    return take_of(1, 5.0, SIZE, 15.0)


@pytest.fixture(scope="module")
def moments(take: Take) -> list[tuple[float, str]]:
    return [(m.frame.t_s, m.situation) for reel in reels(take, 20) for m in reel]


def reel_sizes(frames: int, most: int) -> list[int]:
    return [min(most, frames - start) for start in range(0, frames, most)]


def test_every_frame_comes_once_in_order(moments: list[tuple[float, str]]) -> None:
    times = [t_s for t_s, _ in moments]
    assert np.allclose(np.diff(times), 1 / 15)
    assert times[0] == 0


def test_play_is_from_the_strike_to_the_last_balls_rest(take: Take, moments: list[tuple[float, str]]) -> None:
    shots = take.truth()["shots"]
    assert shots
    for t_s, situation in moments:
        assert (situation == "play") == any(s["start_s"] <= t_s < s["end_s"] for s in shots)


def test_while_nothing_is_played_the_truth_says_whether_people_are_over_the_bed(
    take: Take, moments: list[tuple[float, str]]
) -> None:
    seen = {situation for _, situation in moments}
    assert seen == {"play", "people", "rest"}
    for truth, (_, situation) in zip(take.frames, moments, strict=True):
        if situation == "rest":
            assert not truth.hand
            assert all(ball.status == "still" for ball in truth.balls)


def test_fresh_planes_are_the_same_pixels_elsewhere() -> None:
    frame = Frame.from_bgr(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8), 3, 0.5)
    copy = fresh(frame)
    assert (copy.index, copy.t_s) == (3, 0.5)
    for a, b in zip((frame.y, frame.u, frame.v), (copy.y, copy.u, copy.v), strict=True):
        assert np.array_equal(a, b)
        assert not np.shares_memory(a, b)


def test_the_floor_looks_at_every_pixel_once_and_at_sixteen_regions() -> None:
    rng = np.random.default_rng(2)
    a, b = (Frame.from_bgr(rng.integers(0, 255, (360, 640, 3), dtype=np.uint8)) for _ in range(2))
    floor = Floor(640, 360)
    assert np.array_equal(floor.luma(a, b), np.abs(a.y.astype(int) - b.y.astype(int)))
    regions = floor.regions(a)
    assert [r.shape for r in regions] == [(64, 64)] * 16
    assert all(0 < np.count_nonzero(r) < r.size for r in regions)


def test_cpu_time_is_that_of_the_thread_and_waiting_shows_on_the_wall_only() -> None:
    _, lap = timed(lambda: time.sleep(0.05))
    assert lap.cpu_ms < lap.wall_ms
    assert timed(lambda: 7)[0] == 7


def test_a_spread_is_that_of_its_laps() -> None:
    laps = [Lap(float(k), 2.0 * k) for k in range(101)]
    found = spread(laps)
    assert found is not None
    assert (found.n, found.mean_ms, found.p50_ms, found.p99_ms, found.max_ms) == (101, 50, 50, 99, 100)
    assert (found.wall_mean_ms, found.wall_p99_ms) == (100, 198)
    assert spread([]) is None


@pytest.mark.slow
def test_every_frame_is_timed_once_and_the_first_second_stands_apart(
    take: Take, moments: list[tuple[float, str]]
) -> None:
    times = time_frames(FramePlan((1,), 5.0, SIZE, 15.0, reel_frames=20))
    assert (len(times.first), len(times.warming)) == (1, 14)
    for situation, laps in times.situations.items():
        assert len(laps) == sum(s == situation for t_s, s in moments if t_s >= 1.0)
    assert len(times.yardsticks.both_floors()) == sum(len(range(1, n, 5)) for n in reel_sizes(len(moments), 20))
    assert len(times.yardsticks.decode) == len(moments)


@pytest.mark.slow
def test_the_profile_counts_frames_in_play_and_finds_the_detector(moments: list[tuple[float, str]]) -> None:
    found = profile_play(FramePlan((1,), 5.0, SIZE, 15.0))
    assert found.frames == sum(s == "play" for t_s, s in moments if t_s >= 1.0)
    process = next(cost for cost in found.functions if cost.name.startswith("process (vision/pipeline.py"))
    assert process.calls == 1
    top = [stage for stage in found.stages if stage.depth == 0]
    assert sum(stage.all_ms for stage in top) <= found.frame_ms
    assert any(stage.name.partition(" ")[2].startswith("(vision/detect/") for stage in top)


def test_a_profile_without_play_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="give more --seconds"):
        profile_play(FramePlan((1,), 0.5, (320, 180), 10.0))
