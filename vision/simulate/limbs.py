"""Draws people and cues onto a frame's planes: round limbs with soft light, tapered sticks, their shadows."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.simulate.figure import Limb, Shape, Stick
from vision.simulate.look import RGB, Look
from vision.simulate.scene import Lamps, light_at
from vision.simulate.spheres import Shadow, Sprite
from vision.simulate.view import YUV_ZERO, Floats, Planes, Region, View, encoded, halved, linear, to_yuv

Array = NDArray[np.float64]

# A cue from tip to butt: up to which share of its length, its colour, its radius there in inches.
_CUE_PARTS: tuple[tuple[float, RGB, float], ...] = (
    (0.006, (52, 96, 150), 0.25),
    (0.022, (236, 232, 220), 0.255),
    (0.50, (214, 176, 120), 0.42),
    (0.515, (30, 26, 24), 0.425),
    (0.68, (96, 44, 24), 0.48),
    (0.86, (26, 26, 30), 0.53),
    (0.985, (96, 44, 24), 0.58),
    (1.0, (18, 18, 18), 0.56),
)
_CUE_AT = np.array([0.0, *(share for share, _, _ in _CUE_PARTS)])
_CUE_RADII = np.array([0.24, *(radius for _, _, radius in _CUE_PARTS)])
_CUE_PAINT = np.stack([linear(colour) for _, colour, _ in _CUE_PARTS])
# Strips that make a part round: how light each is, its middle's offset and its width in radii.
_CUE_STRENGTHS = np.array([0.55, 1.0, 1.5], dtype=np.float32)
_CUE_STRIPS = ((0.0, 1.0), (0.12, 0.62), (0.22, 0.16))
_SHIFT = 4
_SHADOW_PX = 24  # shadows are at most this much wider than what throws them


class LimbPainter:
    """Draws shapes seen by one camera under one lamp."""

    def __init__(self, view: View, table: Table, look: Look) -> None:
        self.view, self.table, self.look = view, table, look
        self.lamps = Lamps.over(table, look)
        self._tint = np.array(look.light, dtype=np.float32)

    def limb(self, limb: Limb) -> Sprite | None:
        """A limb as a sprite: bones are discs swept along a line, lit as if round."""
        ends, radii = self._seen(limb.bones)
        region = self.view.region(ends.reshape(-1, 2), float(radii.max()) + 2)
        if region is None:
            return None
        height, width = region.shape
        x = np.arange(region.left, region.right, dtype=np.float32)[None, :]
        y = np.arange(region.top, region.bottom, dtype=np.float32)[:, None]
        cover, roundness = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
        for line, ends_radii in zip(ends, radii, strict=True):
            share, radius = _swept(x, y, line, ends_radii)
            inside = np.clip(radius - share + 0.5, 0, 1)
            bulge = np.sqrt(np.clip(1 - (share / radius) ** 2, 0, 1))
            np.maximum(roundness, bulge, out=roundness)
            np.maximum(cover, inside, out=cover)
        middle = limb.bones[:, [0, 1, 2, 4, 5, 6]].reshape(-1, 3).mean(axis=0)
        lit = self._light(middle) * (1 - limb.shade)
        base = to_yuv(encoded(linear(limb.colour) * self._tint * lit)) - YUV_ZERO
        # Coded values scale with the 1/2.2th power of light: 0.35 of it at the edge, all of it on the ridge.
        shade = (0.62 + 0.38 * roundness) * cover
        half_shade, half_cover = halved(shade), halved(cover)
        return Sprite(
            region, base[0] * shade, base[1] * half_shade, base[2] * half_shade, cover, half_cover,
            float(np.linalg.norm(middle - self.view.eye)),
        )  # fmt: skip

    def region(self, figures: Iterable[tuple[Shape, ...]]) -> Region | None:
        """A region that holds shapes and their shadows, or None where all of them are out of sight."""
        shapes = [shape for figure in figures for shape in figure]
        bones = [shape.bones.reshape(-1, 4) for shape in shapes if isinstance(shape, Limb)]
        sticks = [np.array([[*s.tip, 1.0], [*s.butt, 1.0]]) for s in shapes if isinstance(s, Stick)]
        ends = np.concatenate([*bones, *sticks])
        points = np.concatenate([ends[:, :3], self._dropped(ends[:, :3])])
        margin_px = float((ends[:, 3] * self.view.scales(ends[:, :3])).max()) + _SHADOW_PX
        return self.view.region(self.view.camera.project(points), margin_px)

    def _light(self, point: Array) -> float:
        """Light on a point (3,): that of the cloth below, less beyond the lamp's reach."""
        half = np.array([self.table.length_in, self.table.width_in]) / 2
        outside = float(np.max(np.abs(point[:2] - half) - half))
        on_cloth = float(light_at(self.table, self.look, point[:2].astype(np.float32)))
        return max(0.3 * self.look.brightness, on_cloth) * float(np.exp(-max(outside, 0) / 26))

    def _seen(self, bones: Array) -> tuple[Array, Array]:
        """Bones' ends in pixels, shape (n, 2, 2), and radii in pixels, shape (n, 2)."""
        points = bones.reshape(-1, 4)
        ends = self.view.camera.project(points[:, :3]).reshape(-1, 2, 2)
        reach = np.linalg.norm(points[:, :3] - self.view.eye, axis=1)
        radii = points[:, 3] * self.view.camera.fx / reach
        return ends, radii.reshape(-1, 2)

    def shadow(self, limb: Limb) -> Shadow | None:
        """The soft shadow on the cloth of a limb's part that is near it."""
        near = limb.bones[(limb.bones[:, 2] < 14) | (limb.bones[:, 6] < 14)]
        if not len(near):
            return None
        dropped = near.copy()
        for k in (0, 4):
            dropped[:, k : k + 3] = self._dropped(near[:, k : k + 3])
        ends, radii = self._seen(dropped)
        softness = 2.0 + 0.12 * self.view.px_per_in((*dropped[0, :2], 0.0)) * float(near[:, [2, 6]].mean())
        region = self.view.region(ends.reshape(-1, 2), float(radii.max()) + softness)
        if region is None:
            return None
        x = np.arange(region.left + 0.5, region.right, 2, dtype=np.float32)[None, :]
        y = np.arange(region.top + 0.5, region.bottom, 2, dtype=np.float32)[:, None]
        dark = np.zeros((y.shape[0], x.shape[1]), dtype=np.float32)
        for line, ends_radii in zip(ends, radii, strict=True):
            share, radius = _swept(x, y, line, ends_radii)
            np.maximum(dark, np.clip((radius - share) / (2 * softness) + 0.5, 0, 1), out=dark)
        return Shadow(region, 1 - 0.30 * dark)

    def _dropped(self, points: Array) -> Array:
        """Points (n, 3) thrown onto the cloth away from the lamp."""
        lamp = self.lamps.positions.mean(axis=0)
        reach = lamp[2] / (lamp[2] - np.minimum(points[:, 2:], 0.5 * lamp[2]))
        fallen = lamp + reach * (points - lamp)
        fallen[:, 2] = 0
        return np.asarray(fallen)

    def stick(self, planes: Planes, stick: Stick) -> None:
        """A cue, drawn straight onto the planes: a dark and a bright strip a part make it round."""
        along = stick.butt - stick.tip
        points = stick.tip + _CUE_AT[:, None] * along
        seen = self.view.camera.project(points)
        # Each part begins as thick as the one before it ends.
        scale = self.view.scales(points)
        starts, ends = scale[:-1] * _CUE_RADII[:-1], scale[1:] * _CUE_RADII[1:]
        light = _CUE_STRENGTHS * np.float32(self._light(stick.tip + 0.3 * along))
        yuv = to_yuv(encoded(_CUE_PAINT[:, None] * self._tint * light[:, None]))
        for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
            for (offset, width), colour in zip(_CUE_STRIPS, yuv[k], strict=True):
                self._strip(planes, seen[k : k + 2], (start, end), (offset, width), colour)

    def stick_shadow(self, planes: Planes, stick: Stick) -> None:
        """A faint dark line where the cue keeps the lamp from the cloth."""
        near = stick.tip + 0.5 * (stick.butt - stick.tip)
        ends = self.view.camera.project(self._dropped(np.array([stick.tip, near])))
        region = self.view.region(ends, 4)
        if region is None:
            return
        shade = np.zeros(region.shape, dtype=np.uint8)
        a, b = ((p - (region.left, region.top)) * 2**_SHIFT for p in ends)
        cv2.line(shade, _ints(a), _ints(b), 50, 4, cv2.LINE_AA, _SHIFT)
        part = planes.y[region.luma]
        planes.y[region.luma] = cv2.subtract(part, cv2.multiply(part, cv2.blur(shade, (5, 5)), scale=1 / 255))

    @staticmethod
    def _strip(
        planes: Planes, seen: Array, scale: tuple[float, float], across: tuple[float, float], yuv: Floats
    ) -> None:
        """A tapered strip between pixels (2, 2) of radii in pixels: `across` is its middle's offset and its width
        in radii."""
        way = seen[1] - seen[0]
        length = float(np.hypot(*way))
        if length < 1e-6:
            return
        side = np.array([way[1], -way[0]]) / length
        if side[1] > 0:
            side = -side
        offset, width = across
        corners = [
            seen[0] + side * scale[0] * (offset - width),
            seen[0] + side * scale[0] * (offset + width),
            seen[1] + side * scale[1] * (offset + width),
            seen[1] + side * scale[1] * (offset - width),
        ]
        outline = np.array(corners)
        for plane, value, size in ((planes.y, yuv[0], 1.0), (planes.u, yuv[1], 0.5), (planes.v, yuv[2], 0.5)):
            points = np.rint(((outline + 0.5) * size - 0.5) * 2**_SHIFT).astype(np.int32)
            cv2.fillConvexPoly(plane, points, float(value), cv2.LINE_AA, _SHIFT)


def _swept(x: Floats, y: Floats, line: Array, radii: Array) -> tuple[Floats, Floats]:
    """The distance of pixels from a line between points (2, 2) and the swept radius there, each (h, w)."""
    (a, b), (ra, rb) = line, radii
    dx, dy = float(b[0] - a[0]), float(b[1] - a[1])
    length2 = max(dx * dx + dy * dy, 1e-6)
    px, py = x - np.float32(a[0]), y - np.float32(a[1])
    along = np.clip((px * np.float32(dx) + py * np.float32(dy)) / np.float32(length2), 0, 1)
    px, py = px - along * np.float32(dx), py - along * np.float32(dy)
    away: Floats = np.sqrt(px * px + py * py)
    return away, np.asarray(np.float32(ra) + np.float32(rb - ra) * along, dtype=np.float32)


def _ints(point: Array) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
