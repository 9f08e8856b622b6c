"""What is known of a leg before its sights are looked at: the first guess of the fit, and its prior."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision.feel import Feel
from vision.motion import GRAVITY_IN_S2
from vision.slide import PLACE, ROLL, ROLLING, SIZE, SLIDING, SPEED, T0

Array = NDArray[np.float64]

_WIDE_IN_S = 1000.0


@dataclass(frozen=True)
class Start:
    """A leg's beginning: when (± `unsure_s`), where (± `unsure_in`), and how fast, roughly.

    The spin is known by the surface speed u it would roll at: `roll` times the velocity, with standard deviations
    `along` and `across` as shares of the speed. After a contact it may be anything about as fast as the ball.
    """

    t_s: float
    place_in: Array
    velocity: Array
    unsure_s: float
    unsure_in: float
    roll: float = 0.6
    along: float = 1.0
    across: float = 1.0

    def struck(self) -> "Start":
        """The start of a ball that a cue struck: it spins about the normal of its way, as the tip made it."""
        return replace(self, roll=0.3, along=0.6, across=0.1)

    def set_off(self) -> "Start":
        """The start of a ball that another set off: it hardly spins at first."""
        return replace(self, roll=0.0, along=0.15, across=0.15)


def with_cloth(start: Start, feel: Feel) -> tuple[Array, Array]:
    """The first guess (9,) of a leg's parameters as `vision.slide` has them, and the precision (9, 9) of it."""
    guess, precision = np.zeros(SIZE), np.zeros((SIZE, SIZE))
    guess[T0], guess[PLACE], guess[SPEED] = start.t_s, start.place_in, start.velocity
    guess[ROLL] = start.roll * start.velocity
    for index, friction in ((SLIDING, feel.sliding), (ROLLING, feel.rolling)):
        guess[index] = friction.value * GRAVITY_IN_S2
        precision[index, index] = 1 / (friction.sd * GRAVITY_IN_S2) ** 2
    precision[T0, T0] = 1 / start.unsure_s**2
    precision[1, 1] = precision[2, 2] = 1 / start.unsure_in**2
    precision[3, 3] = precision[4, 4] = 1 / _WIDE_IN_S**2
    # u = roll·v₀ + error: the prior ties u to v₀, whatever that turns out to be.
    speed = max(float(np.hypot(*start.velocity)), 1.0)
    way = start.velocity / speed
    axes = np.array([[way[0], way[1]], [-way[1], way[0]]])
    tie = axes.T @ np.diag([1 / (start.along * speed) ** 2, 1 / (start.across * speed) ** 2]) @ axes
    precision[ROLL, ROLL] += tie
    precision[ROLL, SPEED] -= start.roll * tie
    precision[SPEED, ROLL] -= start.roll * tie
    precision[SPEED, SPEED] += start.roll**2 * tie
    return guess, precision
