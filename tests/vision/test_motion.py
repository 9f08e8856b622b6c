"""What a ball's path tells: how it left, which rails it met, and what a strike explains."""

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.table import STANDARD_TABLES
from vision.feel import USUAL
from vision.motion import (
    GRAVITY_IN_S2,
    SLIDING_FRICTION,
    Path,
    caused,
    departure,
    make_path,
    nearest_pass,
)
from vision.reading import read
from vision.sample import Sample
from vision.touch import Touch

Array = NDArray[np.float64]

TABLE = STANDARD_TABLES["9ft"]
R = TABLE.ball_radius_in
SLOWING = SLIDING_FRICTION * GRAVITY_IN_S2


def path_of(ball: int, times: Array, points: Array, *, rested: bool) -> Path:
    """The path through points, shape (N, 2), seen at times; with `rested` the first is where the ball lay."""
    frame_s = float(np.median(np.diff(times)))
    history = [
        Sample(round(t / frame_s), float(t), float(p[0]), float(p[1]), 0.0, 0.0, 0.9)
        for t, p in zip(times, points, strict=True)
    ]
    if rested:
        history[0].since_s = history[0].t_s - 1.0
    path = make_path(ball, history, since_s=float(times[0]))
    assert path is not None
    return path


def met(path: Path) -> list[Touch]:
    """The cushions that a ball met which rolled alone."""
    reading = read([path], path.ball, TABLE, USUAL)
    assert reading is not None
    return [touch for touch in reading.touches if touch.kind == "cushion"]


def slide_path(
    fps: float,
    *,
    speed: float,
    degrees: float,
    left_s: float = 1.0,
    noise_in: float = 0.0,
    start: tuple[float, float] = (30.0, 25.0),
    seed: int = 0,
) -> Path:
    """A ball at rest until `left_s` that then slides off, as sampled by a camera: its rest is one sample."""
    rng = np.random.default_rng(seed)
    way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    times = np.arange(0, left_s + 0.35, 1 / fps)
    rest_until = times[times <= left_s][-1]
    moving = times[times > left_s]
    tau = np.minimum(moving - left_s, 2 * speed / (7 * SLOWING))
    s = speed * tau - 0.5 * SLOWING * tau**2 + 5 / 7 * speed * (moving - left_s - tau)
    points = np.array(start) + np.outer(np.concatenate([[0.0], s]), way)
    points[1:] += rng.normal(0, noise_in, points[1:].shape)
    return path_of(0, np.concatenate([[rest_until], moving]), points, rested=True)


def straight(
    ball: int,
    start: tuple[float, float],
    velocity: tuple[float, float],
    *,
    since: float,
    until: float,
    fps: float = 60.0,
) -> Path:
    """A ball at rest at `start` that goes evenly from `since` on."""
    times = np.concatenate([[since], np.arange(since, until, 1 / fps)[1:]])
    points = np.array(start) + np.outer(times - since, velocity)
    return path_of(ball, times, points, rested=True)


RAILS = {
    "head": ((R, 18.0), (-1.0, 0.0)),
    "foot": ((TABLE.length_in - R, 18.0), (1.0, 0.0)),
    "right": ((30.0, R), (0.0, -1.0)),
    "left": ((30.0, TABLE.width_in - R), (0.0, 1.0)),
}
HIT_S = 0.4


