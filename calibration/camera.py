"""The camera: a pinhole with lens distortion and a pose, between table inches and picture pixels.

Pixel centres are at integer coordinates, u right, v down, which is also OpenCV's convention.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Intrinsics and pose of one camera.

    `rotation` (3×3, rows) and `translation_in` bring table coordinates into the camera's (x right, y down,
    z forward): `X_camera = R · X_table + t`. `distortion` is OpenCV's (k1, k2, p1, p2, k3).
    """

    width_px: int
    height_px: int
    fx: float
    fy: float
    cx: float
    cy: float
    rotation: tuple[tuple[float, float, float], ...]
    translation_in: tuple[float, float, float]
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @classmethod
    def from_pose(
        cls,
        size_px: tuple[int, int],
        matrix: ArrayLike,
        rvec: ArrayLike,
        tvec: ArrayLike,
        distortion: ArrayLike = (0.0,) * 5,
    ) -> "Camera":
        """A camera from OpenCV's parts: a 3×3 matrix, a rotation vector and a translation in inches."""
        K = np.asarray(matrix, dtype=np.float64)
        R, _ = cv2.Rodrigues(np.asarray(rvec, dtype=np.float64).reshape(3, 1))
        t = np.asarray(tvec, dtype=np.float64).reshape(3)
        d = np.asarray(distortion, dtype=np.float64).ravel()
        return cls(
            width_px=int(size_px[0]),
            height_px=int(size_px[1]),
            fx=float(K[0, 0]),
            fy=float(K[1, 1]),
            cx=float(K[0, 2]),
            cy=float(K[1, 2]),
            rotation=tuple((float(r[0]), float(r[1]), float(r[2])) for r in R),
            translation_in=(float(t[0]), float(t[1]), float(t[2])),
            distortion=tuple(float(v) for v in d),
        )

    @cached_property
    def matrix(self) -> Array:
        """The intrinsic matrix, shape (3, 3)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], dtype=np.float64)

    @cached_property
    def R(self) -> Array:
        return np.array(self.rotation, dtype=np.float64)

    @cached_property
    def t(self) -> Array:
        return np.array(self.translation_in, dtype=np.float64)

    @cached_property
    def position_in(self) -> Array:
        """Where the camera is, in table coordinates, shape (3,)."""
        position: Array = -self.R.T @ self.t
        return position

    @cached_property
    def _lens(self) -> Array:
        return np.array(self.distortion, dtype=np.float64)

    @cached_property
    def has_distortion(self) -> bool:
        return any(self.distortion)

    def project(self, points_in: ArrayLike) -> Array:
        """Pixels, shape (N, 2), of table points, shape (N, 3)."""
        points = np.asarray(points_in, dtype=np.float64).reshape(-1, 3)
        in_camera = points @ self.R.T + self.t
        if not self.has_distortion or not len(points):
            flat = in_camera[:, :2] / in_camera[:, 2:]
            return flat * (self.fx, self.fy) + (self.cx, self.cy)
        pixels, _ = cv2.projectPoints(in_camera, np.zeros(3), np.zeros(3), self.matrix, self._lens)
        return np.asarray(pixels, dtype=np.float64).reshape(-1, 2)

    def rays(self, pixels: ArrayLike) -> Array:
        """Directions in table coordinates, shape (N, 3), of the sight lines through pixels, shape (N, 2)."""
        px = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        if self.has_distortion and len(px):
            px = np.asarray(
                cv2.undistortPoints(px[:, None, :], self.matrix, self._lens, P=self.matrix), dtype=np.float64
            ).reshape(-1, 2)
        flat = (px - (self.cx, self.cy)) / (self.fx, self.fy)
        return np.column_stack([flat, np.ones(len(flat))]) @ self.R

    def to_plane(self, pixels: ArrayLike, z_in: float) -> Array:
        """Where sight lines through pixels, shape (N, 2), meet the plane at height `z_in`: shape (N, 2)."""
        directions = self.rays(pixels)
        reach = (z_in - self.position_in[2]) / directions[:, 2:]
        result: Array = self.position_in[:2] + reach * directions[:, :2]
        return result

    def scaled(self, factor: float) -> "Camera":
        """The same camera seen in a picture `factor` times as large (pixel centres stay at integers)."""
        return Camera(
            width_px=round(self.width_px * factor),
            height_px=round(self.height_px * factor),
            fx=self.fx * factor,
            fy=self.fy * factor,
            cx=(self.cx + 0.5) * factor - 0.5,
            cy=(self.cy + 0.5) * factor - 0.5,
            rotation=self.rotation,
            translation_in=self.translation_in,
            distortion=self.distortion,
        )

    def sphere_outline(self, centre_in: ArrayLike, radius_in: float, points: int = 48) -> Array:
        """The outline in the picture of a sphere, shape (points, 2)."""
        outline: Array = self.sphere_outlines(np.asarray(centre_in).reshape(1, 3), radius_in, points)[0]
        return outline

    def sphere_outlines(self, centres_in: ArrayLike, radius_in: float, points: int = 48) -> Array:
        """The outlines in the picture of spheres of one size, centres of shape (N, 3): shape (N, points, 2).

        An outline is the projection of the circle in which the cone from the camera touches the sphere:
        at distance d from the centre it has radius r·√(1 − r²/d²) and lies r²/d towards the camera.
        """
        circles = self.sphere_rims(centres_in, radius_in, points)
        return self.project(circles.reshape(-1, 3)).reshape(len(circles), points, 2)

    def sphere_rims(self, centres_in: ArrayLike, radius_in: float, points: int = 48) -> Array:
        """The circles on spheres, centres of shape (N, 3), that the camera sees as outlines: (N, points, 3)."""
        centres = np.asarray(centres_in, dtype=np.float64)
        towards = self.position_in - centres
        d = np.linalg.norm(towards, axis=1, keepdims=True)
        axis = towards / d
        helper = np.where(np.abs(axis[:, :1]) < 0.9, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
        e1 = np.cross(axis, helper)
        e1 /= np.linalg.norm(e1, axis=1, keepdims=True)
        e2 = np.cross(axis, e1)
        angles = np.linspace(0, 2 * np.pi, points, endpoint=False)[:, None]
        ring = np.cos(angles) * e1[:, None, :] + np.sin(angles) * e2[:, None, :]
        touch = radius_in * np.sqrt(1 - (radius_in / d) ** 2)
        rims: Array = (centres + axis * (radius_in**2 / d))[:, None, :] + touch[:, None, :] * ring
        return rims

    def to_json(self) -> dict[str, Any]:
        return {
            "size_px": [self.width_px, self.height_px],
            "fx": self.fx,
            "fy": self.fy,
            "cx": self.cx,
            "cy": self.cy,
            "distortion": list(self.distortion),
            "rotation": [list(row) for row in self.rotation],
            "translation_in": list(self.translation_in),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Camera":
        """Raises KeyError, TypeError or ValueError for data that is no camera."""
        rows = tuple((float(r[0]), float(r[1]), float(r[2])) for r in data["rotation"])
        t = data["translation_in"]
        if len(rows) != 3:
            raise ValueError("a rotation has three rows")
        return cls(
            width_px=int(data["size_px"][0]),
            height_px=int(data["size_px"][1]),
            fx=float(data["fx"]),
            fy=float(data["fy"]),
            cx=float(data["cx"]),
            cy=float(data["cy"]),
            rotation=rows,
            translation_in=(float(t[0]), float(t[1]), float(t[2])),
            distortion=tuple(float(v) for v in data["distortion"]),
        )
