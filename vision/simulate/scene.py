"""The empty table, drawn once per camera: cloth, cushions, rails with diamonds, pockets, floor.

Every pixel's sight lines (four of them, for smooth edges) are met with the table's planes from the top down:
rail tops, cushion tops, the cloth, the holes in it, the floor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.simulate.look import Look
from vision.simulate.textures import Textures, textures
from vision.simulate.textures import at as texture_at
from vision.simulate.view import Floats, View, encoded, halved, linear, to_yuv

Mask = NDArray[np.bool_]

CUSHION_IN = 2.0
RAIL_IN = 5.2
RAIL_RISE_IN = 0.22
FLOOR_Z_IN = -31.0
COLLAR_IN = 0.75


@dataclass(frozen=True)
class Backdrop:
    """The empty table: planes as a frame has them, which share of each pixel is a pocket's hole, and which is
    cushion or rail, the parts that may hide a ball."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    hole: Floats
    raised: Floats


@dataclass(frozen=True)
class Lamps:
    """The lamp over the table: bright panels lengthwise. Light on a point is the mean over them."""

    positions: NDArray[np.float64]
    half_length_in: float
    half_width_in: float

    @classmethod
    def over(cls, table: Table, look: Look) -> "Lamps":
        L, W = table.length_in, table.width_in
        apart, half_length = {1: (0.0, 0.30), 2: (0.42, 0.15), 3: (0.30, 0.10)}[look.lamps]
        along = 0.5 + apart * (np.arange(look.lamps) - (look.lamps - 1) / 2)
        positions = [[share * L, 0.5 * W, look.lamp_height * L] for share in along]
        return cls(np.array(positions), half_length * L, 0.10 * W)


def light_at(table: Table, look: Look, points: Floats) -> Floats:
    """Light on the cloth at points (…, 2): 1 in the middle of the table, less to its corners."""
    x = (points[..., 0] - table.length_in / 2) / (table.length_in / 2)
    y = (points[..., 1] - table.width_in / 2) / (table.width_in / 2)
    # A long lamp lights evenly along its length and falls off across and beyond its ends.
    far = np.clip(0.62 * x**4 + 0.38 * y**2, 0, 1.6)
    return np.asarray(look.brightness * (1 - look.falloff * far), dtype=np.float32)


def backdrop(view: View, table: Table, look: Look, seed: int = 0) -> Backdrop:
    """Draws the empty table: the mean of four sight lines a pixel, in linear light."""
    grains = textures(seed)
    light = np.zeros((view.camera.height_px, view.camera.width_px, 3), dtype=np.float32)
    hole = np.zeros(light.shape[:2], dtype=np.float32)
    raised = np.zeros_like(hole)
    for du in (-0.25, 0.25):
        for dv in (-0.25, 0.25):
            colour, in_hole, on_top = _trace(view, table, look, grains, view.rays(du, dv))
            light += colour / 4
            hole += in_hole.astype(np.float32) / 4
            raised += on_top.astype(np.float32) / 4
    yuv = to_yuv(encoded(light * np.array(look.light, dtype=np.float32)))
    planes = (yuv[..., 0], halved(np.ascontiguousarray(yuv[..., 1])), halved(np.ascontiguousarray(yuv[..., 2])))
    y, u, v = (np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in planes)
    return Backdrop(y, u, v, hole, raised)