def bounced(rail: str, *, speed: float, degrees: float, fps: float, phase: float) -> Path:
    """A ball that meets a rail at `HIT_S`, `degrees` off straight on, and keeps 0.7 of its speed across;
    the camera's frames come `phase` of a frame late."""
    at, outward = (np.array(v) for v in RAILS[rail])
    along = np.array([-outward[1], outward[0]]) * speed * np.sin(np.radians(degrees))
    across = outward * speed * np.cos(np.radians(degrees))
    times: Array = (np.arange(round(0.8 * fps), dtype=np.float64) + phase) / fps
    since = (times - HIT_S)[:, None]
    points = at + along * since + np.where(since < 0, across * since, -0.7 * across * since)
    return path_of(0, times, points, rested=False)


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("speed", [30.0, 90.0, 180.0])
@pytest.mark.parametrize("phase", [0.0, 0.004, 0.011, 0.016])
def test_a_departure_gives_time_speed_and_direction_back(fps: float, speed: float, phase: float) -> None:
    found = departure(slide_path(fps, speed=speed, degrees=37.0, left_s=1.0 + phase))

    assert found is not None
    assert found.from_in == (30.0, 25.0)
    # A soft stroke (30 in/s) rolls before the fit's window ends: it comes out up to 8 % slow.
    soft = speed < 60
    assert found.t_s == pytest.approx(1.0 + phase, abs=(0.4 if soft else 0.02) / fps)
    assert found.speed_in_s == pytest.approx(speed, rel=0.1 if soft else 0.005)
    assert np.degrees(np.arctan2(found.direction[1], found.direction[0])) == pytest.approx(37.0, abs=0.01)


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_a_departure_measured_with_noise_is_still_right(fps: float) -> None:
    paths = [slide_path(fps, speed=90.0, degrees=-110.0, noise_in=0.04, seed=seed) for seed in range(20)]

    found = [d for path in paths if (d := departure(path)) is not None]

    assert len(found) == 20
    assert max(abs(d.t_s - 1.0) for d in found) < 0.6 / fps
    assert np.mean([abs(d.speed_in_s / 90.0 - 1) for d in found]) < 0.03
    turned = [np.degrees(np.arctan2(d.direction[1], d.direction[0])) + 110.0 for d in found]
    assert np.max(np.abs(turned)) < 1.0


def test_a_ball_that_only_trembles_has_no_departure() -> None:
    rng = np.random.default_rng(1)
    points = np.array([20.0, 20.0]) + rng.normal(0, 0.03, (40, 2))
    assert departure(path_of(0, np.arange(40) / 60, points, rested=True)) is None


def test_a_departure_seen_once_before_the_ball_is_gone() -> None:
    """A hard hit into a near pocket leaves one sample: the time lies between, the speed is of the right order."""
    path = path_of(0, np.array([1.0, 1.0 + 1 / 30]), np.array([[5.0, 5.0], [2.0, 5.0]]), rested=True)
    found = departure(path)
    assert found is not None
    assert 1.0 < found.t_s < 1.0 + 1 / 30
    assert found.direction == pytest.approx((-1.0, 0.0))
    assert 90 <= found.speed_in_s <= 360


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("rail", RAILS)
@pytest.mark.parametrize(("speed", "degrees"), [(15.0, 0.0), (30.0, 45.0), (60.0, 20.0)])
def test_a_cushion_is_found_once_with_its_rail(fps: float, rail: str, speed: float, degrees: float) -> None:
    for phase in (0.0, 0.2, 0.9):
        found = met(bounced(rail, speed=speed, degrees=degrees, fps=fps, phase=phase))

        assert [c.rail for c in found] == [rail]
        assert found[0].t_s == pytest.approx(HIT_S, abs=1 / fps)


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize(("speed", "degrees"), [(15.0, 45.0), (60.0, 0.0), (150.0, 0.0)])
def test_a_cushion_is_found_between_any_two_frames(fps: float, speed: float, degrees: float) -> None:
    for phase in np.linspace(0, 1, 40, endpoint=False):
        found = met(bounced("right", speed=speed, degrees=degrees, fps=fps, phase=phase))
        assert [c.rail for c in found] == ["right"]


