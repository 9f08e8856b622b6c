"""Intervals and average precision, against values worked out elsewhere."""

import numpy as np
import pytest

from vision.evaluate import statistics as st


def test_wilson_interval_of_a_known_share() -> None:
    metric = st.share("x", 9, 10)
    assert metric.value == pytest.approx(90.0)
    # Wilson 1927 for 9 of 10 at 95 %: 0.5958 … 0.9821
    assert metric.low == pytest.approx(59.58, abs=0.02)
    assert metric.high == pytest.approx(98.21, abs=0.02)


def test_a_perfect_share_is_not_certain() -> None:
    metric = st.share("x", 228, 228)
    assert metric.high == 100.0
    assert metric.low == pytest.approx(98.34, abs=0.02)


def test_nothing_seen_is_no_figure() -> None:
    assert st.share("x", 0, 0).value is None
    assert st.median("x", [], "mm").value is None


@pytest.mark.slow
def test_the_bootstrap_covers_the_true_median() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(60):
        metric = st.median("x", rng.exponential(1.0, 80), "mm")
        assert metric.low is not None
        assert metric.high is not None
        covered += metric.low <= np.log(2) <= metric.high
    assert covered >= 52


def test_rmse() -> None:
    assert st.rmse("x", [3.0, 4.0], "mm").value == pytest.approx(np.sqrt(12.5))


def test_average_precision() -> None:
    assert st.average_precision([(0.9, True), (0.8, True)], 2) == 1.0
    assert st.average_precision([(0.9, False), (0.8, True)], 1) == 0.5
    assert st.average_precision([(0.9, True), (0.5, False)], 2) == 0.5
    assert st.average_precision([], 3) == 0.0


def test_values_that_go_on_alike_widen_the_interval() -> None:
    """A hundred stretches of forty equal values say as much as a hundred values."""
    rng = np.random.default_rng(5)
    few = rng.normal(10.0, 2.0, 100)
    for figure in (st.mean, st.median, st.rmse):
        apart, alike = figure("x", rng.normal(10.0, 2.0, 4000), "mm"), figure("x", np.repeat(few, 40), "mm")
        widths = []
        for metric in (apart, alike, figure("x", few, "mm")):
            assert metric.value is not None
            assert metric.low is not None
            assert metric.high is not None
            assert metric.low <= metric.value <= metric.high
            widths.append(metric.high - metric.low)
        assert widths[1] > 3 * widths[0]
        assert widths[1] == pytest.approx(widths[2], rel=0.35)


def test_percentiles_of_many_values() -> None:
    metric = st.percentile("x", np.random.default_rng(1).permutation(10_000), "mm", 95)
    assert metric.value == pytest.approx(9499, abs=1)
    assert metric.low == pytest.approx(9455, abs=25)
    assert metric.high == pytest.approx(9540, abs=25)
    assert st.percentile("x", np.zeros(5000), "mm", 95).high == 0.0


def test_what_is_never_said_is_no_zero() -> None:
    metric = st.not_reported("x", 12)
    assert (metric.value, metric.n, metric.note) == (None, 12, "not reported")
