"""A shot's numbers and how sure they are: cut angle, distance to the object ball, the cue ball's speed."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vision.legs import Leg
from vision.motion import IN_S_PER_MPH
from vision.reading import Reading
from vision.slide import SPEED

Array = NDArray[np.float64]

_UNSURE_MPH = 0.25  # a speed known worse than this share of itself is not told
_UNSURE_DEG = 12.0
_REST_SIGHTS = 10  # sights at rest that a resting ball's place is the mean of


@dataclass(frozen=True)
class Measures:
    """What was measured; None where the paths do not tell. `uncertainty` holds standard deviations by field."""

    cut_angle_deg: float | None = None
    cue_distance_in: float | None = None
    cue_speed_mph: float | None = None
    uncertainty: dict[str, float] = field(default_factory=dict)


def measure(reading: Reading) -> Measures:
    """The numbers of a shot as far as it was seen."""
    found: dict[str, tuple[float, float] | None] = {
        "cut_angle_deg": _cut(reading),
        "cue_distance_in": _cue_distance(reading),
        "cue_speed_mph": _cue_speed(reading),
    }
    known = {name: pair for name, pair in found.items() if pair is not None}
    uncertainty = {name: sd for name, (_, sd) in known.items()}
    impact = reading.impact
    if impact is not None:
        speed = float(np.hypot(*impact.cue_before))
        uncertainty["first_contact_t_s"] = float(np.hypot(0.001, 1.5 * reading.noise_in / max(speed, 1.0)))
    return Measures(**{name: value for name, (value, _) in known.items()}, uncertainty=uncertainty)


def _cut(reading: Reading) -> tuple[float, float] | None:
    impact = reading.impact
    if impact is None or impact.cut_deg is None or impact.cut_sd_deg > _UNSURE_DEG:
        return None
    return impact.cut_deg, impact.cut_sd_deg


def _cue_distance(reading: Reading) -> tuple[float, float] | None:
    """From the cue ball's place to the object ball's, centre to centre, where both lay still before."""
    touch, cue = reading.first_touch, reading.cue
    if touch is None or cue is None:
        return None
    other = touch.other if touch.ball == cue else touch.ball
    left = reading.course.left
    if left[cue] < 0 or left[other] < 0:
        return None
    apart = reading.course.places_in[cue, left[cue]] - reading.course.places_in[other, left[other]]
    return float(np.hypot(*apart)), reading.noise_in * float(np.sqrt(2 / _REST_SIGHTS))


def _cue_speed(reading: Reading) -> tuple[float, float] | None:
    """The cue ball's speed off the tip in mph; None where too little of the stroke was seen."""
    cue, impact = reading.cue, reading.impact
    if cue is None or reading.course.left[cue] < 0 or not reading.legs[cue]:
        return None
    first = reading.legs[cue][0]
    if impact is not None and impact.came is not None and impact.came.start_s == first.start_s:
        first = impact.came
    if first.began is None and first.sights and _starts_at_rest(reading, first):
        velocity, cov = first.velocity, first.covariance[SPEED, SPEED]
    elif impact is not None and impact.came is None:
        # It met a ball before it was seen to move: both balls' speeds after tell its own.
        velocity, cov = impact.cue_before, impact.cue_before_cov
    else:
        return None
    speed = float(np.hypot(*velocity))
    way = velocity / max(speed, 1e-9)
    sd = float(np.sqrt(max(float(way @ cov @ way), 0.0)))
    if speed < 1e-3 or sd > _UNSURE_MPH * speed:
        return None
    return speed / IN_S_PER_MPH, sd / IN_S_PER_MPH


def _starts_at_rest(reading: Reading, leg: Leg) -> bool:
    leaving = reading.departures[leg.ball]
    return leaving is not None and abs(leg.start_s - leaving.t_s) < 2 * reading.course.frame_s
