"""What set each ball off that lay still: the ball that had come to touch it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.course import Course, Slopes
from vision.motion import Departure
from vision.touch import Scene, Touch, rails, when_near

Array = NDArray[np.float64]

_NEAR_IN = 0.5
TOUCHING_IN = 0.15  # balls so near to each other's surfaces lie in one cluster
_PARTING_IN_S = 2.0
_ASIDE_DEG = 80.0
_BY_RAIL_IN = 0.5
_CLUSTER = 3
_CLOSING_IN_S = 5.0
_UNSURE_IN = 0.06  # how well a line tells where its ball is
_CLOCK_S = 0.001


def set_off(scene: Scene, lines: Slopes) -> list[Touch]:
    """What set each ball off that lay still, except the one that began it all."""
    left = [(d.t_s, b) for b, d in enumerate(scene.departures) if d is not None]
    if not left:
        return []
    began = min(left)[1]
    if scene.cue is not None and any(b == scene.cue and t < min(left)[0] + 0.1 for t, b in left):
        began = scene.cue
    found: list[Touch] = []
    for _, b in left:
        if b == began:
            continue
        causes = [
            (why[0], a, why[1]) for a in _nearby(scene, b) if (why := _cause(scene, lines, a, b)) is not None
        ]
        if not causes:
            continue
        _, a, t_s = min(causes)
        if not any({t.ball, t.other} == {a, b} for t in found):
            found.append(Touch(t_s, "ball", a, b))
    found = _first_of_all(scene, lines, began, found)
    return [*found, *_neighbours(scene, found)]


def _first_of_all(scene: Scene, lines: Slopes, began: int, found: list[Touch]) -> list[Touch]:
    """The ball that began it all met the first ball on its line: a cluster's balls explain each other, and leave
    together. What was found, with that put right."""
    own = scene.departures[began]
    if not found or own is None:
        return found
    first_s = min(t.t_s for t in found)
    together = [
        b
        for b, d in enumerate(scene.departures)
        if b != began and d is not None and abs(d.t_s - first_s) < 2 * scene.course.frame_s
    ]
    met = [t for t in found if began in (t.ball, t.other) and t.t_s < first_s + 2 * scene.course.frame_s]
    if len(together) < _CLUSTER and met:
        return found
    reached = [(t, b) for b in together if (t := _on_line(scene, lines, began, b)) is not None]
    if not reached:
        return found
    t_s, b = min(reached)
    others = [t for t in found if t not in met and {t.ball, t.other} != {began, b}]
    return [Touch(t_s, "ball", began, b), *others]


def _on_line(scene: Scene, lines: Slopes, a: int, b: int) -> float | None:
    """When ball `a`, on the line it came along, meets ball `b` where it lies; None where it does not."""
    leaving = scene.departures[b]
    assert leaving is not None
    for line in _lines_near(scene.course, lines, a, leaving.t_s - scene.course.frame_s):
        gap = line.at - np.asarray(leaving.from_in)
        speed = float(np.hypot(*line.velocity))
        if speed < _CLOSING_IN_S:
            continue
        aside = abs(float(gap[0] * line.velocity[1] - gap[1] * line.velocity[0])) / speed
        if aside < scene.table.ball_diameter_in and float(gap @ line.velocity) < 0:
            return line.t_s + float(when_near(gap[None], line.velocity[None], scene.table.ball_diameter_in)[0])
    return None


def _nearby(scene: Scene, b: int) -> list[int]:
    """The balls that came near enough to ball `b` about when it left, by how far they go from frame to frame."""
    course, leaving = scene.course, scene.departures[b]
    assert leaving is not None
    k = int(np.clip(np.searchsorted(course.t_s[b], leaving.t_s), 3, course.t_s.shape[1] - 3))
    around = course.places_in[:, k - 3 : k + 3]
    away = np.linalg.norm(around - np.asarray(leaving.from_in), axis=2).min(axis=1)
    step = np.linalg.norm(np.diff(around, axis=1), axis=2).max(axis=1)
    near = away < scene.table.ball_diameter_in + 2 * _NEAR_IN + 1.5 * step
    near[b] = False
    return [int(a) for a in np.nonzero(near)[0]]


def _cause(scene: Scene, lines: Slopes, a: int, b: int) -> tuple[float, float] | None:
    """How badly ball `a` explains the departure of ball `b`, and when they would have met; None where it can't
    have been it. A cause that left only just now, or by the same push, is where it lay."""
    leaving, own = scene.departures[b], scene.departures[a]
    assert leaving is not None
    if own is not None and own.t_s > leaving.t_s + scene.course.frame_s:
        return None
    options = [_met(scene, line, leaving) for line in _lines_near(scene.course, lines, a, leaving.t_s)]
    if own is not None and abs(own.t_s - leaving.t_s) < 1.5 * scene.course.frame_s:
        fastest = max(own.speed_in_s, leaving.speed_in_s)
        options.append(_met(scene, _Line(own.t_s, np.asarray(own.from_in), np.zeros(2), fastest), leaving))
    return min((o for o in options if o is not None), default=None)


@dataclass(frozen=True)
class _Line:
    """A ball at a place (2,) at a time, with a velocity (2,), and as fast as `speed_in_s` at most."""

    t_s: float
    at: Array
    velocity: Array
    speed_in_s: float


def _lines_near(course: Course, lines: Slopes, a: int, t_s: float) -> list[_Line]:
    """How a ball came, by the lines before a time and a frame earlier (a departure may be told a little late)."""
    last = course.t_s.shape[1] - 2
    k = int(np.clip(np.searchsorted(course.t_s[a], t_s) - 1, 0, last))
    found = []
    for gap in dict.fromkeys((k, max(k - 1, 0))):
        anchor, velocity = int(lines.anchor[a, gap]), lines.before[a, gap]
        if anchor >= 0 and np.isfinite(velocity).all():
            place = course.places_in[a, anchor]
            found.append(_Line(float(course.t_s[a, anchor]), place, velocity, float(np.hypot(*velocity))))
    return found


def _met(scene: Scene, line: _Line, leaving: Departure) -> tuple[float, float] | None:
    """How badly a line explains a departure, and when both met."""
    D, frame_s = scene.table.ball_diameter_in, scene.course.frame_s
    at = line.at + line.velocity * (leaving.t_s - line.t_s)
    to = np.asarray(leaving.from_in) - at
    distance = float(np.hypot(*to))
    unsure = _NEAR_IN + frame_s * line.speed_in_s
    if abs(distance - D) > unsure or distance < 1e-6:
        return None
    t_s = _reached_s(scene, line, leaving)
    centres = np.asarray(leaving.from_in) - (line.at + line.velocity * (t_s - line.t_s))
    ways = _ways(scene, leaving)
    cosine = float((ways @ centres).max()) / max(float(np.hypot(*centres)), 1e-9)
    aside = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if aside > _ASIDE_DEG:
        return None
    return abs(distance - D) / unsure + aside / 20, t_s


def _ways(scene: Scene, leaving: Departure) -> Array:
    """The directions, (k, 2), that a ball may have been sent in: the one seen, and where it lay by a rail that it
    may have met before it was seen again, that one mirrored."""
    way = np.asarray(leaving.direction)
    found = [way]
    reach = _BY_RAIL_IN + leaving.speed_in_s * scene.course.frame_s
    for rail in rails(scene.table):
        depth = rail.outward * (leaving.from_in[rail.axis] - rail.line_in)
        if depth > -reach and rail.outward * way[rail.axis] < 0:
            mirrored = way.copy()
            mirrored[rail.axis] *= -1
            found.append(mirrored)
    return np.array(found)


def _reached_s(scene: Scene, line: _Line, leaving: Departure) -> float:
    """When a ball was set off: its own departure, and when the line of what set it off came to it, weighted by
    how well either tells the time."""
    gap = line.at - np.asarray(leaving.from_in)
    closing = -float(gap @ line.velocity) / max(float(np.hypot(*gap)), 1e-9)
    if closing < _CLOSING_IN_S or leaving.covariance is None:
        return leaving.t_s
    t_s = line.t_s + float(when_near(gap[None], line.velocity[None], scene.table.ball_diameter_in)[0])
    if abs(t_s - leaving.t_s) > 3 * scene.course.frame_s:
        return leaving.t_s
    own = float(leaving.covariance[0, 0]) + _CLOCK_S**2
    by_line = (_UNSURE_IN / closing) ** 2 + _CLOCK_S**2
    return (leaving.t_s * by_line + t_s * own) / (own + by_line)


def _neighbours(scene: Scene, known: Sequence[Touch]) -> list[Touch]:
    """Contacts within a cluster: balls that touched each other, left together and part pushed one another."""
    have = {frozenset((t.ball, t.other)) for t in known}
    frame_s, D = scene.course.frame_s, scene.table.ball_diameter_in
    found: list[Touch] = []
    for i, first in enumerate(scene.departures):
        for j in range(i + 1, len(scene.departures)):
            second = scene.departures[j]
            if first is None or second is None or frozenset((i, j)) in have:
                continue
            gap = np.asarray(second.from_in) - np.asarray(first.from_in)
            apart = float(np.hypot(*gap))
            if abs(first.t_s - second.t_s) > 1.5 * frame_s or apart > D + TOUCHING_IN:
                continue
            velocities = [np.asarray(d.direction) * d.speed_in_s for d in (first, second)]
            if float((velocities[1] - velocities[0]) @ gap) / apart > _PARTING_IN_S:
                found.append(Touch(min(first.t_s, second.t_s), "ball", i, j))
    return found
