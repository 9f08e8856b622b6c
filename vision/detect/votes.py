"""Where edges agree that they are one ball's radius away: finds balls in clusters, in hands and at rails."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detect.cloth import Float
from vision.frames.source import Plane

_EDGE = 0.8  # a Sobel step of log colour that counts as an edge
_STRONGEST = 60


def radial_votes(opponent: Float, where: Plane, radius_half: Float) -> NDArray[np.float64]:
    """Pixels (u, v) of the picture given, shape (N, 2), best first, on which edges around them agree.

    `opponent`, shape (h, w, 3), is the colour relative to the cloth, luma last; `where`, shape (h, w), is
    non-zero where a centre may lie; `radius_half`, shape (h, w), the ball's radius. Every edge pixel votes for
    the two points one radius along its gradient: the fast radial symmetry transform [Loy and Zelinsky, 2003]
    for one known radius.
    """
    rows, cols, gx, gy, size = _edge_pixels(opponent, where)
    height, width = where.shape
    if not len(rows):
        return np.zeros((0, 2))
    r = radius_half[rows, cols]
    weight = np.minimum(size, 3.0)
    votes = np.zeros(height * width)
    for sign in (1, -1):
        u = np.round(cols + sign * r * gx / size).astype(int)
        v = np.round(rows + sign * r * gy / size).astype(int)
        ok = (u >= 0) & (u < width) & (v >= 0) & (v < height)
        votes += np.bincount(v[ok] * width + u[ok], weight[ok], height * width)
    field = cv2.GaussianBlur(votes.reshape(height, width).astype(np.float32), (0, 0), 1.2) / radius_half
    field[where == 0] = 0
    peaks = (field >= cv2.dilate(field, np.ones((5, 5), np.uint8))) & (field > 0.25)
    rows, cols = np.nonzero(peaks)
    order = np.argsort(-field[rows, cols])[:_STRONGEST]
    return np.column_stack([cols, rows])[order].astype(np.float64)


def _edge_pixels(
    opponent: Float, where: Plane
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float, Float, Float]:
    """Rows, columns and gradient (x, y, size) of the edge pixels in or beside `where`."""
    gx = cv2.Sobel(opponent, cv2.CV_32F, 1, 0, ksize=3)
    gy = cv2.Sobel(opponent, cv2.CV_32F, 0, 1, ksize=3)
    power = gx * gx + gy * gy
    power[..., 2] *= 0.3  # shadows and highlights are luma alone
    strongest = power.argmax(axis=2)[..., None]
    near = cv2.dilate(where, np.ones((5, 5), np.uint8)) > 0
    rows, cols = np.nonzero(near & (power.max(axis=2) > _EDGE**2))
    gx = np.take_along_axis(gx, strongest, 2)[rows, cols, 0]
    gy = np.take_along_axis(gy, strongest, 2)[rows, cols, 0]
    size = np.hypot(gx, gy)
    return rows, cols, np.asarray(gx), np.asarray(gy), np.asarray(size)
