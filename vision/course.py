"""The paths of a shot's balls on one grid of frames, so that all of them are looked at together."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vision.motion import Path

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SOON = 0.3  # of a frame: a place seen sooner after a turn gives no direction
_TURN_UNSURE = 2.0  # how much worse a turn's place is known than a sight
_BRIDGED = 2  # frames: what is unseen for longer may have met something meanwhile


@dataclass(frozen=True)
class Course:
    """B balls in F frames: times (B, F), places (B, F, 2) in inches, `known` (B, F) where a ball's place is known
    (seen, at rest, or between two sights near in time), `seen` (B, F) where it was seen to move.

    `left` (B,) is the last frame of each ball's rest before, −1 where its path begins in motion; `last` (B,) the
    last frame of its path, when it came to rest (`rested`) or was last seen; `frame_s` the time between frames.
    """

    balls: tuple[int, ...]
    t_s: Array
    places_in: Array
    known: Mask
    seen: Mask
    left: NDArray[np.int64]
    last: NDArray[np.int64]
    frame_s: float
    rested: tuple[bool, ...] = ()

    def row(self, ball: int) -> int:
        return self.balls.index(ball)


def course_of(paths: list[Path]) -> Course | None:
    """The paths on the grid of their frames; a ball rests before its path where it lay and after it where it came
    to rest, if it did. None without two frames."""
    if not paths:
        return None
    grids = [_frames(p) for p in paths]
    frame_s = _frame_s(paths)
    first = min(int(g[0]) for g in grids) - 4
    count = max(int(g[-1]) for g in grids) + 5 - first
    shape = (len(paths), count)
    t, places = np.zeros(shape), np.zeros((*shape, 2))
    known, seen = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    left, last = np.full(len(paths), -1), np.zeros(len(paths), dtype=np.int64)
    for b, (path, grid) in enumerate(zip(paths, grids, strict=True)):
        g = grid - first
        everywhere = np.arange(count)
        t[b] = np.interp(everywhere, g, path.t_s)
        t[b, : g[0]] = path.t_s[0] - frame_s * (g[0] - everywhere[: g[0]])
        t[b, g[-1] + 1 :] = path.t_s[-1] + frame_s * (everywhere[g[-1] + 1 :] - g[-1])
        for axis in (0, 1):
            places[b, :, axis] = np.interp(everywhere, g, path.points_in[:, axis])
        seen[b, g] = True
        known[b, g[0] : g[-1] + 1] = True
        for a, z in pairwise(g):
            if z - a > _BRIDGED:
                known[b, a + 1 : z] = False
        if path.rest_in is not None:
            left[b] = g[0]
            known[b, : g[0] + 1], seen[b, g[0]] = True, False
        if path.rested:
            known[b, g[-1] :] = True
        last[b] = g[-1]
    rested = tuple(p.rested for p in paths)
    return Course(tuple(p.ball for p in paths), t, places, known, seen, left, last, frame_s, rested)


def _frames(path: Path) -> NDArray[np.int64]:
    """A path's frames; that of its end is when it came to rest."""
    frames = path.frames.astype(np.int64).copy()
    if len(frames) > 2:
        before = frames[-2] - frames[-3]
        per_frame = (path.t_s[-2] - path.t_s[-3]) / max(int(before), 1)
        ahead = 1 if per_frame <= 0 else max(1, round(float(path.t_s[-1] - path.t_s[-2]) / per_frame))
        frames[-1] = min(frames[-1], frames[-2] + ahead)
    return frames


def _frame_s(paths: list[Path]) -> float:
    steps = [np.diff(p.t_s)[:-1] / np.maximum(np.diff(p.frames)[:-1], 1) for p in paths]
    all_steps = np.concatenate(steps) if steps else np.zeros(0)
    all_steps = all_steps[all_steps > 0]
    return float(np.median(all_steps)) if len(all_steps) else 1 / 30


@dataclass(frozen=True)
class Slopes:
    """How each ball comes to every gap between frames k and k + 1 and leaves it.

    `before` and `after`, (B, F − 1, 2), are velocities in inches a second, not a number where unknown; `anchor`
    and `next`, (B, F − 1), the last frame before and the first after the gap in which the place is known (they lie
    further apart where the ball was out of sight), −1 and F where there is none.
    """

    before: Array
    after: Array
    anchor: NDArray[np.int64]
    next: NDArray[np.int64]
    unsure: Array


