"""The pairs cost as little as the reference's, whatever the matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment as reference

from vision.assignment import linear_sum_assignment

_SHAPES = st.tuples(st.integers(0, 9), st.integers(0, 9))
_ANY = arrays(np.float64, _SHAPES, elements=st.floats(-50, 50))
# Few different costs, so that many ties and collisions occur, and such as must not be paired.
_TIED = arrays(np.float64, _SHAPES, elements=st.sampled_from([0.0, 1.0, 2.0, 1e6]))


def _assert_best(cost: np.ndarray) -> None:
    rows, columns = linear_sum_assignment(cost)
    assert len(rows) == len(columns) == min(cost.shape)
    assert (np.diff(rows) > 0).all()
    assert len(set(columns.tolist())) == len(columns)
    assert cost[rows, columns].sum() == pytest.approx(cost[reference(cost)].sum(), rel=1e-9, abs=1e-9)


@given(_ANY | _TIED)
def test_the_sum_is_the_least(cost: np.ndarray) -> None:
    _assert_best(cost)


@pytest.mark.parametrize("shape", [(9, 25), (16, 40), (22, 44), (25, 50), (50, 25), (16, 16)])
def test_the_sum_is_the_least_for_a_whole_table(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        # Balls that look alike want the same names: one factor for the ball, one for the name, some noise.
        _assert_best(rng.random((shape[0], 1)) * rng.random(shape[1]) + 0.05 * rng.random(shape))


def test_without_ties_the_pairs_are_those_of_the_reference() -> None:
    rng = np.random.default_rng(6)
    for _ in range(200):
        cost = rng.random(rng.integers(1, 12, 2))
        assert np.array_equal(linear_sum_assignment(cost), reference(cost))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_cost_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        linear_sum_assignment(np.array([[1.0, bad], [2.0, 3.0]]))
