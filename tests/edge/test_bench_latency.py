"""From the pipeline's hands into the store: every shot is stored, and its time is that of the commit."""

import threading
from pathlib import Path

import pytest

from calibration.file import Calibration
from edge.bench.latency import Shelf, shelf, waits
from edge.store.database import Store
from edge.store.shots import recent_shots
from vision.bench.delays import Delay, Handed
from vision.model import Shot
from vision.simulate.source import SimulatedTable

SIZE = (320, 180)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return SimulatedTable(size=SIZE).calibration


def handed(calibration: Calibration, number: int) -> Handed:
    shot = Shot(f"sim-1-0@{number}", float(number), "make", scratch=False)
    return Handed("sim-1-0", calibration, shot, number + 3.0, number + 3.01, "tv")


def test_every_shot_is_stored_with_its_source_and_timed(tmp_path: Path, calibration: Calibration) -> None:
    kept = Shelf(tmp_path, 60.0, SIZE)
    for number in range(20):
        kept.add(handed(calibration, number))
    times = kept.close()
    assert list(times) == [f"sim-1-0@{n}" for n in range(20)]
    assert all(seconds > 0 for seconds in times.values())
    with Store(tmp_path / "ladder.db") as store, store.read() as conn:
        assert {(s.shot.id, s.source_id, s.ball_set) for s in recent_shots(conn, 100)} == {
            (shot_id, "sim-1-0", "tv") for shot_id in times
        }


def test_the_time_ends_with_the_commit(tmp_path: Path, calibration: Calibration) -> None:
    kept = Shelf(tmp_path, 60.0, SIZE)
    held_s = 0.3
    with Store(tmp_path / "ladder.db") as other, other.write():
        kept.add(handed(calibration, 1))
        threading.Event().wait(held_s)
    assert list(kept.close().values()) > [held_s]


def test_a_shot_that_is_not_stored_is_no_figure(tmp_path: Path, calibration: Calibration) -> None:
    kept = Shelf(tmp_path, 60.0, SIZE)
    broken = handed(calibration, 1)
    broken.shot.layout_start["cue"] = (float("nan"), 0.0)
    kept.add(broken)
    with pytest.raises(RuntimeError, match="1 shots were handed on, 1 of them are not stored"):
        kept.close()


def test_the_folder_is_gone_afterwards(calibration: Calibration) -> None:
    with shelf(60.0, SIZE) as kept:
        kept.add(handed(calibration, 1))
        folder = kept.folder
        kept.close()
    assert not folder.exists()


def test_what_is_waited_for_is_the_sum_of_its_parts() -> None:
    found = [Delay("a", 0.1, 0.01), Delay("b", 0.2, 0.03)]
    total, seen, work, write = waits(found, {"a": 0.005, "b": 0.001, "amended": 9.0})
    assert total.max_ms == pytest.approx(231)
    assert (seen.max_ms, work.max_ms, write.max_ms) == pytest.approx((200, 30, 5))
    assert {wait.n for wait in (total, seen, work, write)} == {2}


def test_without_shots_there_are_no_figures() -> None:
    assert [(wait.n, wait.p50_ms) for wait in waits([], {})] == [(0, None)] * 4
