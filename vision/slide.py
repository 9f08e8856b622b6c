"""A ball between two contacts slides along a parabola and then rolls straight: the model and its fit.

After a contact at time t₀ a ball at p₀ has velocity v₀ and such a spin that it would roll at u. Friction A = μ·g
acts against the slip w = v₀ − u until T = 2|w|/(7A); then it rolls at 5/7·v₀ + 2/7·u and loses B = μᵣ·g of
speed each second [billiards.colostate.edu TP 4.1, A.4; Marlow, The Physics of Pocket Billiards]. With τ = t − t₀
and m = min(τ, T):

    p(t) = p₀ + v₀ τ − A ŵ (m²/2 + T (τ − m)) − B v̂ (τ − m)²/2
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

T0, PLACE, SPEED, ROLL, SLIDING, ROLLING = 0, slice(1, 3), slice(3, 5), slice(5, 7), 7, 8
SIZE = 9  # parameters: t₀, p₀ (2), v₀ (2), u (2), A, B

_ROUNDS = 6
_OUTLIER = 2.5  # residuals beyond so many standard deviations count less and less [Huber 1964]
_SMALL = 1e-9


@dataclass(frozen=True)
class Legs:
    """What is fitted: S legs of up to N sights. `t_s` (S, N), `places_in` (S, N, 2) and `seen` (S, N), false where
    a leg has no more; `guess` (S, 9), about it a prior of precision `prior` (S, 9, 9), and bounds of t₀ (S,)."""

    t_s: Array
    places_in: Array
    seen: Mask
    guess: Array
    prior: Array
    earliest_s: Array
    latest_s: Array

    def __len__(self) -> int:
        return len(self.guess)


@dataclass(frozen=True)
class Fitted:
    """The fit of S legs: parameters (S, 9) and their covariance (S, 9, 9), the root mean square of the residuals
    (S,) in inches over both axes, how many sights each is from (S,), and what the fit minimised (S,): the sum of
    squared residuals, of sights and of what was known beforehand, in variances."""

    parameters: Array
    covariance: Array
    residual_in: Array
    sights: NDArray[np.int64]
    cost: Array


def motion(parameters: Array, t_s: Array) -> tuple[Array, Array]:
    """Positions and velocities, both (S, N, 2), of legs (S, 9) at times (S, N). Before t₀ they go straight on."""
    place, speed, _ = _evaluate(parameters, t_s, with_slopes=False)
    return place, speed


def roll(parameters: Array, t_s: Array) -> Array:
    """The velocities at which legs (S, 9) would roll by their spin, (S, N, 2), at times (S, N): friction spins a
    sliding ball up by 5/2 of what it takes from its speed."""
    slip = parameters[:, SPEED] - parameters[:, ROLL]
    size = np.maximum(np.linalg.norm(slip, axis=1), _SMALL)[:, None]
    tau = t_s - parameters[:, T0, None]
    T = 2 * size / (7 * parameters[:, SLIDING, None])
    m = np.clip(tau, 0.0, T)
    sliding: Array = (
        parameters[:, None, ROLL] + 2.5 * (parameters[:, SLIDING, None] * m / size)[..., None] * slip[:, None]
    )
    _, speed = motion(parameters, t_s)
    return np.where((tau > T)[..., None], speed, sliding)


def slide_time(parameters: Array) -> Array:
    """How long each leg slides, (S,) seconds."""
    slip = np.linalg.norm(parameters[:, SPEED] - parameters[:, ROLL], axis=1)
    time: Array = 2 * slip / (7 * parameters[:, SLIDING])
    return time


def fit(legs: Legs, noise_in: float) -> Fitted:
    """Damped Gauss–Newton [Levenberg 1944, Marquardt 1963] for all legs together, with Huber's weights.

    `noise_in` is the standard deviation of a sight on each axis. A leg without sights keeps its prior.
    """
    x = legs.guess.copy()
    damping = np.full(len(legs), 1e-3)
    place, _, slopes = _evaluate(x, legs.t_s)
    weight = _weights(legs, place, noise_in)
    cost = _cost(legs, x, place, weight, noise_in)
    for _ in range(_ROUNDS):
        normal, pull = _normal(legs, x, place, slopes, weight / noise_in**2)
        scale = np.einsum("sii->si", normal)
        damped = normal + np.einsum("s,si,ij->sij", damping, scale, np.eye(SIZE))
        tried = x + np.linalg.solve(damped, pull[..., None])[..., 0]
        tried[:, T0] = np.clip(tried[:, T0], legs.earliest_s, legs.latest_s)
        tried[:, SLIDING] = np.clip(tried[:, SLIDING], 0.3 * legs.guess[:, SLIDING], 3 * legs.guess[:, SLIDING])
        tried[:, ROLLING] = np.clip(tried[:, ROLLING], 0.1 * legs.guess[:, ROLLING], 6 * legs.guess[:, ROLLING])
        new_place, _, new_slopes = _evaluate(tried, legs.t_s)
        new_cost = _cost(legs, tried, new_place, weight, noise_in)
        better = new_cost <= cost
        x = np.where(better[:, None], tried, x)
        place = np.where(better[:, None, None], new_place, place)
        slopes = np.where(better[:, None, None, None], new_slopes, slopes)
        damping = np.where(better, damping * 0.2, damping * 10)
        weight = _weights(legs, place, noise_in)
        cost = _cost(legs, x, place, weight, noise_in)
    normal, _ = _normal(legs, x, place, slopes, weight / noise_in**2)
    count: NDArray[np.int64] = legs.seen.sum(axis=1)
    square = (np.square(place - legs.places_in).sum(axis=2) * legs.seen).sum(axis=1)
    residual = np.asarray(np.sqrt(square / np.maximum(2 * count, 1)), dtype=np.float64)
    covariance = np.asarray(np.linalg.inv(normal), dtype=np.float64)
    return Fitted(x, covariance, residual, count, cost)


def _evaluate(x: Array, t_s: Array, *, with_slopes: bool = True) -> tuple[Array, Array, Array]:
    """Positions, velocities (S, N, 2) and the positions' slopes (S, N, 2, 9) by the parameters.

    The slopes leave out how the roll's beginning and direction change with v₀ and u: they are small, and the
    damping bears with it.
    """
    tau = t_s - x[:, T0, None]
    v0, u = x[:, SPEED], x[:, ROLL]
    A, B = x[:, SLIDING, None], x[:, ROLLING, None]
    w = v0 - u
    slip = np.maximum(np.linalg.norm(w, axis=1), _SMALL)[:, None]
    w_unit = w / slip
    T = 2 * slip / (7 * A)
    m = np.clip(tau, 0.0, T)
    rest = np.maximum(tau - T, 0.0)
    v_roll = v0 - 2 / 7 * w
    roll_speed = np.maximum(np.linalg.norm(v_roll, axis=1), _SMALL)[:, None]
    v_unit = v_roll / roll_speed
    rolled = np.minimum(rest, roll_speed / B)
    slid = m**2 / 2 + T * rest
    place = x[:, None, PLACE] + v0[:, None] * tau[..., None] - (A * slid)[..., None] * w_unit[:, None]
    place -= (v_roll[:, None] * (rest - rolled)[..., None]) + (B * rolled**2 / 2)[..., None] * v_unit[:, None]
    speed = v0[:, None] - (A * m)[..., None] * w_unit[:, None] - (B * rolled)[..., None] * v_unit[:, None]
    speed = np.where((rest > rolled)[..., None], 0.0, speed)
    if not with_slopes:
        return place, speed, place
    slopes = np.zeros((*tau.shape, 2, SIZE))
    slopes[..., T0] = -speed
    slopes[..., 0, 1] = slopes[..., 1, 2] = 1.0
    # By w: in the slide only across it; once rolling, Aŵ(Tτ − T²/2) with T = k|w|.
    k = 2 / (7 * A)
    sliding = tau <= T
    even = np.where(sliding, A * m**2 / (2 * slip), A * (k * tau - k**2 * slip / 2))
    along = np.where(sliding, -even, -A * k**2 * slip / 2)
    outer = w_unit[:, :, None] * w_unit[:, None, :]
    by_w = -(even[..., None, None] * np.eye(2) + along[..., None, None] * outer[:, None])
    slopes[..., SPEED] = tau[..., None, None] * np.eye(2) + by_w
    slopes[..., ROLL] = -by_w
    slopes[..., SLIDING] = -w_unit[:, None] * (m**2 / 2)[..., None]
    slopes[..., ROLLING] = -v_unit[:, None] * (rolled**2 / 2)[..., None]
    return place, speed, slopes


def _weights(legs: Legs, place: Array, noise_in: float) -> Array:
    off = np.linalg.norm(place - legs.places_in, axis=2) / (noise_in * np.sqrt(2))
    weight: Array = legs.seen * np.minimum(1.0, _OUTLIER / np.maximum(off, _SMALL))
    return weight


def _cost(legs: Legs, x: Array, place: Array, weight: Array, noise_in: float) -> Array:
    away = x - legs.guess
    square = np.square(place - legs.places_in).sum(axis=2) / noise_in**2
    cost: Array = (weight * square).sum(axis=1) + np.einsum("si,sij,sj->s", away, legs.prior, away)
    return cost


def _normal(legs: Legs, x: Array, place: Array, slopes: Array, weight: Array) -> tuple[Array, Array]:
    """The normal matrices (S, 9, 9) and the right sides (S, 9) of a step; `weight` (S, N) in sights per in²."""
    S = len(legs)
    J = slopes.reshape(S, -1, SIZE)
    scaled = (slopes * weight[..., None, None]).reshape(S, -1, SIZE)
    left = (legs.places_in - place).reshape(S, -1, 1)
    turned = np.swapaxes(scaled, 1, 2)
    normal: Array = turned @ J + legs.prior
    pull: Array = (turned @ left)[..., 0] + np.einsum("sij,sj->si", legs.prior, legs.guess - x)
    return normal, pull