@dataclass(frozen=True)
class Turns:
    """Where the balls are known to have met something: for each ball times (k,) and places (k, 2), in order."""

    t_s: tuple[Array, ...]
    places_in: tuple[Array, ...]


def slopes(course: Course, most: int, turns: Turns | None = None) -> Slopes:
    """Straight-line velocities from up to `most` known places on either side of each gap. No line reaches across a
    turn; where only one place is known since one, the line comes from the turn itself."""
    F = course.t_s.shape[1]
    rows, frames = np.arange(len(course.balls))[:, None], np.arange(F)
    before, unsure_before = _one_side(course.t_s, course.places_in, course.known, turns, most)
    after, unsure_after = _one_side(
        -course.t_s[:, ::-1], course.places_in[:, ::-1], course.known[:, ::-1], _backward(turns), most
    )
    after, unsure_after = -after[:, ::-1], unsure_after[:, ::-1]
    anchor = np.maximum.accumulate(np.where(course.known, frames, -1), axis=1)[:, :-1]
    following = np.minimum.accumulate(np.where(course.known, frames, F)[:, ::-1], axis=1)[:, ::-1][:, 1:]
    came = np.where((anchor >= 0)[..., None], before[rows, np.maximum(anchor, 0)], np.nan)
    goes = np.where((following < F)[..., None], after[rows, np.minimum(following, F - 1)], np.nan)
    unsure = np.hypot(unsure_before[rows, np.maximum(anchor, 0)], unsure_after[rows, np.minimum(following, F - 1)])
    return Slopes(came, goes, anchor, following, unsure)


def _backward(turns: Turns | None) -> Turns | None:
    if turns is None:
        return None
    return Turns(tuple(-t[::-1] for t in turns.t_s), tuple(p[::-1] for p in turns.places_in))


def _one_side(t_s: Array, places: Array, known: Mask, turns: Turns | None, most: int) -> tuple[Array, Array]:
    """The slope of the line through the last known places up to each frame, (B, F, 2), of two or more; and its
    standard deviation for places that scatter by one (B, F)."""
    B, F = known.shape
    frames = np.arange(F)
    since = np.maximum.accumulate(np.where(known, -1, frames), axis=1)
    for b in range(B if turns is not None else 0):
        assert turns is not None
        first = np.searchsorted(t_s[b], turns.t_s[b])
        wall = np.full(F, -1)
        inside = first < F
        wall[first[inside]] = first[inside] - 1
        since[b] = np.maximum(since[b], np.maximum.accumulate(wall))
    n = np.minimum(np.minimum(frames - since, most), frames + 1)
    slope, spread = _windows(t_s, places, n)
    unsure = np.where(n > 1, 1 / np.sqrt(spread), np.inf)
    for b in range(B if turns is not None else 0):
        assert turns is not None
        for t, p in zip(turns.t_s[b], turns.places_in[b], strict=True):
            k = int(np.searchsorted(t_s[b], t))
            if k < F and known[b, k] and n[b, k] == 1 and t_s[b, k] - t > _SOON * (t_s[b, 1] - t_s[b, 0]):
                slope[b, k] = (places[b, k] - p) / (t_s[b, k] - t)
                unsure[b, k] = _TURN_UNSURE / (t_s[b, k] - t)
    return slope, unsure


def _windows(t_s: Array, places: Array, n: NDArray[np.int64]) -> tuple[Array, Array]:
    """Slopes (B, F, 2) of the lines through the last `n` (B, F) places up to each frame, not a number below two,
    and the sums of squares (B, F) of their times about the mean. By running sums, whatever the windows' sizes."""
    t = t_s - t_s.mean(axis=1, keepdims=True)
    x = np.concatenate([t[..., None], (t**2)[..., None], places, t[..., None] * places], axis=2)
    sums = np.concatenate([np.zeros((len(t), 1, x.shape[2])), np.cumsum(x, axis=1)], axis=1)
    rows, ends = np.arange(len(t))[:, None], np.arange(t.shape[1]) + 1
    window = sums[rows, ends] - sums[rows, ends - n]
    size = np.maximum(n, 1)
    spread = np.maximum(window[..., 1] - window[..., 0] ** 2 / size, 1e-12)
    slope = (window[..., 4:6] - window[..., 0, None] * window[..., 2:4] / size[..., None]) / spread[..., None]
    slope[n < 2] = np.nan
    return slope, spread
