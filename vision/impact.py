"""Two balls collide: what the paths before and after say about the speed, the line of centres and the cut.

Equal balls keep their momentum, so the cue ball came with the sum of what both left with. The object ball leaves
along the line of centres but for throw, by friction between the balls [billiards.colostate.edu TP A.14]:

    tan θ = min(μ(s) v cos φ / s, 1/7) · (v sin φ) / (v cos φ),   μ(s) = 0.01 + 0.108 exp(−1.088 s / (m/s))

s being the speed at which the balls' surfaces slip, φ the cut angle. Side spin would add to the slip; it is left
out, and counted in the uncertainty.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision.legs import Leg
from vision.slide import PLACE, SIZE, SPEED, motion

Array = NDArray[np.float64]

IN_PER_M = 39.3701
RESTITUTION, RESTITUTION_SD = 0.94, 0.03
_USUAL_ROLL = 0.7  # of a cue ball that comes to an object ball
_MOMENTUM_SHARE = 0.015  # how well momentum is kept by balls not quite alike
_THROW_SD_DEG = 1.2
_CONTRADICTS = 20.0  # χ² of two numbers
STEPS = np.array([1e-4, *[1e-3] * 2, *[1e-2] * 4, 1e-1, 1e-2])


@dataclass(frozen=True)
class Impact:
    """The cue ball's first meeting with another ball, at `t_s`: velocities in inches a second, (2,), of the cue
    ball before and the object ball after it; `normal` from the cue ball's centre to the object ball's;
    the cut angle with its standard deviation; where both balls were. `came` and `left` are the cue ball's legs."""

    t_s: float
    came: Leg | None
    left: Leg | None
    cue_before: Array
    cue_before_cov: Array
    object_after: Array | None
    normal: Array
    cut_deg: float | None
    cut_sd_deg: float
    cue_in: Array
    object_in: Array


@dataclass(frozen=True)
class Pair:
    """Two balls that met: their legs, the object ball's place before, and whether its departure can be trusted:
    not where it lay in a cluster, which shares the push, or by a rail, where it may have turned unseen."""

    cue: list[Leg]
    other: list[Leg]
    other_place: Array
    alone: bool
    frame_s: float


def impact_of(t_s: float, pair: Pair, diameter_in: float) -> Impact | None:
    """What the legs of both balls before and after `t_s` tell; None where they tell no direction."""
    came, left = _before(pair.cue, t_s), _after(pair.cue, t_s, pair.frame_s)
    other_came, gone = _before(pair.other, t_s), _after(pair.other, t_s, pair.frame_s)
    object_at, object_before = pair.other_place, np.zeros(2)
    if other_came is not None:
        object_at, object_before = other_came.at(t_s)
    gained = None if gone is None or not pair.alone else gone.velocity - object_before
    summed = _summed(left, gone, gained)
    if came is not None and summed is not None:
        came = _fused(came, t_s, summed)
    if came is not None:
        cue_at, cue_before = came.at(t_s)
        place_cov, speed_cov = _state_cov(came, t_s)
    elif left is not None and summed is not None:
        (cue_before, speed_cov), cue_at = summed, left.parameters[PLACE]
        place_cov = left.covariance[PLACE, PLACE]
    else:
        return None
    speed = float(np.hypot(*cue_before))
    if speed < 1e-3:
        return None
    normal, sd = _line_of_centres(cue_at, cue_before / speed, place_cov, object_at, diameter_in)
    if gained is not None and gone is not None:
        normal, sd = _with_departure((normal, sd), cue_before, gained, gone, other_came)
    sd = float(np.hypot(sd, np.degrees(np.sqrt(_across(speed_cov, cue_before / speed)) / speed)))
    cut = _angle(cue_before, normal)
    return Impact(
        t_s=t_s,
        came=came,
        left=left,
        cue_before=cue_before,
        cue_before_cov=speed_cov,
        object_after=None if gone is None or not pair.alone else gone.velocity,
        normal=normal,
        cut_deg=cut if cut <= 90 else None,
        cut_sd_deg=sd,
        cue_in=object_at - diameter_in * normal,
        object_in=object_at,
    )


def _summed(left: Leg | None, gone: Leg | None, gained: Array | None) -> tuple[Array, Array] | None:
    """The cue ball's velocity before, (2,), as the sum of both balls' after, with its covariance (2, 2)."""
    if left is None or gone is None or gained is None:
        return None
    kept = np.eye(2) * (_MOMENTUM_SHARE * float(np.hypot(*gained))) ** 2
    return left.velocity + gained, left.covariance[SPEED, SPEED] + gone.covariance[SPEED, SPEED] + kept


def _fused(came: Leg, t_s: float, summed: tuple[Array, Array]) -> Leg:
    """The leg before, told the sum of what came after, unless both contradict each other: then something was
    missed after the contact."""
    velocity, cov = summed
    off = velocity - came.at(t_s)[1]
    spread = _state_cov(came, t_s)[1] + cov
    if float(off @ np.linalg.solve(spread, off)) > _CONTRADICTS:
        return came
    return told(came, t_s, velocity, cov)


