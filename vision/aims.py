"""What can be aimed at: the free ways to send a ball into a pocket, straight or off one rail.

Ghost-ball geometry [Byrne 1978; billiards.colostate.edu]: the cue ball has to be where one diameter lies between
its centre and the object ball's on the line to the pocket. A bank is that line to the pocket mirrored in the rail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibration.table import Pocket, PocketName, Table
from vision.model import Point
from vision.touch import rails

Array = NDArray[np.float64]

_GAP_IN = 0.05  # a ball passes another at this distance without touching
_INSIDE_IN = 0.9  # players aim a little inside a corner pocket's mouth
_MIN_SIDE_ENTRY = 0.5  # the share of a ball's way across the table that a side pocket asks for
_THINNEST = 0.17  # cos of the thinnest cut anyone plays, 80°


@dataclass(frozen=True)
class Aim:
    """One way to pot a ball: its path (k, 2) in inches, the ghost ball, the cut angle from where the cue ball is.

    `window_deg` is how far off the object ball's direction may be, to either side, and still fall.
    """

    kind: Literal["pot", "bank"]
    ball: int
    pocket: PocketName
    path_in: Array
    ghost_in: Array
    cut_deg: float
    cue_in: float
    run_in: float
    window_deg: float

    @property
    def direction(self) -> Array:
        """The object ball's direction at first, a unit vector."""
        way = self.path_in[1] - self.path_in[0]
        unit: Array = way / np.hypot(*way)
        return unit


def aims_at(ball: int, cue_in: Point, layout: Mapping[int, Point], cue: int | None, table: Table) -> list[Aim]:
    """The free ways to pot a ball with the cue ball at `cue_in`; `layout` holds all balls by number."""
    others = {b: np.asarray(p) for b, p in layout.items() if b not in (ball, cue)}
    start, found = np.asarray(layout[ball]), []
    for pocket in table.pockets:
        target = pocket_target(pocket, table)
        paths: list[tuple[Literal["pot", "bank"], Array]] = [("pot", np.array([start, target]))]
        paths += [("bank", path) for path in _banked(start, target, table)]
        for kind, path in paths:
            aim = _aim(kind, ball, pocket, path, (np.asarray(cue_in), others, table))
            if aim is not None:
                found.append(aim)
    return found


def pocket_target(pocket: Pocket, table: Table) -> Array:
    """The point that a ball is aimed at, (2,): a little inside the mouth."""
    centre = np.array([table.length_in, table.width_in]) / 2
    hole = np.array([pocket.x_in, pocket.y_in])
    towards = np.sign(centre - hole)
    if pocket.is_corner:
        corner: Array = hole + towards * (table.corner_offset_in + _INSIDE_IN)
        return corner
    side: Array = hole + np.array([0.0, towards[1]]) * (table.side_offset_in - 0.3)
    return side


def _banked(start: Array, target: Array, table: Table) -> list[Array]:
    """Paths off one rail, each start, rebound, pocket (3, 2)."""
    found = []
    for rail in rails(table):
        from_start = rail.outward * (rail.line_in - start[rail.axis])
        from_target = rail.outward * (rail.line_in - target[rail.axis])
        if from_start < 1.0 or from_target < 6.0:
            continue
        part = from_start / (from_start + from_target)
        bounce = start + part * (target - start)
        bounce[rail.axis] = rail.line_in
        if all(np.hypot(bounce[0] - p.x_in, bounce[1] - p.y_in) > 6.0 for p in table.pockets):
            found.append(np.array([start, bounce, target]))
    return found


def _aim(
    kind: Literal["pot", "bank"],
    ball: int,
    pocket: Pocket,
    path: Array,
    where: tuple[Array, dict[int, Array], Table],
) -> Aim | None:
    """The aim along a path, or None where geometry or another ball forbids it."""
    cue, others, table = where
    legs = np.diff(path, axis=0)
    lengths = np.hypot(legs[:, 0], legs[:, 1])
    if lengths[0] < 0.5 or lengths[-1] < 0.1:
        return None
    ghost = path[0] - table.ball_diameter_in * legs[0] / lengths[0]
    reach = ghost - cue
    cue_in = float(np.hypot(*reach))
    R = table.ball_radius_in
    if not (
        R - 0.05 <= ghost[0] <= table.length_in - R + 0.05 and R - 0.05 <= ghost[1] <= table.width_in - R + 0.05
    ):
        return None
    cosine = 1.0 if cue_in < 1e-6 else float(reach @ legs[0]) / (cue_in * float(lengths[0]))
    entry = legs[-1] / lengths[-1]
    if cosine < _THINNEST or (not pocket.is_corner and abs(entry[1]) < _MIN_SIDE_ENTRY):
        return None
    if not (_free(np.array([cue, ghost]), others, table) and _free(path, others, table)):
        return None
    run = float(lengths.sum())
    window = float(np.degrees(np.arctan2(_slack_in(pocket, entry, table), run)))
    cut = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return Aim(kind, ball, pocket.name, path, ghost, cut, cue_in, run, window)


def _slack_in(pocket: Pocket, entry: Array, table: Table) -> float:
    """How far off the middle of a mouth a ball may pass: half of what the mouth, seen along the way in, is wider
    than the ball."""
    across = (abs(entry[0]) + abs(entry[1])) * np.sqrt(0.5) if pocket.is_corner else abs(entry[1])
    return max(0.15, (pocket.mouth_in * float(across) - table.ball_diameter_in) / 2)


def _free(path: Array, others: dict[int, Array], table: Table) -> bool:
    """Whether no other ball stands in the way."""
    if not others:
        return True
    places = np.array(list(others.values()))
    for a, b in pairwise(path):
        way = b - a
        part = np.clip((places - a) @ way / max(float(way @ way), 1e-9), 0, 1)
        gap = np.linalg.norm(places - a - part[:, None] * way, axis=1)
        if gap.min() < table.ball_diameter_in + _GAP_IN:
            return False
    return True
