"""The table learnt from its shots, its condition in words, and how well the box saw."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vision.condition import condition
from vision.evaluate.perfect import Sampler, overhead
from vision.facts import Facts, describe_fully
from vision.feel import USUAL, Estimate, Feel, Observation, Observations, feel_from_json
from vision.motion import Path
from vision.quality import Quality
from vision.simulate.shotbook import load_shot_book

BOOK = load_shot_book("shotbook-7ft")


def facts_of(which: int, seed: int = 0) -> Facts:
    sampler = Sampler(overhead(BOOK.table), 60.0, 0.02, np.random.default_rng([seed, which]))
    return sampler.facts(BOOK.shots[which], 1.01)


def learnt(shots: int) -> Feel:
    feel = USUAL
    for which in range(shots):
        feel = describe_fully(replace(facts_of(which), feel=feel)).feel
    return feel


def rolled(which: int, tilt: tuple[float, float]) -> Facts:
    """A ball that rolls slowly over a tilted table: friction along its way, 5/7 of gravity's pull."""
    rng = np.random.default_rng(which)
    angle, noise_in = rng.uniform(0, 2 * np.pi), 0.02
    velocity = rng.uniform(8, 14) * np.array([np.cos(angle), np.sin(angle)])
    place, places = np.array([38.0, 19.0]), []
    for step in range(900):
        if step % 10 == 0:
            places.append(place + rng.normal(0, noise_in, 2))
        friction = 0.01 * 386.09 * velocity / np.hypot(*velocity)
        velocity = velocity + (5 / 7 * 386.09 * np.array(tilt) - friction) / 600
        place = place + velocity / 600
    frames = np.arange(len(places))
    path = Path(0, 1.0 + frames / 60, frames, np.array(places), None, None)
    return replace(facts_of(0), paths=[path], fates={}, names={0: "cue"}, layout_start={}, layout_end={})


def test_a_table_s_friction_is_learnt_from_its_shots() -> None:
    feel = learnt(25)
    assert feel.shots == 25
    assert feel.sliding.value == pytest.approx(BOOK.physics.sliding_friction, rel=0.06)
    assert feel.rolling.value == pytest.approx(BOOK.physics.rolling_friction, rel=0.04)
    assert abs(feel.sliding.value - BOOK.physics.sliding_friction) < 3 * feel.sliding.sd
    # The recorder's cushions keep 0.82.
    assert feel.rail.value == pytest.approx(0.82, abs=0.04)
    assert abs(feel.tilt_x.value) < 3e-4
    assert abs(feel.tilt_y.value) < 3e-4
    assert condition(feel).warnings == ()


@pytest.mark.parametrize("tilt", [(0.0, 0.0015), (-0.0015, 0.0)])
def test_a_table_that_is_not_level_is_noticed_and_which_way(tilt: tuple[float, float]) -> None:
    feel = replace(USUAL, shots=20)
    for which in range(25):
        feel = describe_fully(replace(rolled(which, tilt), feel=feel)).feel
    assert (feel.tilt_x.value, feel.tilt_y.value) == pytest.approx(tilt, abs=3e-4)
    warnings = condition(feel).warnings
    towards = "left" if tilt[1] else "head"
    assert any("not level" in w and f"towards the {towards} rail" in w for w in warnings)


def test_one_wild_observation_does_not_carry_it_away() -> None:
    feel = learnt(10)
    wild = feel.told(Observations(sliding=[Observation(0.9, 0.01)]))
    assert abs(wild.sliding.value - feel.sliding.value) < 4 * feel.sliding.sd


def test_it_is_kept_as_json() -> None:
    feel = learnt(5)
    assert feel_from_json(json.loads(json.dumps(feel.to_json()))) == feel
    with pytest.raises(ValueError, match="format 99"):
        feel_from_json({"format": 99})
    with pytest.raises(ValueError, match="no table's feel"):
        feel_from_json({"format": 1})


@pytest.mark.parametrize(
    "spoilt",
    [
        {"rolling": {"value": float("nan"), "sd": 0.001}},
        {"rolling": {"value": "0.01", "sd": 0.001}},
        {"tilt_x": {"value": 0.0, "sd": 0.0}},
        {"rails": {"top": {"value": 0.8, "sd": 0.01}}},
        {"rails": []},
        {"rails": None},
        {"shots": -1},
        {"shots": "many"},
    ],
)
def test_what_was_not_written_by_it_is_no_feel(spoilt: dict[str, Any]) -> None:
    sound = replace(USUAL, rails=RAILS, shots=9).to_json()  # type: ignore[arg-type]
    assert feel_from_json(sound).shots == 9
    with pytest.raises(ValueError, match=r"."):
        feel_from_json(sound | spoilt)


KNOWN = replace(USUAL, shots=200, rolling=Estimate(0.010, 0.0002), sliding=Estimate(0.2, 0.005))
RAILS = {name: Estimate(0.82, 0.01) for name in ("head", "foot", "left", "right")}


def test_warnings_come_with_evidence_only() -> None:
    assert condition(replace(KNOWN, shots=3)).warnings == ()
    assert "3 of 20" in condition(replace(KNOWN, shots=3)).report[0]
    slow = replace(KNOWN, rolling=Estimate(0.018, 0.0005))
    assert "slow" in condition(slow).warnings[0]
    assert condition(replace(slow, rolling=Estimate(0.018, 0.004))).warnings == ()
    dead = replace(KNOWN, rails=RAILS | {"foot": Estimate(0.65, 0.015)})  # type: ignore[arg-type]
    assert "foot rail is dead" in condition(dead).warnings[0]
    unsure = replace(KNOWN, rails=RAILS | {"foot": Estimate(0.65, 0.06)})  # type: ignore[arg-type]
    assert condition(unsure).warnings == ()


def test_a_table_whose_rails_nobody_played_says_so() -> None:
    assert "No rail was played yet." in condition(KNOWN).report
    assert any("foot 0.82 ± 0.01" in line for line in condition(replace(KNOWN, rails=RAILS)).report)  # type: ignore[arg-type]


def test_quality_adds_up_and_says_what_is_bad() -> None:
    qualities = [describe_fully(facts_of(which)).quality for which in range(8)]
    total = sum(qualities, Quality())
    assert total.shots == 8
    assert total.balls >= 16
    assert total.lost == 0
    assert total.mean_scatter_mm == pytest.approx(0.02 * 25.4, rel=0.15)
    assert total.warnings() == ()
    assert "8 shots" in total.in_words()


def test_sight_as_sharp_as_can_be_is_not_blamed_for_what_balls_do() -> None:
    total = Quality()
    for which in range(10):
        sampler = Sampler(overhead(BOOK.table), 60.0, 0.01, np.random.default_rng([0, which]))
        total += describe_fully(sampler.facts(BOOK.shots[which], 1.01)).quality
    assert total.mean_scatter_mm < 0.4
    assert total.warnings() == ()


def test_balls_out_of_sight_and_lost_are_told() -> None:
    total = Quality()
    for which in range(8):
        facts = facts_of(which)
        thinned = []
        for path in facts.paths:
            keep = np.random.default_rng(which).random(len(path.t_s)) > 0.3
            keep[[0, -1]] = True
            thinned.append(
                replace(
                    path,
                    t_s=path.t_s[keep],
                    frames=path.frames[keep],
                    points_in=path.points_in[keep],
                    rested=False,
                )
            )
        total += describe_fully(replace(facts, paths=thinned, fates={})).quality
    words = " ".join(total.warnings())
    assert "out of sight" in words
    assert "were lost" in words
