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
    ratio = cloth.log_of(picture) - cloth.log_bgr
    bed = bed_mask(calibration, height, width)
    foreign = cloth.against(ratio).foreign
    holes = _holes(calibration, ratio, (foreign > 1) & (bed == 0))
    bare = (np.abs(foreign) < 0.6) & (reach > 0)
    rows, cols = np.nonzero(bare)
    step = max(1, len(rows) // 200)
    samples = rows[::step], cols[::step]
    return Bed(
        calibration=calibration,
        bed=bed,
        reach=reach,
        border=_border(reach),
        rect=(x, y, x + w, y + h),
        radius_half=_radius_map(calibration, height, width),
        holes=holes,
        samples=samples,
        sample_log=cloth.log_of(picture[samples][:, None])[:, 0],
    )


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


def _holes(calibration: Calibration, log_ratio: Float, outside: NDArray[np.bool_]) -> Plane:
    """Non-zero on dark patches at the pockets and on what is no cloth beyond the noses there, without specks."""
    dark = ((log_ratio.mean(axis=2) < _HOLE) | outside).astype(np.uint8)
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    near = np.zeros_like(dark)
    for pocket, centre in zip(calibration.table.pockets, calibration.pockets_px, strict=True):
        scale = calibration.px_per_in(pocket.x_in, pocket.y_in)
        u, v = np.round((centre - 0.5) / 2).astype(int)
        cv2.circle(near, (int(u), int(v)), max(2, int(pocket.mouth_in * scale / 2)), 1, -1)
    return np.asarray(cv2.bitwise_and(dark, near), dtype=np.uint8)


def _radius_map(calibration: Calibration, height: int, width: int) -> Float:
    """The ball's radius in half-size pixels: a second-order surface through radii all over the bed."""
    table = calibration.table
    x, y = np.meshgrid(np.linspace(0, table.length_in, 9), np.linspace(0, table.width_in, 7))
    s = silhouettes(calibration, np.column_stack([x.ravel(), y.ravel()]))
    u = s.centres_px[:, 0] / (2 * width) - 0.5
    v = s.centres_px[:, 1] / (2 * height) - 0.5
    A = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)
    c = np.linalg.lstsq(A, s.radii_px / 2, rcond=None)[0]
    gv, gu = np.mgrid[0:height, 0:width].astype(np.float64)
    gu, gv = gu / width - 0.5, gv / height - 0.5
    surface = c[0] + c[1] * gu + c[2] * gv + c[3] * gu**2 + c[4] * gu * gv + c[5] * gv**2
    lowest, highest = float(s.radii_px.min()) / 2, float(s.radii_px.max()) / 2
    return np.asarray(np.clip(surface, 0.9 * lowest, 1.1 * highest), dtype=np.float32)
