"""Where a ball went that is no longer seen: a pocket, if its way led there and nothing else explains it."""

from dataclasses import dataclass

import numpy as np

from calibration.table import Pocket, Table
from vision.track import Track

# Slowing of a rolling ball: resistance about 0.01 of its weight [billiards.colostate.edu].
_ROLLING_IN_S2 = 0.01 * 386.09
_MAX_BLIND_IN = 40.0
_MIN_PATH_IN = 1.0


@dataclass(frozen=True)
class Fate:
    """A ball's end in a pocket, when, and how sure that is (0–1)."""

    pocket: Pocket
    t_s: float
    confidence: float


def fate_of(track: Track, table: Table) -> Fate | None:
    """The pocket a vanished ball rolled into; None where its last way led to none.

    The way is the line through its last samples; it must pass the pocket's mouth, and its speed carry it there.
    """
    samples = [s for s in track.history if s.t_s >= track.history[-1].t_s - 0.14][-5:]
    if len(samples) < 2:
        samples = track.history[-2:]
    if len(samples) < 2:
        return None
    moved = np.hypot(
        track.history[-1].x_in - track.history[0].x_in, track.history[-1].y_in - track.history[0].y_in
    )
    last = samples[-1]
    way = np.array([last.x_in - samples[0].x_in, last.y_in - samples[0].y_in])
    length = float(np.linalg.norm(way))
    dt = last.t_s - samples[0].t_s
    if length < 1e-6 or dt <= 0 or moved < _MIN_PATH_IN:
        return None
    speed, direction = length / dt, way / length
    here = np.array([last.x_in, last.y_in])
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
        t_s = last.t_s + blind / max(speed, 2.0)
        if best is None or confidence > best.confidence:
            best = Fate(pocket, t_s, confidence)
    return best
