"""The table without markers: a drawn one is found, what is none is refused with what to do."""

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.file import CalibrationError
from calibration.intrinsics import Intrinsics
from calibration.preview import draw_preview
from calibration.solve import calibrate
from calibration.table import MM_PER_IN, STANDARD_TABLES, Table

TABLE = STANDARD_TABLES["9ft"]
SIZE = (1280, 720)
Picture = NDArray[np.uint8]
Corners = NDArray[np.float64]


def posed(elevation_deg: float, distance_in: float, focal: float = 950, table: Table = TABLE) -> Camera:
    """A camera before the middle of the right rail, tilted down at the table's middle."""
    e = math.radians(elevation_deg)
    away = np.array([0.0, -math.cos(e), math.sin(e)])
    right = np.array([1.0, 0.0, 0.0])
    R = np.array([right, -np.cross(away, right), -away])
    eye = np.array([table.length_in / 2, table.width_in / 2, 0]) + distance_in * away
    return Intrinsics(focal, focal, 639.5, 359.5, width_px=1280, height_px=720).posed(R, -R @ eye)


def drawn(
    camera: Camera,
    table: Table = TABLE,
    cloth: tuple[int, int, int] = (150, 120, 30),
    *,
    pockets: bool = True,
    balls: bool = True,
) -> Picture:
    """A table in this camera's view, cushions as they are built: a shaded face below the nose, a lit top above.

    Drawn at twice the size and shrunk, with a sensor's noise.
    """
    finer = camera.scaled(2)
    shown = np.full((SIZE[1] * 2, SIZE[0] * 2, 3), (48, 44, 52), np.uint8)
    L, W, nose = table.length_in, table.width_in, table.nose_height_in

    def fill(points: list[tuple[float, float, float]], colour: tuple[int, ...]) -> None:
        cv2.fillPoly(shown, [np.rint(finer.project(points) * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)

    def ring(beyond: float, z: float) -> list[tuple[float, float, float]]:
        b = beyond
        return [(-b, -b, z), (L + b, -b, z), (L + b, W + b, z), (-b, W + b, z)]

    fill(ring(5.5, nose + 0.2), (25, 35, 70))
    fill(ring(2.0, nose + 0.2), tuple(min(255, int(c * 1.05)) for c in cloth))
    # Looking over the nose one sees first the shaded face, then the bed. A near cushion hides its own face.
    fill(ring(0.0, nose), tuple(int(c * 0.5) for c in cloth))
    bed = finer.project(ring(-0.5, 0.0))
    inside = finer.project(ring(0.0, nose))
    mask, bed_mask = (np.zeros(shown.shape[:2], np.uint8) for _ in range(2))
    cv2.fillPoly(mask, [np.rint(inside).astype(np.int32)], 255)
    cv2.fillPoly(bed_mask, [np.rint(bed).astype(np.int32)], 255)
    shown[(mask > 0) & (bed_mask > 0)] = cloth
    for pocket in table.pockets if pockets else ():
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        r = pocket.radius_in
        fill([(pocket.x_in + r * math.cos(a), pocket.y_in + r * math.sin(a), nose) for a in turn], (6, 6, 6))
    places = [(0.3, 0.4), (0.55, 0.3), (0.7, 0.7), (0.2, 0.75), (0.45, 0.6)]
    for i, (x, y) in enumerate(places if balls else []):
        r = table.ball_radius_in
        outline = finer.sphere_outline((x * L, y * W, r), r)
        colour = [(250, 250, 250), (20, 190, 240), (20, 20, 190), (60, 200, 240), (190, 240, 250)][i]
        cv2.fillPoly(shown, [np.rint(outline * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)
    small = cv2.resize(shown, SIZE, interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0, 2, small.shape)
    return np.asarray(np.clip(small + noise, 0, 255), dtype=np.uint8)


def worst_mm(found: Corners, truth: Camera, table: Table = TABLE) -> float:
    """The worst nose corner, in millimetres on the table; a table turned by half is the same table."""
    there = truth.to_plane(found, table.nose_height_in)
    turns = [np.linalg.norm(np.roll(there, k, axis=0) - table.corners_in, axis=1).max() for k in (0, 2)]
    return float(min(turns)) * MM_PER_IN


@pytest.mark.slow
@pytest.mark.parametrize(
    ("elevation_deg", "distance_in", "cloth", "most_mm"),
    [
        (89.0, 100, (150, 120, 30), 15),
        (89.0, 100, (150, 155, 150), 15),
        (40.0, 145, (60, 130, 20), 25),
        (40.0, 145, (60, 40, 150), 25),
    ],
    ids=["overhead blue", "overhead grey", "oblique green", "oblique red"],
)
def test_a_drawn_table_is_found(
    elevation_deg: float, distance_in: float, cloth: tuple[int, int, int], most_mm: float
) -> None:
    truth = posed(elevation_deg, distance_in)
    found = calibrate([drawn(truth, cloth=cloth)], table=TABLE)
    assert found.method == "cloth"
    assert worst_mm(found.corners_px, truth) < most_mm
    assert found.residual_px is not None
    assert found.uncertainty_in is not None


@pytest.mark.slow
def test_the_balls_tell_the_tables_size() -> None:
    table = STANDARD_TABLES["7ft"]
    truth = posed(89.0, table.length_in, table=table)
    found = calibrate([drawn(truth, table)])
    assert found.table == table
    assert worst_mm(found.corners_px, truth, table) < 15
    assert found.camera.position_in[2] == pytest.approx(truth.position_in[2], rel=0.25)


@pytest.mark.slow
def test_without_balls_the_size_is_assumed_and_said() -> None:
    table = STANDARD_TABLES["8ft"]
    found = calibrate([drawn(posed(89.0, 100, table=table), table, balls=False)])
    assert found.table.name == "9ft"
    assert any("assumed 9ft" in note for note in found.notes)


@pytest.mark.slow
def test_the_median_forgets_a_player_who_walks_through() -> None:
    truth = posed(40.0, 145)
    pictures = [drawn(truth) for _ in range(5)]
    for i in (1, 3):
        cv2.rectangle(pictures[i], (300 + 100 * i, 0), (560 + 100 * i, 500), (60, 70, 120), -1)
    assert worst_mm(calibrate(pictures, table=TABLE).corners_px, truth) < 25


def noise() -> Picture:
    return np.random.default_rng(2).integers(0, 255, (720, 1280, 3)).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.full((720, 1280, 3), 6, np.uint8), r"almost black \(mean 6 of 255\).*--corners"),
        (np.full((720, 1280, 3), 252, np.uint8), "almost white.*--corners"),
        (noise(), "no table found.*--corners"),
        (np.full((720, 1280, 3), (120, 90, 30), np.uint8), "--corners"),
        (np.full((60, 80, 3), 90, np.uint8), "too small"),
        (drawn(posed(89.0, 100), pockets=False), "pocket.*--corners"),
    ],
    ids=["black", "white", "noise", "cloth everywhere", "tiny", "no pockets"],
)
def test_what_is_no_table_is_refused_with_what_to_do(picture: Picture, says: str) -> None:
    with pytest.raises(CalibrationError, match=says):
        calibrate([picture], table=TABLE)


def test_pictures_of_different_sizes_and_no_pictures_are_refused() -> None:
    with pytest.raises(CalibrationError, match="no picture"):
        calibrate([])
    with pytest.raises(CalibrationError, match="differ in size"):
        calibrate([np.zeros((720, 1280, 3), np.uint8), np.zeros((480, 640, 3), np.uint8)])


def test_the_preview_draws_on_a_copy_and_adds_the_words_below() -> None:
    truth = posed(89.0, 100)
    picture = drawn(truth)
    before = picture.copy()
    corners = truth.project(np.column_stack([TABLE.corners_in, np.full(4, TABLE.nose_height_in)]))
    shown = draw_preview(picture, calibrate([picture], table=TABLE, corners_px=corners))
    assert np.array_equal(picture, before)
    assert shown.shape[1] == 1280
    assert shown.shape[0] > 740
    u, v = np.rint((corners[0] + corners[1]) / 2).astype(int)
    assert not np.array_equal(shown[v - 1 : v + 2, u - 200], picture[v - 1 : v + 2, u - 200])
