"""Outlines of balls anywhere on the table, from polynomials fitted once: a thousandth of a pixel for a hundredth
of the work."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.silhouette import INNER, SPOKES, Array, Silhouettes, silhouettes

_DEGREES = (4, 6)
_CLOSE_ENOUGH_PX = 0.02
_BEYOND_IN = 3.0  # balls are looked for a little outside of the noses too
_GRID = (17, 13)


class OutlineMap:
    """The outline that a ball has at each place of one calibrated table.

    Outlines change smoothly over the table, so each coordinate of each of their points is a polynomial in the
    place. What a cushion hides is computed for the balls beside one that can hide something.
    """

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        table = calibration.table
        self._middle = np.array([table.length_in, table.width_in]) / 2
        self._half = self._middle + _BEYOND_IN
        x, y = (np.linspace(-1, 1, n) for n in _GRID)
        unit = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
        exact = silhouettes(calibration, self._middle + unit * self._half)
        values = np.concatenate(
            [
                exact.spokes_px.reshape(len(unit), -1),
                exact.normals.reshape(len(unit), -1),
                exact.from_foot_in,
                exact.radii_px[:, None],
            ],
            axis=1,
        )
        for degree in _DEGREES:
            self._powers = np.array([(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)])
            terms = self._terms(unit)
            self._weights: Array = np.linalg.lstsq(terms, values, rcond=None)[0]
            off = np.abs(terms @ self._weights - values)[:, : 2 * SPOKES].max()
            if off < _CLOSE_ENOUGH_PX:
                break

    def at(self, points_in: Array) -> Silhouettes:
        """Outlines of balls at table points, shape (N, 2)."""
        n = len(points_in)
        values = self._terms((points_in - self._middle) / self._half) @ self._weights
        spokes = values[:, : 2 * SPOKES].reshape(n, SPOKES, 2)
        normals = values[:, 2 * SPOKES : 4 * SPOKES].reshape(n, SPOKES, 2)
        from_foot = values[:, 4 * SPOKES : 5 * SPOKES]
        hidden = np.zeros((n, SPOKES), dtype=bool)
        inner_hidden = np.zeros((n, len(INNER) * SPOKES // 2), dtype=bool)
        beside = self._beside(points_in)
        if beside.any():
            exact = silhouettes(self._calibration, points_in[beside])
            hidden[beside], inner_hidden[beside] = exact.hidden, exact.inner_hidden
        return Silhouettes(
            self._calibration.to_picture(points_in),
            spokes,
            normals,
            values[:, -1],
            from_foot,
            hidden,
            inner_hidden,
        )

    def _terms(self, unit: Array) -> Array:
        powers = unit[:, None, :] ** np.arange(self._powers.max() + 1)[None, :, None]
        terms: Array = powers[:, self._powers[:, 0], 0] * powers[:, self._powers[:, 1], 1]
        return terms

    def _beside(self, points_in: Array) -> NDArray[np.bool_]:
        """Which places are so near to a cushion between them and the camera that it may hide part of a ball."""
        beside = np.zeros(len(points_in), dtype=bool)
        for axis, line, sign, reach in self._hiding:
            beside |= sign * (line - points_in[:, axis]) < reach
        return beside

    @cached_property
    def _hiding(self) -> tuple[tuple[int, float, int, float], ...]:
        """The cushions that can hide balls: axis, nose line, side, and how far in they reach."""
        table, eye = self._calibration.table, self._calibration.camera.position_in
        found = []
        for axis, line, sign in ((0, 0.0, -1), (0, table.length_in, 1), (1, 0.0, -1), (1, table.width_in, 1)):
            away = sign * (eye[axis] - line)
            if away > 0:
                reach = table.ball_radius_in + table.nose_height_in * away / (eye[2] - table.nose_height_in)
                found.append((axis, line, sign, float(reach)))
        return tuple(found)
