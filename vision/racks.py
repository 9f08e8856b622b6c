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
        self._told: dict[int, float] = {}

    def assign(self, cost: Array, slots: list[int], ball_set: BallSet) -> Assigned:
        """The assignment at the least cost; `cost`, shape (N, places + N), is that of each ball of the set, whose
        kinds are `slots`, and of being none."""
        if not ball_set.racks:
            return Assigned(*linear_sum_assignment(cost), cost.copy())
        numbers = np.array([_number(ball_set.balls[kind].name) for kind in slots])
        options: dict[int, tuple[float, Assigned]] = {}
        fullest = False
        for size in sorted(ball_set.racks, reverse=True):
            within = cost.copy()
            within[:, np.nonzero(numbers > size)[0]] = NEVER
            rows, columns = linear_sum_assignment(within)
            objects = int((numbers[columns[columns < len(slots)]] > 0).sum())
            if not options:
                fullest = self._is_fullest(objects)
            if objects > size:
                break
            total = float(within[rows, columns].sum()) + math.log(math.comb(size, objects))
            options[size] = total, Assigned(rows, columns, within)
        if fullest:
            cheapest = min(total for total, _ in options.values())
            self._told = dict.fromkeys(ball_set.racks, _REMEMBERED_MOST)
            for size, (total, _) in options.items():
                self._told[size] = min(total - cheapest, _REMEMBERED_MOST)
            return min(options.values(), key=lambda option: option[0])[1]
        likeliest = min(options, key=lambda size: options[size][0] + self._told.get(size, 0.0))
        return options[likeliest][1]

    def _is_fullest(self, objects: int) -> bool:
        """Whether no table since the last racking had more object balls."""
        if objects >= self._least + _AGAIN:
            self._most, self._least, self._told = 0, objects, {}
        self._least = min(self._least, objects)
        fullest = objects >= self._most
        self._most = max(self._most, objects)
        return fullest


def _number(name: str) -> int:
    """An object ball's number, 0 for others."""
    return int(name) if name.isdigit() else 0
