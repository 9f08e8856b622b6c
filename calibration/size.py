"""How large the table is, told by its balls: every table is twice as long as it is wide."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.pose import with_height
from calibration.rails import colour_ratios
from calibration.table import STANDARD_TABLES, Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

# A ratio this far (in log) from every standard one is none of them; neighbours are 0.13 apart.
NEAR = 0.05
LEAST_BALLS = 3
# How unlike the cloth a ball's core is at least; shadows stay below.
LEAST_CORE = 0.5


def infer_size(pictures: Sequence[Picture], assumed: Table, camera: Camera) -> tuple[Table, str]:
    """The standard table whose ratio of length to ball diameter is what the balls show, and a note on it.

    All tables are twice as long as wide, so only the balls tell their size. Where fewer than three balls show,
    or none of the standard ratios is near, the assumed table is returned, and the note says so.
    """
    diameters = ball_diameters(pictures, assumed, camera)
    assumption = f"no table was named: assumed {assumed.name} ({assumed.length_in:g} × {assumed.width_in:g} in)"
    if len(diameters) < LEAST_BALLS:
        return assumed, f"{assumption}; too few balls lie free to tell its size"
    ratio = assumed.length_in / float(np.median(diameters))
    ranked = sorted(STANDARD_TABLES.values(), key=lambda t: abs(np.log(t.length_in / t.ball_diameter_in / ratio)))
    first = ranked[0]
    if abs(np.log(first.length_in / first.ball_diameter_in / ratio)) > NEAR:
        return assumed, f"{assumption}; its length is {ratio:.1f} balls, which is no standard size: pass --table"
    return first, f"no table was named: its length is {ratio:.1f} balls, so taken as {first.name}"


def ball_diameters(pictures: Sequence[Picture], table: Table, camera: Camera) -> list[float]:
    """Diameters in the table's inches of what looks like a ball lying free on the bed, over all pictures.

    Each round patch unlike the cloth is compared with the silhouette that a ball would have in its place.
    """
    L, W, m = table.length_in, table.width_in, 0.05 * table.width_in
    outline = camera.project(with_height([(m, m), (L - m, m), (L - m, W - m), (m, W - m)], 0.0))
    bed = np.zeros(pictures[0].shape[:2], dtype=np.uint8)
    cv2.fillPoly(bed, [np.rint(outline).astype(np.int32)], 1)
    diameters = []
    for picture in pictures[:: max(1, len(pictures) // 3)]:
        ratios = colour_ratios(picture)
        unlike = np.linalg.norm(ratios - _local_cloth(ratios, bed), axis=-1)
        patches, _ = cv2.findContours(
            ((unlike > 0.2) & (bed > 0)).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        halves = [half for patch in patches if (half := _at_half_height(patch, unlike)) is not None]
        diameters += [d for half in halves if (d := _diameter(half, table, camera)) is not None]
    return diameters


def _local_cloth(ratios: Array, bed: Picture) -> Array:
    """What the cloth looks like around each pixel: a wide median, taken small, shape as `ratios`."""
    small = cv2.resize(np.where(bed[..., None] > 0, ratios, np.nan).astype(np.float32), None, fx=1 / 16, fy=1 / 16)
    filled = np.where(np.isnan(small), np.nanmedian(small, axis=(0, 1)), small).astype(np.float32)
    channels = [cv2.medianBlur(np.ascontiguousarray(filled[..., i]), 5) for i in range(3)]
    return np.asarray(cv2.resize(np.dstack(channels), ratios.shape[1::-1]), dtype=np.float64)


def _at_half_height(patch: NDArray[np.int32], unlike: Array) -> NDArray[np.int32] | None:
    """The outline of a patch where it is half as unlike the cloth as its core: shadow and colour bleed go.

    None for what is no more than a shadow.
    """
    u, v, w, h = cv2.boundingRect(patch)
    part = unlike[v : v + h, u : u + w]
    core = float(np.percentile(part, 75))
    if core < LEAST_CORE:
        return None
    inner, _ = cv2.findContours(
        (part > core / 2).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(u, v)
    )
    return np.asarray(max(inner, key=cv2.contourArea), dtype=np.int32)


def _diameter(patch: NDArray[np.int32], table: Table, camera: Camera) -> float | None:
    """The diameter of the ball a patch shows, in inches, None where it is not round or far from a ball's size."""
    if len(patch) < 12:
        return None
    area, hull = cv2.contourArea(patch), cv2.convexHull(patch)
    (u, v), (short, long), _ = cv2.minAreaRect(patch)
    short, long = min(short, long), max(short, long)
    if area < 0.9 * cv2.contourArea(hull) or long > 1.3 * short:
        return None
    # Contours run through the outermost pixels' centres: half a pixel is missing all round.
    area += cv2.arcLength(patch, True) / 2
    r = table.ball_radius_in
    x, y = camera.to_plane([(u, v)], r)[0]
    usual = cv2.contourArea(camera.sphere_outline((x, y, r), r).astype(np.float32))
    diameter = table.ball_diameter_in * float(np.sqrt(area / usual))
    return diameter if 0.5 < diameter / table.ball_diameter_in < 1.6 else None