def told(leg: Leg, t_s: float, velocity: Array, covariance: Array) -> Leg:
    """The leg, told its velocity at a time with a covariance (2, 2): one step of a Kalman filter."""
    H = _speed_slopes(leg, t_s)
    P = leg.covariance
    gain = P @ H.T @ np.linalg.inv(H @ P @ H.T + covariance)
    off = velocity - leg.at(t_s)[1]
    return replace(leg, parameters=leg.parameters + gain @ off, covariance=(np.eye(SIZE) - gain @ H) @ P)


def throw_deg(speed_in_s: float, cut_deg: float, roll: float = _USUAL_ROLL) -> float:
    """By how much the object ball leaves nearer to the cue ball's direction than the line of centres lies."""
    v, phi = speed_in_s / IN_PER_M, np.radians(cut_deg)
    across, through = v * np.sin(phi), v * np.cos(phi)
    slip = float(np.hypot(across, roll * v * np.cos(phi)))
    if slip < 1e-9 or through < 1e-9:
        return 0.0
    friction = min((0.01 + 0.108 * np.exp(-1.088 * slip)) * through / slip, 1 / 7)
    return float(np.degrees(np.arctan(friction * across / through)))


def _before(legs: list[Leg], t_s: float) -> Leg | None:
    return next((g for g in reversed(legs) if g.start_s < t_s - 1e-6 and g.end_s <= t_s + 1e-6), None)


def _after(legs: list[Leg], t_s: float, frame_s: float) -> Leg | None:
    """The leg that begins with the contact; None where nothing was seen of it before the next."""
    for leg in legs:
        begins = leg.start_s if leg.began is None else leg.began.t_s
        # A ball that lay still is known to have left only about then.
        if abs(begins - t_s) < (1e-6 if leg.began is not None else frame_s):
            return leg
    return None


def _speed_slopes(leg: Leg, t_s: float) -> Array:
    """How the velocity at a time changes with the leg's parameters, (2, 9), by differences."""
    moved = leg.parameters + np.diag(STEPS)
    _, speeds = motion(np.vstack([leg.parameters, moved]), np.full((SIZE + 1, 1), t_s))
    slopes: Array = ((speeds[1:, 0] - speeds[0, 0]) / STEPS[:, None]).T
    return slopes


def _state_cov(leg: Leg, t_s: float) -> tuple[Array, Array]:
    """Covariances (2, 2) of the place and of the velocity at a time."""
    moved = leg.parameters + np.diag(STEPS)
    places, speeds = motion(np.vstack([leg.parameters, moved]), np.full((SIZE + 1, 1), t_s))
    H = ((places[1:, 0] - places[0, 0]) / STEPS[:, None]).T
    G = ((speeds[1:, 0] - speeds[0, 0]) / STEPS[:, None]).T
    return H @ leg.covariance @ H.T, G @ leg.covariance @ G.T


def _line_of_centres(
    cue_at: Array, way: Array, place_cov: Array, object_at: Array, diameter_in: float
) -> tuple[Array, float]:
    """The unit vector between the centres as the cue ball's line meets the object ball, and its standard deviation
    in degrees: errors across the line count 1 / cos φ-fold."""
    to = object_at - cue_at
    side = np.array([-way[1], way[0]])
    off = float(np.clip(to @ side / diameter_in, -0.999, 0.999))
    through = np.sqrt(1 - off**2)
    normal = through * way + off * side
    sd = float(np.degrees(np.sqrt(_across(place_cov, way)) / (diameter_in * max(float(through), 0.15))))
    return normal, sd


def _with_departure(
    line: tuple[Array, float], cue_before: Array, gained: Array, gone: Leg, other_came: Leg | None
) -> tuple[Array, float]:
    """The line of centres from the cue ball's line and from the object ball's departure, weighted."""
    normal, sd = line
    size = float(np.hypot(*gained))
    if size < 1e-3:
        return normal, sd
    cov = gone.covariance[SPEED, SPEED]
    if other_came is not None:
        cov = cov + other_came.covariance[SPEED, SPEED]
    other_sd = float(np.hypot(np.degrees(np.sqrt(_across(cov, gained / size)) / size), _THROW_SD_DEG))
    apart = _signed(cue_before, gained)
    seen = abs(apart)
    cut = seen
    for _ in range(3):
        cut = seen + throw_deg(float(np.hypot(*cue_before)), cut)
    departed = _turned(cue_before / np.hypot(*cue_before), np.sign(apart) * min(cut, 89.0))
    weight = other_sd**2 / (sd**2 + other_sd**2)
    between = _signed(departed, normal)
    mixed = _turned(departed, weight * between)
    return mixed, float(np.sqrt(sd**2 * other_sd**2 / (sd**2 + other_sd**2)))


def _across(cov: Array, way: Array) -> float:
    side = np.array([-way[1], way[0]])
    return max(float(side @ cov @ side), 1e-12)


def _angle(a: Array, b: Array) -> float:
    return abs(_signed(a, b))


def _signed(a: Array, b: Array) -> float:
    """The angle from a to b in degrees, counter-clockwise positive."""
    return float(np.degrees(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b)))


def _turned(v: Array, degrees: float) -> Array:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([c * v[0] - s * v[1], s * v[0] + c * v[1]])
