"""Figures with their sample size and a 95 % interval."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_Z = 1.959964
_ROUNDS = 1000
# Above so many values they come from successive frames, where a value tells little beyond the one before it.
_BLOCKS_FROM, _BLOCKS, _BINS = 2000, 100, 400


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: `n` is what it was computed from, `low`–`high` its 95 % interval where one can be given; `note`
    says why there is none. `section` is where it stands in a report."""

    name: str
    value: float | None
    n: int
    unit: str = ""
    low: float | None = None
    high: float | None = None
    note: str = ""
    section: str = ""


def within(section: str, metrics: Iterable[Metric]) -> list[Metric]:
    """The figures under a section's heading."""
    return [replace(metric, section=section) for metric in metrics]


def not_reported(name: str, n: int) -> Metric:
    """A figure that can't be given, since what it judges is never said; `n` is how often it could have been."""
    return Metric(name, None, n, note="not reported")


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
    """The median with a percentile-bootstrap interval of 1,000 resamples; where there are many values, of blocks
    of successive ones."""
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
    if v.size >= _BLOCKS_FROM:
        found = _blockwise(v, q, rng)
    else:
        found = np.concatenate([np.atleast_1d(figure(rng.choice(v, (1, v.size)))) for _ in range(_ROUNDS)])
    low, high = np.percentile(found, [2.5, 97.5])
    return Metric(name, value, int(v.size), unit, float(low), float(high))


def _blockwise(values: Floats, q: float | None, rng: np.random.Generator) -> Floats:
    """The mean, or a percentile, of resamples of blocks of successive values [Künsch 1989]: shape (rounds,).

    Percentiles are read off counts in bins of equal size.
    """
    blocks = np.array_split(values, _BLOCKS)
    weights = rng.multinomial(_BLOCKS, np.full(_BLOCKS, 1 / _BLOCKS), _ROUNDS)
    sizes = np.array([len(block) for block in blocks])
    if q is None:
        means: Floats = weights @ np.array([block.sum() for block in blocks]) / (weights @ sizes)
        return means
    edges = np.unique(np.percentile(values, np.linspace(0, 100, _BINS + 1)))
    if len(edges) < 3:
        return np.full(_ROUNDS, edges[0])
    counts = np.array([np.histogram(block, edges)[0] for block in blocks])
    shares = np.cumsum(weights @ counts, axis=1) / (weights @ sizes)[:, None]
    found: Floats = edges[1 + np.minimum((shares < q / 100 - 1e-9).sum(axis=1), len(edges) - 2)]
    return found
