"""Position play: where the cue ball was wanted, and how far from it it stopped (the position error, in inches).

A zone is named by a drill, or is the best one for the next ball: the places from which its easiest pot is hardly
harder than from the best place of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.aims import aims_at
from vision.difficulty import Stroke, difficulty
from vision.model import Point

Array = NDArray[np.float64]

_STEP_IN = 3.0
_AS_GOOD = 0.08  # so much harder than the best is as good
_HARDEST = 0.6  # nobody plans for a place where more is missed than made


@dataclass(frozen=True)
class Zone:
    """A part of the table: all points within `radius_in` of one of `points_in` (k, 2)."""

    points_in: Array
    radius_in: float

    def error_in(self, stopped_in: Point) -> float:
        """How far outside the zone a ball stopped, 0 within it."""
        away = np.linalg.norm(self.points_in - np.asarray(stopped_in), axis=1).min()
        return max(0.0, float(away) - self.radius_in)


def circle(centre_in: Point, radius_in: float) -> Zone:
    """A round zone, as drills have them."""
    return Zone(np.array([centre_in], dtype=np.float64), radius_in)


def best_zone(next_ball: int, layout: Mapping[int, Point], cue: int | None, table: Table) -> Zone | None:
    """The best zone for the next ball, `layout` being what lies on the table; None where no place has a shot.

    Takes some tenths of a second: it is for after a shot, not for a frame.
    """
    places = _places(layout, cue, table)
    hard = np.array([ease(next_ball, (float(x), float(y)), layout, cue, table) for x, y in places])
    if not len(hard) or hard.min() > _HARDEST:
        return None
    good = hard <= min(hard.min() + _AS_GOOD, _HARDEST)
    return Zone(places[good], _STEP_IN * float(np.sqrt(0.5)))


def ease(ball: int, cue_in: Point, layout: Mapping[int, Point], cue: int | None, table: Table) -> float:
    """The difficulty of a ball's easiest pot from a place, 1 where there is none."""
    aims = [a for a in aims_at(ball, cue_in, layout, cue, table) if a.kind == "pot"]
    return min((difficulty(a, Stroke(), table.ball_diameter_in) for a in aims), default=1.0)


def _places(layout: Mapping[int, Point], cue: int | None, table: Table) -> Array:
    """Where a cue ball can lie: a grid over the bed, clear of balls, (k, 2)."""
    R = table.ball_radius_in
    x, y = (np.arange(R + 0.5, size - R, _STEP_IN) for size in (table.length_in, table.width_in))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    balls = np.array([p for b, p in layout.items() if b != cue]).reshape(-1, 2)
    clear = np.linalg.norm(grid[:, None] - balls[None], axis=2) > table.ball_diameter_in
    kept: Array = grid[clear.all(axis=1)]
    return kept
