"""The recorder's player: finds a shot by ghost-ball geometry, as a league player does.

Pots come first, then banks, then a plain hit of a legal ball. Directions are degrees from +x towards +y.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calibration.table import Pocket, Table
from vision.simulate.shotbook import Intent

Array = NDArray[np.float64]
Layout = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Aim:
    """A shot a player may try: direction, how far the balls must run, how hard it is (0 is trivial)."""

    intent: Intent
    ball: str
    direction_deg: float
    run_in: float
    difficulty: float


def candidates(layout: Layout, legal: tuple[str, ...], table: Table) -> list[Aim]:
    """Every pot and bank in sight, the easiest first."""
    aims = [
        aim
        for ball in legal
        for pocket in table.pockets
        for aim in (_pot(layout, ball, pocket, table), *_banks(layout, ball, pocket, table))
        if aim is not None
    ]
    return sorted(aims, key=lambda aim: aim.difficulty)


def plain_hit(layout: Layout, ball: str, table: Table) -> Aim | None:
    """A full hit of a ball in sight, or None where another ball is in the way."""
    cue, target = layout["cue"], layout[ball]
    if not _clear(layout, [cue, target], {"cue", ball}, table):
        return None
    return Aim("safety", ball, _direction(target - cue), float(np.hypot(*(target - cue))), 50.0)


def pocket_aim(pocket: Pocket, table: Table) -> Array:
    """The point a player aims a ball at: a little inside the pocket's mouth, shape (2,)."""
    centre = np.array([table.length_in / 2, table.width_in / 2])
    hole = np.array([pocket.x_in, pocket.y_in])
    if not pocket.is_corner:
        beside: Array = hole + (0.0, np.sign(centre[1] - hole[1]) * (table.side_offset_in - 0.3))
        return beside
    inside: Array = hole + np.sign(centre - hole) * (table.corner_offset_in + 0.9)
    return inside


def _pot(layout: Layout, ball: str, pocket: Pocket, table: Table) -> Aim | None:
    return _aim(layout, ball, [layout[ball], pocket_aim(pocket, table)], pocket, table, intent="pot")


def _banks(layout: Layout, ball: str, pocket: Pocket, table: Table) -> list[Aim | None]:
    """One-cushion banks: the pocket mirrored in each nose line, the ball's radius off it."""
    aim_at, start, r = pocket_aim(pocket, table), layout[ball], table.ball_radius_in
    found: list[Aim | None] = []
    for axis, wall in ((0, r), (0, table.length_in - r), (1, r), (1, table.width_in - r)):
        if abs(aim_at[axis] - wall) < 6 or abs(start[axis] - wall) < 1:
            continue
        mirror = aim_at.copy()
        mirror[axis] = 2 * wall - mirror[axis]
        bounce = start + (mirror - start) * (wall - start[axis]) / (mirror[axis] - start[axis])
        if _near_pocket(bounce, table):
            continue
        found.append(_aim(layout, ball, [start, bounce, aim_at], pocket, table, intent="bank"))
    return found


def _aim(
    layout: Layout, ball: str, path: list[Array], pocket: Pocket, table: Table, *, intent: Intent
) -> Aim | None:
    """The aim that sends a ball along a path, or None where geometry or another ball forbids it."""
    cue, start = layout["cue"], path[0]
    away = (path[1] - start) / np.hypot(*(path[1] - start))
    ghost = start - table.ball_diameter_in * away
    to_ghost = ghost - cue
    reach = float(np.hypot(*to_ghost))
    if reach < 1e-6 or not _inside(ghost, table):
        return None
    cosine = float(to_ghost @ away) / reach
    entry = (path[-1] - path[-2]) / np.hypot(*(path[-1] - path[-2]))
    if cosine < 0.2 or (not pocket.is_corner and abs(entry[1]) < 0.5):
        return None
    if not _clear(layout, [cue, ghost], {"cue", ball}, table) or not _clear(layout, path, {"cue", ball}, table):
        return None
    run = sum(float(np.hypot(*(b - a))) for a, b in pairwise(path))
    difficulty = reach * run / cosine**2 / 1000 + (3.0 if intent == "bank" else 0.0)
    return Aim(intent, ball, _direction(to_ghost), reach + run / cosine, difficulty)


def _clear(layout: Layout, path: list[Array], but: set[str], table: Table) -> bool:
    """Whether no other ball stands within a diameter of the path."""
    others = [p for name, p in layout.items() if name not in but]
    return all(_distance(p, a, b) > table.ball_diameter_in + 0.05 for a, b in pairwise(path) for p in others)


def _distance(point: Array, a: Array, b: Array) -> float:
    along = float(np.clip((point - a) @ (b - a) / max(float((b - a) @ (b - a)), 1e-9), 0, 1))
    return float(np.hypot(*(point - a - along * (b - a))))


def _inside(point: Array, table: Table) -> bool:
    r = table.ball_radius_in
    return bool(r <= point[0] <= table.length_in - r and r <= point[1] <= table.width_in - r)


def _near_pocket(point: Array, table: Table) -> bool:
    return any(np.hypot(point[0] - p.x_in, point[1] - p.y_in) < 6 for p in table.pockets)


def _direction(vector: Array) -> float:
    return float(np.degrees(np.arctan2(vector[1], vector[0])))
