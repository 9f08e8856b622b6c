"""What one shot says about its table: friction from its legs, rebounds from its rails, the drift of slow balls."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calibration.table import RailName
from vision.feel import Estimate, Feel, Observation, Observations
from vision.legs import Leg
from vision.motion import GRAVITY_IN_S2
from vision.rail import into, rebound_matrix
from vision.reading import Reading
from vision.slide import ROLLING, SLIDING, SPEED, motion, roll, slide_time
from vision.touch import rails

Array = NDArray[np.float64]

_TELLS = 0.8  # a leg tells of a friction if the fit is surer than the prior by this
_MISFIT = 1.6  # times the scatter of sights: a leg that fits worse has met something unseen
_LEAST_SIGHTS = 8
_LEAST_SPEED_IN_S = 10.0  # across, of a rebound that is measured
_MODEL_SD = 0.06  # what one rebound differs from the next by itself
_DRIFT_SIGHTS = 20
_LEAST_SLOW_IN_S, _SLOW_IN_S = 3.0, 30.0


def observed(reading: Reading, feel: Feel) -> Observations:
    """The observations of a shot read with this feel as its prior."""
    legs = [g for row in reading.legs for g in row if _is_sound(reading, g)]
    return Observations(
        sliding=[o for g in legs if (o := _friction(g, SLIDING, feel.sliding)) is not None],
        rolling=[o for g in legs if (o := _friction(g, ROLLING, feel.rolling)) is not None],
        rebounds=[r for row in reading.legs for r in _rebounds(reading, row)],
        tilts=[t for g in legs if (t := _drift(reading, g)) is not None],
    )


def _is_sound(reading: Reading, leg: Leg) -> bool:
    return leg.sights >= _LEAST_SIGHTS and leg.residual_in < _MISFIT * reading.noise_in


def _friction(leg: Leg, index: int, prior: Estimate) -> Observation | None:
    """What a leg's fit says of a friction beyond its prior: information is added, so it can be taken off again."""
    sd = float(np.sqrt(leg.covariance[index, index])) / GRAVITY_IN_S2
    if sd > _TELLS * prior.sd:
        return None
    value = float(leg.parameters[index]) / GRAVITY_IN_S2
    added = 1 / sd**2 - 1 / prior.sd**2
    seen = (value / sd**2 - prior.value / prior.sd**2) / added
    # A twentieth of it differs from place to place and ball to ball.
    return Observation(seen, float(np.hypot(np.sqrt(1 / added), 0.05 * prior.value)))


def _rebounds(reading: Reading, legs: list[Leg]) -> list[tuple[RailName, Observation]]:
    """The restitution of each rebound with a sound leg on both sides."""
    found = []
    for came, left in pairwise(legs):
        touch = left.began
        if touch is None or touch.kind != "cushion" or came.ended is not touch or touch.rail is None:
            continue
        if not (_is_sound(reading, came) and _is_sound(reading, left)):
            continue
        rail = next(r for r in rails(reading.table) if r.name == touch.rail)
        normal = np.zeros(2)
        normal[rail.axis] = rail.outward
        o = _restitution(came, left, touch.t_s, into(normal))
        if o is not None:
            found.append((touch.rail, o))
    return found


def _restitution(came: Leg, left: Leg, t_s: float, turn: Array) -> Observation | None:
    """e from the speeds across before and after: Han's rebound is linear in it."""
    x = came.parameters[None]
    speed = turn @ motion(x, np.array([[t_s]]))[1][0, 0]
    spin = turn @ roll(x, np.array([[t_s]]))[0, 0]
    if speed[0] < _LEAST_SPEED_IN_S:
        return None
    before = np.array([speed[0], speed[1], spin[0], spin[1], 0.0])
    dead, alive = (float((rebound_matrix(e) @ before)[0]) for e in (0.0, 1.0))
    after = float((turn @ left.velocity)[0])
    per_e = alive - dead
    sd = float(np.sqrt(turn[0] @ (came.covariance[SPEED, SPEED] + left.covariance[SPEED, SPEED]) @ turn[0]))
    return Observation((after - dead) / per_e, float(np.hypot(sd / abs(per_e), _MODEL_SD)))


def _drift(reading: Reading, leg: Leg) -> tuple[tuple[float, float], Observation] | None:
    """How much a slowly rolling ball curves: a table that falls by a slope s pulls it with 5/7·s·g.

    The part of the pull across its way bends it, which friction does not.
    """
    course, row = reading.course, leg.ball
    from_s = leg.start_s + float(slide_time(leg.parameters[None])[0]) + 2 * course.frame_s
    inside = course.seen[row] & (course.t_s[row] > from_s) & (course.t_s[row] < leg.end_s - 2 * course.frame_s)
    t, p = course.t_s[row, inside], course.places_in[row, inside]
    if len(t) < _DRIFT_SIGHTS:
        return None
    tau = t - t.mean()
    J = np.column_stack([np.ones(len(t)), tau, tau**2 / 2])
    normal = J.T @ J
    _, velocity, bend = np.linalg.solve(normal, J.T @ p)
    speed = float(np.hypot(*velocity))
    if not _LEAST_SLOW_IN_S < speed < _SLOW_IN_S:
        return None
    # Across the way at mid-time: friction, along it, has no part there.
    across = np.array([-velocity[1], velocity[0]]) / speed
    sd = reading.noise_in * float(np.sqrt(np.linalg.inv(normal)[2, 2]))
    scale = 5 / 7 * GRAVITY_IN_S2
    # What spin is left bends a little too.
    seen = Observation(float(bend @ across) / scale, float(np.hypot(sd, 0.1)) / scale)
    return (float(across[0]), float(across[1])), seen