def _trace(view: View, table: Table, look: Look, grains: Textures, rays: Floats) -> tuple[Floats, Mask, Mask]:
    """Linear colours (h, w, 3) of one sight line a pixel, whether it goes down a hole, whether it meets a
    cushion or a rail."""
    rail_z = table.nose_height_in + RAIL_RISE_IN
    on_rail = view.on_plane(rays, rail_z)
    on_nose = view.on_plane(rays, table.nose_height_in)
    on_cloth = view.on_plane(rays, 0.0)
    on_floor = view.on_plane(rays, FLOOR_Z_IN)

    beyond = _beyond(table, on_rail)
    mouth = _in_hole(table, on_rail, COLLAR_IN * 0.15)
    cushion, _ = _cushions(table, on_nose)
    wood = (beyond > CUSHION_IN) | (_behind_corner(table, on_rail) & ~cushion)
    frame = wood & (_rounded_outside(table, on_rail) <= 0) & ~mouth
    cushion &= ~frame
    wall = mouth & (_behind_corner(table, on_cloth) | (_beyond(table, on_cloth) > CUSHION_IN))
    hole = (_in_hole(table, on_cloth, 0.0) | wall) & ~frame & ~cushion
    cloth = ~frame & ~cushion & ~hole & (_beyond(table, on_cloth) <= CUSHION_IN + 1.0)

    colour = _floor(table, look, grains, on_floor)
    colour[cloth] = _cloth(table, look, grains, on_cloth[cloth])
    colour[hole] = _holes(table, look, view.on_plane(rays[hole], -2.2))
    colour[cushion] = _cushion_tops(table, look, grains, on_nose[cushion])
    colour[frame] = _rails(table, look, grains, on_rail[frame])
    return colour, hole, frame | cushion


def _beyond(table: Table, points: Floats) -> Floats:
    """How far points (…, 2) lie outside the nose rectangle, the larger of both directions; inside negative."""
    dx = np.abs(points[..., 0] - table.length_in / 2) - table.length_in / 2
    dy = np.abs(points[..., 1] - table.width_in / 2) - table.width_in / 2
    return np.asarray(np.maximum(dx, dy), dtype=np.float32)


def _rounded_outside(table: Table, points: Floats, radius_in: float = 3.0) -> Floats:
    """The distance outside the frame's outline with its rounded corners; inside negative."""
    half = np.array([table.length_in, table.width_in], dtype=np.float32) / 2
    q = np.abs(points - half) - (half + CUSHION_IN + RAIL_IN - radius_in)
    outside = np.hypot(np.maximum(q[..., 0], 0), np.maximum(q[..., 1], 0))
    return np.asarray(outside + np.minimum(np.maximum(q[..., 0], q[..., 1]), 0) - radius_in, dtype=np.float32)


def _in_hole(table: Table, points: Floats, grow_in: float) -> Mask:
    """Whether points (…, 2) lie within a pocket's circle."""
    inside = np.zeros(points.shape[:-1], dtype=bool)
    for pocket in table.pockets:
        away = np.hypot(points[..., 0] - pocket.x_in, points[..., 1] - pocket.y_in)
        inside |= away < pocket.radius_in + grow_in
    return inside


def _behind_corner(table: Table, points: Floats) -> Mask:
    """Whether points (…, 2) lie behind a corner pocket, seen from the table."""
    half = np.array([table.length_in, table.width_in], dtype=np.float32) / 2
    d = np.abs(points - half) - half
    dx, dy = d[..., 0], d[..., 1]
    behind = (dx + dy > 2 * table.corner_offset_in) & (np.minimum(dx, dy) > -4)
    return np.asarray(behind, dtype=bool)


def _pocket_distance(table: Table, points: Floats) -> Floats:
    """The distance from points (…, 2) to the nearest pocket's rim; inside it negative."""
    near = np.full(points.shape[:-1], np.inf, dtype=np.float32)
    for pocket in table.pockets:
        away = np.hypot(points[..., 0] - pocket.x_in, points[..., 1] - pocket.y_in) - pocket.radius_in
        near = np.minimum(near, away)
    return near


def _cushions(table: Table, points: Floats) -> tuple[Mask, Floats]:
    """Whether points (…, 2) lie on one of the six cushions' tops, and how far behind its nose."""
    L, W = table.length_in, table.width_in
    corner, side = table.corner_mouth_in / np.sqrt(2), table.side_mouth_in / 2
    x, y = points[..., 0], points[..., 1]
    behind_y = np.maximum(-y, y - W)
    behind_x = np.maximum(-x, x - L)
    # Jaws run back at 50° from the nose line at a corner (142° inside) and at 76° at a side pocket (104°).
    slant, side_slant = np.tan(np.radians(50)), np.tan(np.radians(14))
    from_side = np.abs(x - L / 2)
    long_rail = (
        (behind_y > 0)
        & (behind_y <= CUSHION_IN + 0.3)
        & (from_side > side - behind_y * side_slant)
        & (np.minimum(x, L - x) > corner - behind_y * slant)
    )
    short_rail = (
        (behind_x > 0) & (behind_x <= CUSHION_IN + 0.3) & (np.minimum(y, W - y) > corner - behind_x * slant)
    )
    behind = np.where(long_rail, behind_y, behind_x)
    return long_rail | short_rail, np.asarray(behind, dtype=np.float32)


