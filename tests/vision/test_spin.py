"""Spin from paths: a rail's rebound, draw, stun, follow and english of recorded strokes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vision.evaluate.perfect import Sampler, overhead
from vision.facts import describe
from vision.model import Shot
from vision.rail import into, rebound_matrix, side_spin
from vision.simulate.shotbook import ShotBook, ShotRecord, load_shot_book
from vision.touch import rails

Array = NDArray[np.float64]
BOOK = load_shot_book()


def state(shot: ShotRecord, ball: str, t_s: float, turn: Array) -> Array:
    """(v_n, v_t, u_n, u_t, w) of a ball."""
    _, _, v, w = shot.state(ball, t_s)
    R = shot.physics.radius_in
    return np.concatenate([turn @ v, turn @ (R * np.array([w[1], -w[0]])), [R * w[2]]])


def test_a_rebound_is_that_of_the_recorded_engine() -> None:
    """The closed form against pooltool's own cushion, recorded with e = 0.85."""
    M, checked = rebound_matrix(0.85), 0
    by_name = {rail.name: rail for rail in rails(BOOK.table)}
    for shot in BOOK.shots[:60]:
        for e in shot.events:
            if e.kind != "cushion" or any(o is not e and abs(o.t_s - e.t_s) < 1e-3 for o in shot.events):
                continue
            rail = by_name[e.other]  # type: ignore[index]
            normal = np.zeros(2)
            normal[rail.axis] = rail.outward
            before, after = (state(shot, e.ball, e.t_s + dt, into(normal)) for dt in (-2e-5, 2e-5))
            if before[0] < 5:
                continue
            assert M @ before == pytest.approx(after, abs=0.01 * float(np.abs(before).max()) + 0.1)
            w, _ = side_spin(before[:2], after[:2], before[2:4])
            assert w == pytest.approx(before[4], abs=0.02 * float(np.abs(before).max()) + 0.5)
            checked += 1
    assert checked > 100


def described(shot: ShotRecord, book: ShotBook = BOOK, noise_in: float = 0.02, seed: int = 0) -> Shot:
    sampler = Sampler(overhead(book.table), 60.0, noise_in, np.random.default_rng(seed))
    return describe(sampler.facts(shot, 1.0123))


def strokes(low: float, high: float) -> list[ShotRecord]:
    """Pots of the book whose cue ball comes to its contact with such a ratio and goes on freely for a while."""
    found = []
    for shot in BOOK.shots:
        contact = shot.first_contact
        if contact is None or shot.intent != "pot" or contact.t_s < 0.1:
            continue
        free = all(
            abs(e.t_s - contact.t_s) > 0.25 or e.t_s == contact.t_s
            for e in shot.events
            if "cue" in (e.ball, e.other)
        )
        _, _, v, w = shot.state("cue", contact.t_s - 1e-5)
        ratio = shot.physics.radius_in * float(w[1] * v[0] - w[0] * v[1]) / float(v @ v)
        if free and low < ratio < high:
            found.append(shot)
    return found[:12]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("low", "high", "label"), [(-1.5, -0.4, "draw"), (-0.1, 0.1, "stun"), (0.5, 1.2, "follow")]
)
def test_clear_strokes_are_told(low: float, high: float, label: str) -> None:
    chosen = strokes(low, high)
    assert len(chosen) >= 3
    said = [described(shot).spin.vertical for shot in chosen]
    assert sum(v.label == label for v in said) >= len(said) - (len(said) > 6)
    assert all(v.confidence is None or 0.33 < v.confidence <= 1 for v in said)


def test_english_turns_over_in_a_mirror() -> None:
    shots = [s for s in BOOK.shots if abs(s.strike.side) > 0.2 and any(e.kind == "cushion" for e in s.events)][:8]
    opposite = {"left": "right", "right": "left", "none": "none", "unknown": "unknown"}
    plain = [described(s, noise_in=0.0).spin.side.label for s in shots]
    mirrored = [described(s.mirrored(BOOK.table.width_in), noise_in=0.0).spin.side.label for s in shots]
    assert sum(opposite[a] == b for a, b in zip(plain, mirrored, strict=True)) >= len(shots) - 1
    assert sum(label in ("left", "right") for label in plain) >= 4


def test_without_a_contact_or_a_rebound_nothing_is_said() -> None:
    alone = next(s for s in BOOK.shots if s.first_contact is None)
    assert described(alone).spin.vertical.label == "unknown"
    no_rail = next(s for s in BOOK.shots if not any(e.kind == "cushion" and e.ball == "cue" for e in s.events))
    assert described(no_rail).spin.side.label == "unknown"
