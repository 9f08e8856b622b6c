"""The slide-and-roll fit gives back what a ball did, with an uncertainty that holds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vision.feel import USUAL
from vision.motion import GRAVITY_IN_S2
from vision.simulate.shotbook import SLIDING as BOOK_SLIDING
from vision.simulate.shotbook import load_shot_book
from vision.slide import ROLL, ROLLING, SIZE, SLIDING, SPEED, Fitted, Legs, fit, motion, roll, slide_time
from vision.start import Start, with_cloth

Array = NDArray[np.float64]
FPS = 60.0


def legs_with(noise_in: float, seed: int, count: int = 120, sights: int = 45) -> tuple[Legs, Array]:
    """Legs of balls that a contact at time 0 left sliding in all ways, and their true parameters."""
    rng = np.random.default_rng(seed)
    truth, guess = np.zeros((count, SIZE)), np.zeros((count, SIZE))
    prior = np.zeros((count, SIZE, SIZE))
    for s in range(count):
        velocity = rng.normal(0, 60, 2)
        start = Start(0.0, rng.uniform(10, 40, 2), velocity, 1e-4, 100.0)
        truth[s], _ = with_cloth(start, USUAL)
        truth[s, ROLL] = rng.uniform(-0.8, 1.0) * velocity + rng.normal(0, 10, 2)
        truth[s, SLIDING] *= rng.normal(1, 0.15)
        rough = Start(0.0, start.place_in + rng.normal(0, 0.3, 2), velocity * 1.15, 1e-4, 100.0)
        guess[s], prior[s] = with_cloth(rough, USUAL)
    t = np.tile((np.arange(sights) + 0.3) / FPS, (count, 1))
    places = motion(truth, t)[0] + rng.normal(0, noise_in, (count, sights, 2))
    zero = np.zeros(count)
    return Legs(t, places, np.ones((count, sights), dtype=bool), guess, prior, zero, zero), truth


def normalised(found: Fitted, truth: Array) -> Array:
    sd = np.sqrt(np.einsum("sii->si", found.covariance))
    result: Array = (found.parameters - truth)[:, 1:8] / sd[:, 1:8]
    return result


def test_a_slide_that_ends_in_a_roll_is_given_back() -> None:
    noise_in = 0.03
    legs, truth = legs_with(noise_in, seed=1)
    found = fit(legs, noise_in)
    assert np.median(found.residual_in) == pytest.approx(noise_in, rel=0.05)
    off = np.abs(found.parameters - truth)
    assert np.median(off[:, SPEED]) < 0.6
    assert np.median(off[:, ROLL]) < 2.0


def test_its_standard_deviations_are_those_of_its_errors() -> None:
    legs, truth = legs_with(0.03, seed=2)
    z = normalised(fit(legs, 0.03), truth)
    assert 0.75 < np.median(np.abs(z)) / 0.6745 < 1.25


def test_one_sight_in_ten_being_elsewhere_moves_it_little() -> None:
    legs, truth = legs_with(0.03, seed=3)
    rng = np.random.default_rng(4)
    wrong = rng.random(legs.seen.shape) < 0.1
    legs.places_in[wrong] += rng.normal(0, 1.0, (int(wrong.sum()), 2))
    off = np.abs(fit(legs, 0.03).parameters - truth)
    assert np.median(off[:, SPEED]) < 1.5


def test_missing_sights_only_widen_it() -> None:
    legs, truth = legs_with(0.03, seed=5)
    legs.seen[:, 6:14] = False
    legs.places_in[:, 6:14] = 0.0
    found = fit(legs, 0.03)
    assert set(found.sights.tolist()) == {37}
    assert np.median(np.abs(found.parameters - truth)[:, SPEED]) < 1.0


def test_the_motion_is_that_of_the_recorded_engine() -> None:
    """Position, speed and spin of slides in the shot book, from their states at the beginning."""
    book = load_shot_book("shotbook-7ft")
    physics, checked = book.physics, 0
    for shot in book.shots[::5]:
        for move in shot.motions.values():
            for i in np.nonzero(move.state[:-1] == BOOK_SLIDING)[0]:
                length = float(move.t_s[i + 1] - move.t_s[i])
                if length < 0.02:
                    continue
                x = np.zeros((1, SIZE))
                x[0, 1:3], x[0, SPEED] = move.position[i], move.velocity[i]
                x[0, ROLL] = physics.radius_in * np.array([move.spin[i, 1], -move.spin[i, 0]])
                x[0, 7] = physics.sliding_friction * physics.gravity_in_s2
                x[0, 8] = physics.rolling_friction * physics.gravity_in_s2
                at = np.array([[0.6 * length, 0.95 * length]])
                place, speed = motion(x, at)
                spin = roll(x, at)
                for k, dt in enumerate(at[0]):
                    _, p, v, w = move.at(float(move.t_s[i] + dt), physics)
                    assert place[0, k] == pytest.approx(p, abs=1e-3)
                    assert speed[0, k] == pytest.approx(v, abs=2e-2)
                    assert spin[0, k] == pytest.approx(physics.radius_in * np.array([w[1], -w[0]]), abs=5e-2)
                checked += 1
    assert checked > 30


def test_the_slide_lasts_as_long_as_theory_says() -> None:
    """0.15 s for a stunned ball of 1 m/s on cloth of 0.2 [t = 2|v − u|/(7 μ g)]."""
    x = np.zeros((1, SIZE))
    x[0, SPEED] = (39.37, 0.0)
    x[0, SLIDING], x[0, ROLLING] = 0.2 * GRAVITY_IN_S2, 1e-3
    assert slide_time(x)[0] == pytest.approx(0.146, abs=0.001)
    after = motion(x, np.array([[0.2]]))[1][0, 0]
    assert after[0] == pytest.approx(5 / 7 * 39.37, rel=1e-3)
