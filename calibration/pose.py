"""Where the camera stands: poses and focal lengths from points measured in the picture."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.camera import Camera
from calibration.file import CalibrationError
from calibration.intrinsics import Intrinsics
from calibration.table import Table

Array = NDArray[np.float64]

# How far a lens nobody measured may be from the nominal one: a standard deviation of log(focal length).
LENS_SPREAD = 0.5
# Beyond this standard deviation of log(focal length) the view does not show the focal length.
LENS_UNSEEN = 0.10
# Corners tapped by a person, in pixels of a picture 1280 wide.
TAP_SPREAD_PX = 1.0


@dataclass(frozen=True)
class Lens:
    """The lens of a picture and whether its focal length is to be found with the pose."""

    intrinsics: Intrinsics
    free: bool

    @classmethod
    def of(cls, size_px: tuple[int, int], known: Intrinsics | None) -> "Lens":
        """The known lens, or the nominal one with its focal length to be found. `size_px` is (w, h)."""
        if known is not None:
            return cls(known.for_picture(*size_px), free=False)
        return cls(Intrinsics.nominal(*size_px), free=True)

    @property
    def unknowns(self) -> int:
        return 7 if self.free else 6

    def camera(self, p: Array) -> Camera:
        """The camera of a parameter vector: rotation vector, translation in inches, log focal ratio if free."""
        R, _ = cv2.Rodrigues(np.asarray(p[:3], dtype=np.float64))
        return self.intrinsics.posed(R, p[3:6], float(np.exp(p[6])) if self.free else 1.0)

    def parameters(self, rvec: Array, tvec: Array, zoom: float = 1.0) -> Array:
        """The vector that `camera` reads."""
        p = np.concatenate([np.ravel(rvec), np.ravel(tvec)])
        return np.append(p, np.log(zoom)) if self.free else p

    def prior(self, p: Array) -> Array:
        """How far the focal length is from the nominal one, in standard deviations; empty when known."""
        return p[6:7] / LENS_SPREAD


@dataclass(frozen=True)
class Fit:
    """A camera fitted to measurements.

    `residual_px` is the RMS distance in the picture, `covariance` that of the parameters of `Lens.camera`
    (for noise of `residual_px` or the noise floor given, whichever is larger).
    """

    camera: Camera
    residual_px: float
    covariance: Array
    lens: Lens
    parameters: Array

    @property
    def lens_unseen(self) -> bool:
        """Whether the focal length had to be taken as usual because the view does not show it."""
        return self.lens.free and bool(np.sqrt(self.covariance[6, 6]) > LENS_UNSEEN)

    def corner_spread_in(self, table: Table) -> float:
        """The standard deviation expected for a nose corner on the table, the worst of the four, in inches."""
        n = self.lens.unknowns
        base = self.camera.project(with_height(table.corners_in, table.nose_height_in))
        jacobian = np.empty((8, n))
        for i in range(n):
            step = np.zeros(n)
            step[i] = 1e-5
            moved = self.lens.camera(self.parameters[:n] + step)
            on_table = moved.to_plane(base, table.nose_height_in)
            jacobian[:, i] = (on_table - table.corners_in).ravel() / 1e-5
        variance = np.diag(jacobian @ self.covariance[:n, :n] @ jacobian.T).reshape(4, 2).sum(axis=1)
        return float(np.sqrt(variance.max()))


def with_height(points_in: ArrayLike, z_in: float) -> Array:
    """Table points, shape (N, 2), at one height: shape (N, 3)."""
    points = np.asarray(points_in, dtype=np.float64).reshape(-1, 2)
    return np.column_stack([points, np.full(len(points), z_in)])


def planar_poses(lens: Lens, points_in: Array, pixels: Array, zoom: float) -> list[Array]:
    """Parameter vectors of the poses that see coplanar points, shape (N, 3), at pixels, shape (N, 2).

    Infinitesimal plane-based pose estimation [Collins and Bartoli 2014] through OpenCV, and the pose from the
    homography, as the former fails on some views along an axis of the table; only poses whose camera stands
    above the table remain.
    """
    camera = lens.intrinsics.posed(np.eye(3), np.zeros(3), zoom)
    flat = points_in - (0, 0, points_in[0, 2])
    _, rvecs, tvecs, _ = cv2.solvePnPGeneric(
        flat, pixels, camera.matrix, np.array(camera.distortion), flags=cv2.SOLVEPNP_IPPE
    )
    _, other_rvec, other_tvec = cv2.solvePnP(
        flat, pixels, camera.matrix, np.array(camera.distortion), flags=cv2.SOLVEPNP_ITERATIVE
    )
    poses = []
    for rvec, tvec in zip((*rvecs, other_rvec), (*tvecs, other_tvec), strict=True):
        R, _ = cv2.Rodrigues(rvec)
        t = tvec.ravel() - R @ np.array([0, 0, points_in[0, 2]])
        p = lens.parameters(np.asarray(rvec, dtype=np.float64), t, zoom)
        if lens.camera(p).position_in[2] > points_in[:, 2].max() and np.all(points_in @ R.T[:, 2] + t[2] > 0):
            poses.append(p)
    return poses


def refine(
    lens: Lens,
    start: Array,
    residuals_px: Callable[[Camera, Array], Array],
    noise_px: float,
    *,
    prior: Callable[[Array], Array] | None = None,
) -> Fit:
    """The camera with the least squared residuals, from a starting vector.

    `residuals_px(camera, extra)` gives pixel distances, `extra` being what follows the lens's parameters in
    the vector; `prior(extra)` gives what is known of those, in standard deviations.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415 (47 MB, and only calibrating needs it)

    n = lens.unknowns

    def all_residuals(p: Array) -> Array:
        measured = residuals_px(lens.camera(p), p[n:]) / noise_px
        known = lens.prior(p[:n])
        return np.concatenate([measured, known, prior(p[n:]) if prior else np.empty(0)])

    scale = np.concatenate([np.full(3, 0.01), np.full(3, 1.0), np.full(len(start) - 6, 0.1)])
    result = least_squares(all_residuals, start, x_scale=scale, method="lm", max_nfev=2000)
    camera = lens.camera(result.x)
    rest = residuals_px(camera, result.x[n:])
    # Each point gives two residuals (u and v); the RMS distance is over points.
    rms = float(np.sqrt(2 * np.mean(rest**2)))
    information = result.jac.T @ result.jac
    covariance = np.linalg.pinv(information) * max(1.0, rms / np.sqrt(2) / noise_px) ** 2
    return Fit(camera, rms, covariance, lens, result.x)