def _cloth(table: Table, look: Look, grains: Textures, points: Floats) -> Floats:
    """Cloth with its weave and wear, darker under the noses, with its spots."""
    lit = light_at(table, look, points) * (1 + look.cloth_texture * texture_at(grains.cloth, points))
    inside = -_beyond(table, points)
    # Below the noses the lamp is half hidden; the shade ends about a ball's radius out.
    lit *= 1 - 0.42 * np.exp(-np.maximum(inside, 0) / 0.55) - 0.25 * (inside < 0)
    lit *= 1 - 0.5 * np.exp(-np.maximum(_pocket_distance(table, points), 0) / 0.22)
    colour = linear(look.cloth) * lit[..., None]
    for x, size in ((0.75, 0.34), (0.25, 0.22)):
        away = np.hypot(points[..., 0] - x * table.length_in, points[..., 1] - table.width_in / 2)
        spot = np.clip((size - away) / 0.08 + 0.5, 0, 1)[..., None]
        colour = colour * (1 - spot * 0.75)
    chalk = look.marks * _chalk_marks(table, points)[..., None]
    return np.asarray(colour * (1 - chalk) + chalk * (0.5, 0.55, 0.6) * lit[..., None], dtype=np.float32)


def _chalk_marks(table: Table, points: Floats) -> Floats:
    """Faint chalk and burn marks where cue balls are broken from and racks are set, 0–1."""
    rng = np.random.default_rng(5)
    mark = np.zeros(points.shape[:-1], dtype=np.float32)
    centres = np.vstack(
        [
            rng.normal((0.24 * table.length_in, table.width_in / 2), (2.5, 6.0), (16, 2)),
            rng.normal((0.77 * table.length_in, table.width_in / 2), (4.0, 4.0), (14, 2)),
        ]
    )
    for x, y in centres:
        size = rng.uniform(0.12, 0.4)
        dx, dy = points[..., 0] - x, points[..., 1] - y
        near = np.maximum(np.abs(dx), np.abs(dy)) < 4 * size
        strength = rng.uniform(0.015, 0.06)
        mark[near] += strength * np.exp(-(dx[near] ** 2 + dy[near] ** 2) / (2 * size**2))
    return np.minimum(mark, 0.3)


def _cushion_tops(table: Table, look: Look, grains: Textures, points: Floats) -> Floats:
    """The cushions' cloth: brighter at the nose that faces the lamp, a dark seam at the rail."""
    _, behind = _cushions(table, points)
    lit = light_at(table, look, points) * (1 + look.cloth_texture * texture_at(grains.cloth, points))
    lit *= 1.10 - 0.05 * behind
    lit *= 1 - 0.55 * np.exp(-np.maximum(CUSHION_IN - behind, 0) / 0.13)
    lit *= 1 + 0.25 * np.exp(-((behind - 0.16) ** 2) / 0.012)
    lit *= 1 - 0.35 * np.exp(-behind / 0.05)
    return np.asarray(linear(look.cloth) * lit[..., None], dtype=np.float32)


