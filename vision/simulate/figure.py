"""People at the table: a player with a cue, hands that carry balls and set up a rack.

A figure is a list of limbs, chains of round bones in table inches, and sticks. Poses only; `limbs.py` draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.simulate.look import RGB, Person
from vision.simulate.scene import CUSHION_IN, RAIL_IN, RAIL_RISE_IN

Array = NDArray[np.float64]

CUE_LENGTH_IN = 58.0
_BRIDGE_IN = 9.5
_GRIP_IN = 45.0


@dataclass(frozen=True)
class Limb:
    """Bones of one colour: each row is x, y, z, radius of one end and of the other, in inches: (n, 8)."""

    colour: RGB
    bones: Array
    shade: float = 0.0


@dataclass(frozen=True)
class Stick:
    """A cue, its tip at `tip` and its butt at `butt`, each (3,)."""

    tip: Array
    butt: Array


Shape = Limb | Stick


def over_bed(shape: Shape, table: Table) -> bool:
    """Whether an end of a limb's bones, or a cue's tip, is over the bed."""
    ends = shape.tip[None] if isinstance(shape, Stick) else shape.bones.reshape(-1, 4)
    inside = (ends[:, :2] > 0) & (ends[:, :2] < (table.length_in, table.width_in))
    return bool(inside.all(axis=1).any())


def moved(before: Shape, after: Shape) -> float:
    """How far the part of a shape that moved farthest went along an axis, in inches."""
    if isinstance(before, Stick) and isinstance(after, Stick):
        return float(max(np.abs(after.tip - before.tip).max(), np.abs(after.butt - before.butt).max()))
    if isinstance(before, Limb) and isinstance(after, Limb) and before.bones.shape == after.bones.shape:
        return float(np.abs(after.bones - before.bones).max())
    return 0.0


@dataclass(frozen=True)
class Stance:
    """Where a player stands to strike a cue ball at `ball` (2,) along `aim` (2,), a unit vector."""

    ball: Array
    aim: Array
    hips: Array
    shoulders: Array
    facing: Array
    bridge: Array
    tip_z_in: float
    rise: float


def outer_in(table: Table) -> tuple[Array, Array]:
    """The lowest and highest corner, (2,) each, of the table's outline."""
    edge = CUSHION_IN + RAIL_IN
    return np.array([-edge, -edge]), np.array([table.length_in + edge, table.width_in + edge])


