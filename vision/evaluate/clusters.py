"""Intervals of figures from observations that hang together: those of one hall, or of one shot.

A ball that lies still is the same observation in a thousand frames, and all shots of a hall share its cloth and
its camera. So whole clusters are drawn again, with replacement, and the figure is computed from what they hold:
the cluster bootstrap [Davison & Hinkley 1997, § 3.8; Field & Welsh 2007]. Clusters are the seeds where there are
ten at least, else the stretches of play from one shot's end to the next one's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision.evaluate import statistics as st
from vision.evaluate.statistics import Metric

Floats = NDArray[np.float64]

FEWEST_SEEDS = 10
_ROUNDS = 1000
# From so many values on percentiles are read off counts in bins of equal size.
_BINS_FROM, _BINS = 2000, 400


@dataclass(frozen=True)
class Clusters:
    """Which cluster each of n stretches belongs to, shape (n,), counted from 0."""

    of: NDArray[np.int64]

    @classmethod
    def of_seeds(cls, stretches: Sequence[int]) -> "Clusters":
        """The clusters of seeds of so many stretches each: the seeds, or the stretches where seeds are few."""
        if len(stretches) >= FEWEST_SEEDS:
            return cls(np.repeat(np.arange(len(stretches)), stretches))
        return cls(np.arange(sum(stretches)))

    def share(self, name: str, right: Sequence[int], n: Sequence[int]) -> Metric:
        """The share of all that was right, of so many in each stretch.

        Where everything was right, or nothing, drawing again can't tell how sure that is: there the interval is
        Wilson's for one observation a stretch.
        """
        metric = st.share(name, sum(right), sum(n))
        if metric.value is None:
            return metric
        if sum(right) in (0, sum(n)):
            stretches = sum(1 for each in n if each)
            return replace(st.share(name, stretches if sum(right) else 0, stretches), n=metric.n)
        return self._between(metric, self._ratios(right, n) * 100)

    def ratio(self, name: str, above: ArrayLike, below: ArrayLike, unit: str, n: int) -> Metric:
        """The sum of one count over the sum of another."""
        top, bottom = float(np.sum(above)), float(np.sum(below))
        if not bottom:
            return Metric(name, None, n, unit)
        return self._between(Metric(name, top / bottom, n, unit), self._ratios(above, below))

    def mean(self, name: str, values: Sequence[ArrayLike], unit: str) -> Metric:
        """The mean of all values, of which each stretch has some."""
        sums, counts = [float(np.sum(v)) for v in values], [int(np.size(v)) for v in values]
        return self.ratio(name, sums, counts, unit, sum(counts))

    def rmse(self, name: str, values: Sequence[ArrayLike], unit: str) -> Metric:
        """The root of the mean square."""
        found = self.mean(name, [np.square(np.asarray(v, dtype=np.float64)) for v in values], unit)
        roots = [None if v is None else float(np.sqrt(v)) for v in (found.value, found.low, found.high)]
        return replace(found, value=roots[0], low=roots[1], high=roots[2])

    def percentile(self, name: str, values: Sequence[ArrayLike], unit: str, q: float) -> Metric:
        """The q-th percentile of all values."""
        groups = self._pooled(values)
        everything = np.concatenate([*groups, np.zeros(0)])
        if not everything.size:
            return Metric(name, None, 0, unit)
        metric = Metric(name, float(np.percentile(everything, q)), int(everything.size), unit)
        if len(groups) < 2:
            return metric
        weights = _drawn(len(groups))
        if everything.size >= _BINS_FROM:
            return self._between(metric, _binned(groups, everything, q, weights))
        rounds = [np.percentile(np.concatenate(_repeated(groups, w)), q) for w in weights]
        return self._between(metric, np.array(rounds))

    def median(self, name: str, values: Sequence[ArrayLike], unit: str) -> Metric:
        return self.percentile(name, values, unit, 50.0)

    def _pooled(self, values: Sequence[ArrayLike]) -> list[Floats]:
        """The values of each cluster that has any."""
        held: dict[int, list[Floats]] = {}
        for cluster, v in zip(self.of, values, strict=True):
            if np.size(v):
                held.setdefault(int(cluster), []).append(np.asarray(v, dtype=np.float64))
        return [np.concatenate(parts) for parts in held.values()]

    def _ratios(self, above: ArrayLike, below: ArrayLike) -> Floats:
        """The ratio in each round, shape (rounds,), or (0,) where fewer than two clusters have anything below."""
        size = int(self.of.max(initial=-1)) + 1
        tops = np.bincount(self.of, weights=np.asarray(above, dtype=np.float64), minlength=size)
        bottoms = np.bincount(self.of, weights=np.asarray(below, dtype=np.float64), minlength=size)
        held = bottoms > 0
        if held.sum() < 2:
            return np.zeros(0)
        weights = _drawn(int(held.sum()))
        found: Floats = (weights @ tops[held]) / (weights @ bottoms[held])
        return found

    def bootstrapped(self, metric: Metric, figure: Callable[[NDArray[np.int64]], Floats]) -> Metric:
        """A figure with its interval: `figure` computes it for each row of how often each cluster is drawn."""
        size = int(self.of.max(initial=-1)) + 1
        return metric if metric.value is None or size < 2 else self._between(metric, figure(_drawn(size)))

    @staticmethod
    def _between(metric: Metric, rounds: Floats) -> Metric:
        if not rounds.size:
            return metric
        low, high = np.percentile(rounds, [2.5, 97.5])
        return replace(metric, low=float(low), high=float(high))


def over_seeds(overall: Sequence[Metric], of_each: Sequence[Sequence[Metric]]) -> list[Metric]:
    """Figures of all seeds with the seeds as clusters, where a figure is the mean of the seeds' own weighted by
    their n, as shares and means are; others stay as they are, and all of them where seeds are few."""
    if len(of_each) < FEWEST_SEEDS:
        return list(overall)
    clusters = Clusters(np.arange(len(of_each)))
    each = [{(m.section, m.name): m for m in metrics} for metrics in of_each]
    return [_over_seeds(m, [by_name.get((m.section, m.name)) for by_name in each], clusters) for m in overall]


def _over_seeds(metric: Metric, each: Sequence[Metric | None], clusters: Clusters) -> Metric:
    if metric.value is None or metric.low is None or any(m and m.n and m.value is None for m in each):
        return metric
    n = [m.n if m else 0 for m in each]
    sums = [(m.value or 0.0) * m.n if m else 0.0 for m in each]
    adds_up = sum(n) == metric.n and bool(np.isclose(sum(sums), metric.value * metric.n, rtol=1e-9, atol=1e-9))
    if not adds_up or (metric.unit == "%" and metric.value in (0.0, 100.0)):
        return metric
    found = clusters.ratio(metric.name, sums, n, metric.unit, metric.n)
    return metric if found.low is None else replace(metric, low=found.low, high=found.high)


def _drawn(clusters: int) -> NDArray[np.int64]:
    """How often each cluster is drawn in each round: shape (rounds, clusters)."""
    rng = np.random.default_rng(0)
    weights: NDArray[np.int64] = rng.multinomial(clusters, np.full(clusters, 1 / clusters), _ROUNDS)
    return weights


def _repeated(groups: Sequence[Floats], weights: NDArray[np.int64]) -> list[Floats]:
    return [group for group, times in zip(groups, weights, strict=True) for _ in range(int(times))]


def _binned(groups: Sequence[Floats], everything: Floats, q: float, weights: NDArray[np.int64]) -> Floats:
    """The percentile in each round, to within the bin that it falls into."""
    edges = np.unique(np.percentile(everything, np.linspace(0, 100, _BINS + 1)))
    if len(edges) < 3:
        return np.full(len(weights), edges[0])
    counts = np.array([np.histogram(group, edges)[0] for group in groups])
    shares = np.cumsum(weights @ counts, axis=1) / (weights @ counts.sum(axis=1))[:, None]
    found: Floats = edges[1 + np.minimum((shares < q / 100 - 1e-9).sum(axis=1), len(edges) - 2)]
    return found