def _rails(table: Table, look: Look, grains: Textures, points: Floats) -> Floats:
    """Wood with its grain and gloss, pocket trim at the corners and sides, diamonds."""
    half = np.array([table.length_in, table.width_in], dtype=np.float32) / 2
    d = np.abs(points - half) - half
    short = d[..., 0] > d[..., 1]
    lit = 0.85 * light_at(table, look, points)
    grain = 0.10 * texture_at(grains.wood, points, swap=short)
    wood = linear(look.wood) * (lit * (1 + grain))[..., None]
    across = np.maximum(d[..., 0], d[..., 1]) - CUSHION_IN
    gloss = 0.035 * look.brightness * np.exp(-(((across - 1.35) / 0.75) ** 2))
    edge = -_rounded_outside(table, points)
    wood = (wood + gloss[..., None]) * (1 - 0.6 * np.exp(-edge / 0.35))[..., None]
    near = _pocket_distance(table, points)
    corner = (np.minimum(d[..., 0], d[..., 1]) > -3.6) | (near < COLLAR_IN)
    rim = np.exp(-(((near - 0.35) / 0.16) ** 2))
    trim = linear(look.trim) * (lit * (0.8 + 0.5 * np.exp(-edge / 0.8)))[..., None] + 0.09 * (lit * rim)[..., None]
    share = np.clip(corner.astype(np.float32), 0, 1)[..., None]
    colour = wood * (1 - share) + trim * share
    inlay = _diamonds(table, points)[..., None]
    colour = colour * (1 - inlay) + inlay * 0.72 * lit[..., None]
    return _chalks(table, look, points, colour, lit)


def _chalks(table: Table, look: Look, points: Floats, colour: Floats, lit: Floats) -> Floats:
    """Cubes of chalk left on the rails, worn hollow, with their shadows."""
    for along, rail, behind in look.chalks:
        off = CUSHION_IN + behind
        x, y = along * table.length_in, table.width_in + off if rail else -off
        dx, dy = points[..., 0] - x, points[..., 1] - y
        outward = np.sign(y - table.width_in / 2)
        away = np.maximum(np.abs(dx), np.abs(dy - 0.3 * outward)) - 0.5
        colour = colour * (1 - 0.6 * np.exp(-np.maximum(away, 0) / 0.2))[..., None]
        cube = (np.maximum(np.abs(dx), np.abs(dy)) < 0.44)[..., None]
        hollow = 1 - 0.4 * np.exp(-(dx * dx + dy * dy) / 0.05)
        chalk = linear(look.chalk) * (lit * hollow)[..., None]
        colour = np.where(cube, chalk, colour)
    return np.asarray(colour, dtype=np.float32)


def _diamonds(table: Table, points: Floats) -> Floats:
    """1 within a diamond, 0 elsewhere: at every eighth of the length, every quarter of the width."""
    L, W, off = table.length_in, table.width_in, CUSHION_IN + 0.52 * RAIL_IN
    marks = [(L * k / 8, y, 0) for k in (1, 2, 3, 5, 6, 7) for y in (-off, W + off)]
    marks += [(x, W * k / 4, 1) for k in (1, 2, 3) for x in (-off, L + off)]
    inlay = np.zeros(points.shape[:-1], dtype=np.float32)
    for x, y, axis in marks:
        long, wide = (0.32, 0.55) if axis == 0 else (0.55, 0.32)
        inside = np.abs(points[..., 0] - x) / long + np.abs(points[..., 1] - y) / wide < 1
        inlay[inside] = 1
    return inlay


def _holes(table: Table, look: Look, points: Floats) -> Floats:
    """The dark of the pockets: a little light on the far wall of leather."""
    depth = np.clip(-_pocket_distance(table, points) / table.pocket_radius_in, -0.6, 1)
    lit = look.brightness * (0.002 + 0.02 * np.clip(0.2 - depth, 0, 1) ** 1.5)
    return np.asarray(lit[..., None] * (1.0, 0.93, 0.86), dtype=np.float32)


def _floor(table: Table, look: Look, grains: Textures, points: Floats) -> Floats:
    """Carpet, lit by what the lamp throws past the table."""
    outside = np.maximum(_beyond(table, points) - 3, 0)
    lit = look.brightness * (0.35 + 0.5 * np.exp(-(((outside - 16) / 9) ** 2)))
    return np.asarray(linear(look.floor) * (lit * (1 + 0.10 * texture_at(grains.floor, points)))[..., None])
