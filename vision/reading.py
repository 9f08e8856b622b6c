"""Everything the paths of one shot are read for, once: contacts, legs between them, the first meeting of balls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.causes import TOUCHING_IN
from vision.contacts import touches
from vision.course import Course, course_of
from vision.departures import departures
from vision.feel import Feel
from vision.impact import Impact, Pair, impact_of
from vision.legs import Known, Leg, legs_of
from vision.motion import Departure, Path, departure
from vision.touch import Scene, Touch, rails

Array = NDArray[np.float64]

USUAL_NOISE_IN = 0.035  # of a sight on each axis, where a shot is too short to tell
_LEAST_NOISE_IN = 0.012
_BY_RAIL_IN = 0.3


@dataclass(frozen=True)
class Reading:
    """The shot's course and what was read in it. `cue` is the cue ball's row; `noise_in` a sight's scatter."""

    table: Table
    course: Course
    departures: list[Departure | None]
    touches: list[Touch]
    legs: list[list[Leg]]
    cue: int | None
    impact: Impact | None
    noise_in: float

    def touches_of(self, row: int) -> list[Touch]:
        return [t for t in self.touches if row in (t.ball, t.other)]

    def place(self, row: int, t_s: float) -> Array:
        """Where a ball was at a time, (2,), between its sights."""
        t, p = self.course.t_s[row], self.course.places_in[row]
        return np.array([np.interp(t_s, t, p[:, 0]), np.interp(t_s, t, p[:, 1])])

    @property
    def first_touch(self) -> Touch | None:
        """The cue ball's first contact with another ball."""
        if self.cue is None:
            return None
        return next((t for t in self.touches_of(self.cue) if t.kind == "ball"), None)


def read(paths: list[Path], cue: int | None, table: Table, feel: Feel) -> Reading | None:
    """Reads the paths of the balls that moved; `cue` is the cue ball's number. None where nothing moved."""
    course = course_of(paths)
    if course is None:
        return None
    noise_in = scatter_in(course)
    row = course.balls.index(cue) if cue is not None and cue in course.balls else None
    rough = [departure(p) for p in paths]
    leaving = departures(paths, cue, noise_in, feel, [(d, None) for d in rough])
    found = touches(Scene(course, leaving, row, table, noise_in))
    # Once it is known what the balls met, their departures are told by what came before it.
    turns = _first_turns(course, leaving, found, row)
    leaving = departures(paths, cue, noise_in, feel, list(zip(rough, turns, strict=True)))
    scene = Scene(course, leaving, row, table, noise_in)
    found = touches(scene, found)
    legs = legs_of(Known(course, leaving, found, row, noise_in, feel))
    impact = None if row is None else _impact(scene, found, legs, row)
    return Reading(table, course, leaving, found, legs, row, impact, noise_in)


def _impact(scene: Scene, found: list[Touch], legs: list[list[Leg]], cue: int) -> Impact | None:
    course, leaving, table = scene.course, scene.departures, scene.table
    first = next((t for t in found if t.kind == "ball" and cue in (t.ball, t.other)), None)
    if first is None:
        return None
    other = first.other if first.ball == cue else first.ball
    k = int(np.clip(np.searchsorted(course.t_s[other], first.t_s) - 1, 0, course.t_s.shape[1] - 1))
    own = leaving[other]
    place = course.places_in[other, k]
    alone = True
    if own is not None and own.t_s > first.t_s - 2 * course.frame_s:
        place = np.asarray(own.from_in)
        alone = not _shares(own, leaving, table) and not _turns_unseen(own, table, course.frame_s)
    pair = Pair(legs[cue], legs[other], place, alone, course.frame_s)
    return impact_of(first.t_s, pair, table.ball_diameter_in)


def _shares(own: Departure, leaving: Sequence[Departure | None], table: Table) -> bool:
    """Whether a ball touched others that left with it."""
    near = table.ball_diameter_in + TOUCHING_IN
    return any(
        d is not None
        and d is not own
        and np.hypot(d.from_in[0] - own.from_in[0], d.from_in[1] - own.from_in[1]) < near
        for d in leaving
    )


def _turns_unseen(own: Departure, table: Table, frame_s: float) -> bool:
    """Whether a ball lay so near to a rail that it may have met it before it was seen to move."""
    reach = own.speed_in_s * 2 * frame_s
    for rail in rails(table):
        depth = rail.outward * (own.from_in[rail.axis] - rail.line_in)
        away = -rail.outward * own.direction[rail.axis]
        if depth > -_BY_RAIL_IN - reach * away and away > 0.05:
            return True
    return False


def _first_turns(
    course: Course, leaving: list[Departure | None], found: list[Touch], cue: int | None
) -> list[float | None]:
    """When each ball first met something after what set it off."""
    ends: list[float | None] = []
    for b, d in enumerate(leaving):
        own = [t.t_s for t in found if b in (t.ball, t.other)]
        after = -np.inf if d is None or b == cue else d.t_s + 2 * course.frame_s
        ends.append(min((t for t in own if t > after), default=None))
    return ends


def scatter_in(course: Course) -> float:
    """The standard deviation of a sight on each axis, from third differences of moving balls: smooth motion has
    next to none, white noise √20 of its own [von Neumann 1941]."""
    p, seen = course.places_in, course.seen
    third = p[:, 3:] - 3 * p[:, 2:-1] + 3 * p[:, 1:-2] - p[:, :-3]
    whole = seen[:, 3:] & seen[:, 2:-1] & seen[:, 1:-2] & seen[:, :-3]
    values = np.abs(third[whole]).ravel()
    if len(values) < 12:
        return USUAL_NOISE_IN
    return max(_LEAST_NOISE_IN, float(np.median(values) / 0.6745 / np.sqrt(20)))
