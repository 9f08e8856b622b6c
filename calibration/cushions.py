"""The cushions around a rough outline: which line is which, and the camera that explains them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.agreement import CUSHION_IN, Reading, gap_at_middle, judge
from calibration.camera import Camera
from calibration.file import CalibrationError
from calibration.pose import Fit, Lens, fit_corners, refine, with_height
from calibration.rails import FROM, TO, Line, lines_in, off_side, strip_along
from calibration.table import Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

# How much cushions differ in width; without the table's size, the width in units of a 9-ft table differs more.
CUSHION_SPREAD_IN, CUSHION_SPREAD_UNKNOWN_IN = 0.2, 0.4
# The wood behind the cloth stands about so much above the nose.
BACK_ABOVE_NOSE_IN = 0.2
# What a line has to have to count: the mean step over the rail's length.
LEAST_BACK, LEAST_NOSE = 0.12, 0.06
EDGE_NOISE_PX = 0.7
# How far from where the camera expects them a nose and a back may show.
BACK_REACH_IN = 0.8
NOSE_REACH_IN = 1.3
# How far a line may tilt against the outline, from one end of the rail to the other: first, and once it is found.
FIRST_TILT_IN, FINE_TILT_IN = 12.0, 1.5
# How many of the choices of lines are worth a full fit.
MOST_CHOICES = 4


@dataclass(frozen=True)
class View:
    """What is looked at: a slightly softened BGR picture, the table taken to be in it, and the lens."""

    soft: Picture
    table: Table
    lens: Lens
    size_known: bool

    @property
    def cushion_in(self) -> float:
        """The usual width of a cushion; in units of the assumed table where its size is not known."""
        return CUSHION_IN if self.size_known else CUSHION_IN * self.table.length_in / 100

    @property
    def cushion_spread_in(self) -> float:
        return CUSHION_SPREAD_IN if self.size_known else CUSHION_SPREAD_UNKNOWN_IN


@dataclass(frozen=True)
class Choice:
    """One line a side taken for its cushion's back, and how much speaks for that."""

    backs: tuple[Line, ...]
    support: float


def read_rails(view: View, outlines_px: Sequence[Array]) -> Reading | None:
    """Reads the rails around rough outlines, shape (4, 2) each, the first side of each taken as a long one.

    The first look decides which line is what; the second, along the rails then known, measures them. None where
    the lines make no table.
    """
    table = view.table
    choices = [(choice, outline) for outline in outlines_px for choice in _likely_backs(view, outline)]
    choices.sort(key=lambda pair: -pair[0].support)
    first = [
        _explained(view, outline, list(choice.backs), FIRST_TILT_IN) for choice, outline in choices[:MOST_CHOICES]
    ]
    best = max((reading for reading in first if reading), key=lambda reading: reading.score, default=None)
    for _ in range(2):
        if best is None:
            return None
        corners = best.fit.camera.project(with_height(table.corners_in, table.nose_height_in))
        backs = [_expected_back(view, corners, side, best) for side in range(4)]
        best = _explained(view, corners, [back for back in backs if back], FINE_TILT_IN, best.fit)
    return best


def _likely_backs(view: View, corners: Array) -> list[Choice]:
    """All choices of one cushion back a side, judged in the plane of the noses."""
    soft, table = view.soft, view.table
    strips = [strip_along(soft, corners, table, side) for side in range(4)]
    backs = [lines_in(s, s.distance(), LEAST_BACK, 3, FIRST_TILT_IN) for s in strips]
    noses = [lines_in(s, s.lightness(), LEAST_NOSE, 6, FIRST_TILT_IN) for s in strips]
    choices = []
    for chosen in product(*backs):
        flat = _backs_to_table(chosen, table)
        if flat is None:
            continue
        support = sum(min(1.0, line.strength / 0.5) for line in chosen)
        for side, lines in enumerate(noses):
            support += max((_nose_support(line, flat, table, side) for line in lines), default=0.0)
        gaps = [gap_at_middle(soft, flat, table, side) for side in range(4)]
        support += 2 * (min(gaps[0], 0.5) + min(gaps[2], 0.5) - min(gaps[1], 0.5) - min(gaps[3], 0.5))
        choices.append(Choice(chosen, support))
    return choices


def _backs_to_table(backs: Sequence[Line], table: Table) -> Array | None:
    """The homography, shape (3, 3), from the picture to the nose plane that four cushion backs make."""
    corners = _meeting(backs)
    if corners is None:
        return None
    c = CUSHION_IN * table.length_in / 100
    L, W = table.length_in, table.width_in
    outer = np.array([(-c, -c), (L + c, -c), (L + c, W + c), (-c, W + c)], dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), outer), dtype=np.float64)


def _meeting(lines: Sequence[Line]) -> Array | None:
    """The corners, shape (4, 2), where lines round the table meet; None where they make no quadrilateral."""
    homogeneous = [np.cross(np.append(a, 1), np.append(b, 1)) for a, b in (line.ends_px for line in lines)]
    meets = [np.cross(homogeneous[i - 1], homogeneous[i]) for i in range(4)]
    if any(abs(m[2]) < 1e-9 for m in meets):
        return None
    corners = np.array([m[:2] / m[2] for m in meets])
    return corners if cv2.isContourConvex(corners.astype(np.float32)) else None


