"""How late a shot came: by the pictures' clock, whatever else the machine did."""

import pytest

from calibration.file import Calibration
from vision.bench.delays import Clock, Handed, Rest, delays
from vision.bench.stopwatch import Lap
from vision.model import Shot
from vision.simulate.source import SimulatedTable


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return SimulatedTable(size=(320, 180)).calibration


def handed(calibration: Calibration, start_s: float, frame_s: float, source: str = "a") -> Handed:
    shot = Shot(f"{source}@{start_s}", start_s, "make", scratch=False)
    return Handed(source, calibration, shot, frame_s, frame_s + 0.01, "american")


def test_a_thread_that_keeps_up_is_done_with_each_frame_when_its_time_is_over() -> None:
    clock = Clock()
    assert [clock.done_s(k / 10, Lap(50, 500)) for k in range(3)] == pytest.approx([0.05, 0.15, 0.25])


def test_a_thread_that_is_too_slow_falls_behind_and_catches_up_in_a_lull() -> None:
    clock = Clock()
    assert [clock.done_s(k / 10, Lap(150, 0)) for k in range(3)] == pytest.approx([0.15, 0.30, 0.45])
    assert clock.done_s(2.0, Lap(150, 0)) == pytest.approx(2.15)


def test_a_delay_counts_from_the_true_rest(calibration: Calibration) -> None:
    (found,) = delays([handed(calibration, 3.1, 6.2)], [Rest("a", 3.0, 6.0)])
    assert found.seen_s == pytest.approx(0.2)
    assert found.work_s == pytest.approx(0.01)


def test_a_shot_is_matched_by_its_start_in_its_own_source(calibration: Calibration) -> None:
    rests = [Rest("a", 3.0, 6.0), Rest("a", 13.0, 16.0), Rest("b", 3.0, 5.0)]
    shots = [
        handed(calibration, 13.15, 16.4),
        handed(calibration, 3.5, 6.1),
        handed(calibration, 3.0, 5.3, "b"),
    ]
    assert [d.shot_id for d in delays(shots, rests)] == ["a@13.15", "b@3.0"]


def test_a_shot_handed_on_too_early_has_a_negative_delay(calibration: Calibration) -> None:
    (found,) = delays([handed(calibration, 3.0, 5.0)], [Rest("a", 3.0, 6.0)])
    assert found.seen_s == -1
