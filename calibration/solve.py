"""From pictures to a calibration: by markers, by four given corners, or by the cloth alone."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration import drift
from calibration.camera import Camera
from calibration.cloth import find_table
from calibration.file import Calibration, CalibrationError, Method
from calibration.intrinsics import Intrinsics
from calibration.markers import Marker, MarkerLayout, Sightings, centre_px, corners_in, find_markers
from calibration.pose import Fit, Lens, fit_corners, fit_points, ordered_corners, refine
from calibration.table import STANDARD_TABLES, Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

# Below this mean of 255 nothing can be seen; above the other one everything is white.
DARK_MEAN, BRIGHT_MEAN = 12.0, 245.0
# A marker's corner is read to about this many pixels, its place on the rail to so many inches: the second
# is what keeps a small misplacement from passing for a focal length.
MARKER_NOISE_PX = 0.25
MARKER_PLACE_IN = 0.08


def calibrate(
    pictures: Sequence[Picture],
    *,
    table: Table | None = None,
    markers: MarkerLayout | None = None,
    corners_px: ArrayLike | None = None,
    intrinsics: Intrinsics | None = None,
) -> Calibration:
    """Finds the table in BGR pictures, shape (h, w, 3), of one view.

    With `corners_px`, shape (4, 2), the nose corners are given; else with `markers` those are looked for;
    else cloth, cushions and pockets are. Raises CalibrationError, with what to do, where that fails or the
    cues disagree.
    """
    size_px = _checked_size(pictures)
    if corners_px is not None:
        return _by_corners(pictures, size_px, table, corners_px, intrinsics)
    _require_light(pictures)
    if markers is not None:
        return _by_markers(pictures, size_px, table, markers, intrinsics)
    found = find_table(pictures, table, Lens.of(size_px, intrinsics))
    return _finished("cloth", found.table, found.fit, found.notes, pictures)


def _checked_size(pictures: Sequence[Picture]) -> tuple[int, int]:
    if not pictures:
        raise CalibrationError("there is no picture to calibrate from")
    shape = pictures[0].shape
    if any(p.shape != shape or p.ndim != 3 or p.shape[2] != 3 for p in pictures):
        raise CalibrationError("the pictures differ in size: calibrate from one camera setting")
    if min(shape[:2]) < 120:
        raise CalibrationError(f"the picture of {shape[1]}×{shape[0]} is too small: at least 120 pixels each way")
    return shape[1], shape[0]


def _require_light(pictures: Sequence[Picture]) -> None:
    mean = float(np.median([p[::4, ::4].mean() for p in pictures]))
    if mean < DARK_MEAN:
        raise CalibrationError(
            f"no table found: the picture is almost black (mean {mean:.0f} of 255); "
            "switch on the table light or pass --corners"
        )
    if mean > BRIGHT_MEAN:
        raise CalibrationError(
            f"no table found: the picture is almost white (mean {mean:.0f} of 255); "
            "shorten the exposure or pass --corners"
        )


def _by_corners(
    pictures: Sequence[Picture],
    size_px: tuple[int, int],
    table: Table | None,
    corners_px: ArrayLike,
    intrinsics: Intrinsics | None,
) -> Calibration:
    corners, turned = ordered_corners(corners_px, size_px)
    notes = []
    if turned:
        notes.append(
            "the corners were given clockwise and are taken in reverse order, the same long side first: "
            "the origin is the second one given"
        )
    if table is None:
        table = STANDARD_TABLES["9ft"]
        notes.append("no table was named: assumed 9ft (100 × 50 in)")
    fit = fit_corners(Lens.of(size_px, intrinsics), table, corners)
    return _finished("corners", table, fit, notes, pictures)


def _by_markers(
    pictures: Sequence[Picture],
    size_px: tuple[int, int],
    table: Table | None,
    layout: MarkerLayout,
    intrinsics: Intrinsics | None,
) -> Calibration:
    table = table or layout.table
    if table is None:
        raise CalibrationError(
            "the marker layout does not say how large the table is: pass --table, as 9ft or 1881x943mm"
        )
    sightings = find_markers(pictures, layout)
    if sightings.spread_px > 3.0:
        raise CalibrationError(
            f"the markers wander by {sightings.spread_px:.0f} px between the pictures: "
            "fix the camera and calibrate from a recording in which it stands still"
        )
    placed = [m for m in layout.on_table(table) if m.id in sightings.corners_px]
    fit = fit_markers(Lens.of(size_px, intrinsics or layout.intrinsics), placed, sightings)
    limit = max(3.0, 0.15 * _marker_side_px(sightings))
    if fit.residual_px > limit:
        raise CalibrationError(
            f"the markers do not fit their layout ({fit.residual_px:.1f} px off): measure where they are stuck, "
            "correct the layout file, and check --table and the lens"
        )
    missing = sorted({m.id for m in layout.markers} - set(sightings.corners_px))
    notes = [f"markers not seen: {', '.join(map(str, missing))}"] if missing else []
    return _finished("markers", table, fit, notes, pictures)


def _marker_side_px(sightings: Sightings) -> float:
    sides = [np.linalg.norm(q - np.roll(q, 1, axis=0), axis=1).mean() for q in sightings.corners_px.values()]
    return float(np.median(sides))


def fit_markers(lens: Lens, placed: Sequence[Marker], sightings: Sightings) -> Fit:
    """The camera that sees the placed markers where they were sighted, all corners used.

    How each marker is turned on its rail is found with the pose. Raises CalibrationError where none fits.
    """
    centres = np.array([m.centre_in for m in placed])
    pixels = np.array([centre_px(sightings.corners_px[m.id]) for m in placed])
    if len(placed) == 3:
        # The fourth point a plane-based pose needs: the picture of the parallelogram's corner would have to be
        # assumed affine, which is near enough to start from.
        centres = np.vstack([centres, centres[0] + centres[2] - centres[1]])
        pixels = np.vstack([pixels, pixels[0] + pixels[2] - pixels[1]])
    measured = [sightings.corners_px[m.id] for m in placed]

    def residuals(camera: Camera, turns: Array) -> Array:
        return np.concatenate(
            [
                (camera.project(corners_in(m, turn)) - seen).ravel()
                for m, turn, seen in zip(placed, turns, measured, strict=True)
            ]
        )

    rough = fit_points(lens, centres, pixels, 1.0)
    turns = [_turn(rough.camera, m, seen) for m, seen in zip(placed, measured, strict=True)]
    start = np.concatenate([rough.parameters, turns])
    px_per_in = _marker_side_px(sightings) / float(np.median([m.side_in for m in placed]))
    return refine(lens, start, residuals, float(np.hypot(MARKER_NOISE_PX, MARKER_PLACE_IN * px_per_in)))


def _turn(camera: Camera, marker: Marker, seen_px: Array) -> float:
    """How a marker seen at corner pixels, shape (4, 2), is turned on the table, in radians."""
    on_table = camera.to_plane(seen_px, marker.centre_in[2])
    top = on_table[1] - on_table[0]
    bottom = on_table[2] - on_table[3]
    along = top + bottom
    return float(np.arctan2(along[1], along[0]))


def _finished(
    method: Method, table: Table, fit: Fit, notes: Sequence[str], pictures: Sequence[Picture]
) -> Calibration:
    notes = list(notes)
    if fit.lens_unseen:
        notes.append(
            "this view does not show the focal length: a usual lens is assumed; "
            "pass --intrinsics for the last millimetre"
        )
    return Calibration(
        id=uuid.uuid4().hex[:12],
        method=method,
        table=table,
        camera=fit.camera,
        residual_px=fit.residual_px,
        uncertainty_in=fit.corner_spread_in(table),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=tuple(notes),
        fingerprint=drift.fingerprint(pictures, table, fit.camera),
    )
