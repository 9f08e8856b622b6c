"""The bed in the picture: where balls can be seen, how large they are there, and where the holes are."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.cloth import Cloth, Float, bed_mask, median_half_bgr, planes_to_bgr
from vision.detect.silhouette import silhouettes
from vision.frames.source import Frame, Plane

# The centre of a ball that hangs in a pocket lies at most this far beyond the nose lines.
_HANGING_IN = 0.5
# Bare cloth is no more foreign than this; so many pixels of it tell the light.
_BARE = 0.6
_SAMPLES = 200
# Rows that are learnt from at once.
_BAND = 64
# A hole is this much darker than the cloth (log of the ratio).
_HOLE = -1.5


@dataclass(frozen=True)
class Bed:
    """Maps of half the picture's size, shape (h, w).

    `bed` is non-zero on the cloth between the noses, `reach` where a ball on the table can be seen, `border` along
    the edge of that, `holes` on the pockets' holes; `rect` bounds `reach`. `radius_half` is the ball's radius in
    half-size pixels. `samples` are rows and columns of bare cloth and `sample_log`, shape (N, 3), its logarithm
    there.
    """

    calibration: Calibration
    bed: Plane
    reach: Plane
    border: Plane
    rect: tuple[int, int, int, int]
    radius_half: Float
    holes: Plane
    samples: tuple[NDArray[np.int64], NDArray[np.int64]]
    sample_log: Float

    def can_rest(self, x_in: float, y_in: float) -> bool:
        """Whether a ball's centre can stay at a table point: on the bed, or in the jaws but not over a hole."""
        table = self.calibration.table
        L, W = table.length_in, table.width_in
        if table.in_mouth(x_in, y_in):
            inside = -_HANGING_IN <= x_in <= L + _HANGING_IN and -_HANGING_IN <= y_in <= W + _HANGING_IN
            return inside and not self._over_hole(x_in, y_in)
        least = 0.55 * table.ball_radius_in
        return least <= x_in <= L - least and least <= y_in <= W - least

    def beyond(self, pixels: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each full-size pixel, shape (…, 2), shows no cloth: a hole, or what lies outside the noses."""
        u, v = self.half(pixels)
        result: NDArray[np.bool_] = (self.holes[v, u] > 0) | (self.bed[v, u] == 0)
        return result

    def half(self, pixels: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns and rows of full-size pixels in the maps, cut to their bounds."""
        height, width = self.holes.shape
        half = np.round((pixels - 0.5) / 2).astype(int)
        return np.clip(half[..., 0], 0, width - 1), np.clip(half[..., 1], 0, height - 1)

    def _over_hole(self, x_in: float, y_in: float) -> bool:
        """Whether the point where the ball would touch the cloth is a hole."""
        near = min(self.calibration.table.pockets, key=lambda p: (p.x_in - x_in) ** 2 + (p.y_in - y_in) ** 2)
        if np.hypot(near.x_in - x_in, near.y_in - y_in) < 0.75 * near.radius_in:
            return True
        u, v = self.half(self.calibration.to_picture([(x_in, y_in)], 0.0))
        return bool(self.holes[v[0], u[0]])

    def gain(self, frame: Frame, luma: Plane, cloth: Cloth) -> Float:
        """By how much the light on the cloth changed since it was learnt, as a logarithm per channel, shape (3,).

        `luma` is the frame's half-size luma. Hands, balls and shadows cover some of the samples: the closest
        neighbours by lightness among half of them tell.
        """
        planes = (np.ascontiguousarray(plane[self.samples][:, None]) for plane in (luma, frame.u, frame.v))
        change = cloth.log_of(planes_to_bgr(*planes))[:, 0] - self.sample_log
        lightness = change.mean(axis=1)
        order = np.argsort(lightness)
        half = len(order) // 2
        spread = lightness[order[half:]] - lightness[order[: len(order) - half]]
        start = int(np.argmin(spread))
        return np.asarray(np.median(change[order[start : start + half + 1]], axis=0), dtype=np.float32)

    def widened(self, rect: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """The rectangle grown by a ball to every side, inside the bed's bounds."""
        left, top, right, bottom = rect
        margin = int(2.5 * float(self.radius_half[top:bottom, left:right].max())) + 2
        return (
            max(self.rect[0], left - margin),
            max(self.rect[1], top - margin),
            min(self.rect[2], right + margin),
            min(self.rect[3], bottom + margin),
        )


def measure_bed(calibration: Calibration, cloth: Cloth, frames: list[Frame]) -> Bed:
    """The maps for a calibrated camera over the cloth learnt from the same frames."""
    height, width = frames[0].u.shape
    reach = _reach(calibration, height, width)
    x, y, w, h = cv2.boundingRect(reach)
    picture = median_half_bgr(frames)
    bed = bed_mask(calibration, height, width)
    hollow, bare = _hollow_and_bare(picture, cloth, bed)
    bare_there = np.flatnonzero(bare & (reach > 0))
    rows, cols = np.divmod(bare_there[:: max(1, len(bare_there) // _SAMPLES)], width)
    return Bed(
        calibration=calibration,
        bed=bed,
        reach=reach,
        border=_border(reach),
        rect=(x, y, x + w, y + h),
        radius_half=_radius_map(calibration, height, width),
        holes=_holes(calibration, hollow),
        samples=(rows, cols),
        sample_log=cloth.log_of(picture[rows, cols][:, None])[:, 0],
    )


def _hollow_and_bare(picture: Plane, cloth: Cloth, bed: Plane) -> tuple[Plane, NDArray[np.bool_]]:
    """Which pixels, shape (h, w), are as dark as a hole or, off the bed, no cloth (non-zero), and which are bare
    cloth. Band by band: whole pictures of logarithms would take what no frame needs later."""
    hollow = np.empty(bed.shape, dtype=np.uint8)
    bare = np.empty(bed.shape, dtype=bool)
    for top in range(0, len(bed), _BAND):
        band = slice(top, top + _BAND)
        ratio = cloth.log_of(picture[band]) - cloth.log_bgr[band]
        against = cloth.against(ratio)
        foreign = against.foreign
        hollow[band] = (against.mean < _HOLE) | ((foreign > 1) & (bed[band] == 0))
        bare[band] = np.abs(foreign) < _BARE
    return hollow, bare


def _reach(calibration: Calibration, height: int, width: int) -> Plane:
    """255 where a ball on the bed or in the jaws can be seen."""
    table = calibration.table
    R, L, W = table.ball_radius_in, table.length_in, table.width_in
    mask = np.zeros((height, width), dtype=np.uint8)
    places = [np.array([[R, R], [L - R, R], [L - R, W - R], [R, W - R]])]
    places += [_jaws(p.x_in, p.y_in, table.length_in, table.width_in, R) for p in table.pockets]
    for points in places:
        s = silhouettes(calibration, points)
        pixels = (s.centres_px[:, None, :] + s.spokes_px).reshape(-1, 2)
        cv2.fillConvexPoly(mask, cv2.convexHull(np.round((pixels - 0.5) / 2).astype(np.int32)), 255)
    return mask


def _border(reach: Plane) -> Plane:
    """Non-zero along the inner edge of a mask."""
    inner = np.asarray(cv2.erode(reach, np.ones((5, 5), np.uint8), borderValue=0), dtype=np.uint8)
    return np.where(inner > 0, 0, reach).astype(np.uint8)


def _jaws(x: float, y: float, length: float, width: float, R: float) -> NDArray[np.float64]:
    """From a pocket's hole to where the bed begins, shape (2, 2)."""
    return np.array([[x, y], [np.clip(x, 2 * R, length - 2 * R), np.clip(y, 2 * R, width - 2 * R)]])


def _holes(calibration: Calibration, hollow: Plane) -> Plane:
    """Non-zero on hollow patches at the pockets, without specks."""
    clean = cv2.morphologyEx(hollow, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    near = np.zeros_like(hollow)
    for pocket, centre in zip(calibration.table.pockets, calibration.pockets_px, strict=True):
        scale = calibration.px_per_in(pocket.x_in, pocket.y_in)
        u, v = np.round((centre - 0.5) / 2).astype(int)
        cv2.circle(near, (int(u), int(v)), max(2, int(pocket.mouth_in * scale / 2)), 1, -1)
    return np.asarray(cv2.bitwise_and(clean, near), dtype=np.uint8)


def _radius_map(calibration: Calibration, height: int, width: int) -> Float:
    """The ball's radius in half-size pixels: a second-order surface through radii all over the bed."""
    table = calibration.table
    x, y = np.meshgrid(np.linspace(0, table.length_in, 9), np.linspace(0, table.width_in, 7))
    s = silhouettes(calibration, np.column_stack([x.ravel(), y.ravel()]))
    u = s.centres_px[:, 0] / (2 * width) - 0.5
    v = s.centres_px[:, 1] / (2 * height) - 0.5
    A = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)
    c = np.linalg.lstsq(A, s.radii_px / 2, rcond=None)[0]
    gu, gv = np.arange(width) / width - 0.5, (np.arange(height) / height - 0.5)[:, None]
    surface = c[4] * gv * gu
    surface += c[0] + c[1] * gu + c[3] * gu**2
    surface += c[2] * gv + c[5] * gv**2
    lowest, highest = float(s.radii_px.min()) / 2, float(s.radii_px.max()) / 2
    np.clip(surface, 0.9 * lowest, 1.1 * highest, out=surface)
    return np.asarray(surface, dtype=np.float32)