def _nose_support(line: Line, flat: Array, table: Table, side: int) -> float:
    off = off_side(cv2.perspectiveTransform(line.ends_px[None], flat)[0], table, side)
    near = float(np.abs(off).max())
    return (0.5 + min(0.5, line.strength / 0.3)) if near < NOSE_REACH_IN else 0.0


def _expected_back(view: View, corners: Array, side: int, reading: Reading) -> Line | None:
    """The strongest line near where the camera of a reading expects this side's cushion back."""
    strip = strip_along(view.soft, corners, view.table, side)
    height = view.table.nose_height_in + BACK_ABOVE_NOSE_IN
    expected = reading.cushion_in * 100 / view.table.length_in
    for line in lines_in(strip, strip.distance(), LEAST_BACK, 3, FINE_TILT_IN):
        off = off_side(reading.fit.camera.to_plane(line.ends_px, height), view.table, side) - expected
        if np.abs(off).max() < BACK_REACH_IN:
            return line
    return None


def _explained(
    view: View, corners: Array, backs: list[Line], tilt_in: float, start: Fit | None = None
) -> Reading | None:
    """The camera that explains chosen cushion backs, and the noses near where it expects them.

    None where a side shows neither, or no camera does.
    """
    strips = [strip_along(view.soft, corners, view.table, side) for side in range(4)]
    candidates = [lines_in(s, s.lightness(), LEAST_NOSE, 6, tilt_in) for s in strips]
    try:
        fit = start or _fit_lines(view, backs, [], _fit_outline(view, backs))
    except CalibrationError:
        return None
    noses: list[Line] = []
    for _ in range(2):
        noses = list(_matching_noses(fit, view.table, candidates))
        if {line.side for line in (*backs, *noses)} != {0, 1, 2, 3}:
            return None
        fit = _fit_lines(view, backs, noses, fit)
    return judge(view.soft, fit, view.table, backs, noses)


def _model_lines(table: Table, cushion_in: float) -> tuple[Array, Array]:
    """The ends, shape (4, 2, 3) each, of the noses and of the cushion backs, over the part that strips cover."""
    corners = table.corners_in
    ends = np.roll(corners, -1, axis=0)
    along = (ends - corners) / np.linalg.norm(ends - corners, axis=1, keepdims=True)
    outward = np.column_stack([along[:, 1], -along[:, 0]])
    share = np.array([FROM, TO])
    flat = corners[:, None, :] + (ends - corners)[:, None, :] * share[None, :, None]
    z = table.nose_height_in
    noses = np.concatenate([flat, np.full((4, 2, 1), z)], axis=2)
    raised = np.full((4, 2, 1), z + BACK_ABOVE_NOSE_IN)
    backs = np.concatenate([flat + outward[:, None, :] * cushion_in, raised], axis=2)
    return noses, backs


def _off_line(camera: Camera, model: Array, line: Line) -> Array:
    """How far the projected ends of a model line, shape (2, 3), are from a line in the picture, in pixels."""
    a, b = line.ends_px
    along = (b - a) / np.linalg.norm(b - a)
    off = camera.project(model) - a
    result: Array = off[:, 0] * along[1] - off[:, 1] * along[0]
    return result


def _fit_lines(view: View, backs: list[Line], noses: list[Line], start: Fit) -> Fit:
    """The camera and cushion width that explain the lines; the width is the last parameter."""

    def residuals(camera: Camera, extra: Array) -> Array:
        nose_lines, back_lines = _model_lines(view.table, float(extra[0]))
        off = [_off_line(camera, back_lines[line.side], line) for line in backs]
        off += [_off_line(camera, nose_lines[line.side], line) for line in noses]
        return np.concatenate(off)

    return refine(
        view.lens,
        start.parameters,
        residuals,
        EDGE_NOISE_PX * max(1.0, view.soft.shape[1] / 1280),
        prior=lambda extra: (extra - view.cushion_in) / view.cushion_spread_in,
    )


def _fit_outline(view: View, backs: list[Line]) -> Fit:
    """A first camera from the quadrilateral of the cushion backs, taken as a table larger by the cushions.

    The usual cushion width stands behind the lens's parameters. Raises CalibrationError where there is none.
    """
    corners = _meeting(backs)
    if corners is None:
        raise CalibrationError("the cushion backs make no quadrilateral")
    table, c = view.table, view.cushion_in
    larger = Table("backs", table.length_in + 2 * c, table.width_in + 2 * c, table.ball_diameter_in)
    fit = fit_corners(view.lens, larger, corners)
    shifted = np.append(fit.parameters, c)
    shifted[3:6] += fit.camera.R @ np.array([c, c, 0.0])
    return Fit(view.lens.camera(shifted), fit.residual_px, fit.covariance, view.lens, shifted)


def _matching_noses(fit: Fit, table: Table, candidates: Sequence[Sequence[Line]]) -> Iterator[Line]:
    """For every side the strongest nose candidate near where the camera expects the nose."""
    for side, lines in enumerate(candidates):
        near = []
        for line in lines:
            off = off_side(fit.camera.to_plane(line.ends_px, table.nose_height_in), table, side)
            if np.abs(off).max() < NOSE_REACH_IN:
                near.append(line)
        if near:
            yield max(near, key=lambda line: line.strength)
