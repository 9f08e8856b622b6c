"""Rebounds from rails, where the speed across turns round a ball's radius off the nose line, and from jaws."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.course import Course, Slopes, Turns, slopes
from vision.touch import Scene, Touch, on_nose, peaks, rails

Array = NDArray[np.float64]

_LONG_LINE_S = 0.15
_CAME_IN_S = 0.5
_TURN_IN_S = 0.7  # the speed across changes by this and more than noise explains
_SIGMAS = 3.0
_AT_NOSE_IN = 0.5
_JAW_IN_S, _JAW_SIGMAS, _EXPLAINED_S = 8.0, 5.0, 0.06


def cushions(scene: Scene, lines: Slopes, turns: Turns) -> list[Touch]:
    """Rebounds from rails: of fast balls by short lines, then of slow ones, which turn by less, by long ones."""
    course = scene.course
    longest = max(5, round(_LONG_LINE_S / course.frame_s))
    found: list[Touch] = []
    for by in (lines, slopes(course, longest, turns)):
        for touch in _rebounds(course, by, scene.table, scene.noise_in):
            known = (t for t in found if (t.ball, t.rail) == (touch.ball, touch.rail))
            if all(abs(t.t_s - touch.t_s) > _LONG_LINE_S for t in known):
                found.append(touch)
    return found


def _rebounds(course: Course, lines: Slopes, table: Table, noise_in: float) -> list[Touch]:
    rows = np.arange(len(course.balls))[:, None]
    F = course.t_s.shape[1]
    a, z = np.maximum(lines.anchor, 0), np.minimum(lines.next, F - 1)
    ta, tz = course.t_s[rows, a], course.t_s[rows, z]
    pa, pz = course.places_in[rows, a], course.places_in[rows, z]
    late = 0.5 * course.frame_s
    found: list[Touch] = []
    for rail in rails(table):
        came, goes = rail.outward * lines.before[..., rail.axis], rail.outward * lines.after[..., rail.axis]
        da = rail.outward * (pa[..., rail.axis] - rail.line_in)
        dz = rail.outward * (pz[..., rail.axis] - rail.line_in)
        with np.errstate(invalid="ignore", divide="ignore"):
            # Where the lines of depth over time meet: da + came·s = dz − goes·(tz − ta − s).
            s = np.clip((dz - da - goes * (tz - ta)) / (came - goes), -late, tz - ta + late)
            peak = np.maximum(da + came * s, np.maximum(da, dz))
            along = pa[..., 1 - rail.axis] + lines.before[..., 1 - rail.axis] * s
            ok = (
                (came > _CAME_IN_S)
                & (goes < 0.3 * came)
                & (came - goes > _TURN_IN_S + _SIGMAS * noise_in * lines.unsure)
            )
            ok &= peak > -_AT_NOSE_IN - 0.3 * course.frame_s * np.abs(came)
        ok &= on_nose(table, rail, along, 0.1)
        score = np.where(ok, came - goes, 0.0)
        found += [
            Touch(float(ta[b, k] + s[b, k]), "cushion", b, rail=rail.name) for b, k in peaks(score, course.frame_s)
        ]
    return found


def jaws(scene: Scene, lines: Slopes, known: Sequence[Touch]) -> list[Touch]:
    """Sudden turns near pockets that nothing known explains: the ball met a jaw, which sends it anywhere."""
    course = scene.course
    with np.errstate(invalid="ignore"):
        turn = np.linalg.norm(lines.after - lines.before, axis=2)
        least = _JAW_IN_S + _JAW_SIGMAS * scene.noise_in * lines.unsure
        score = np.where((turn > least) & np.isfinite(turn), turn, 0.0)
    rows = np.arange(len(course.balls))[:, None]
    place = course.places_in[rows, np.maximum(lines.anchor, 0)]
    near = np.zeros(score.shape, dtype=bool)
    for pocket in scene.table.pockets:
        away = np.hypot(place[..., 0] - pocket.x_in, place[..., 1] - pocket.y_in)
        near |= away < pocket.mouth_in + scene.table.ball_diameter_in
    score[~near] = 0.0
    for touch in known:
        for b in (touch.ball, touch.other):
            if b >= 0:
                score[b, np.abs(course.t_s[b, :-1] - touch.t_s) < _EXPLAINED_S] = 0.0
    found = []
    for b, k in peaks(score, course.frame_s):
        if k > course.left[b] + 1:
            found.append(Touch(float(course.t_s[b, k : k + 2].mean()), "jaw", b))
    return found
