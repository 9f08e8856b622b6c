"""Recorded shots sampled without pictures: what is sampled is what was played, and labels are scored fairly."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge.cli import ladder
from vision.evaluate.perfect import DEVELOPMENT_BOOKS, Perfect, Sampler, overhead, positions_at, run_perfect
from vision.evaluate.spin import Said, calibration_error, score_labels
from vision.simulate.shotbook import POTTED, load_shot_book

BOOK = load_shot_book("shotbook-7ft")
FPS = 60.0


def test_positions_at_many_times_are_those_of_the_record() -> None:
    times = np.linspace(-0.2, 6.0, 60)
    for record in BOOK.shots[::7]:
        for ball, motion in record.motions.items():
            places, on_table = positions_at(motion, times, record.physics)
            for t, place, there in zip(times, places, on_table, strict=True):
                state, true, _, _ = record.state(ball, float(t))
                assert there == (state != POTTED)
                assert place == pytest.approx(true, abs=1e-6)


@pytest.mark.parametrize("which", [0, 3, 11])
def test_a_shot_is_sampled_where_its_balls_were_with_the_noise_asked_for(which: int) -> None:
    record, strike_s, noise_in = BOOK.shots[which], 12.345, 0.04
    facts = Sampler(overhead(BOOK.table), FPS, noise_in, np.random.default_rng(1)).facts(record, strike_s)

    moved = {e.ball for e in record.events} | {e.other for e in record.events if e.kind == "ball"}
    assert {facts.names[p.ball] for p in facts.paths} <= moved | {"cue"}
    assert {facts.names[ball] for ball in facts.fates} == {e.ball for e in record.pots}
    off = []
    for path in facts.paths:
        assert path.rest_until_s is not None
        assert path.t_s[0] == path.rest_until_s
        for t, place in zip(path.t_s[1:-1], path.points_in[1:-1], strict=True):
            off.append(place - record.state(facts.names[path.ball], t - strike_s)[1])
    assert np.std(off) == pytest.approx(noise_in, rel=0.1)
    assert abs(np.mean(off)) < 0.01


@pytest.mark.slow
def test_without_noise_the_outcome_is_always_right() -> None:
    outcome = run_perfect(Perfect(("shotbook-7ft",), fps=FPS, noise_mm=0.0, passes=2))
    got = {(m.section, m.name): m for m in outcome.metrics()}
    for name in ("make or miss right", "scratch right", "potted balls and pockets right"):
        assert got["outcome", name].value == 100.0
        assert got["outcome", name].n == 2 * len(BOOK.shots)
    assert len(outcome.describe_ms) == 2 * len(BOOK.shots)


@pytest.mark.slow
def test_the_command_says_what_it_scored(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    arguments = ["evaluate", "--perfect", "--books", DEVELOPMENT_BOOKS[1], "--passes", "1", "--json", str(out)]
    result = CliRunner().invoke(ladder, arguments)
    assert result.exit_code == 0, result.output
    assert f"{len(BOOK.shots)} shots of shotbook-7ft" in result.output
    document = json.loads(out.read_text())
    assert document["books"] == ["shotbook-7ft"]
    assert {m["section"] for m in document["metrics"]} >= {"shots", "outcome", "geometry", "events", "spin"}


LABELS = [
    *[Said("draw", "draw", 0.9)] * 9,
    Said("stun", "draw", 0.9),
    *[Said("stun", "stun", 0.5)] * 2,
    *[Said("follow", "unknown", None)] * 8,
]


def test_labels_are_scored_with_and_without_the_unknown() -> None:
    got = {m.name: m for m in score_labels("spin", LABELS)}
    assert got["spin right, unknown counting as wrong"].value == pytest.approx(100 * 11 / 20)
    assert got["spin right where said"].value == pytest.approx(100 * 11 / 12)
    assert got["spin said"].value == pytest.approx(60.0)
    # The surest fourteen hold both that are right at 0.5 and two that are unknown.
    assert got["spin right on the surest 70%"].value == pytest.approx(100 * 11 / 14)
    assert got["spin right on the surest 70%"].n == 14
    assert got["spin, the commonest label always"].value == pytest.approx(45.0)


def test_probabilities_that_hold_have_no_calibration_error() -> None:
    # Ten at 0.9 of which nine are right, two at 0.5 of which both are.
    assert calibration_error(LABELS[:10]) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(LABELS[:12]) == pytest.approx(100 * 2 * 0.5 / 12)
    assert calibration_error([Said("draw", "draw", None)]) is None
