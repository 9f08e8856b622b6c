"""Who gets what, at the least cost in all: for the small matrices of a frame, without the weight of a library."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]


def linear_sum_assignment(cost: Array) -> tuple[Places, Places]:
    """Pairs rows with columns at the least sum of costs, each at most once, as many pairs as there can be.

    `cost` has shape (n, m), either side the longer one. Returns rows, ascending, and their columns, each of shape
    (min(n, m),). Raises ValueError for costs that are not finite.

    Shortest augmenting paths [Crouse, "On implementing 2D rectangular assignment algorithms", IEEE Transactions
    on Aerospace and Electronic Systems 52 (2016)], begun with every row's cheapest column: in most frames these
    differ, and that is the answer. It is called like SciPy's, which it stands in for.
    """
    cost = np.asarray(cost, dtype=np.float64)
    if cost.shape[0] > cost.shape[1]:
        columns, rows = linear_sum_assignment(cost.T)
        order = np.argsort(rows)
        return rows[order], columns[order]
    rows = np.arange(cost.shape[0])
    if not cost.size:
        return rows[:0], rows[:0]
    if not math.isfinite(cost.sum()):
        raise ValueError("a cost is not finite: give a large one to what must not be paired")
    cheapest = cost.argmin(axis=1)
    wanted = cheapest.tolist()
    if len(set(wanted)) == len(wanted):
        return rows, cheapest
    return rows, _augmented(cost, wanted)


def _augmented(cost: Array, wanted: list[int]) -> Places:
    """The column of each row of a matrix, shape (n, m) with n ≤ m, whose rows' cheapest columns collide."""
    n, m = cost.shape
    # The prices of rows and columns: no pair costs less than both together, those that are made just that.
    of_row = cost[np.arange(n), wanted]
    of_column = np.zeros(m)
    row_at = np.full(m, -1)
    waiting = []
    for row, column in enumerate(wanted):
        if row_at[column] < 0:
            row_at[column] = row
        else:
            waiting.append(row)
    for row in waiting:
        _add(cost, row, of_row, of_column, row_at)
    columns = np.nonzero(row_at >= 0)[0]
    result: Places = columns[np.argsort(row_at[columns])]
    return result


def _add(cost: Array, first: int, of_row: Array, of_column: Array, row_at: Places) -> None:
    """Finds a column for one more row, others moving on, along the cheapest path; changes all but `cost`."""
    reached = np.full(cost.shape[1], np.inf)  # what the cheapest path to each column costs beyond the prices
    came_from = np.full(cost.shape[1], first)
    open_reached = reached.copy()  # likewise, of the columns that no path has passed
    passed: list[int] = []
    rows = [first]
    length = 0.0
    while True:
        row = rows[-1]
        through = length + cost[row] - of_row[row] - of_column
        shorter = through < open_reached
        shorter[passed] = False
        open_reached[shorter] = reached[shorter] = through[shorter]
        came_from[shorter] = row
        column = int(open_reached.argmin())
        length = float(open_reached[column])
        if row_at[column] < 0:
            break
        passed.append(column)
        open_reached[column] = np.inf
        rows.append(int(row_at[column]))
    of_row[first] += length
    of_row[rows[1:]] += length - reached[passed]
    of_column[passed] -= length - reached[passed]
    while True:
        row = int(came_from[column])
        before = np.nonzero(row_at == row)[0]
        row_at[column] = row
        if row == first:
            return
        column = int(before[0])