def pushed_out(table: Table, point: Array, margin_in: float) -> Array:
    """The nearest place to a point (2,) where a person can stand: at least a margin from the table."""
    low, high = outer_in(table)
    low, high = low - margin_in, high + margin_in
    if np.any(point <= low) or np.any(point >= high):
        return point
    moved = point.copy()
    gaps = np.array([point[0] - low[0], high[0] - point[0], point[1] - low[1], high[1] - point[1]])
    side = int(np.argmin(gaps))
    moved[side // 2] = (low if side % 2 == 0 else high)[side // 2]
    return moved


def stance(table: Table, ball: Array, direction_deg: float, vertical: float, side: float) -> Stance:
    """A right-handed stance; the tip meets the ball `vertical` and `side` radii off its centre."""
    angle = np.radians(direction_deg)
    aim = np.array([np.cos(angle), np.sin(angle)])
    left = np.array([-aim[1], aim[0]])
    hit = ball + side * table.ball_radius_in * left
    bridge_xy = hit - _BRIDGE_IN * aim
    over_rail = bool(np.any(bridge_xy < 0) or np.any(bridge_xy > (table.length_in, table.width_in)))
    bridge_z = table.nose_height_in + RAIL_RISE_IN if over_rail else 0.0
    tip_z = table.ball_radius_in * (1 + vertical)
    rise = max(0.075, (bridge_z + 1.5 - tip_z) / _BRIDGE_IN)
    hips = pushed_out(table, ball - 52 * aim + 8 * left, 4.0)
    reach = ball - 25 * aim + 3 * left - hips
    span = float(np.hypot(*reach))
    facing = reach / max(span, 1e-6)
    shoulders = hips + facing * min(26.0, max(span, 12.0))
    return Stance(hit, aim, hips, shoulders, facing, np.array([*bridge_xy, bridge_z]), tip_z, rise)


def player(at: Stance, who: Person, table: Table, gap_in: float, away_in: float) -> tuple[Shape, ...]:
    """A player in a stance: the tip `gap_in` behind the cue ball, the whole person `away_in` from there."""
    back = at.hips - np.array([table.length_in, table.width_in]) / 2
    back = back / np.hypot(*back)
    moved = np.array([*(back * away_in), 0.15 * away_in])
    along = np.array([*at.aim, -at.rise])
    tip = np.array([*at.ball, at.tip_z_in]) - along * (table.ball_radius_in + gap_in) + moved
    butt = tip - along * CUE_LENGTH_IN
    grip = np.array([*at.ball, at.tip_z_in]) - along * (_GRIP_IN + gap_in) + moved
    bridge = at.bridge + moved
    left = np.array([-at.facing[1], at.facing[0]])
    chest, hips = _at(at.shoulders, 15, moved), _at(at.hips, 6, moved)
    left_shoulder = _at(at.shoulders + 6.5 * left - 1.5 * at.facing, 14, moved)
    right_shoulder = _at(at.shoulders - 6.5 * left - 2.0 * at.facing, 16, moved)
    head = _at(at.shoulders + 7.5 * at.facing, 19, moved)
    return (
        *_hand(bridge + (0, 0, 0.75), at.aim, who, spread=True),
        Stick(tip, butt),
        *_arm(left_shoulder, bridge + (0, 0, 1.4) - _flat(1.6 * at.aim), 1.5 * left, who),
        *_hand(grip, at.aim, who, spread=False),
        *_arm(right_shoulder, grip + (0, 0, 0.4), -4.0 * left, who),
        Limb(who.shirt, _bones((hips, 6.4, chest, 5.7), (left_shoulder, 3.1, right_shoulder, 3.1)), 0.15),
        *_head(head, at.facing, who),
    )


def reacher(who: Person, hips: Array, hand: Array, second: Array | None = None) -> tuple[Shape, ...]:
    """Someone standing at `hips` (2,) whose right hand is at `hand` (3,), palm down, as over a ball; with
    `second`, the left hand is there."""
    reach = hand[:2] - hips
    span = float(np.hypot(*reach))
    facing = reach / max(span, 1e-6)
    side = np.array([-facing[1], facing[0]])
    # Who need not reach far stands upright beside the table.
    shoulders = hips + facing * float(np.clip(span - 18.0, -6.0, 22.0))
    right, left = np.array([*(shoulders - 6.5 * side), 15.0]), np.array([*(shoulders + 6.5 * side), 15.0])
    hands = [(right, hand, -2.0 * side)] + ([] if second is None else [(left, second, 2.0 * side)])
    limbs: list[Shape] = []
    for shoulder, at, bend in hands:
        limbs += _hand(at, facing, who, spread=True)
        limbs += _arm(shoulder, at - _flat(2.2 * facing) + (0, 0, 0.8), bend, who)
    body = _bones((np.array([*hips, 6.0]), 6.4, np.array([*shoulders, 15.0]), 6.0), (right, 3.1, left, 3.1))
    return (
        *limbs,
        Limb(who.shirt, body, 0.1),
        *_head(np.array([*(shoulders + 4.0 * facing), 20.0]), facing, who),
    )


def rack_frame(balls: Array, radius_in: float, z_in: float) -> tuple[Shape, ...]:
    """The wooden rack round balls at (n, 2), lying `z_in` above the cloth."""
    middle = balls.mean(axis=0)
    away = np.hypot(*(balls - middle).T)
    corners = balls[away > away.max() - 1.2]
    order = np.argsort(np.arctan2(*(corners - middle).T[::-1]))
    corners = corners[order]
    # The bars lie a ball's radius and their own outside the balls; corners are further out by their angle.
    outward = 2.0 if len(corners) == 3 else 1.25
    spread = 1 + outward * (radius_in + 0.45) / float(away.max())
    ring = middle + (corners - middle) * spread
    ends = [np.array([*p, z_in + 1.0]) for p in ring]
    bones = _bones(*((a, 0.42, b, 0.42) for a, b in zip(ends, [*ends[1:], ends[0]], strict=True)))
    return (Limb((150, 96, 48), bones),)


def _at(point: Array, z_in: float, moved: Array) -> Array:
    return np.array([point[0], point[1], z_in]) + moved


def _flat(vector: Array) -> Array:
    return np.array([vector[0], vector[1], 0.0])


def _bones(*rows: tuple[Array, float, Array, float]) -> Array:
    return np.array([[*a, ra, *b, rb] for a, ra, b, rb in rows])


def _arm(shoulder: Array, wrist: Array, bend: Array, who: Person) -> tuple[Limb, Limb]:
    """A sleeve to the elbow, a bare forearm to the wrist; the elbow bends aside by `bend` (2,)."""
    elbow = shoulder + 0.5 * (wrist - shoulder) + np.array([*bend, 1.5])
    return (
        Limb(who.skin, _bones((elbow, 1.75, wrist, 1.15))),
        Limb(who.shirt, _bones((shoulder, 2.9, elbow, 2.2)), 0.08),
    )


def _hand(at: Array, forward: Array, who: Person, spread: bool) -> tuple[Limb, ...]:
    """A hand whose knuckles are at `at` (3,): open with spread fingers, or a fist."""
    ahead, left = _flat(forward), np.array([-forward[1], forward[0], 0.0])
    wrist = at - 2.4 * ahead + (0, 0, 0.3)
    if not spread:
        return (Limb(who.skin, _bones((at - 0.9 * ahead, 1.5, at + 0.9 * ahead, 1.4))),)
    rows = [(wrist, 1.15, at - 0.5 * ahead, 1.35)]
    for turn, length in ((0.34, 2.3), (0.10, 2.8), (-0.13, 2.7), (-0.36, 2.2)):
        root = at - 2.6 * turn * left * 0.9
        tip = root + length * (np.cos(turn) * ahead - np.sin(turn) * left) - (0, 0, 0.35)
        rows.append((root, 0.44, tip, 0.34))
    thumb = at - 0.9 * ahead + 1.0 * left
    rows.append((thumb, 0.5, thumb + 1.9 * ahead + 0.7 * left, 0.4))
    return (Limb(who.skin, _bones(*rows)),)


def _head(at: Array, facing: Array, who: Person) -> tuple[Limb, ...]:
    ahead = _flat(facing)
    return (
        Limb(who.skin, _bones((at + 1.2 * ahead - (0, 0, 2), 2.9, at + 2.6 * ahead - (0, 0, 2.5), 2.2))),
        Limb(who.hair, _bones((at - 0.8 * ahead, 3.7, at + 0.5 * ahead, 3.5)), 0.1),
    )
