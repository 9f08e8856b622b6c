"""Paths without gaps: where a ball must have been in the few frames that did not show it.

A ball is hardest to see where it meets another at speed, smeared and half covered. From the frames before and the
frames after one knows both lines that it went along, and the moment at which it changed from one to the other.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.files import TrackRow

Array = NDArray[np.float64]

_LONGEST_S = 0.3
_APART_S = 0.05  # sights farther apart than this tell no velocity
_MET_IN = 1.0  # lines that pass each other no nearer than this do not meet


@dataclass(frozen=True)
class _Line:
    """Where a ball was at a time and how it went, inches and seconds."""

    t_s: float
    at: Array
    velocity: Array | None

    def along(self, t_s: float) -> Array:
        place: Array = self.at if self.velocity is None else self.at + self.velocity * (t_s - self.t_s)
        return place


def fill_gaps(rows: list[TrackRow], calibration: Calibration) -> list[TrackRow]:
    """The same rows in the order of their frames, with a ball's place in the frames between two that show it.

    A ball that was not seen stands in its row where it was last seen; such rows are put right, and rows
    that are missing are added, where no more than `_LONGEST_S` lie between two sights. The balls' names must be
    final (`settle_names`).
    """
    times = {row.frame: row.t_s for row in rows}
    by_ball: dict[str, list[TrackRow]] = defaultdict(list)
    for row in rows:
        by_ball[row.ball.ball].append(row)
    put_right: dict[tuple[int, str], TrackRow] = {}
    for name, mine in by_ball.items():
        seen = _sights(sorted(mine, key=lambda row: row.frame))
        for i in _gaps(seen):
            before = _line(seen[i], seen[i - 1] if i > 0 else None)
            after = _line(seen[i + 1], seen[i + 2] if i + 2 < len(seen) else None)
            frames = [f for f in range(seen[i].frame + 1, seen[i + 1].frame) if f in times]
            places = np.array([_between(before, after, times[f]) for f in frames]).reshape(-1, 2)
            pixels = calibration.to_picture(places) if len(places) else places
            for frame, (x, y), (u, v) in zip(frames, places.tolist(), pixels.tolist(), strict=True):
                ball = replace(seen[i].ball, x_in=x, y_in=y, x_px=u, y_px=v, state="moving")
                put_right[frame, name] = TrackRow(frame, times[frame], ball)
    whole = {(row.frame, row.ball.ball): row for row in rows} | put_right
    return sorted(whole.values(), key=lambda row: row.frame)


def _sights(mine: list[TrackRow]) -> list[TrackRow]:
    """Those of one ball's rows that show where it was seen: one that moves or is hidden and stands where it stood
    was not."""
    later = [
        row
        for before, row in pairwise(mine)
        if row.ball.state == "still" or (row.ball.x_in, row.ball.y_in) != (before.ball.x_in, before.ball.y_in)
    ]
    return [*mine[:1], *later]


def _gaps(seen: list[TrackRow]) -> Iterator[int]:
    """The sights in the list after which a moving ball was not seen for a short while."""
    for i, (a, b) in enumerate(pairwise(seen)):
        moves = "moving" in (a.ball.state, b.ball.state)
        if b.frame > a.frame + 1 and moves and b.t_s - a.t_s <= _LONGEST_S:
            yield i


def _line(row: TrackRow, other: TrackRow | None) -> _Line:
    """How a ball went where a row shows it, by the sight beside it on the far side of the gap."""
    at = np.array([row.ball.x_in, row.ball.y_in])
    if row.ball.state == "still":
        return _Line(row.t_s, at, np.zeros(2))
    if other is None or abs(other.t_s - row.t_s) > _APART_S:
        return _Line(row.t_s, at, None)
    there = np.array([other.ball.x_in, other.ball.y_in])
    return _Line(row.t_s, at, (there - at) / (other.t_s - row.t_s))


def _between(before: _Line, after: _Line, t_s: float) -> Array:
    """Where a ball was at a time between two lines: on one of them up to where they meet, on the other from there
    on; half-way from one to the other by time where they don't meet."""
    share = (t_s - before.t_s) / (after.t_s - before.t_s)
    straight: Array = before.at + share * (after.at - before.at)
    if before.velocity is None or after.velocity is None:
        return straight
    apart = before.at - after.along(before.t_s)
    turn = before.velocity - after.velocity
    size = float(turn @ turn)
    met_s = before.t_s + (-float(apart @ turn) / size if size > 0 else 0.0)
    met_s = min(max(met_s, before.t_s), after.t_s)
    if float(np.linalg.norm(before.along(met_s) - after.along(met_s))) > _MET_IN:
        return straight
    return before.along(t_s) if t_s <= met_s else after.along(t_s)
