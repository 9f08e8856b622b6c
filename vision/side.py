"""Left, right or no english: what the cue ball's first rebound tells of its spin about the vertical axis.

A ball that grips the cushion comes off with a speed along the rail that its side spin w changes by 2/7·w·cos θ
(see `vision.rail`). Counted back to the stroke: cloth takes some of the spin on the way, a ball met there rubs
some on or off [billiards.colostate.edu TP A.14], and a tip a radii to the left of the middle gives w = −5/2·a·v₀
[TP A.12].
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vision.impact import IN_PER_M, RESTITUTION, STEPS, Impact
from vision.legs import Leg
from vision.model import SideSpin
from vision.rail import into, side_spin
from vision.reading import Reading
from vision.slide import SPEED, motion, roll
from vision.spin import Vertical
from vision.touch import Touch, rails

Array = NDArray[np.float64]
Label = Literal["left", "right", "none"]

NO_SIDE = 0.08  # a tip nearer to the middle, in radii, gives none, as the truth has it
UNKNOWN = SideSpin()
_OFFSETS = np.linspace(-0.5, 0.5, 101)
# Half of all strokes are meant to have no side, to which the arm adds a little; the others about half a tip.
_PLAIN_SHARE, _PLAIN_SD = 0.5, 0.03
_ENGLISH, _ENGLISH_SD = 0.2, 0.1
_SPIN_DECAY_IN_S2 = (8.0, 11.0, 15.0)  # of R·ω: 5–15 rad/s² of a 2¼-in ball
_RUB_SD = 0.02  # of the speed, what a contact may add to w beyond the model
_RAIL_SD = 0.03  # of the speed, what a rebound may add to w beyond the model
_USUAL_ROLL = 0.5
_FARTHEST = 40.0
_SURE, _SUREST = 0.5, 0.99


@dataclass(frozen=True)
class Side:
    """The label with its probability, and the tip's offset to the left in radii, ± its standard deviation, where a
    rebound told it."""

    spin: SideSpin = UNKNOWN
    offset: float | None = None
    offset_sd: float | None = None


def side_english(reading: Reading, vertical: Vertical) -> Side:
    """The side the cue ball was struck with; unknown without a rebound, or where nothing is likelier than not."""
    cue = reading.cue
    if cue is None or not reading.legs[cue]:
        return Side()
    own = reading.touches_of(cue)
    touch = next((t for t in own if t.kind == "cushion"), None)
    if touch is None or any(t.kind == "jaw" and t.t_s < touch.t_s for t in own):
        return Side()
    legs = _around(reading, vertical, touch)
    if legs is None:
        return Side()
    w, sd, speed = _spin_at(reading, touch, *legs)
    contacts = [t for t in own if t.kind == "ball" and t.t_s < touch.t_s]
    sd = float(np.hypot(sd, _RAIL_SD * speed))
    if reading.impact is not None:
        sd = float(np.hypot(sd, _RUB_SD * float(np.hypot(*reading.impact.cue_before)) * len(contacts)))
    stroke = reading.legs[cue][0]
    if reading.impact is not None and reading.impact.came is not None and reading.impact.came.began is None:
        stroke = reading.impact.came
    return _labelled(_likelihood(reading, stroke, touch, contacts, (w, sd)))


def _labelled(likelihood: Array) -> Side:
    plain = _PLAIN_SHARE / _PLAIN_SD * np.exp(-((_OFFSETS / _PLAIN_SD) ** 2) / 2)
    english = (
        (1 - _PLAIN_SHARE) / (2 * _ENGLISH_SD) * np.exp(-(((np.abs(_OFFSETS) - _ENGLISH) / _ENGLISH_SD) ** 2) / 2)
    )
    chance = (plain + english) * likelihood
    if chance.sum() <= 0:
        return Side()
    chance /= chance.sum()
    mean = float(chance @ _OFFSETS)
    sd = float(np.sqrt(chance @ (_OFFSETS - mean) ** 2))
    shares: dict[Label, float] = {
        "left": float(chance[_OFFSETS > NO_SIDE].sum()),
        "right": float(chance[_OFFSETS < -NO_SIDE].sum()),
        "none": float(chance[np.abs(_OFFSETS) <= NO_SIDE].sum()),
    }
    best = max(shares, key=lambda label: shares[label])
    spin = SideSpin(best, min(shares[best], _SUREST)) if shares[best] >= _SURE else SideSpin()
    return Side(spin, mean, sd)


def _likelihood(
    reading: Reading, stroke: Leg, touch: Touch, contacts: list[Touch], spin: tuple[float, float]
) -> Array:
    """How well each of `_OFFSETS` explains the spin at the first rebound, (w, its standard deviation): what the
    tip gave, less what cloth took at one rate until none was left, with what the first ball met rubbed off."""
    w, sd = spin
    strike = max(float(np.hypot(*stroke.velocity)), 1.0)
    total = np.zeros(len(_OFFSETS))
    for decay in _SPIN_DECAY_IN_S2:
        left = -2.5 * _OFFSETS * strike
        since_s = stroke.start_s
        if contacts and reading.impact is not None:
            left = _slowed(left, decay * (reading.impact.t_s - since_s))
            left = left + _rubbed(reading.impact, left)
            since_s = reading.impact.t_s
        left = _slowed(left, decay * max(touch.t_s - since_s, 0.0))
        total += np.exp(-np.minimum(((left - w) / sd) ** 2 / 2, _FARTHEST))
    return total


def _slowed(w: Array, lost: float) -> Array:
    """Side spin after cloth has taken `lost` of it, or all there was."""
    return np.asarray(np.sign(w) * np.maximum(np.abs(w) - max(lost, 0.0), 0.0))


def _around(reading: Reading, vertical: Vertical, touch: Touch) -> tuple[Leg, Leg] | None:
    """The cue ball's legs into a rail and off it."""
    cue = reading.cue
    assert cue is not None
    off = next((g for g in reading.legs[cue] if g.began is touch), None)
    if vertical.left is not None and vertical.left.ended is touch:
        came: Leg | None = vertical.left
    else:
        came = next((g for g in reading.legs[cue] if g.ended is touch), None)
    return None if off is None or came is None or off.sights < 2 else (came, off)


