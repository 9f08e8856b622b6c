"""What the balls of a shot met, and when: each other, and rails.

A contact shows as a sudden change of velocity in the direction that what was met allows: between two balls along
the line of their centres, of both and at one diameter's distance. Cloth changes velocities too, but slowly.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.causes import set_off
from vision.course import Course, Slopes, Turns, slopes
from vision.rebounds import cushions, jaws
from vision.touch import SAME_S, Scene, Touch, peaks, when_near

Array = NDArray[np.float64]

LINE = 4  # places that a velocity is taken from
_SETS_OFF_IN_S = 3.0
_SIGMAS = 3.0
_NEAR_IN = 0.5


def touches(scene: Scene, known: Sequence[Touch] = ()) -> list[Touch]:
    """Every contact found, in order of time. No line reaches across a contact that is `known` already."""
    turns = _turns_of(scene, known)
    lines = slopes(scene.course, LINE, turns)
    left = set_off(scene, lines)
    pushed = [t for t in _ball_contacts(scene, lines) if not _told_already(t, left)]
    met = [*cushions(scene, lines, turns), *left, *pushed]
    return sorted([*met, *jaws(scene, lines, met)], key=lambda t: t.t_s)


def _told_already(touch: Touch, left: Sequence[Touch]) -> bool:
    """Whether a push is what set one of the balls off."""
    pair = {touch.ball, touch.other}
    return any({t.ball, t.other} == pair and abs(t.t_s - touch.t_s) <= SAME_S for t in left)


def _turns_of(scene: Scene, found: Sequence[Touch]) -> Turns:
    """The turns of every ball: its departure, and what it met."""
    course = scene.course
    times: list[Array] = []
    places: list[Array] = []
    for b, leaving in enumerate(scene.departures):
        t = sorted({touch.t_s for touch in found if b in (touch.ball, touch.other)})
        if leaving is not None:
            t = [leaving.t_s, *(v for v in t if v > leaving.t_s + course.frame_s)]
        where = np.column_stack([np.interp(t, course.t_s[b], course.places_in[b, :, axis]) for axis in (0, 1)])
        if leaving is not None:
            where[0] = leaving.from_in
        times.append(np.array(t, dtype=np.float64))
        places.append(where.reshape(-1, 2))
    return Turns(tuple(times), tuple(places))


def _ball_contacts(scene: Scene, lines: Slopes) -> list[Touch]:
    course = scene.course
    B, F = course.known.shape
    D = scene.table.ball_diameter_in
    i, j = np.triu_indices(B, 1)
    if not len(i):
        return []
    rows = np.arange(B)[:, None]
    a, z = np.maximum(lines.anchor, 0), np.minimum(lines.next, F - 1)
    pa, pz = course.places_in[rows, a], course.places_in[rows, z]
    # Places where both lines of a ball would have it at the gap's ends, so that a ball out of sight has some too.
    near = np.minimum(np.linalg.norm(pa[i] - pa[j], axis=2), np.linalg.norm(pz[i] - pz[j], axis=2))
    relative = np.linalg.norm(np.nan_to_num(lines.before[i] - lines.before[j]), axis=2)
    relative = np.maximum(relative, np.linalg.norm(np.nan_to_num(lines.after[i] - lines.after[j]), axis=2))
    pair, k = np.nonzero(near < D + _NEAR_IN + 1.2 * course.frame_s * relative)
    if not len(pair):
        return []
    p, q = i[pair], j[pair]
    found = _struck(course, lines, (p, q, k), D, scene.noise_in)
    score = np.zeros((len(i), F - 1))
    when = np.zeros((len(i), F - 1))
    score[pair, k], when[pair, k] = found
    return [Touch(float(when[n, g]), "ball", int(i[n]), int(j[n])) for n, g in peaks(score, course.frame_s)]


def _struck(
    course: Course, lines: Slopes, at: tuple[NDArray[np.int64], ...], diameter_in: float, noise_in: float
) -> tuple[Array, Array]:
    """How much two balls push each other apart at gaps, in inches a second (0 where they do not), and when.

    `at` holds the rows of both balls and the gaps, all (M,).
    """
    p, q, k = at
    F = course.t_s.shape[1]
    a_p, a_q = np.maximum(lines.anchor[p, k], 0), np.maximum(lines.anchor[q, k], 0)
    z_p, z_q = np.minimum(lines.next[p, k], F - 1), np.minimum(lines.next[q, k], F - 1)
    t0 = np.maximum(course.t_s[p, a_p], course.t_s[q, a_q])
    t1 = np.minimum(course.t_s[p, z_p], course.t_s[q, z_q])
    vp, vq = lines.before[p, k], lines.before[q, k]
    wp, wq = lines.after[p, k], lines.after[q, k]
    from_p = course.places_in[p, a_p] + vp * (t0 - course.t_s[p, a_p])[:, None]
    from_q = course.places_in[q, a_q] + vq * (t0 - course.t_s[q, a_q])[:, None]
    to_p = course.places_in[p, z_p] - wp * (course.t_s[p, z_p] - t1)[:, None]
    to_q = course.places_in[q, z_q] - wq * (course.t_s[q, z_q] - t1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        before_s = when_near(from_p - from_q, vp - vq, diameter_in)
        after_s = when_near(to_p - to_q, -(wp - wq), diameter_in)
        s = np.where(np.isfinite(before_s), before_s, (t1 - t0) - after_s)
        s = np.where(np.isfinite(before_s) & np.isfinite(after_s), (before_s + (t1 - t0) - after_s) / 2, s)
        s = np.clip(s, -0.5 * course.frame_s, t1 - t0 + 0.5 * course.frame_s)
        gap = from_p - from_q + (vp - vq) * s[:, None]
        distance = np.linalg.norm(gap, axis=1)
        n = gap / np.maximum(distance, 1e-9)[:, None]
        push_p, push_q = ((wp - vp) * n).sum(axis=1), -((wq - vq) * n).sum(axis=1)
        closing = -((vp - vq) * n).sum(axis=1)
        apart = ((wp - wq) * n).sum(axis=1)
        push = push_p + push_q
        slack = _NEAR_IN + 0.35 * course.frame_s * np.abs(closing)
        least = _SETS_OFF_IN_S + _SIGMAS * noise_in * np.hypot(lines.unsure[p, k], lines.unsure[q, k])
        ok = (push > least) & (np.minimum(push_p, push_q) > 0.2 * push)
        ok &= (np.abs(distance - diameter_in) < slack) & (closing > 0.5) & (apart > -0.2 * closing)
    return np.where(ok, push, 0.0), np.where(ok, t0 + np.nan_to_num(s), 0.0)
