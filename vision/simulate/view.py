"""What the renderer knows of its camera: the sight line of every pixel, regions, colours into planes."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.camera import Camera

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
GAMMA = 2.2


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the picture with even bounds, so that it is a part of the chroma planes too."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def luma(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def chroma(self) -> tuple[slice, slice]:
        return slice(self.top // 2, self.bottom // 2), slice(self.left // 2, self.right // 2)

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    def meets(self, other: "Region") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True)
class Planes:
    """A frame's planes being drawn on."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]

    def copy(self) -> "Planes":
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())

    def parts(self, region: Region) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """The planes within a region, as views."""
        return self.y[region.luma], self.u[region.chroma], self.v[region.chroma]


class View:
    """A camera and the maps derived from it once: rays and where they meet the cloth."""

    def __init__(self, camera: Camera) -> None:
        if camera.width_px % 2 or camera.height_px % 2:
            raise ValueError(f"a picture of {camera.width_px}×{camera.height_px} px: both must be even")
        self.camera = camera
        self.eye: Array = camera.position_in

    def rays(self, du_px: float = 0.0, dv_px: float = 0.0) -> Floats:
        """Unit sight lines of all pixels, shape (height, width, 3), moved by a part of a pixel.

        They are solved on every fourth pixel and interpolated in between (< 0.002 px at a lens like ours).
        """
        step, w, h = 4, self.camera.width_px, self.camera.height_px
        us = np.arange(-step, w + 2 * step, step) + du_px
        vs = np.arange(-step, h + 2 * step, step) + dv_px
        grid = np.stack(np.meshgrid(us, vs), axis=-1).reshape(-1, 2)
        coarse = self.camera.rays(grid).reshape(len(vs), len(us), 3).astype(np.float32)
        at_u = ((np.arange(w) + step) / step).astype(np.float32)
        at_v = ((np.arange(h) + step) / step).astype(np.float32)
        maps = np.meshgrid(at_u, at_v)
        rays = cv2.remap(coarse, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(rays / np.linalg.norm(rays, axis=2, keepdims=True), dtype=np.float32)

    @cached_property
    def pixel_rays(self) -> Floats:
        return self.rays()

    @cached_property
    def cloth_half(self) -> Floats:
        """Where the sight lines of the chroma pixels meet the cloth: shape (height/2, width/2, 2)."""
        return self.on_plane(self.rays(0.5, 0.5)[::2, ::2], 0.0)

    def on_plane(self, rays: Floats, z_in: float) -> Floats:
        """Where rays, shape (…, 3), meet the plane at a height: shape (…, 2)."""
        reach = (z_in - self.eye[2]) / rays[..., 2:]
        return np.asarray(self.eye[:2] + reach * rays[..., :2], dtype=np.float32)

    def region(self, points_px: ArrayLike, margin_px: float) -> Region | None:
        """The even region round pixels, shape (N, 2), or None outside the picture."""
        points = np.asarray(points_px, dtype=np.float64).reshape(-1, 2)
        low, high = points.min(axis=0) - margin_px, points.max(axis=0) + margin_px
        left, top = max(0, int(np.floor(low[0]))) & ~1, max(0, int(np.floor(low[1]))) & ~1
        right = min(self.camera.width_px, (int(np.ceil(high[0])) + 2) & ~1)
        bottom = min(self.camera.height_px, (int(np.ceil(high[1])) + 2) & ~1)
        return Region(left, top, right, bottom) if left < right and top < bottom else None

    def px_per_in(self, point_in: ArrayLike) -> float:
        """The picture's scale at a table point, shape (3,)."""
        point = np.asarray(point_in, dtype=np.float64)
        return float(np.mean((self.camera.fx, self.camera.fy)) / np.linalg.norm(point - self.eye))

    def scales(self, points_in: Array) -> Array:
        """The picture's scale in pixels an inch at table points, shape (n, 3): shape (n,)."""
        away = points_in - self.eye
        scales: Array = (self.camera.fx + self.camera.fy) / 2 / np.sqrt(np.einsum("ij,ij->i", away, away))
        return scales


def default_camera(size_px: tuple[int, int], length_in: float, width_in: float) -> Camera:
    """A camera on the lamp mount of a hall: high over the table, a little off-centre, tilted and turned, with a
    wide lens. The whole table with its rails is in the picture."""
    w, h = size_px
    f = 0.86 * min(w, h * 16 / 9)
    matrix = np.array([[f, 0, (w - 1) / 2 + 0.004 * w], [0, f, (h - 1) / 2 - 0.003 * w], [0, 0, 1]])
    eye = np.array([0.53 * length_in, 0.44 * width_in, 1.06 * length_in])
    forward = np.array([0.503 * length_in, 0.497 * width_in, 0.0]) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (-0.012, 1.0, 0.0))
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    rvec, _ = cv2.Rodrigues(R)
    return Camera.from_pose(size_px, matrix, rvec, -R @ eye, (-0.11, 0.022, 0.0004, -0.0003, 0.0))


def linear(rgb: ArrayLike) -> Floats:
    """Linear light, 0–1, of sRGB colours, 0–255."""
    return np.asarray((np.asarray(rgb, dtype=np.float32) / 255) ** GAMMA, dtype=np.float32)


def encoded(light: Floats) -> Floats:
    """Gamma-coded values, 0–1 and never more, of linear light: a soft shoulder keeps highlights."""
    bounded = np.clip(light, 0, None)
    rolled = np.where(bounded > 0.8, 0.8 + 0.2 * np.tanh((bounded - 0.8) / 0.2), bounded)
    return np.asarray(rolled ** (1 / GAMMA), dtype=np.float32)


# ITU-R BT.601, limited range, as `Frame.bgr` reads it.
_TO_YUV = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], dtype=np.float32
)
YUV_ZERO = np.array([16.0, 128.0, 128.0], dtype=np.float32)


def to_yuv(coded: Floats) -> Floats:
    """Y, U, V (…, 3) of gamma-coded R, G, B, 0–1, shape (…, 3)."""
    return np.asarray(coded @ _TO_YUV.T + YUV_ZERO, dtype=np.float32)


def halved(plane: Floats) -> Floats:
    """A plane at half size by exact 2×2 means."""
    small = cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)
