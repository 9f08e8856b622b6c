"""Figures with their sample size and a 95 % interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: `n` is what it was computed from, `low`–`high` its 95 % interval where one can be given."""

    name: str
    value: float | None
    n: int
    unit: str = ""
    low: float | None = None
    high: float | None = None


def share(name: str, right: int, n: int) -> Metric:
    """`right` of `n` with Wilson's interval [Wilson 1927]."""
    if n == 0:
        return Metric(name, None, 0, "%")
    p = right / n
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return Metric(name, 100 * p, n, "%", 100 * max(0.0, middle - half), 100 * min(1.0, middle + half))


def f1(name: str, right: int, expected: int, reported: int) -> Metric:
    """2·right / (expected + reported), with Wilson's interval on that ratio."""
    n = expected + reported
    return share(name, 2 * right, n) if n else Metric(name, None, 0, "%")


def median(name: str, values: ArrayLike, unit: str) -> Metric:
    """The median with a percentile-bootstrap interval of 1,000 resamples."""
    return _bootstrapped(name, values, unit, 50.0)


def percentile(name: str, values: ArrayLike, unit: str, q: float) -> Metric:
    return _bootstrapped(name, values, unit, q)


def mean(name: str, values: ArrayLike, unit: str) -> Metric:
    """The mean with a bootstrap interval."""
    return _bootstrapped(name, values, unit, None)


def rmse(name: str, values: ArrayLike, unit: str) -> Metric:
    """The root of the mean square, with a bootstrap interval."""
    found = mean(name, np.square(np.asarray(values, dtype=np.float64)), unit)
    roots = [None if v is None else math.sqrt(v) for v in (found.value, found.low, found.high)]
    return Metric(name, roots[0], found.n, unit, roots[1], roots[2])


def largest(name: str, values: ArrayLike, unit: str) -> Metric:
    v = np.asarray(values, dtype=np.float64)
    return Metric(name, float(v.max()) if v.size else None, int(v.size), unit)


def average_precision(scored: Sequence[tuple[float, bool]], expected: int) -> float | None:
    """The area under precision over recall of detections as (quality, right), all points interpolated."""
    if expected == 0:
        return None
    ranked = sorted(scored, key=lambda item: -item[0])
    right = np.cumsum([ok for _, ok in ranked])
    if not len(right):
        return 0.0
    precision = right / np.arange(1, len(right) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.concatenate([[0.0], right / expected])
    return float(np.sum(np.diff(recall) * best_from_here))


def _bootstrapped(name: str, values: ArrayLike, unit: str, q: float | None) -> Metric:
    v = np.asarray(values, dtype=np.float64)
    if not v.size:
        return Metric(name, None, 0, unit)

    def figure(samples: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> ArrayLike:
        return samples.mean(axis=-1) if q is None else np.percentile(samples, q, axis=-1)

    value = float(np.asarray(figure(v)))
    if v.size < 3:
        return Metric(name, value, int(v.size), unit)
    rng = np.random.default_rng(0)
    rounds = max(1, min(1000, 20_000_000 // v.size))
    found = np.concatenate([np.atleast_1d(figure(rng.choice(v, (1, v.size)))) for _ in range(rounds)])
    low, high = np.percentile(found, [2.5, 97.5])
    return Metric(name, value, int(v.size), unit, float(low), float(high))