def test_cushions_met_one_after_the_other_come_in_order() -> None:
    times = np.arange(0, 1.8, 1 / 60)
    far = TABLE.length_in - R
    way = 50 + 110 * times
    x = np.where(way < far, way, far - 0.8 * (way - far))
    x = np.where(x < R, R + 0.8 * (R - x), x)
    path = path_of(0, times, np.column_stack([x, np.full(len(x), 25.0)]), rested=False)

    found = met(path)

    assert [c.rail for c in found] == ["foot", "head"]
    assert found[0].t_s == pytest.approx((far - 50) / 110, abs=1 / 60)
    assert found[1].t_s == pytest.approx((far - 50) / 110 + (far - R) / 88, abs=1 / 60)


def test_a_ball_that_stops_before_a_rail_met_none() -> None:
    times = np.arange(0, 1.5, 1 / 60)
    x = 50 + np.where(times < 1.0, 90 * times - 45 * times**2, 45.0)
    path = path_of(0, times, np.column_stack([x, np.full(len(x), 20.0)]), rested=False)
    assert met(path) == []


def test_a_ball_that_rolls_along_a_rail_met_none() -> None:
    rng = np.random.default_rng(4)
    times = np.arange(0, 1.5, 1 / 60)
    y = R + np.abs(rng.normal(0, 0.01, len(times)))
    path = path_of(0, times, np.column_stack([20 + 30 * times, y]), rested=False)
    assert met(path) == []


def test_a_strike_explains_what_its_balls_set_off_and_nothing_else() -> None:
    cue = straight(0, (20.0, 25.0), (100.0, 0.0), since=1.0, until=1.6)
    first = straight(1, (50.0, 25.0), (60.0, 0.0), since=1.3, until=2.0)
    second = straight(2, (70.0, 25.0), (40.0, 10.0), since=1.63, until=2.3)
    by_hand = straight(3, (20.0, 45.0), (30.0, 0.0), since=1.2, until=2.0)
    too_late = straight(4, (40.0, 25.0), (0.0, 30.0), since=2.4, until=3.0)

    kept = caused([by_hand, second, too_late, cue, first], cue=0, diameter_in=TABLE.ball_diameter_in)

    assert sorted(p.ball for p in kept) == [0, 1, 2]
    assert kept[0].ball == 0


def test_without_a_cue_ball_the_first_to_leave_began_it() -> None:
    cue = straight(7, (20.0, 25.0), (100.0, 0.0), since=1.0, until=1.6)
    struck = straight(1, (50.0, 25.0), (60.0, 0.0), since=1.3, until=2.0)
    for known in (None, 99):
        kept = caused([struck, cue], cue=known, diameter_in=TABLE.ball_diameter_in)
        assert [p.ball for p in kept] == [7, 1]
    assert caused([], cue=None, diameter_in=TABLE.ball_diameter_in) == []


def test_the_nearest_pass_looks_between_samples_and_inside_its_window_only() -> None:
    points = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]])
    path = path_of(0, np.array([0.0, 1.0, 2.0]), points, rested=False)
    assert nearest_pass(path, (5.0, 3.0), 0.5, 0.1) == pytest.approx(3.0)
    assert nearest_pass(path, (15.0, 0.5), 0.2, 0.1) > 5
    assert nearest_pass(path, (15.0, 0.5), 9.0, 0.1) == np.inf


def test_a_path_begins_at_the_last_rest_before_a_time() -> None:
    def at(t_s: float, x_in: float, since_s: float | None = None) -> Sample:
        return Sample(round(t_s * 60), t_s, x_in, 10.0, 0.0, 0.0, 0.9, since_s)

    history = [at(1.0, 5.0, 0.0), at(1.1, 8.0), at(2.0, 12.0, 1.3), at(2.1, 14.0), at(3.0, 20.0, 2.5)]
    path = make_path(4, history, since_s=2.05)

    assert path is not None
    assert (path.ball, path.rest_in, path.rest_until_s) == (4, (12.0, 10.0), 2.0)
    assert path.points_in[:, 0].tolist() == [12.0, 14.0, 20.0]
    assert path.length_in == pytest.approx(8.0)
    assert path.displacement_in == pytest.approx(8.0)
    assert make_path(4, history[:1], since_s=0.0) is None
