"""Four given corners: the camera they show, their order, and what is refused."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.file import CalibrationError, load_calibration
from calibration.intrinsics import Intrinsics, load_intrinsics
from calibration.solve import calibrate
from calibration.table import MM_PER_IN, STANDARD_TABLES, parse_table

TABLE = STANDARD_TABLES["9ft"]
LENS = Intrinsics(1000, 1000, 639.5, 359.5, width_px=1280, height_px=720)
GREY = np.full((720, 1280, 3), 90, np.uint8)


def orbit(azimuth_deg: float, elevation_deg: float, distance_in: float, lens: Intrinsics = LENS) -> Camera:
    """A camera on a sphere round the table's middle, its right horizontal."""
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    middle = np.array([TABLE.length_in / 2, TABLE.width_in / 2, 0])
    away = np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
    right = np.array([-math.sin(a), math.cos(a), 0.0])
    R = np.array([right, -np.cross(away, right), -away])
    return lens.posed(R, -R @ (middle + distance_in * away))


def noses(camera: Camera) -> NDArray[np.float64]:
    return camera.project(np.column_stack([TABLE.corners_in, np.full(4, TABLE.nose_height_in)]))


def worst_mm(camera: Camera, truth: Camera) -> float:
    """The worst error of a ball's place, over a grid of balls."""
    xy = np.array([(x, y) for x in (2.0, 50.0, 98.0) for y in (2.0, 25.0, 48.0)])
    r = TABLE.ball_radius_in
    seen = truth.project(np.column_stack([xy, np.full(len(xy), r)]))
    return float(np.linalg.norm(camera.to_plane(seen, r) - xy, axis=1).max()) * MM_PER_IN


angles = st.tuples(st.floats(0, 360), st.floats(25, 85), st.floats(170, 230))


@given(angles)
@settings(max_examples=25, deadline=None)
def test_corners_and_a_known_lens_give_the_camera_from_any_side(where: tuple[float, float, float]) -> None:
    truth = orbit(*where)
    found = calibrate([GREY], table=TABLE, corners_px=noses(truth), intrinsics=LENS)
    assert worst_mm(found.camera, truth) < 0.5
    assert not any("clockwise" in note for note in found.notes)


@given(angles, st.floats(0, 100), st.floats(0, 50))
@settings(max_examples=40, deadline=None)
def test_table_to_picture_and_back_is_the_same_place(
    where: tuple[float, float, float], x: float, y: float
) -> None:
    truth = orbit(*where)
    found = calibrate([GREY], table=TABLE, corners_px=noses(truth), intrinsics=LENS)
    assert np.allclose(found.to_table(found.to_picture([(x, y)])), [(x, y)], atol=1e-6)
    ((u, v),) = found.to_picture([(x, y)])
    assert np.allclose(found.to_picture(found.to_table([(u, v)])), [(u, v)], atol=1e-6)


@pytest.mark.parametrize("focal", [700.0, 1000.0, 1900.0])
def test_an_oblique_view_shows_an_unknown_focal_length(focal: float) -> None:
    lens = Intrinsics(focal, focal, 639.5, 359.5, width_px=1280, height_px=720)
    truth = orbit(-60, 35, 0.19 * focal, lens)
    found = calibrate([GREY], table=TABLE, corners_px=noses(truth))
    assert found.camera.fx == pytest.approx(focal, rel=0.02)
    assert worst_mm(found.camera, truth) < 4
    assert not any("focal" in note for note in found.notes)


def test_an_overhead_view_assumes_a_usual_lens_and_says_so() -> None:
    truth = orbit(-90, 89.5, 110)
    found = calibrate([GREY], table=TABLE, corners_px=noses(truth))
    assert any("focal" in note for note in found.notes)
    assert worst_mm(found.camera, truth) < 4


def test_clockwise_corners_are_turned_round_and_the_long_side_stays_first() -> None:
    corners = noses(orbit(-90, 50, 180))
    clockwise = corners[[1, 0, 3, 2]]
    found = calibrate([GREY], table=TABLE, corners_px=clockwise, intrinsics=LENS)
    assert any("clockwise" in note for note in found.notes)
    assert np.allclose(found.corners_px, corners, atol=0.1)
    assert found.camera.position_in[2] > 0


@pytest.mark.parametrize(
    ("corners", "says"),
    [
        ([(100, 600), (1200, 100), (1200, 600), (100, 100)], "cross"),
        ([(100, 600), (1200, 600), (1200, 100), (100, 9000)], "outside"),
        ([(100, 600), (650, 350), (1200, 100), (100, 100)], "one line"),
        ([(100, 600), (101, 601), (1200, 100), (100, 100)], "same point"),
        ([(100, 600), (1200, 600), (1200, 100)], "four corners"),
        ([(100, 600), (1200, 600), (1200, 100), (float("nan"), 100)], "four corners"),
        ([(500, 690), (800, 690), (800, 90), (500, 90)], "short one"),
        ([(300, 650), (900, 650), (900, 50), (300, 50)], "do not fit a table"),
    ],
)
def test_corners_that_are_no_table_are_refused(corners: list[tuple[float, float]], says: str) -> None:
    with pytest.raises(CalibrationError, match=says):
        calibrate([GREY], table=TABLE, corners_px=corners, intrinsics=LENS)


def test_without_a_table_nine_feet_are_assumed_and_said() -> None:
    found = calibrate([GREY], corners_px=noses(orbit(-90, 60, 180)))
    assert found.table.name == "9ft"
    assert any("assumed 9ft" in note for note in found.notes)


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    found = calibrate([GREY], table=parse_table("92x46in"), corners_px=noses(orbit(-70, 45, 180)))
    path = tmp_path / "calibration.json"
    found.save(path)
    back = load_calibration(path)
    assert back == found
    with pytest.raises(CalibrationError, match="1280×720"):
        back.require_picture(1920, 1080)


def test_a_lens_measured_at_another_size_is_scaled_and_another_shape_refused(tmp_path: Path) -> None:
    path = tmp_path / "lens.json"
    path.write_text('{"fx": 1500, "fy": 1500, "cx": 959.5, "cy": 539.5, "width": 1920, "height": 1080}')
    lens = load_intrinsics(path)
    truth = orbit(-80, 40, 180)
    found = calibrate([GREY], table=TABLE, corners_px=noses(truth), intrinsics=lens)
    assert found.camera.fx == pytest.approx(1000)
    assert worst_mm(found.camera, truth) < 0.5
    with pytest.raises(CalibrationError, match="intrinsics are for pictures of 1920×1080"):
        lens.for_picture(1280, 960)


@pytest.mark.parametrize("text", ["", "[]", '{"fx": 0, "fy": 1}', '{"fx": "x", "fy": 1}', '{"fx": 1}'])
def test_a_file_that_is_no_lens_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lens.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match="no intrinsics"):
        load_intrinsics(path)
