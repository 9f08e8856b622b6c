"""Which of a set's balls are in play: nine-ball is played with 1 to 9, ten-ball with 1 to 10, others with all."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.assignment import linear_sum_assignment
from vision.balls import BallSet

Array = NDArray[np.float64]
Places = NDArray[np.int64]

NEVER = 1e6
_AGAIN = 3  # so many balls more than a moment ago are a new rack
_REMEMBERED_MOST = 12.0


@dataclass(frozen=True)
class Assigned:
    """Rows and their columns, each of shape (N,), and the costs that they were chosen by, shape (N, columns)."""

    rows: Places
    columns: Places
    cost: Array


class Racks:
    """Assigns balls within the likeliest rack, and remembers what the fullest table since the last racking told.

    Of a rack of R balls any n are left over with equal chance, 1 / C(R, n): nine balls that may be 1 to 9 are
    hardly ever nine of fifteen.
    """

    def __init__(self) -> None:
        self._most = self._least = 0
        self._fullest = True
        self._told: dict[int, float] = {}

    def assign(self, cost: Array, slots: list[int], ball_set: BallSet) -> Assigned:
        """The assignment at the least cost; `cost`, shape (N, places + N), is that of each ball of the set, whose
        kinds are `slots`, and of being none."""
        numbers = np.array([_number(ball_set.balls[kind].name) for kind in slots])
        best, least = None, np.inf
        costs: dict[int, float] = {}
        for size in sorted(ball_set.racks, reverse=True) or [0]:
            within = cost.copy()
            if size:
                within[:, np.nonzero(numbers > size)[0]] = NEVER
            rows, columns = linear_sum_assignment(within)
            chosen = columns[columns < len(slots)]
            objects = int((numbers[chosen] > 0).sum())
            if size == 0:
                return Assigned(rows, columns, within)
            if best is None:
                self._count(objects)
            if objects > size:
                break
            costs[size] = float(within[rows, columns].sum()) + math.log(math.comb(size, objects))
            total = costs[size] + self._told.get(size, 0.0)
            if total < least:
                best, least = Assigned(rows, columns, within), total
        assert best is not None
        if self._fullest:
            cheapest = min(costs.values())
            self._told = {
                size: min(costs.get(size, NEVER) - cheapest, _REMEMBERED_MOST) for size in ball_set.racks
            }
        return best

    def _count(self, objects: int) -> None:
        if objects >= self._least + _AGAIN:
            self._most, self._least, self._told = 0, objects, {}
        self._least = min(self._least, objects)
        self._fullest = objects >= self._most
        self._most = max(self._most, objects)
        if self._fullest:
            self._told = {}


def _number(name: str) -> int:
    """An object ball's number, 0 for others."""
    return int(name) if name.isdigit() else 0