def _spin_at(reading: Reading, touch: Touch, came: Leg, off: Leg) -> tuple[float, float, float]:
    """The side spin w at a rebound, its standard deviation, and the ball's speed, inches a second."""
    rail = next(r for r in rails(reading.table) if r.name == touch.rail)
    normal = np.zeros(2)
    normal[rail.axis] = rail.outward
    turn = into(normal)
    v, u, cov = _state(came, touch.t_s)
    w, slopes = side_spin(turn @ v, turn @ off.velocity, turn @ u)
    along = turn[1]
    before = np.concatenate([slopes[0] * along, slopes[2] * along])
    after = slopes[1] * along
    variance = before @ cov @ before + after @ off.covariance[SPEED, SPEED] @ after
    return w, float(np.sqrt(max(float(variance), 1e-6))), float(np.hypot(*v))


def _state(leg: Leg, t_s: float) -> tuple[Array, Array, Array]:
    """Velocity and roll, (2,) each, at a time, and their covariance (4, 4)."""
    x = np.vstack([leg.parameters, leg.parameters + np.diag(STEPS)])
    at = np.full((len(x), 1), t_s)
    values = np.hstack([motion(x, at)[1][:, 0], roll(x, at)[:, 0]])
    H = ((values[1:] - values[0]) / STEPS[:, None]).T
    return values[0, :2], values[0, 2:], H @ leg.covariance @ H.T


def _rubbed(impact: Impact, w: Array) -> Array:
    """How much the first contact changes side spins w (k,), by the slip of both balls' surfaces."""
    v, n = impact.cue_before, impact.normal
    through = max(float(v @ n), 0.0)
    side = np.array([-n[1], n[0]])
    slip = float((v - through * n) @ side) + w
    size = np.maximum(np.hypot(slip, _USUAL_ROLL * through), 1e-6)
    push = (1 + RESTITUTION) / 2 * through
    drag = np.minimum((0.01 + 0.108 * np.exp(-1.088 * size / IN_PER_M)) * push, size / 7) / size
    return np.asarray(-2.5 * drag * slip)
