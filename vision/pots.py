"""Where a ball went that is no longer seen: a pocket, if its way led there and nothing else explains it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.table import Pocket, Table
from vision.model import Point
from vision.motion import Path
from vision.sample import Sample

# Slowing of a rolling ball: resistance about 0.01 of its weight [billiards.colostate.edu].
_ROLLING_IN_S2 = 0.01 * 386.09
_MAX_BLIND_IN = 40.0
_MIN_PATH_IN = 1.0
# A ball that rolls into a pocket: seen at every frame of this time, in steps no hand makes so evenly.
_ROLL_S = 0.2
_ROLL_SAMPLES = 5
_ROLL_STEP_IN = 0.15
_STRAIGHT = 0.97
# A ball that was struck into a near pocket faster than the camera could follow.
_STRUCK_S = 0.3
_STRUCK_DIAMETERS = 1.9
_STRUCK_REACH_IN = 12.0
# A ball that vanished near a pocket on its way there.
_VANISHED_IN = 8.0
_TOWARDS = 0.5
_VANISHED_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Fate:
    """A ball's end in a pocket, when, and how sure that is (0–1)."""

    pocket: Pocket
    t_s: float
    confidence: float


def fate_of(history: list[Sample], table: Table) -> Fate | None:
    """The pocket a vanished ball rolled into, from its path; None where its last way led to none.

    The way is the line through its last samples; it must pass the pocket's mouth, and its speed carry it there.
    """
    samples = [s for s in history if s.t_s >= history[-1].t_s - 0.14][-5:]
    if len(samples) < 2:
        samples = history[-2:]
    if len(samples) < 2:
        return None
    moved = np.hypot(history[-1].x_in - history[0].x_in, history[-1].y_in - history[0].y_in)
    last = samples[-1]
    way = np.array([last.x_in - samples[0].x_in, last.y_in - samples[0].y_in])
    length = float(np.linalg.norm(way))
    dt = last.t_s - samples[0].t_s
    if length < 1e-6 or dt <= 0 or moved < _MIN_PATH_IN:
        return None
    speed, direction = length / dt, way / length
    return _pocket_ahead(np.array([last.x_in, last.y_in]), direction, speed, last.t_s, table)


def rolled_in(history: list[Sample], table: Table) -> bool:
    """Whether a path ends in a straight roll up to a pocket's mouth: that tells a pot whoever set the ball off."""
    end = [s for s in history if s.t_s >= history[-1].t_s - _ROLL_S]
    if len(end) < _ROLL_SAMPLES or history[-1].resting:
        return False
    steps = np.diff([(s.x_in, s.y_in) for s in end], axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    whole = steps.sum(axis=0)
    straight = float(np.linalg.norm(whole)) > _STRAIGHT * float(lengths.sum())
    near = min(np.hypot(p.x_in - end[-1].x_in, p.y_in - end[-1].y_in) - p.mouth_in for p in table.pockets)
    return bool(straight and lengths.min() > _ROLL_STEP_IN and near < 0)


def fate_when_struck(place_in: Point, left_s: float, paths: list[Path], table: Table) -> Fate | None:
    """The pocket of a ball that vanished from rest as another reached it: it left along the centres' line."""
    here = np.asarray(place_in)
    best: tuple[float, int, Path] | None = None
    for path in paths:
        for i in range(len(path.t_s)):
            distance = float(np.linalg.norm(path.points_in[i] - here))
            if abs(path.t_s[i] - left_s) < _STRUCK_S and (best is None or distance < best[0]):
                best = (distance, i, path)
    if best is None or best[0] > _STRUCK_DIAMETERS * table.ball_diameter_in:
        return None
    _, i, path = best
    way = here - path.points_in[i]
    before = max(0, i - 2)
    dt = max(float(path.t_s[i] - path.t_s[before]), 1e-3)
    speed = float(np.linalg.norm(path.points_in[i] - path.points_in[before])) / dt
    fate = _pocket_ahead(here, way / np.linalg.norm(way), max(speed, 10.0), left_s, table)
    near = fate is not None and np.hypot(fate.pocket.x_in - here[0], fate.pocket.y_in - here[1]) < _STRUCK_REACH_IN
    return fate if near else None


def fate_when_vanished(history: list[Sample], table: Table) -> Fate | None:
    """The pocket that a vanished ball came near to, where its way is too short or too hidden to point there.

    Balls leave a table through pockets: one that is not found again by the end of the shot fell into the one it
    was coming to.
    """
    last = history[-1]
    start = next((s for s in reversed(history) if s.resting), history[0])
    way = np.array([last.x_in - start.x_in, last.y_in - start.y_in])
    length = float(np.linalg.norm(way))
    pocket = min(table.pockets, key=lambda p: (p.x_in - last.x_in) ** 2 + (p.y_in - last.y_in) ** 2)
    to = np.array([pocket.x_in - last.x_in, pocket.y_in - last.y_in])
    distance = float(np.linalg.norm(to))
    if length < _MIN_PATH_IN or last.resting or distance > _VANISHED_IN:
        return None
    if float(way @ to) < _TOWARDS * length * distance:
        return None
    return Fate(pocket, last.t_s, _VANISHED_CONFIDENCE)


def _pocket_ahead(
    here: NDArray[np.float64], direction: NDArray[np.float64], speed: float, t_s: float, table: Table
) -> Fate | None:
    """The pocket that a ball at `here` going along `direction` rolls into, if any."""
    best: Fate | None = None
    for pocket in table.pockets:
        to = np.array([pocket.x_in, pocket.y_in]) - here
        along = float(to @ direction)
        across = abs(float(to[0] * direction[1] - to[1] * direction[0]))
        distance = float(np.linalg.norm(to))
        in_mouth = distance < pocket.mouth_in
        if not in_mouth and (along <= 0 or across > 0.5 * pocket.mouth_in + 0.06 * distance):
            continue
        blind = max(0.0, distance - pocket.radius_in)
        if along < -1.0 or blind > _MAX_BLIND_IN or speed**2 < 2 * _ROLLING_IN_S2 * blind * 0.5:
            continue
        confidence = float(
            np.clip(0.98 - 0.02 * max(0.0, blind - 2.0) - 0.1 * across / pocket.mouth_in, 0.3, 0.98)
        )
        arrival_s = t_s + blind / max(speed, 2.0)
        if best is None or confidence > best.confidence:
            best = Fate(pocket, arrival_s, confidence)
    return best
