"""Final names for balls all along their paths: what a ball turned out to be, it was from the start."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np

from vision.assignment import linear_sum_assignment
from vision.files import TrackRow

# A ball keeps its name where it moved less than this since the last frame; a break is 8 in a frame.
_STEP_IN = 12.0


def settle_names(rows: list[TrackRow]) -> list[TrackRow]:
    """The same rows, each ball under the name it has at the end of its path.

    A follower that learns that `ball-3` is the 9 changes the name from one frame to the next; the path goes on.
    """
    frames: dict[int, list[TrackRow]] = defaultdict(list)
    for row in rows:
        frames[row.frame].append(row)
    order = sorted(frames)
    final: dict[int, dict[str, str]] = {}
    if order:
        final[order[-1]] = {row.ball.ball: row.ball.ball for row in frames[order[-1]]}
    for later, earlier in pairwise(reversed(order)):
        follow = _followers(frames[earlier], frames[later])
        final[earlier] = {name: final[later].get(to, to) for name, to in follow.items()}
    return [
        replace(row, ball=replace(row.ball, ball=final[row.frame][row.ball.ball]))
        if final[row.frame][row.ball.ball] != row.ball.ball
        else row
        for row in rows
    ]


def _followers(before: list[TrackRow], after: list[TrackRow]) -> dict[str, str]:
    """Under which name each ball goes on in the next frame."""
    by_name = {row.ball.ball: row for row in after}
    follow = {}
    lost = []
    for row in before:
        same = by_name.get(row.ball.ball)
        follow[row.ball.ball] = row.ball.ball
        if same is None or _distance_in(row, same) >= _STEP_IN:
            lost.append(row)
    taken = {row.ball.ball for row in before if row not in lost}
    free = [row for row in after if row.ball.ball not in taken]
    if not lost or not free:
        return follow
    cost = np.array([[_distance_in(a, b) for b in free] for a in lost])
    for i, j in zip(*linear_sum_assignment(cost), strict=True):
        if cost[i, j] < _STEP_IN:
            follow[lost[i].ball.ball] = free[j].ball.ball
    return follow


def _distance_in(a: TrackRow, b: TrackRow) -> float:
    return float(np.hypot(a.ball.x_in - b.ball.x_in, a.ball.y_in - b.ball.y_in))
