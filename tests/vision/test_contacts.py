"""What the balls of recorded shots met, when, and what that makes of the cut and the speed: also badly seen."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from vision.evaluate.perfect import Sampler, overhead
from vision.facts import Facts, describe
from vision.model import Shot
from vision.motion import Path
from vision.simulate.shotbook import ShotRecord, load_shot_book

Array = NDArray[np.float64]
BOOK = load_shot_book("shotbook-7ft")
SHOTS = [s for s in BOOK.shots if s.intent != "break" and s.first_contact is not None]
STRIKE_S = 2.0071


def facts_of(shot: ShotRecord, fps: float = 60.0, noise_in: float = 0.03) -> Facts:
    sampler = Sampler(overhead(BOOK.table), fps, noise_in, np.random.default_rng([7, shot.rack, shot.number]))
    return sampler.facts(shot, STRIKE_S)


def thinned(path: Path, share: float, seed: int) -> Path:
    """The path without a share of its sights, its ends kept."""
    keep = np.random.default_rng(seed).random(len(path.t_s)) >= share
    keep[[0, -1]] = True
    return replace(path, t_s=path.t_s[keep], frames=path.frames[keep], points_in=path.points_in[keep])


def shares_right(shots: list[tuple[ShotRecord, Shot]], fps: float) -> tuple[float, float, float]:
    """F1 within one frame of cushions, and of contacts of two balls; the share of first contacts right."""
    hits, counts, first = np.zeros(2), np.zeros(2), 0
    for record, shot in shots:
        seen = [(frozenset((c.ball, c.rail)), c.t_s) for c in shot.cushions]
        seen_balls = [(frozenset((c.ball, c.other)), c.t_s) for c in shot.contacts]
        for k, (kind, told) in enumerate((("cushion", seen), ("ball", seen_balls))):
            true = [(frozenset((e.ball, e.other)), STRIKE_S + e.t_s) for e in record.events if e.kind == kind]
            left = list(told)
            for what, t in true:
                match = next((x for x in left if x[0] == what and abs(x[1] - t) <= 1 / fps + 1e-3), None)
                if match is not None:
                    left.remove(match)
                    hits[k] += 1
            counts[k] += len(true) + len(told)
        contact = record.first_contact
        assert contact is not None
        first += shot.first_contact is not None and shot.first_contact.ball == contact.other
    cushion, ball = 2 * hits / counts
    return float(cushion), float(ball), first / len(shots)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_contacts_of_recorded_shots_are_found(fps: float) -> None:
    cushion, ball, first = shares_right([(s, describe(facts_of(s, fps))) for s in SHOTS], fps)
    assert cushion > 0.9
    assert ball > 0.8
    assert first > 0.9


@pytest.mark.slow
def test_one_sight_in_five_missing_costs_little() -> None:
    said = []
    for shot in SHOTS:
        facts = facts_of(shot)
        paths = [thinned(p, 0.2, p.ball) for p in facts.paths]
        said.append((shot, describe(replace(facts, paths=paths))))
    cushion, ball, first = shares_right(said, 60.0)
    assert cushion > 0.85
    assert ball > 0.75
    assert first > 0.9


@pytest.mark.slow
def test_cut_and_speed_are_right_and_as_sure_as_they_say() -> None:
    cuts, speeds, z = [], [], []
    for record in SHOTS:
        shot = describe(facts_of(record))
        assert record.cut_angle_deg is not None
        if shot.cut_angle_deg is not None:
            cuts.append(abs(shot.cut_angle_deg - record.cut_angle_deg))
            z.append(cuts[-1] / shot.uncertainty["cut_angle_deg"])
        if shot.cue_speed_mph is not None:
            speeds.append(abs(shot.cue_speed_mph / record.cue_speed_mph - 1))
    assert len(cuts) > 0.9 * len(SHOTS)
    assert len(speeds) > 0.9 * len(SHOTS)
    assert np.mean(cuts) < 1.5
    assert np.mean(speeds) < 0.02
    assert 0.5 < np.median(z) / 0.6745 < 1.6


def test_a_recording_that_begins_in_the_middle_of_a_stroke_is_described() -> None:
    for record in SHOTS[:12]:
        facts = facts_of(record)
        contact = record.first_contact
        assert contact is not None
        start_s = STRIKE_S + 0.5 * contact.t_s
        late = []
        for path in facts.paths:
            inside = path.t_s >= start_s
            if inside.sum() < 2:
                continue
            rest = path.rest_in if path.rest_until_s is not None and path.rest_until_s >= start_s else None
            late.append(
                replace(
                    path,
                    t_s=path.t_s[inside],
                    frames=path.frames[inside],
                    points_in=path.points_in[inside],
                    rest_in=rest,
                    rest_until_s=path.rest_until_s if rest else None,
                )
            )
        shot = describe(replace(facts, paths=late, complete=False))
        assert shot.cue_speed_mph is None
        assert shot.start_s >= start_s - 0.2


def test_nothing_and_next_to_nothing_are_no_error() -> None:
    facts = facts_of(SHOTS[0])
    one = facts.paths[0]
    short = replace(one, t_s=one.t_s[:2], frames=one.frames[:2], points_in=one.points_in[:2], rested=False)
    for paths in ([short], [replace(short, points_in=short.points_in * 0 + 20.0)]):
        shot = describe(replace(facts, paths=paths, fates={}))
        assert shot.cut_angle_deg is None
        assert shot.spin.vertical.label == "unknown"
