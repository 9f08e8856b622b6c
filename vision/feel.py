"""The table's own physics, learnt from its shots: how cloth slows balls, what rails give back, how it tilts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from calibration.table import RAIL_NAMES, RailName

FORMAT = 1
# One shot never counts for more than this, and what is known fades: cloth wears, a hall gets damp.
_OUTLIER = 3.0
_FADES = 0.002  # of the prior's variance, a shot
_LEAST_SHARE = 0.03  # of the prior's standard deviation: no estimate gets surer than this


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard deviation."""

    value: float
    sd: float

    def told(self, value: float, sd: float, prior: "Estimate") -> "Estimate":
        """This estimate after an observation; one that is far off counts less [Huber 1964]."""
        spread = float(np.hypot(self.sd, sd))
        sd *= max(1.0, abs(value - self.value) / (_OUTLIER * spread))
        gain = self.sd**2 / (self.sd**2 + sd**2)
        left = max(self.sd * float(np.sqrt(1 - gain)), _LEAST_SHARE * prior.sd)
        return Estimate(self.value + gain * (value - self.value), left)

    def faded(self, prior: "Estimate") -> "Estimate":
        """A shot later: a little less sure, never less than before anything was seen."""
        return replace(self, sd=min(prior.sd, float(np.sqrt(self.sd**2 + _FADES * prior.sd**2))))


# Before a table has been seen: usual cloth and rails [billiards.colostate.edu; WPA], with a spread that takes in
# what halls have; and a level within a millimetre a metre.
USUAL_SLIDING = Estimate(0.2, 0.05)
USUAL_ROLLING = Estimate(0.0105, 0.003)
USUAL_RAIL = Estimate(0.8, 0.07)
USUAL_TILT = Estimate(0.0, 0.001)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one leg or one rebound says about one number."""

    value: float
    sd: float


@dataclass(frozen=True)
class Observations:
    """What one shot says about its table: friction, rebounds by rail, tilts as (unit vector, slope)."""

    sliding: Sequence[Observation] = ()
    rolling: Sequence[Observation] = ()
    rebounds: Sequence[tuple[RailName, Observation]] = ()
    tilts: Sequence[tuple[tuple[float, float], Observation]] = ()


@dataclass(frozen=True, slots=True)
class Feel:
    """One table: friction of a sliding and of a rolling ball on its cloth, as shares of the ball's weight; how
    much of the speed into a cushion comes back, as `vision.rail` has it, over all and by rail; how far it falls
    along x and along y, as slopes; how many shots that was learnt from."""

    sliding: Estimate = USUAL_SLIDING
    rolling: Estimate = USUAL_ROLLING
    rail: Estimate = USUAL_RAIL
    rails: dict[RailName, Estimate] = field(default_factory=dict)
    tilt_x: Estimate = USUAL_TILT
    tilt_y: Estimate = USUAL_TILT
    shots: int = 0

    def told(self, seen: Observations) -> "Feel":
        """The table after one more shot."""
        sliding, rolling = self.sliding.faded(USUAL_SLIDING), self.rolling.faded(USUAL_ROLLING)
        for o in seen.sliding:
            sliding = sliding.told(o.value, o.sd, USUAL_SLIDING)
        for o in seen.rolling:
            rolling = rolling.told(o.value, o.sd, USUAL_ROLLING)
        rail, rails = self.rail.faded(USUAL_RAIL), {n: e.faded(USUAL_RAIL) for n, e in self.rails.items()}
        for name, o in seen.rebounds:
            rail = rail.told(o.value, o.sd, USUAL_RAIL)
            rails[name] = rails.get(name, USUAL_RAIL).told(o.value, o.sd, USUAL_RAIL)
        tilt_x, tilt_y = self.tilt_x.faded(USUAL_TILT), self.tilt_y.faded(USUAL_TILT)
        for way, o in seen.tilts:
            tilt_x, tilt_y = _tilted(tilt_x, tilt_y, way, o)
        return Feel(sliding, rolling, rail, rails, tilt_x, tilt_y, self.shots + 1)

    def to_json(self) -> dict[str, Any]:
        """As it is kept with its table."""
        return {"format": FORMAT, **asdict(self)}


def _tilted(x: Estimate, y: Estimate, way: tuple[float, float], seen: Observation) -> tuple[Estimate, Estimate]:
    """Both slopes after the slope along one direction was seen: what is not along x is taken as believed."""
    new_x, new_y = x, y
    if abs(way[0]) > 0.2:
        sd = float(np.hypot(seen.sd, way[1] * y.sd)) / abs(way[0])
        new_x = x.told((seen.value - way[1] * y.value) / way[0], sd, USUAL_TILT)
    if abs(way[1]) > 0.2:
        sd = float(np.hypot(seen.sd, way[0] * x.sd)) / abs(way[1])
        new_y = y.told((seen.value - way[0] * x.value) / way[1], sd, USUAL_TILT)
    return new_x, new_y


def feel_from_json(data: dict[str, Any]) -> Feel:
    """A table's feel as `Feel.to_json` wrote it. Raises ValueError for anything else."""
    try:
        if data["format"] != FORMAT:
            raise ValueError(
                f"a table's feel of format {data['format']} can't be read: this program reads {FORMAT}"
            )
        named = {name: _estimate(data[name]) for name in ("sliding", "rolling", "rail", "tilt_x", "tilt_y")}
        rails = {name: _estimate(value) for name, value in data["rails"].items()}
        shots = int(data["shots"])
        if shots < 0 or not rails.keys() <= set(RAIL_NAMES):
            raise ValueError("that is no table's feel: a table has no such rail, or no such number of shots")
        return Feel(**named, rails=rails, shots=shots)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"that is no table's feel ({type(error).__name__}: {error})") from error


def _estimate(data: dict[str, Any]) -> Estimate:
    e = Estimate(**data)
    if not (np.isfinite([e.value, e.sd]).all() and e.sd > 0):
        raise ValueError(f"that is no table's feel: {e.value} ± {e.sd} is no estimate")
    return e


USUAL = Feel()
