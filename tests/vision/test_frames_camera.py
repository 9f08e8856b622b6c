"""Times of a live camera's frames, and those that never came, from stamps alone."""

import numpy as np
import pytest

from vision.frames.camera import FrameTimes


def missing_of(stamps_s: np.ndarray, fps: float = 60.0, smooth: bool = False) -> tuple[list[int], list[float]]:
    times = FrameTimes(fps, smooth=smooth)
    told = [times.see(float(s)) for s in stamps_s]
    return [one.missing for one in told], [one.t_s for one in told]


def test_an_even_stream_misses_nothing() -> None:
    missing, times = missing_of(1e6 + np.arange(5000) / 60)
    assert sum(missing) == 0
    assert times == pytest.approx(list(1e6 + np.arange(5000) / 60))


@pytest.mark.parametrize("rate", [58.5, 59.94, 61.0])
def test_a_rate_a_little_off_the_nominal_misses_nothing(rate: float) -> None:
    missing, _ = missing_of(7.0 + np.arange(20_000) / rate)
    assert sum(missing) == 0


@pytest.mark.parametrize("seed", range(5))
def test_gaps_are_counted_exactly_under_jitter(seed: int) -> None:
    random = np.random.default_rng(seed)
    there = random.random(3000) > 0.03
    there[:40] = there[-1] = True
    ticks = np.flatnonzero(there)
    stamps = 3.0 + ticks / 60 + random.uniform(-0.005, 0.005, len(ticks))
    missing, _ = missing_of(stamps)
    assert sum(missing) == 3000 - len(ticks)
    assert [m for m in missing if m] == [int(gap) - 1 for gap in np.diff(ticks) if gap > 1]


def test_a_long_gap_is_counted() -> None:
    ticks = np.r_[0:100, 400:500]
    missing, _ = missing_of(ticks / 60)
    assert {i: m for i, m in enumerate(missing) if m} == {100: 300}


def test_a_late_stamp_costs_one_frame_at_most_and_hides_none_after_it() -> None:
    stamps = np.arange(300) / 60
    stamps[150] += 0.014  # nearly a whole period late, as when an interrupt is held up
    stamps = np.delete(stamps, 200)
    missing, _ = missing_of(stamps)
    assert missing[200] == 1
    assert sum(missing) <= 2


def test_another_steady_rate_is_believed_and_said() -> None:
    times = FrameTimes(60.0)
    missing = [times.see(i / 30).missing for i in range(400)]
    assert sum(missing[:90]) > 80, "until it is sure, frames count as missing"
    assert sum(missing[100:]) == 0
    assert times.fps == pytest.approx(30.0, rel=0.01)
    assert times.warning is not None
    assert "gives 30.0 pictures a second, not the 60.0" in times.warning


def test_smoothed_times_are_nearer_the_truth_than_their_stamps() -> None:
    random = np.random.default_rng(3)
    true = np.arange(2000) / 59.94
    _, times = missing_of(true + random.exponential(0.001, 2000), smooth=True)
    off = np.array(times)[100:] - true[100:]
    assert np.std(off) < 0.0003, "the stamps are off by 1 ms"
    assert (np.diff(times) > 0).all()


def test_a_clock_that_jumps_back_begins_anew_and_times_still_grow() -> None:
    missing, times = missing_of(np.r_[100 + np.arange(50) / 60, np.arange(50) / 60], smooth=True)
    assert sum(missing) == 0
    assert (np.diff(times) > 0).all()
