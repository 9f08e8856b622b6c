"""The table without markers: cloth, cushions and pockets in the median picture, and what they agree on.

The cloth's outline finds the backs of the cushions at best, never the noses. So it only says roughly where the
table is; strips along the four rails then give the lines of the cushion backs (cloth ends) and of the noses
(shade gives way to the lit top of the cushion), and one camera over one table has to explain them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.cushions import View, read_rails
from calibration.file import CalibrationError
from calibration.pose import Fit, Lens
from calibration.size import infer_size
from calibration.table import STANDARD_TABLES, Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

# The region of the cloth is sought in a picture this wide: enough for a rough outline.
SMALL_PX = 480
# Least share of the picture that a table takes, and least share of its hull that is cloth.
LEAST_AREA, LEAST_FILL = 0.04, 0.75

INSTEAD = "calibrate with --markers or give the four nose corners with --corners"


@dataclass(frozen=True)
class Found:
    """A table found without markers."""

    table: Table
    fit: Fit
    notes: tuple[str, ...]


def find_table(pictures: Sequence[Picture], table: Table | None, lens: Lens) -> Found:
    """Finds the table in BGR pictures, shape (h, w, 3), of one view.

    Raises CalibrationError where there is none or where the cues disagree.
    """
    typical = median_picture(pictures)
    outlines = rough_outlines(typical)
    assumed = table or STANDARD_TABLES["9ft"]
    soft = np.asarray(cv2.GaussianBlur(typical, (0, 0), 0.8), dtype=np.uint8)
    view = View(soft, assumed, lens, size_known=table is not None)
    best = read_rails(view, outlines)
    if best is None:
        raise CalibrationError(f"cloth found, but no cushions around it: {INSTEAD}")
    complaint = best.complaint()
    if complaint:
        raise CalibrationError(f"the cues disagree: {complaint}; {INSTEAD}")
    notes = [best.in_words()]
    if table is None:
        assumed, note = infer_size(pictures, assumed, best.fit.camera)
        notes.append(note)
    fit = best.fit if assumed.length_in == 100.0 or table is not None else _rescaled(best.fit, assumed)
    return Found(assumed, fit, tuple(notes))


def median_picture(pictures: Sequence[Picture]) -> Picture:
    """The median over up to 25 pictures: who walks by is gone, what stays is sharp."""
    step = max(1, -(-len(pictures) // 25))
    chosen = pictures[::step]
    middle = len(chosen) // 2
    # For whole numbers the middle one of an ordering does, in a quarter of np.median's time.
    result: Picture = np.partition(np.stack(chosen), middle, axis=0)[middle]
    return result


def rough_outlines(picture: Picture) -> list[Array]:
    """The cloth's outline as four corners, shape (4, 2), counter-clockwise, once for each side taken as long.

    Raises CalibrationError where no cloth of a table's shape is found.
    """
    height, width = picture.shape[:2]
    scale = SMALL_PX / max(height, width)
    small = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    region = cloth_region(small)
    points, _ = cv2.findContours(
        cv2.morphologyEx(region, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)),
        cv2.RETR_EXTERNAL,
        cv2.CHAIN_APPROX_NONE,
    )
    if not points:
        raise CalibrationError(f"no table found: no even patch of cloth in the picture's middle; {INSTEAD}")
    hull = cv2.convexHull(max(points, key=cv2.contourArea))[:, 0].astype(np.float64)
    area = float(cv2.contourArea(hull.astype(np.float32)))
    if area < LEAST_AREA * region.size or np.count_nonzero(region) < LEAST_FILL * area:
        raise CalibrationError(
            f"no table found: no large even patch of cloth around the picture's middle; point the camera at the "
            f"table, or {INSTEAD}"
        )
    corners = _four_sides(hull)
    if corners is None or cv2.contourArea(corners.astype(np.float32)) > 1.5 * area:
        raise CalibrationError(f"no table found: the patch of cloth does not have four sides; {INSTEAD}")
    full = (corners + 0.5) / scale - 0.5
    return [_turned_to_reader(full), _turned_to_reader(np.roll(full, -1, axis=0))]


def _turned_to_reader(corners: Array) -> Array:
    """Corners, shape (4, 2), begun at that end of the first side from which x runs right, or else down.

    A table looks the same turned by half; this keeps the answer from one picture to the next.
    """
    right, down = corners[1] - corners[0]
    forward = down > 0 if abs(down) > 2 * abs(right) else right > 0
    return corners if forward else np.roll(corners, 2, axis=0)


def cloth_region(picture: Picture) -> Picture:
    """Cloth in a small BGR picture, 1 or 0, shape (h, w): the patch of the middle's commonest colour.

    Its colour may change over the table as a lamp makes it: a surface of up to second order in each of L, a, b
    is fitted and the patch grown anew, in turn.
    """
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32) / 255
    lab = cv2.cvtColor(soft, cv2.COLOR_BGR2Lab).reshape(-1, 3).astype(np.float64)
    height, width = picture.shape[:2]
    v, u = np.mgrid[0:height, 0:width]
    x, y = (u / width - 0.5) * 2, (v / height - 0.5) * 2
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    middle = ((np.abs(x) < 0.5) & (np.abs(y) < 0.5)).ravel()
    alike = (np.abs(lab - _commonest(lab[middle])) / (12, 6, 6)).max(axis=1) < 1
    patch = _patch(alike, middle, (height, width))
    for terms in (1, 1, 3, 3, 6, 6):
        inside = patch.ravel() > 0
        if np.count_nonzero(inside) < 0.01 * inside.size:
            break
        surface, *_ = np.linalg.lstsq(basis[inside, :terms], lab[inside], rcond=None)
        off = lab - basis[:, :terms] @ surface
        noise = np.maximum(1.4826 * np.median(np.abs(off[inside]), axis=0), (2.0, 0.8, 0.8))
        # Lightness counts half: shade is no change of cloth.
        alike = ((off / noise) ** 2) @ np.array([0.5, 1.0, 1.0]) < 22.5
        patch = _patch(alike, middle, (height, width))
    return patch


def _commonest(lab: Array) -> Array:
    """The commonest colour among Lab values, shape (n, 3), by cells that share counts with their neighbours."""
    size = np.array([6.0, 3.0, 3.0])
    cells, counts = np.unique(np.floor(lab / size).astype(int), axis=0, return_counts=True)
    busiest = np.argsort(-counts)[:30]
    shared = [counts[(np.abs(cells - cells[i]) <= 1).all(axis=1)].sum() for i in busiest]
    result: Array = (cells[busiest[int(np.argmax(shared))]] + 0.5) * size
    return result


def _patch(alike: NDArray[np.bool_], middle: NDArray[np.bool_], shape: tuple[int, int]) -> Picture:
    """The connected patch of alike pixels that holds most of the middle."""
    opened = cv2.morphologyEx(alike.reshape(shape).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(opened)
    held = np.bincount(labels.ravel()[middle], minlength=count)
    held[0] = 0
    return (labels == int(np.argmax(held))).astype(np.uint8) if held.any() else np.zeros(shape, np.uint8)


def _four_sides(hull: Array) -> Array | None:
    """The quadrilateral, shape (4, 2), of the four straight runs that carry most of a hull's outline.

    Corner pockets cut the corners off, so the hull has more than four sides. Seeded random sampling; None
    where fewer than four runs are found.
    """
    ends = np.roll(hull, -1, axis=0)
    outline = np.concatenate(
        [
            a + (b - a) * np.linspace(0, 1, max(1, int(np.hypot(*(b - a)))), endpoint=False)[:, None]
            for a, b in zip(hull, ends, strict=True)
        ]
    )
    n = len(outline)
    centre = outline.mean(axis=0)
    random = np.random.default_rng(0)
    free = np.ones(n, dtype=bool)
    lines = []
    for _ in range(4):
        run = _straightest_run(outline, free, random)
        if run is None or np.count_nonzero(run) < 0.04 * n:
            return None
        at = outline[run].mean(axis=0)
        normal = np.linalg.svd(outline[run] - at)[2][1]
        normal = normal if normal @ (at - centre) > 0 else -normal
        lines.append(np.array([*normal, -normal @ at]))
        free &= np.abs((outline - at) @ normal) > 3
    # Normals turning from right over up to left: counter-clockwise as seen, v pointing down.
    lines.sort(key=lambda line: -np.arctan2(line[1], line[0]))
    meets = [np.cross(lines[i], lines[(i + 1) % 4]) for i in range(4)]
    if any(abs(m[2]) < 1e-6 for m in meets):
        return None
    corners = np.array([m[:2] / m[2] for m in meets])
    return corners if cv2.isContourConvex(corners.astype(np.float32)) else None


def _straightest_run(
    outline: Array, free: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.bool_] | None:
    best, n = None, len(outline)
    places = np.flatnonzero(free)
    if len(places) < 20:
        return None
    for _ in range(600):
        i = int(random.choice(places))
        j = (i + int(random.integers(15, max(16, n // 3)))) % n
        along = outline[j] - outline[i]
        length = float(np.hypot(*along))
        if not free[j] or length < 10:
            continue
        run = free & (np.abs((outline - outline[i]) @ np.array([-along[1], along[0]]) / length) < 1.5)
        if best is None or np.count_nonzero(run) > np.count_nonzero(best):
            best = run
    return best


def _rescaled(fit: Fit, table: Table) -> Fit:
    """The same view of a table of another size: the camera stands nearer or farther in proportion."""
    factor = table.length_in / 100.0
    t = np.array(fit.camera.translation_in) * factor
    camera = replace(fit.camera, translation_in=(float(t[0]), float(t[1]), float(t[2])))
    scale = np.ones(len(fit.parameters))
    scale[3:6] = factor
    return replace(
        fit, camera=camera, parameters=fit.parameters * scale, covariance=fit.covariance * np.outer(scale, scale)
    )
