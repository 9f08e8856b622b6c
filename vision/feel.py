"""The table's own physics, learnt from its shots: how its cloth slows balls, what its rails give back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard deviation."""

    value: float
    sd: float


# Before a table has been seen: usual cloth and rails [billiards.colostate.edu; WPA], with a spread that takes in
# what halls have.
USUAL_SLIDING = Estimate(0.2, 0.05)
USUAL_ROLLING = Estimate(0.0105, 0.003)
USUAL_RAIL = Estimate(0.8, 0.07)


@dataclass(frozen=True, slots=True)
class Feel:
    """One table: friction of a sliding and of a rolling ball on its cloth, as shares of the ball's weight, and how
    much of the speed into a cushion comes back, as `vision.rail` has it."""

    sliding: Estimate = USUAL_SLIDING
    rolling: Estimate = USUAL_ROLLING
    rail: Estimate = USUAL_RAIL


USUAL = Feel()
