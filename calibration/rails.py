"""Strips of the picture along the four rails, and the straight lines in them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.table import Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

# A strip runs from here inside the outline to here outside it, in inches at a 9-ft table's scale.
INSIDE_IN, OUTSIDE_IN, STEP_IN = -6.0, 14.0, 0.1
ROWS = 120
# Where along a rail lines are measured: clear of the corner pockets.
FROM, TO = 0.05, 0.95
# Steps are taken between means over a window on either side, and count no more than the cap (in log);
# lines are found with the wide window and measured with the fine one.
WINDOW_IN, FINE_IN = 0.5, 0.2
CAP = 0.8


@dataclass(frozen=True)
class Line:
    """A line seen along one rail: how strong a step it is, and its two ends in the picture, shape (2, 2)."""

    side: int
    strength: float
    ends_px: Array


@dataclass(frozen=True)
class Strip:
    """The picture along one rail: `log` colour of shape (ROWS, n, 3) and where each cell lies, (ROWS, n, 2)."""

    side: int
    log: Array
    pixels: Array
    offsets_in: Array

    def distance(self) -> Array:
        """How unlike the bed beside it each cell is, shape (ROWS, n), capped: hue counts more than shade."""
        ratios = _ratios(self.log)
        bed = np.median(ratios[:, (self.offsets_in > -5) & (self.offsets_in < -3)], axis=1, keepdims=True)
        unlike: Array = np.minimum(np.linalg.norm(ratios - bed, axis=-1), CAP)
        return unlike

    def lightness(self) -> Array:
        result: Array = self.log.mean(axis=-1)
        return result


def strip_along(picture: Picture, corners_px: Array, table: Table, side: int) -> Strip:
    """The strip along one side of a quadrilateral, shape (4, 2), taken for the nose corners of a table."""
    offsets = np.arange(INSIDE_IN, OUTSIDE_IN, STEP_IN) * table.length_in / 100
    H = cv2.getPerspectiveTransform(table.corners_in.astype(np.float32), corners_px.astype(np.float32))
    a, b = table.corners_in[side], table.corners_in[(side + 1) % 4]
    along = (b - a) / np.linalg.norm(b - a)
    outward = np.array([along[1], -along[0]])
    share = np.linspace(FROM, TO, ROWS)
    grid: Array = a + (b - a) * share[:, None, None] + outward * offsets[None, :, None]
    pixels = cv2.perspectiveTransform(grid.reshape(1, -1, 2), H)[0].reshape(ROWS, len(offsets), 2)
    seen = _sampled(picture, pixels)
    return Strip(side, np.log(seen.astype(np.float64) + 8), pixels, offsets * 100 / table.length_in)


def steps(values: Array, window_in: float) -> Array:
    """The mean over the window after a place minus that over the one before it: shape (ROWS, n)."""
    n = round(window_in / STEP_IN)
    total = np.cumsum(np.pad(values, ((0, 0), (n + 1, n)), mode="edge"), axis=1)
    after = total[:, 2 * n + 1 :] - total[:, n + 1 : -n]
    before = total[:, n : -n - 1] - total[:, : -2 * n - 1]
    result: Array = (after - before) / n
    return result


def lines_in(strip: Strip, values: Array, least: float, most: int, tilt_in: float) -> list[Line]:
    """The strongest straight lines where values of the strip's cells, shape (ROWS, n), step up outwards.

    Best first, none within an inch of a better one.

    Lines may leave the rail's direction by `tilt_in` from end to end.
    """
    step, fine = steps(values, WINDOW_IN), steps(values, FINE_IN)
    rows, columns = step.shape
    tilts = np.arange(-tilt_in, tilt_in + 0.01, max(0.1, tilt_in / 32)) / STEP_IN
    place = np.linspace(-0.5, 0.5, rows)
    votes = np.zeros((len(tilts), columns))
    column = np.arange(columns)
    for i, tilt in enumerate(tilts):
        at = column[None, :] + np.rint(place * tilt).astype(int)[:, None]
        inside = (at >= 0) & (at < columns)
        taken = np.take_along_axis(step, np.clip(at, 0, columns - 1), axis=1) * inside
        votes[i] = np.clip(taken, -CAP, CAP).mean(axis=0)
    found: list[Line] = []
    for _ in range(most):
        i, j = divmod(int(np.argmax(votes)), columns)
        strength = float(votes[i, j])
        if strength < least:
            break
        found.append(Line(strip.side, strength, _refined(strip, fine, float(j), float(tilts[i]))))
        near = np.abs(column[None, :] - j) < 10
        votes[np.broadcast_to(near, votes.shape)] = -1
    return found


def _refined(strip: Strip, step: Array, column: float, tilt: float) -> Array:
    """The line's ends in the picture, shape (2, 2), by the steps' own peaks near it: a robust straight fit."""
    rows, columns = step.shape
    place = np.linspace(-0.5, 0.5, rows)
    fitted = column + place * tilt
    for reach in (6, 4, 3):
        span = np.arange(-reach, reach + 1)
        at = np.clip(np.rint(fitted).astype(int)[:, None] + span, 0, columns - 1)
        weight = np.clip(np.take_along_axis(step, at, axis=1), 0, CAP) ** 2
        mass = weight.sum(axis=1)
        good = mass > 0.25 * np.median(mass)
        peak = (weight * at).sum(axis=1) / np.maximum(mass, 1e-9)
        slope, offset = _robust_line(place[good], peak[good])
        fitted = offset + slope * place
    ends = [(0, fitted[0]), (rows - 1, fitted[-1])]
    return np.array([_interpolated(strip.pixels[row], at) for row, at in ends])


def _robust_line(x: Array, y: Array) -> tuple[float, float]:
    keep = np.ones(len(x), dtype=bool)
    slope = offset = 0.0
    for _ in range(4):
        slope, offset = (float(c) for c in np.polyfit(x[keep], y[keep], 1))
        off = np.abs(y - offset - slope * x)
        keep = off <= max(2.5 * 1.4826 * float(np.median(off)), 0.3)
    return slope, offset


def _interpolated(pixels: Array, at: float) -> Array:
    i = int(np.clip(np.floor(at), 0, len(pixels) - 2))
    result: Array = pixels[i] + (pixels[i + 1] - pixels[i]) * (at - i)
    return result


def off_side(points_in: Array, table: Table, side: int) -> Array:
    """How far table points, shape (n, 2), lie outside a side's nose line, in inches at a 9-ft table's scale."""
    a, b = table.corners_in[side], table.corners_in[(side + 1) % 4]
    along = (b - a) / np.linalg.norm(b - a)
    off: Array = (points_in - a) @ np.array([along[1], -along[0]]) * 100 / table.length_in
    return off


def colours_at(picture: Picture, pixels: Array) -> Array:
    """`colour_ratios` at pixels, shape (n, 3)."""
    return colour_ratios(_sampled(picture, pixels[None])[0])


def _sampled(picture: Picture, pixels: Array) -> Picture:
    """The picture at pixels, shape (h, w, 2), between them linearly, beyond the edge the edge."""
    u, v = np.moveaxis(pixels.astype(np.float32), -1, 0)
    seen = cv2.remap(picture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, dtype=np.uint8)


def colour_ratios(picture: Picture) -> Array:
    """Red to green, blue to green and half the lightness, in logarithms, of BGR values, shape (…, 3)."""
    return _ratios(np.log(picture.astype(np.float64) + 8))


def _ratios(log: Array) -> Array:
    ratios = (log[..., 2] - log[..., 1], log[..., 0] - log[..., 1], 0.5 * log.mean(axis=-1))
    return np.stack(ratios, axis=-1)
