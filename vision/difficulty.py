"""How hard a shot is, 0 to 1: how often a league player would miss it, by geometry, speed and spin alone.

The object ball may leave up to `window_deg` off its line and still fall. On the way back to the cue that is less:
an error ε of the cue ball's direction moves the ghost ball by ε·s over the distance s, and turns the line of
centres by ε·s / (D cos φ) [billiards.colostate.edu TP 3.4], so the cue may err by

    δ = window · D cos φ / s

and a player whose direction errs with standard deviation σ makes it with probability erf(δ / (σ √2)). σ is that of
a league player, more for speed and for spin, which squirt, throw and haste make less sure. Pressure is for others
to add.
"""

import math
from dataclasses import dataclass

from vision.aims import Aim

LEAGUE_SD_DEG = 0.6
_FAST_MPH = 12.0  # at this speed σ is half as much again
_ENGLISH_SHARE, _DRAW_SHARE = 0.35, 0.15
_HALF_TIP = 0.25  # ball radii
_LEAST_DISTANCE_IN = 3.0


@dataclass(frozen=True, slots=True)
class Stroke:
    """What was done beyond the line: speed in mph, english in radii off the middle, whether it was drawn."""

    speed_mph: float | None = None
    english: float | None = None
    drawn: bool = False


def difficulty(aim: Aim, stroke: Stroke, diameter_in: float) -> float:
    """0 (nobody misses it) to 1 (nobody makes it)."""
    return 1 - chance(aim, stroke, diameter_in)


def chance(aim: Aim, stroke: Stroke, diameter_in: float, sd_deg: float = LEAGUE_SD_DEG) -> float:
    """How often a player of this standard deviation of direction makes it."""
    through = max(math.cos(math.radians(aim.cut_deg)), 0.0)
    allowed = aim.window_deg * diameter_in * through / max(aim.cue_in, _LEAST_DISTANCE_IN)
    sd = sd_deg * (1 + 0.5 * ((stroke.speed_mph or 0.0) / _FAST_MPH) ** 2)
    sd *= 1 + _ENGLISH_SHARE * min(abs(stroke.english or 0.0) / _HALF_TIP, 2.0) + _DRAW_SHARE * stroke.drawn
    if aim.kind == "bank":
        # A rail adds its own error, of the object ball's direction.
        sd = math.hypot(sd, 1.5 * diameter_in * through / max(aim.cue_in, _LEAST_DISTANCE_IN))
    return math.erf(allowed / (sd * math.sqrt(2)))
