"""The table's condition in words for staff: cloth, rails, level; a warning only where the shots bear it out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calibration.table import RAIL_NAMES, RailName
from vision.feel import Estimate, Feel

LEAST_SHOTS = 20  # before, nothing is said
_SIGMAS = 2.5
Pace = Literal["very fast", "fast", "normal", "slow"]
# Rolling resistance: tournament cloth 0.007–0.010, worn or damp cloth above [billiards.colostate.edu].
VERY_FAST, FAST, SLOW = 0.007, 0.009, 0.0135
_DEAD = 0.06  # a rail that gives back so much less than the others
LEVEL = 0.0004  # a slope that a ball shows by 7 mm over 2 m of slow roll
_SEEN_RAIL_SD = 0.02


@dataclass(frozen=True, slots=True)
class Condition:
    """How a table plays, sentence by sentence, and what needs care (none where nothing does)."""

    report: tuple[str, ...]
    warnings: tuple[str, ...]


def condition(feel: Feel) -> Condition:
    """What has been learnt of a table, in words."""
    if feel.shots < LEAST_SHOTS:
        return Condition((f"The table is still being learnt: {feel.shots} of {LEAST_SHOTS} shots.",), ())
    report = (
        f"Cloth: rolling resistance {_with_sd(feel.rolling, 4)} ({pace(feel.rolling)}), "
        f"sliding friction {_with_sd(feel.sliding, 3)}.",
        _rebounds(feel),
        _level(feel),
    )
    return Condition(report, tuple(w for w in (*_cloth(feel), *_rails(feel), *_tilt(feel)) if w))


def _with_sd(e: Estimate, digits: int) -> str:
    return f"{e.value:.{digits}f} ± {e.sd:.{digits}f}"


def _rebounds(feel: Feel) -> str:
    known = [f"{name} {_with_sd(e, 2)}" for name in RAIL_NAMES if (e := feel.rails.get(name)) is not None]
    return f"Rails give back {', '.join(known)} of the speed into them." if known else "No rail was played yet."


def pace(rolling: Estimate) -> Pace:
    """How fast a cloth of this rolling resistance plays."""
    if rolling.value < VERY_FAST:
        return "very fast"
    return "slow" if rolling.value > SLOW else "fast" if rolling.value < FAST else "normal"


def _cloth(feel: Feel) -> list[str]:
    e = feel.rolling
    if e.value - _SIGMAS * e.sd > SLOW:
        return ["The cloth plays slow. Brush and iron it; if that does not help, it is worn or damp."]
    if e.value + _SIGMAS * e.sd < VERY_FAST:
        return ["The cloth plays unusually fast. It may be stretched thin: look for shiny tracks."]
    return []


def dead_rails(feel: Feel) -> dict[RailName, float]:
    """The rails that surely give back less than the others, each with what the others give back."""
    return {
        name: other
        for name, e in feel.rails.items()
        if (other := _others(feel, name)) is not None and other - e.value - _SIGMAS * e.sd > _DEAD
    }


def _rails(feel: Feel) -> list[str]:
    return [
        f"The {name} rail is dead: it gives back {feel.rails[name].value:.2f} of the speed, "
        f"the others {other:.2f}. Check its rubber and bolts."
        for name, other in dead_rails(feel).items()
    ]


def _others(feel: Feel, name: RailName) -> float | None:
    """The median of the other rails that are known well."""
    known = [e.value for other, e in feel.rails.items() if other != name and e.sd < _SEEN_RAIL_SD]
    return float(np.median(known)) if len(known) >= 2 else None


def slope(feel: Feel) -> Estimate:
    """How much the table falls, along its own direction: metres a metre."""
    x, y = feel.tilt_x, feel.tilt_y
    size = float(np.hypot(x.value, y.value))
    if size < 1e-9:
        return Estimate(0.0, max(x.sd, y.sd))
    return Estimate(size, float(np.hypot(x.value * x.sd, y.value * y.sd) / size))


def is_tilted(feel: Feel) -> bool:
    """Whether it surely falls by more than play forgives."""
    fall = slope(feel)
    return fall.value - _SIGMAS * fall.sd >= LEVEL


def _level(feel: Feel) -> str:
    fall = slope(feel)
    return f"Level: it falls by {1000 * fall.value:.1f} ± {1000 * fall.sd:.1f} mm a metre."


def _tilt(feel: Feel) -> list[str]:
    if not is_tilted(feel):
        return []
    size = slope(feel).value
    x, y = feel.tilt_x.value / size, feel.tilt_y.value / size
    ends = [
        name
        for name, share in (("foot" if x > 0 else "head", abs(x)), ("left" if y > 0 else "right", abs(y)))
        if share > 0.4
    ]
    return [
        f"The table is not level: slow balls roll off towards the {' and the '.join(ends)} rail, "
        f"by {1000 * size:.1f} mm a metre. Have it levelled."
    ]
