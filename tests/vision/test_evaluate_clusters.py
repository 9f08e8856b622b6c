"""Intervals that know what hangs together, against worlds whose true figures are known."""

from collections.abc import Callable

import numpy as np
import pytest

from vision.evaluate import statistics as st
from vision.evaluate.clusters import Clusters, over_seeds
from vision.evaluate.paths import PathTally, path_metrics
from vision.evaluate.statistics import Metric


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def bounds(metric: Metric) -> tuple[float, float]:
    assert metric.low is not None
    assert metric.high is not None
    return metric.low, metric.high


def covers(metric: Metric, true: float) -> bool:
    low, high = bounds(metric)
    return low <= true <= high


def test_halls_that_differ_widen_the_interval_of_a_share_until_it_covers(rng: np.random.Generator) -> None:
    """Each of 40 halls has a share of its own, beta distributed round 80 %; every ball is seen 500 times."""
    clustered = alone = 0
    for _ in range(100):
        right = rng.binomial(500, rng.beta(8, 2, 40)).tolist()
        clustered += covers(Clusters.of_seeds([1] * 40).share("x", right, [500] * 40), 80.0)
        alone += covers(st.share("x", sum(right), 500 * 40), 80.0)
    assert clustered >= 88
    assert alone < 50


@pytest.mark.slow
@pytest.mark.parametrize("size", [5, 100])
@pytest.mark.parametrize("figure", [Clusters.mean, Clusters.median, Clusters.rmse])
def test_intervals_of_values_cover(figure: Callable[..., Metric], size: int, rng: np.random.Generator) -> None:
    """Values spread by 1 round their hall's own level, which spreads by 1 round 10."""
    true = np.sqrt(102.0) if figure is Clusters.rmse else 10.0
    clusters, covered = Clusters.of_seeds([1] * 30), 0
    for _ in range(60):
        halls = [level + rng.normal(0, 1, size) for level in rng.normal(10, 1, 30)]
        covered += covers(figure(clusters, "x", halls, "mm"), true)
    assert covered >= 50


def test_a_percentile_of_many_values_is_that_of_few(rng: np.random.Generator) -> None:
    """The same in bins as value by value."""
    halls = [rng.normal(level, 1, 70) for level in rng.normal(10, 1, 25)]
    clusters = Clusters.of_seeds([1] * 25)
    few = clusters.percentile("x", halls, "mm", 95)
    many = clusters.percentile("x", [np.repeat(hall, 2) for hall in halls], "mm", 95)
    assert few.value == pytest.approx(many.value, abs=0.05)
    assert bounds(few) == pytest.approx(bounds(many), abs=0.1)
    assert (few.n, many.n) == (1750, 3500)


def test_stretches_are_drawn_where_seeds_are_few() -> None:
    assert Clusters.of_seeds([3, 2]).of.tolist() == [0, 1, 2, 3, 4]
    assert Clusters.of_seeds([2] * 10).of.tolist() == [k // 2 for k in range(20)]


def test_nothing_wrong_in_some_stretches_is_not_certain() -> None:
    """Thirty stretches of a thousand frames each say no more than thirty observations."""
    metric = Clusters.of_seeds([30]).share("x", [1000] * 30, [1000] * 30)
    assert (metric.value, metric.n) == (100.0, 30_000)
    assert bounds(metric) == bounds(st.share("x", 30, 30))
    assert bounds(Clusters.of_seeds([30]).share("x", [0] * 30, [1000] * 30)) == bounds(st.share("x", 0, 30))


def test_of_nothing_there_is_no_figure() -> None:
    clusters = Clusters.of_seeds([2])
    assert clusters.share("x", [0, 0], [0, 0]).value is None
    assert clusters.median("x", [[], []], "mm").value is None
    assert clusters.mean("x", [[], []], "mm").value is None
    one = clusters.mean("x", [[3.0], []], "mm")
    assert (one.value, one.low, one.n) == (3.0, None, 1)


def test_figures_of_shots_are_drawn_by_seed_where_they_add_up() -> None:
    each = [[st.share("a", right, 20), st.median("b", [right], "s")] for right in (20, 20, 10, 20, 0) * 4]
    overall = [st.share("a", 14 * 20, 400), st.median("b", [20.0, 10.0, 0.0], "s")]
    share, median = over_seeds(overall, each)
    assert (share.value, share.n) == (70.0, 400)
    # Twenty seeds of which each is all right, half right or all wrong: a standard error of about 9 points.
    low, high = bounds(share)
    assert low == pytest.approx(52, abs=4)
    assert high == pytest.approx(86, abs=4)
    assert median == overall[1]
    assert over_seeds(overall, each[:9]) == overall


def test_hota_has_an_interval_of_recordings() -> None:
    tallies = [PathTally(10, k % 3, 1000 - 20 * k, 20 * k, 5, 900.0 - 10 * k) for k in range(20)]
    for metric in path_metrics(tallies):
        assert metric.value is not None
        low, high = bounds(metric)
        assert low < metric.value < high
    assert path_metrics(tallies[:9])[0].low is None
