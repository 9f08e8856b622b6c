"""Balls: their painted surfaces, their shading under the lamp, their shadows on the cloth."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.balls import Ball, BallSet
from vision.simulate.look import Look
from vision.simulate.scene import Backdrop, Lamps, light_at
from vision.simulate.view import YUV_ZERO, Floats, Region, View, encoded, halved, linear, to_yuv

Array = NDArray[np.float64]

# A painted surface: columns are longitudes, rows heights from the pole down; about 81 texels a radian.
_COLUMNS, _ROWS = 512, 162
_TEXELS_PER_RAD = _COLUMNS / (2 * np.pi)
_SPOT_RAD = 0.43
_BAND = 0.56
_PENUMBRA_IN = 0.55
_IVORY = (240, 234, 216)


def paint(ball: Ball, diameter_px: float) -> Floats:
    """A ball's surface in linear light, shape (rows, columns, 3), softened to what a pixel sees of it.

    Numbers stand in white spots at longitudes 0 and π on the equator, the band of a striped ball round it.
    """
    heights = (1 - 2 * (np.arange(_ROWS) + 0.5) / _ROWS).astype(np.float32)
    longitudes = (2 * np.pi * (np.arange(_COLUMNS) + 0.5) / _COLUMNS).astype(np.float32)
    canvas = np.empty((_ROWS, _COLUMNS, 3), dtype=np.uint8)
    canvas[:] = ball.rgb
    if ball.striped:
        canvas[np.abs(heights) > _BAND] = _IVORY
    if ball.name.isdigit():
        for column in (0, _COLUMNS // 2):
            _number(canvas, ball.name, column)
    if ball.group == "cue":
        canvas[_dots(heights, longitudes)] = (176, 30, 34)
    sigma = 0.35 * _TEXELS_PER_RAD * 2 / diameter_px
    wide = np.concatenate([canvas[:, -64:], canvas, canvas[:, :64]], axis=1)
    soft = cv2.GaussianBlur(linear(wide), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft[:, 64:-64], dtype=np.float32)


def _number(canvas: NDArray[np.uint8], text: str, column: int) -> None:
    """A white spot with the ball's number, centred on a column of the equator."""
    side = 96
    patch = np.zeros((side, side, 3), dtype=np.uint8)
    radius = round(_SPOT_RAD * _TEXELS_PER_RAD)
    cv2.circle(patch, (side // 2, side // 2), radius, _IVORY, -1, cv2.LINE_AA)
    scale = 1.25 if len(text) == 1 else 1.0
    (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, 3)
    origin = (side // 2 - w // 2, side // 2 + h // 2)
    cv2.putText(patch, text, origin, cv2.FONT_HERSHEY_DUPLEX, scale, (18, 18, 20), 3, cv2.LINE_AA)
    if text in ("6", "9"):
        y = side // 2 + h // 2 + 6
        cv2.line(patch, (side // 2 - w // 3, y), (side // 2 + w // 3, y), (18, 18, 20), 2)
    rows = np.arange(side) + _ROWS // 2 - side // 2
    columns = (np.arange(side) + column - side // 2) % _COLUMNS
    spot = cv2.circle(np.zeros((side, side), np.uint8), (side // 2, side // 2), radius, 1, -1) > 0
    area = canvas[rows[0] : rows[-1] + 1][:, columns]
    area[spot] = patch[spot]
    canvas[rows[0] : rows[-1] + 1, columns] = area


def _dots(heights: Floats, longitudes: Floats) -> NDArray[np.bool_]:
    """The six dots of a measles cue ball."""
    flat = np.sqrt(1 - heights**2)[:, None]
    x, y = flat * np.cos(longitudes), flat * np.sin(longitudes)
    z = np.broadcast_to(heights[:, None], x.shape)
    return np.asarray(np.max(np.abs(np.stack([x, y, z])), axis=0) > np.cos(0.15))


@dataclass(frozen=True)
class Sprite:
    """A drawn thing: its region, premultiplied Y, U, V less their zero, and its cover of luma and chroma."""

    region: Region
    y: Floats
    u: Floats
    v: Floats
    cover: Floats
    cover_half: Floats
    distance_in: float


@dataclass(frozen=True)
class Shadow:
    """What is left of the light on the cloth in a region, on the scale of coded values, at chroma size."""

    region: Region
    share: Floats


class Painter:
    """Draws balls seen by one camera on one table in one look; `backdrop` hides what is behind or under it."""

    def __init__(self, view: View, table: Table, look: Look, balls: BallSet, backdrop: Backdrop) -> None:
        self._backdrop = backdrop
        self.view, self.table, self.look = view, table, look
        self.lamps = Lamps.over(table, look)
        self._light = np.array(look.light, dtype=np.float32)
        middle = (table.length_in / 2, table.width_in / 2, 0.0)
        diameter_px = view.px_per_in(middle) * table.ball_diameter_in
        self._surfaces = {ball.name: paint(ball, diameter_px) for ball in balls.balls}
        self._cloth = linear(look.cloth)
        self._curve = encoded(np.linspace(0, 4, 4096, dtype=np.float32))

    def outline_region(self, centre: Array, margin_px: float) -> Region | None:
        """A region that holds a ball's outline, or None where it is out of sight."""
        camera, r = self.view.camera, self.table.ball_radius_in
        x, y, z = (camera.R @ centre + camera.t).tolist()
        # The longer half axis of the outline without a lens; a lens like ours stretches it by at most 5 %.
        reach = 1.05 * max(camera.fx, camera.fy) * r * np.sqrt(x * x + y * y + z * z - r * r) / (z * z - r * r)
        return self.view.region(camera.project(centre[None]), margin_px + float(reach))

    def ball(self, name: str, centre: Array, turn: Array, *, falling: bool = False) -> Sprite | None:
        """A ball at a centre (3,), turned by a rotation (3, 3) from its own axes to the table's.

        What of a falling one lies below the cloth shows only through a hole, darker the deeper it is.
        """
        region = self.outline_region(centre, 1.5)
        if region is None:
            return None
        rays = self.view.pixel_rays[region.luma]
        cover, normal, distance = self._intersect(rays, centre)
        cover *= self._shown(region, rays, distance)
        light = self._shade(name, rays, normal, centre, turn)
        if falling:
            below = centre[2] + self.table.ball_radius_in * normal[..., 2]
            cover = cover * np.where(below > 0, 1.0, self._backdrop.hole[region.luma])
            light *= np.exp(np.minimum(below, 0) / 1.1)[..., None]
        coded = self._curve[np.minimum(light * self._light * (4095 / 4), 4095).astype(np.int32)]
        yuv = (to_yuv(coded) - YUV_ZERO) * cover[..., None]
        return Sprite(
            region,
            np.ascontiguousarray(yuv[..., 0]),
            halved(np.ascontiguousarray(yuv[..., 1])),
            halved(np.ascontiguousarray(yuv[..., 2])),
            cover,
            halved(cover),
            float(np.linalg.norm(centre - self.view.eye)),
        )

    def _shown(self, region: Region, rays: Floats, distance: Floats) -> Floats | float:
        """What share of a ball's pixels no cushion or rail hides that is nearer than the ball."""
        raised = self._backdrop.raised[region.luma]
        if not raised.any():
            return 1.0
        top = (self.table.nose_height_in - self.view.eye[2]) / rays[..., 2]
        return np.where(top < distance, 1 - raised, 1).astype(np.float32)

    def _intersect(self, rays: Floats, centre: Array) -> tuple[Floats, Floats, Floats]:
        """The ball's cover of each pixel, its outward normal there, and how far away it is there.

        The distance of a sight line from the centre, less the radius, vanishes on the outline; divided by its
        slope it is the pixel's distance from the outline in pixels, of which a pixel's cover follows.
        """
        r = self.table.ball_radius_in
        away = (self.view.eye - centre).astype(np.float32)
        along = rays @ away
        nearest = away + rays * -along[..., None]
        miss = np.sqrt(np.einsum("ijk,ijk->ij", nearest, nearest))
        slope_v, slope_u = np.gradient(miss)
        slope = np.maximum(np.hypot(slope_u, slope_v), 0.25 * np.max(np.abs(slope_u)))
        cover = np.clip(0.5 + (r - miss) / slope, 0, 1)
        half = np.sqrt(np.maximum(r * r - miss * miss, 0))
        normal = (nearest - rays * half[..., None]) / np.maximum(miss, r)[..., None]
        return cover.astype(np.float32), normal.astype(np.float32), -along - half

    def _shade(self, name: str, rays: Floats, normal: Floats, centre: Array, turn: Array) -> Floats:
        """Linear light (h, w, 3): paint under the lamp and the cloth's bounce, and the lamp's mirror image."""
        surface = self._surfaces[name]
        own = normal @ turn.astype(np.float32)
        column = (np.arctan2(own[..., 1], own[..., 0]) * _TEXELS_PER_RAD).astype(np.int32) % _COLUMNS
        row = np.clip(((1 - own[..., 2]) * (_ROWS / 2)).astype(np.int32), 0, _ROWS - 1)
        albedo = surface[row, column]
        lit = float(light_at(self.table, self.look, centre[:2].astype(np.float32)))
        up = normal[..., 2]
        direct = np.zeros_like(up)
        for lamp in self.lamps.positions:
            towards = ((lamp - centre) / np.linalg.norm(lamp - centre)).astype(np.float32)
            direct += np.clip((normal @ towards + 0.15) / 1.15, 0, None) / len(self.lamps.positions)
        ambient = self.look.ambient
        white = ambient * (0.6 + 0.4 * up) + (1 - ambient) * 1.12 * direct
        bounce = (0.22 * (1 - up))[..., None] * self._cloth
        return np.asarray(
            albedo * (lit * (white[..., None] + bounce)) + (lit * self._mirror(rays, normal, centre))[..., None],
            dtype=np.float32,
        )

    def _mirror(self, rays: Floats, normal: Floats, centre: Array) -> Floats:
        """Light reflected by the polish: the lamp's panels and a dim room, by Schlick's Fresnel term."""
        facing = np.einsum("ijk,ijk->ij", rays, normal)
        back = rays - 2 * facing[..., None] * normal
        fresnel = 0.04 + 0.96 * np.clip(1 + facing, 0, 1) ** 5
        rise = np.maximum(back[..., 2], 0.05)
        image = np.full_like(facing, 0.10)
        for lamp in self.lamps.positions:
            reach = (lamp[2] - centre[2]) / rise
            dx = np.abs(centre[0] + reach * back[..., 0] - lamp[0]) / self.lamps.half_length_in
            dy = np.abs(centre[1] + reach * back[..., 1] - lamp[1]) / self.lamps.half_width_in
            image += 22 * np.clip(1.6 - dx, 0, 1) * np.clip(1.9 - dy, 0, 1)
        return np.asarray(fresnel * image * self.look.brightness * 0.75, dtype=np.float32)

    def shadow(self, centre: Array) -> Shadow | None:
        """The ball's shadow on the cloth: of each lamp panel, and of the light from everywhere.

        A sphere hides (r/d)² · cos of a plane's sky; a lamp is hidden where the line to it passes the centre
        within the radius, softened by the lamp's size.
        """
        r = self.table.ball_radius_in
        foot = np.array([[centre[0], centre[1], 0.0]])
        spread = foot + np.array([[3.4, 0, 0], [-3.4, 0, 0], [0, 3.4, 0], [0, -3.4, 0]])
        region = self.view.region(self.view.camera.project(spread), 0.0)
        if region is None:
            return None
        cloth = self.view.cloth_half[region.chroma]
        dx, dy, dz = centre[0] - cloth[..., 0], centre[1] - cloth[..., 1], float(centre[2])
        away2 = dx * dx + dy * dy + dz * dz
        lit = np.zeros_like(dx)
        for lamp in self.lamps.positions:
            towards = (lamp - centre) / np.linalg.norm(lamp - centre)
            along = dx * towards[0] + dy * towards[1] + dz * towards[2]
            miss = np.sqrt(np.maximum(away2 - along * along, 0))
            lit += np.clip((miss - r) / _PENUMBRA_IN + 0.5, 0, 1) / len(self.lamps.positions)
        sky = 1 - np.minimum(dz * r * r / (away2 * np.sqrt(away2)), 1)
        ambient = self.look.ambient
        share = (ambient * sky + (1 - ambient) * (0.12 + 0.88 * lit)) ** np.float32(1 / 2.2)
        return Shadow(region, share.astype(np.float32))
