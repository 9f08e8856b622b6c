"""Where a camera hangs and how it looks at the table, whatever the size of picture and table."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.table import Table
from vision.simulate.figure import outer_in

Array = NDArray[np.float64]

# Who hangs a camera turns it so that the table fills the picture, as far as the mount lets him.
_TURN_SHARE, _OBLIQUE_DEG = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A camera's place and lens.

    `height` is in table lengths above the cloth, `tilt_deg` how far the line of sight is from straight down,
    `bearing_deg` where the camera hangs, seen from the table's middle, counter-clockwise from the foot. The
    table with its rails takes `fill` of the picture in the tighter direction. `distortion` is the lens's, as in
    `Camera`.
    """

    height: float
    tilt_deg: float
    bearing_deg: float
    roll_deg: float = 0.0
    fill: float = 0.94
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def camera(self, size_px: tuple[int, int], table: Table) -> Camera:
        """The camera that sees the whole table from here, as near as it fits."""
        bearing = np.radians(self.bearing_deg)
        out = np.tan(np.radians(self.tilt_deg)) * np.array([np.cos(bearing), np.sin(bearing)])
        eye = np.array([table.length_in / 2, table.width_in / 2, 0.0])
        eye += self.height * table.length_in * np.array([*out, 1.0])
        aim = np.array([table.length_in / 2, table.width_in / 2])
        outline = _outline(table)
        camera = self._fitting(size_px, eye, aim, outline)
        for _ in range(3):
            seen = camera.project(outline)
            aim = camera.to_plane((seen.min(axis=0) + seen.max(axis=0))[None] / 2, 0.0)[0]
            camera = self._fitting(size_px, eye, aim, outline)
        return camera

    def _fitting(self, size_px: tuple[int, int], eye: Array, aim: Array, outline: Array) -> Camera:
        """The camera of the longest focal length at which an outline (n, 3) fits."""
        low, high = 0.2, 4.0
        for _ in range(24):
            focal = (low + high) / 2
            extent = np.ptp(self._looking(size_px, eye, aim, focal).project(outline), axis=0) / size_px
            low, high = (focal, high) if float(extent.max()) < self.fill else (low, focal)
        return self._looking(size_px, eye, aim, low)

    def _looking(self, size_px: tuple[int, int], eye: Array, aim: Array, focal: float) -> Camera:
        """A camera of a focal length, in picture widths, that looks at a point (2,) of the cloth."""
        w, h = size_px
        matrix = np.array([[focal * w, 0, (w - 1) / 2], [0, focal * w, (h - 1) / 2], [0, 0, 1]])
        forward = np.array([*aim, 0.0]) - eye
        forward /= np.linalg.norm(forward)
        up = self._up()
        right = np.cross(forward, (np.cos(up), np.sin(up), 0.0))
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        rvec, _ = cv2.Rodrigues(R)
        return Camera.from_pose(size_px, matrix, rvec, -R @ eye, self.distortion)

    def _up(self) -> float:
        """The direction on the cloth, in radians, that is up in the picture: across the table where the camera
        looks straight down, turned towards what is away from it where it looks from the side."""
        across = 90.0 if self.bearing_deg % 360 > 180 else -90.0
        away = (self.bearing_deg + 180 - across + 180) % 360 - 180
        share = _TURN_SHARE * min(1.0, self.tilt_deg / _OBLIQUE_DEG)
        return float(np.radians(across + share * away + self.roll_deg))


def _outline(table: Table) -> Array:
    """Points round the table's frame at the height of the noses, shape (n, 3)."""
    low, high = outer_in(table)
    along = np.linspace(0, 1, 9)[:, None]
    corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
    edges = [a + along * (b - a) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    flat = np.concatenate(edges)
    return np.column_stack([flat, np.full(len(flat), table.nose_height_in)])
