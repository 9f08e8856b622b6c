"""Draw, stun or follow: how the cue ball was rolling when it met the object ball, from its paths before and after.

Before: a ball struck at height b above its middle (in radii) starts with u₀ = 5/2·b·v₀ [billiards.colostate.edu TP
A.12], and cloth turns that towards rolling all the way to the object ball. After: a ball with surface speed u left
over curves from its new direction by friction that acts along v − u, until v_final = 5/7·v₀ + 2/7·u. Every tip
height is tried on both paths; what fits, times how players hit, is the probability.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vision.feel import Feel
from vision.impact import IN_PER_M, RESTITUTION, RESTITUTION_SD, STEPS, Impact
from vision.legs import Leg
from vision.model import VerticalSpin
from vision.rail import into, rebound_matrix
from vision.reading import Reading
from vision.slide import PLACE, ROLL, SIZE, SPEED, T0, Fitted, Legs, fit, motion, roll
from vision.start import Start, with_cloth
from vision.touch import Touch, rails

Array = NDArray[np.float64]
Label = Literal["draw", "stun", "follow"]

STUN_RATIO = 0.2  # below it a ball is stunned, as the truth has it
UNKNOWN = VerticalSpin()
_HEIGHTS = np.linspace(-0.5, 0.5, 41)  # beyond half a radius a tip slips off
_RATIOS = np.linspace(-1.3, 1.5, 36)
_USUAL_HEIGHT, _HEIGHT_SD = 0.02, 0.26
_TEMPER = 0.6  # what is not modelled makes sights tell less than their noise says
_SURE, _SUREST = 0.5, 0.99
_PLACE_SD_IN = 0.04
_ROLL_SD = 0.04
_LEAST_RATIO_SD = 0.1
_SIDE_SPREAD = 0.4  # of a ball's speed, its side spin w
_RAIL_SD = 0.03  # of a ball's speed, what a rebound adds that is not modelled


@dataclass(frozen=True)
class Ratios:
    """Probabilities (k,) of roll ratios (k,) at the first contact."""

    ratio: Array
    probability: Array

    @property
    def mean(self) -> float:
        return float(self.ratio @ self.probability)

    @property
    def sd(self) -> float:
        return float(np.sqrt(max(float((self.ratio - self.mean) ** 2 @ self.probability), 0.0)))

    def of(self, label: Label) -> float:
        """The probability of draw, stun or follow."""
        chosen = {
            "draw": self.ratio < -STUN_RATIO,
            "stun": np.abs(self.ratio) <= STUN_RATIO,
            "follow": self.ratio > STUN_RATIO,
        }[label]
        return float(self.probability[chosen].sum())


@dataclass(frozen=True)
class Vertical:
    """The label with its probability, the roll ratios it comes from (None without a contact), and the leg after
    the contact as the likeliest of them has it."""

    spin: VerticalSpin = UNKNOWN
    ratios: Ratios | None = None
    left: Leg | None = None


def vertical_spin(reading: Reading, feel: Feel) -> Vertical:
    """Draw, stun or follow at the first contact; unknown where no label is likelier than `_SURE`."""
    impact = reading.impact
    if impact is None or reading.cue is None:
        return Vertical()
    tried = _after(reading, impact, feel)
    ratios = _ratios(reading, impact, tried.cost, feel)
    labels: tuple[Label, ...] = ("draw", "stun", "follow")
    best = max(labels, key=ratios.of)
    chance = min(ratios.of(best), _SUREST)
    known = chance >= _SURE
    spin = VerticalSpin(best if known else "unknown", chance if known else None, ratios.mean)
    return Vertical(spin, ratios, tried.leg(ratios.mean))


def _ratios(reading: Reading, impact: Impact, after: Array, feel: Feel) -> Ratios:
    """How likely each roll ratio is, by how badly each of `_RATIOS` fits what came after the contact."""
    stroke = _stroke(reading, impact)
    if stroke is None:
        ratio = _RATIOS
        log = _log_usual_ratio(ratio) + _log_came(impact, ratio) - _TEMPER * after / 2
    else:
        ratio, before = _before(reading, impact, stroke, feel)
        log = -(((_HEIGHTS - _USUAL_HEIGHT) / _HEIGHT_SD) ** 2) / 2
        log -= _TEMPER * (before + np.interp(ratio, _RATIOS, after)) / 2
    chance = np.exp(log - log.max())
    return Ratios(ratio, chance / chance.sum())


def _log_came(impact: Impact, ratio: Array) -> Array:
    """What the leg that came from a rail or another ball says of the roll at its end."""
    leg = impact.came
    if leg is None:
        return np.zeros(len(ratio))
    x = leg.parameters
    moved = np.vstack([x, x + np.diag(STEPS)])
    at = np.full((len(moved), 1), impact.t_s)
    speed, spin = motion(moved, at)[1][:, 0], roll(moved, at)[:, 0]
    values = (spin * speed).sum(axis=1) / np.maximum((speed**2).sum(axis=1), 1.0)
    slopes = (values[1:] - values[0]) / STEPS
    sd = max(float(np.sqrt(max(float(slopes @ leg.covariance @ slopes), 0.0))), _LEAST_RATIO_SD)
    return np.asarray(-_TEMPER * ((ratio - values[0]) / sd) ** 2 / 2)


def _log_usual_ratio(ratio: Array) -> Array:
    """A ball that came off a rail, or whose way was not seen, mostly rolls."""
    rolling = 0.7 / 0.15 * np.exp(-(((ratio - 1) / 0.15) ** 2) / 2)
    other = 0.3 / 0.6 * np.exp(-(((ratio - 0.2) / 0.6) ** 2) / 2)
    return np.asarray(np.log(rolling + other))


def _stroke(reading: Reading, impact: Impact) -> Leg | None:
    """The leg from the strike to the first contact, if that is one leg."""
    cue = reading.cue
    assert cue is not None
    leaving = reading.departures[cue]
    if leaving is None or reading.course.left[cue] < 0:
        return None
    met_before = any(t.t_s < impact.t_s - 1e-6 for t in reading.touches_of(cue))
    return None if met_before else impact.came


def _before(reading: Reading, impact: Impact, stroke: Leg, feel: Feel) -> tuple[Array, Array]:
    """For every tip height: the roll ratio at the contact, and how badly the way there fits (in variances)."""
    cue = stroke.ball
    t, places = _sights(reading, cue, stroke.start_s, impact.t_s)
    leaving = reading.departures[cue]
    assert leaving is not None
    x = stroke.parameters
    S = len(_HEIGHTS)
    guess, prior = np.zeros((S, SIZE)), np.zeros((S, SIZE, SIZE))
    for s, height in enumerate(_HEIGHTS):
        start = Start(float(x[T0]), np.asarray(leaving.from_in), x[SPEED], 10.0, 0.02, 2.5 * height, 0.03, 0.05)
        guess[s], prior[s] = with_cloth(start, feel)
    latest = min(float(t[0]) if len(t) else impact.t_s, impact.t_s) - 1e-3
    fitted = _fitted((t, places), (guess, prior), (float(x[T0]) - 0.1, latest), reading.noise_in)
    at = np.full((S, 1), impact.t_s)
    _, speed = motion(fitted.parameters, at)
    spin = roll(fitted.parameters, at)
    size = np.maximum(np.linalg.norm(speed[:, 0], axis=1), 1e-6)
    ratio: Array = (spin[:, 0] * speed[:, 0]).sum(axis=1) / size**2
    return ratio, _relative(fitted)


@dataclass(frozen=True)
class _Tried:
    """The leg after the contact, fitted for each of `_RATIOS`; how badly each fits, in variances."""

    fitted: Fitted
    cost: Array
    row: int
    start_s: float
    end_s: float
    ended: Touch | None

    def leg(self, ratio: float) -> Leg:
        """The fit of the ratio nearest to this one."""
        k = int(np.abs(_RATIOS - ratio).argmin())
        f = self.fitted
        return Leg(
            self.row,
            self.start_s,
            self.end_s,
            None,
            self.ended,
            f.parameters[k],
            f.covariance[k],
            float(f.residual_in[k]),
            int(f.sights[k]),
        )


def _after(reading: Reading, impact: Impact, feel: Feel) -> _Tried:
    """The way after the contact for each of `_RATIOS`, up to what the cue ball met next, and how badly each fits
    it and, beyond it, the rebound, where that was a rail."""
    row = reading.cue
    assert row is not None
    after = [t for t in reading.touches_of(row) if t.t_s > impact.t_s + 1e-6]
    end_s = after[0].t_s if after else float(reading.course.t_s[row, reading.course.last[row]])
    t, places = _sights(reading, row, impact.t_s, end_s)
    S = len(_RATIOS)
    guess, prior = np.zeros((S, SIZE)), np.zeros((S, SIZE, SIZE))
    for s, ratio in enumerate(_RATIOS):
        guess[s], prior[s] = _left(impact, float(ratio), feel)
    fitted = _fitted((t, places), (guess, prior), (impact.t_s, impact.t_s), reading.noise_in)
    cost = _relative(fitted)
    if after and after[0].kind == "cushion":
        beyond = next((g for g in reading.legs[row] if g.began is after[0]), None)
        if beyond is not None:
            off = _off_rail(fitted, after[0], beyond, reading, feel)
            cost = cost + off - off.min()
    return _Tried(fitted, cost, row, impact.t_s, end_s, after[0] if after else None)


def _off_rail(fitted: Fitted, touch: Touch, beyond: Leg, reading: Reading, feel: Feel) -> Array:
    """How badly the leg after a rebound fits what each way before it, (S, 9), leads to, in variances.

    How the ball spins about its vertical axis is not known: that only spreads what goes along the rail.
    """
    rail = next(r for r in rails(reading.table) if r.name == touch.rail)
    normal = np.zeros(2)
    normal[rail.axis] = rail.outward
    turn = into(normal)
    both = np.kron(np.eye(2), turn)
    at = np.full((len(fitted.parameters), 1), touch.t_s)
    speed = motion(fitted.parameters, at)[1][:, 0]
    came = np.hstack([speed, roll(fitted.parameters, at)[:, 0]]) @ both.T
    M = rebound_matrix(feel.rail.value)
    slower = rebound_matrix(feel.rail.value + feel.rail.sd)
    block = slice(SPEED.start, ROLL.stop)
    spread = both @ fitted.covariance[:, block, block] @ both.T
    spin = M[:4, 4] * _SIDE_SPREAD * float(np.hypot(*speed.mean(axis=0)))
    seen = both @ beyond.parameters[block]
    cov = M[:4, :4] @ spread @ M[:4, :4].T + both @ beyond.covariance[block, block] @ both.T + np.outer(spin, spin)
    by_rail = came @ (slower - M)[:4, :4].T
    size = np.hypot(*speed.T)[:, None, None]
    cov = cov + by_rail[:, :, None] * by_rail[:, None, :] + (_RAIL_SD * size) ** 2 * np.eye(4)
    off = seen - came @ M[:4, :4].T
    chi = (off * np.linalg.solve(cov, off[..., None])[..., 0]).sum(axis=1)
    return np.asarray(chi + np.linalg.slogdet(cov)[1])


def _left(impact: Impact, ratio: float, feel: Feel) -> tuple[Array, Array]:
    """The first guess (9,) and precision (9, 9) of the leg after a contact that a ball of a roll ratio came to.

    Both balls rub: friction takes from the slip of their surfaces, sideways and upwards [TP A.14], which turns
    some of the roll about the line of centres' normal as well.
    """
    v, n = impact.cue_before, impact.normal
    speed = float(np.hypot(*v))
    through = max(float(v @ n), 0.0)
    aside = v - through * n
    push = (1 + RESTITUTION) / 2 * through
    rise = ratio * through
    slip = float(np.hypot(np.hypot(*aside), rise))
    drag = 0.0
    if slip > 1e-6:
        drag = min((0.01 + 0.108 * np.exp(-1.088 * slip / IN_PER_M)) * push, slip / 7) / slip
    u = ratio * v - 2.5 * drag * rise * n
    left = v - push * n - drag * aside
    guess, precision = with_cloth(Start(impact.t_s, impact.cue_in, left, 1e-4, _PLACE_SD_IN), feel)
    guess[ROLL] = u
    precision[3:7, 3:7] = 0.0
    precision[ROLL, ROLL] = np.eye(2) / (_ROLL_SD * speed + 0.5) ** 2
    # How far off the speed after may be: by e along the centres, by their direction, by friction and by the speed.
    turn = np.radians(impact.cut_sd_deg)
    along = np.hypot(RESTITUTION_SD / 2 * through, 0.02 * speed)
    across = np.hypot(turn * through, 0.02 * speed)
    axes = np.array([n, [-n[1], n[0]]])
    spread = axes.T @ np.diag([along**2, across**2]) @ axes + impact.cue_before_cov
    precision[SPEED, SPEED] = np.linalg.inv(spread)
    precision[PLACE, PLACE] = np.eye(2) / _PLACE_SD_IN**2
    return guess, precision


def _relative(fitted: Fitted) -> Array:
    """How much worse each fit is than the best, in variances; in larger ones where even the best is bad, since
    then something is not as modelled."""
    best = float(fitted.cost.min())
    bad = max(1.0, best / max(2.0 * float(fitted.sights.max()), 4.0))
    return np.asarray((fitted.cost - best) / bad)


def _sights(reading: Reading, row: int, start_s: float, end_s: float) -> tuple[Array, Array]:
    """The sights of a ball between two contacts: times (n,), places (n, 2)."""
    course = reading.course
    slack = 0.1 * course.frame_s
    inside = course.seen[row] & (course.t_s[row] > start_s + slack) & (course.t_s[row] < end_s - slack)
    frames = np.nonzero(inside)[0][:48]
    return course.t_s[row, frames], course.places_in[row, frames]


def _fitted(
    sights: tuple[Array, Array], start: tuple[Array, Array], bounds: tuple[float, float], noise_in: float
) -> Fitted:
    """One leg's sights fitted from many starts, guesses (S, 9) with their precisions (S, 9, 9)."""
    (t, places), (guess, prior) = sights, start
    S, n = len(guess), max(len(t), 1)
    times, points = np.zeros((S, n)), np.zeros((S, n, 2))
    times[:], seen = guess[:, T0, None], np.zeros((S, n), dtype=bool)
    if len(t):
        times[:], points[:], seen[:] = t, places, True
    low, high = min(bounds), max(bounds[1], min(bounds))
    return fit(Legs(times, points, seen, guess, prior, np.full(S, low), np.full(S, high)), noise_in)
