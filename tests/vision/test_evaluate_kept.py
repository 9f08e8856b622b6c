"""Results kept seed by seed: read as written, never mixed with another plan's, gone on with where broken off."""

from dataclasses import replace
from pathlib import Path

import pytest

from vision.evaluate import simulated
from vision.evaluate.kept import Kept
from vision.evaluate.plan import Plan
from vision.evaluate.result import SeedResult
from vision.evaluate.simulated import run
from vision.files import FileError

PLAN = Plan((2, 4), shots=1, fps=8, size=(320, 180), every=16, pace="brisk")


def test_a_plan_lasts_some_seconds_or_some_shots() -> None:
    with pytest.raises(ValueError, match="give one of both"):
        Plan((1,))
    with pytest.raises(ValueError, match="give one of both"):
        Plan((1,), 60.0, 3)


def test_balls_are_scored_twice_a_second_unless_told_otherwise() -> None:
    assert replace(PLAN, fps=60, every=None).stride == 30
    assert replace(PLAN, fps=60, every=7).stride == 7
    assert replace(PLAN, fps=60, every=None).fingerprint() == replace(PLAN, fps=60, every=30).fingerprint()


def test_what_a_seed_s_result_depends_on_makes_another_fingerprint() -> None:
    others = [
        replace(PLAN, shots=2),
        replace(PLAN, shots=None, seconds=1.0),
        replace(PLAN, fps=9),
        replace(PLAN, size=(640, 360)),
        replace(PLAN, every=2),
        replace(PLAN, pace="usual"),
    ]
    assert len({plan.fingerprint() for plan in (PLAN, *others)}) == 1 + len(others)
    assert replace(PLAN, seeds=(3,)).fingerprint() == PLAN.fingerprint()


@pytest.mark.slow
def test_what_was_broken_off_goes_on_and_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []

    def tell(seed: SeedResult, done: int) -> None:
        told.append((seed.seed, done))
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(PLAN, 1, tell, Kept(tmp_path, PLAN))
    whole = run(PLAN, 1, tell, Kept(tmp_path, PLAN))
    assert told == [(2, 1), (4, 2)]
    assert [seed.seed for seed in whole.seeds] == [2, 4]
    assert whole.shots_played == 2

    # A third time nothing is left to be followed, and every figure is as it was.
    monkeypatch.delattr(simulated, "run_seed")
    again = run(PLAN, 1, tell, Kept(tmp_path, PLAN))
    assert again.metrics() == whole.metrics()
    assert again.baseline() == whole.baseline()
    assert len(told) == 2


def test_another_plan_s_results_are_left_alone(tmp_path: Path) -> None:
    result = SeedResult.from_json(EMPTY)
    Kept(tmp_path, PLAN).write(result)
    assert Kept(tmp_path, PLAN).read(2) == result
    assert Kept(tmp_path, PLAN).read(4) is None
    assert Kept(tmp_path, replace(PLAN, fps=9)).read(2) is None


def test_a_damaged_result_is_said_and_not_taken(tmp_path: Path) -> None:
    kept = Kept(tmp_path, PLAN)
    kept.write(SeedResult.from_json(EMPTY))
    (path,) = kept.folder.glob("seed-*")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileError, match="delete it, and its seed is evaluated again"):
        kept.read(2)


def test_a_folder_that_can_t_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="can't be made"):
        Kept(tmp_path / "file", PLAN)


EMPTY = {
    "seed": 2,
    "frames": 0,
    "sampled": 0,
    "seconds": 0.0,
    "cpu_s": 0.0,
    "stretches": [],
    "paths": {},
    "truth": {"shots": []},
    "shots": [],
    "spreads_mm": [],
    "play_ms": [],
    "rest_ms": [],
    "plain_ms": [],
    "delays_s": [],
}
