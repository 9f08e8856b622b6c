"""A ball's look: the colours over its disc, as if it lay in the table's usual light, and the cloth under it."""

import numpy as np

from vision.detect.cloth import Cloth, Float
from vision.detect.silhouette import SPOKES, Array
from vision.frames.source import Plane

# Points of equal weight over the disc, out to where the cloth's colour bleeds in.
_RINGS = 0.85 * np.sqrt((np.arange(5) + 0.5) / 5)
_PER_RING = 12
_LEAST_LIGHT, _MOST_LIGHT = 0.5, 1.6


def look_points(centres_px: Array, spokes_px: Array) -> Array:
    """The pixels, shape (N, M, 2), whose colours are a ball's look, of balls with outlines (N, SPOKES, 2)."""
    return centres_px[:, None, :] + _disc(spokes_px)


def looks(colours: Plane, centres_px: Array, cloth: Cloth) -> list[Float]:
    """The look of each ball, one (M + 1, 3) float32 array of BGR a ball: M points of its disc, then the cloth.

    `colours`, shape (N, M, 3), is BGR at its `look_points`. All are divided by how much lighter the cloth is there
    than in the middle of the picture, so they may pass 255.
    """
    under, light = _cloth_there(cloth, centres_px)
    both = np.concatenate([colours.astype(np.float32), under[:, None, :]], axis=1)
    return list(both / light[:, None, None])


def _disc(spokes_px: Array) -> Array:
    """Points over each disc relative to its centre, shape (N, M, 2); neighbouring rings are turned."""
    steps = np.arange(_PER_RING) * SPOKES // _PER_RING
    parts = [ring * spokes_px[:, (steps + 7 * i) % SPOKES] for i, ring in enumerate(_RINGS)]
    return np.concatenate(parts, axis=1)


def _cloth_there(cloth: Cloth, centres_px: Array) -> tuple[Float, Float]:
    """The cloth's colour at each centre, shape (N, 3), and how light it is against the middle, shape (N,)."""
    height, width = cloth.log_bgr.shape[:2]
    u = np.clip((centres_px[:, 0] / 2).astype(int), 0, width - 1)
    v = np.clip((centres_px[:, 1] / 2).astype(int), 0, height - 1)
    logs = cloth.log_bgr[v, u]
    usual = cloth.log_bgr[height // 2, width // 2].mean()
    light = np.clip(np.exp(logs.mean(axis=1) - usual), _LEAST_LIGHT, _MOST_LIGHT)
    floor = float(np.exp(cloth.table[0]))
    return np.maximum(np.exp(logs) - floor, 1.0).astype(np.float32), light.astype(np.float32)