def fit_points(lens: Lens, points_in: Array, pixels: Array, noise_px: float) -> Fit:
    """The camera that sees coplanar table points, shape (N ≥ 4, 3), at pixels, shape (N, 2).

    Raises CalibrationError where no camera above the table does.
    """
    zooms = (0.6, 1.0, 1.6, 2.6, 4.0) if lens.free else (1.0,)
    starts = [p for zoom in zooms for p in planar_poses(lens, points_in, pixels, zoom)]

    def off(camera: Camera) -> Array:
        return (camera.project(points_in) - pixels).ravel()

    starts.sort(key=lambda p: float(np.sum(off(lens.camera(p)) ** 2)))
    fits = [refine(lens, p, lambda camera, _: off(camera), noise_px) for p in starts[:3]]
    fits = [fit for fit in fits if fit.camera.position_in[2] > points_in[:, 2].max()]
    if not fits:
        raise CalibrationError("no camera above a table sees these points: check their order")
    return min(
        fits, key=lambda fit: fit.residual_px**2 / noise_px**2 + float(np.sum(lens.prior(fit.parameters) ** 2))
    )


def ordered_corners(corners_px: ArrayLike, size_px: tuple[int, int]) -> tuple[Array, bool]:
    """Checked nose corners, shape (4, 2), counter-clockwise in the picture, and whether they were turned round.

    Clockwise corners are taken in reverse order, the long side that came first staying first. Raises
    CalibrationError for corners that are no quadrilateral in the picture, `size_px` being (w, h).
    """
    corners = np.asarray(corners_px, dtype=np.float64)
    if corners.shape != (4, 2) or not np.all(np.isfinite(corners)):
        raise CalibrationError('four corners are needed, as --corners "x,y x,y x,y x,y"')
    outside = [i for i, (u, v) in enumerate(corners) if not (-0.5 <= u <= size_px[0] and -0.5 <= v <= size_px[1])]
    if outside:
        u, v = corners[outside[0]]
        raise CalibrationError(
            f"corner {outside[0] + 1} ({u:g}, {v:g}) lies outside the picture of {size_px[0]}×{size_px[1]}: "
            "give the four cushion-nose corners in pixels"
        )
    sides = np.roll(corners, -1, axis=0) - corners
    turns = sides[:, 0] * np.roll(sides, -1, axis=0)[:, 1] - sides[:, 1] * np.roll(sides, -1, axis=0)[:, 0]
    lengths = np.linalg.norm(sides, axis=1)
    if lengths.min() < 0.02 * max(size_px):
        raise CalibrationError("two of the corners are the same point or nearly: give four different corners")
    bends = turns / (lengths * np.roll(lengths, -1))
    if np.abs(bends).min() < 0.03:
        raise CalibrationError("three of the corners lie on one line: give the four cushion-nose corners")
    if not (np.all(bends > 0) or np.all(bends < 0)):
        raise CalibrationError(
            "the corners cross: give them round the table: origin, along the long side, opposite, last"
        )
    # v points down, so turning right all the way round is clockwise as seen.
    clockwise = bool(bends[0] > 0)
    return (corners[[1, 0, 3, 2]] if clockwise else corners), clockwise


def fit_corners(lens: Lens, table: Table, corners_px: Array) -> Fit:
    """The camera that sees the nose corners at pixels, shape (4, 2), in the order of `Table.corners_in`.

    With a free lens four corners of a known rectangle show the focal length where the view is oblique.
    Raises CalibrationError where they do not fit this table.
    """
    width, height = lens.intrinsics.width_px or 0, lens.intrinsics.height_px or 0
    noise = TAP_SPREAD_PX * max(width, height) / 1280
    points = with_height(table.corners_in, table.nose_height_in)
    fit = fit_points(lens, points, corners_px, noise)
    limit = 6 * noise
    if fit.residual_px <= limit:
        return fit
    turned = fit_points(lens, points, np.roll(corners_px, -1, axis=0), noise)
    if turned.residual_px <= min(limit, fit.residual_px / 3):
        raise CalibrationError(
            "the first side given is a short one: begin with the two ends of a long side of the table"
        )
    raise CalibrationError(
        f"the corners do not fit a table of {table.length_in:g} × {table.width_in:g} in: the nearest view is "
        f"{fit.residual_px:.0f} px off; check the corners, --table and --intrinsics"
    )
