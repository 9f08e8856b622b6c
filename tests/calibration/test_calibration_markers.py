"""Markers: layouts of every kind, pictures rendered from a known camera, and the printed sheet."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.file import CalibrationError
from calibration.intrinsics import Intrinsics
from calibration.markers import Marker, MarkerLayout, aruco_dictionary, corners_in, load_layout, parse_layout
from calibration.sheet import PAGES, layout_json, sheet_pdf, standard_places
from calibration.solve import calibrate
from calibration.table import MM_PER_IN, STANDARD_TABLES

TABLE = STANDARD_TABLES["9ft"]
SIZE = (1280, 720)
LENS = Intrinsics(917, 917, 639.5, 359.5, width_px=1280, height_px=720)


def looking(from_in: tuple[float, float, float], lens: Intrinsics = LENS) -> Camera:
    """A camera of the lens that looks from a place at the table's middle, the picture's up being +y or +x."""
    eye, target = np.array(from_in), np.array([TABLE.length_in / 2, TABLE.width_in / 2, 0.0])
    forward = (target - eye) / np.linalg.norm(target - eye)
    up = np.array([0.0, 1.0, 0.0])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    R = np.array([right, np.cross(forward, right), forward])
    return lens.posed(R, -R @ eye)


OVERHEAD = looking((50.0, 25.0, 95.0))
OBLIQUE = looking((40.0, -60.0, 90.0))


def picture_of(camera: Camera, markers: list[Marker], dictionary: object) -> NDArray[np.uint8]:
    """The markers on grey, drawn at four times the size and shrunk, each turned its own way."""
    finer = camera.scaled(4)
    shown = np.full((SIZE[1] * 4, SIZE[0] * 4, 3), 110, np.uint8)
    for marker in markers:
        cells = 40
        tile = cv2.aruco.generateImageMarker(dictionary, marker.id, 6 * cells)  # type: ignore[call-overload]
        tile = cv2.copyMakeBorder(tile, cells, cells, cells, cells, cv2.BORDER_CONSTANT, value=255)
        black = np.array([[0, 0], [240, 0], [240, 240], [0, 240]], np.float32) + cells - 0.5
        to_picture = cv2.getPerspectiveTransform(
            black, finer.project(corners_in(marker, 0.4 * marker.id)).astype(np.float32)
        )
        drawn = cv2.warpPerspective(tile, to_picture, shown.shape[1::-1])
        mask = cv2.warpPerspective(np.full_like(tile, 255), to_picture, shown.shape[1::-1])
        shown[mask > 127] = drawn[mask > 127, None]
    return np.asarray(cv2.resize(shown, SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def layout_of(dictionary: object, side_in: float = 2.5) -> MarkerLayout:
    places = standard_places(TABLE, side_in * MM_PER_IN)
    return MarkerLayout(dictionary, tuple(p.marker for p in places), TABLE)


def worst_nose_mm(camera: Camera, truth: Camera) -> float:
    corners = np.column_stack([TABLE.corners_in, np.full(4, TABLE.nose_height_in)])
    there = camera.to_plane(truth.project(corners), TABLE.nose_height_in)
    return float(np.linalg.norm(there - TABLE.corners_in, axis=1).max()) * MM_PER_IN


@pytest.mark.parametrize("truth", [OVERHEAD, OBLIQUE], ids=["overhead", "oblique"])
def test_markers_give_the_camera_to_a_millimetre(truth: Camera) -> None:
    layout = layout_of(aruco_dictionary("DICT_4X4_50"))
    seen = picture_of(truth, list(layout.markers), layout.dictionary)
    found = calibrate([seen], markers=layout, intrinsics=LENS)
    assert found.method == "markers"
    assert found.table == TABLE
    assert worst_nose_mm(found.camera, truth) < 1.5
    assert found.residual_px is not None
    assert found.residual_px < 0.6


def test_an_unknown_lens_is_found_from_an_oblique_view_of_markers() -> None:
    layout = layout_of(aruco_dictionary("DICT_4X4_50"))
    seen = picture_of(OBLIQUE, list(layout.markers), layout.dictionary)
    found = calibrate([seen], markers=layout)
    assert found.camera.fx == pytest.approx(917, rel=0.08)
    assert worst_nose_mm(found.camera, OBLIQUE) < 5


def test_a_custom_dictionary_works_like_a_standard_one() -> None:
    layout = layout_of(aruco_dictionary({"count": 6, "bits": 4, "seed": 7}))
    seen = picture_of(OVERHEAD, list(layout.markers), layout.dictionary)
    assert worst_nose_mm(calibrate([seen], markers=layout, intrinsics=LENS).camera, OVERHEAD) < 1.5
    other = replace(layout, dictionary=aruco_dictionary({"count": 6, "bits": 4, "seed": 8}))
    with pytest.raises(CalibrationError, match="markers found"):
        calibrate([seen], markers=other, intrinsics=LENS)


def test_three_markers_are_enough_and_the_missing_ones_are_named() -> None:
    layout = layout_of(aruco_dictionary("DICT_4X4_50"))
    seen = picture_of(OBLIQUE, [m for m in layout.markers if m.id in (0, 2, 4)], layout.dictionary)
    found = calibrate([seen], markers=layout, intrinsics=LENS)
    assert worst_nose_mm(found.camera, OBLIQUE) < 3
    assert any("1, 3, 5" in note for note in found.notes)


def test_too_few_markers_are_refused_with_the_ids_that_were_seen() -> None:
    layout = layout_of(aruco_dictionary("DICT_4X4_50"))
    seen = picture_of(OVERHEAD, [m for m in layout.markers if m.id in (1, 4)], layout.dictionary)
    with pytest.raises(CalibrationError, match=r"only 2 of .*ids seen: 1, 4"):
        calibrate([seen], markers=layout, intrinsics=LENS)


def test_a_marker_stuck_elsewhere_is_refused() -> None:
    layout = layout_of(aruco_dictionary("DICT_4X4_50"))
    moved = [
        replace(m, centre_in=(m.centre_in[0] + 6, *m.centre_in[1:])) if m.id == 0 else m for m in layout.markers
    ]
    seen = picture_of(OVERHEAD, moved, layout.dictionary)
    with pytest.raises(CalibrationError, match="do not fit their layout"):
        calibrate([seen], markers=layout, intrinsics=LENS)


def test_markers_need_the_size_of_the_table() -> None:
    layout = replace(layout_of(aruco_dictionary("DICT_4X4_50")), table=None)
    with pytest.raises(CalibrationError, match="--table"):
        calibrate([np.full((720, 1280, 3), 90, np.uint8)], markers=layout)


def test_a_layout_in_millimetres_counts_from_the_tables_centre() -> None:
    layout = parse_layout(
        {
            "dictionary": "cv2.aruco.extendDictionary(4, 3), seed 0",
            "centres_mm": {"0": [-861, -542, 38.1], "2": [861, 542, 38.1]},
            "black_side_mm": 48,
            "camera": {"fx": 917, "fy": 917, "cx": 650, "cy": 360, "distortion": [0, 0, 0, 0, 0]},
        }
    )
    table = replace(TABLE, length_in=1881 / 25.4, width_in=943 / 25.4)
    first, second = layout.on_table(table)
    assert np.allclose(np.array(first.centre_in) * 25.4, (940.5 - 861, 471.5 - 542, 38.1))
    assert np.allclose(np.array(second.centre_in) * 25.4, (940.5 + 861, 471.5 + 542, 38.1))
    assert layout.intrinsics is not None
    assert layout.intrinsics.cx == 650
    assert layout.dictionary.markerSize == 3


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ({"dictionary": "DICT_9X9_12"}, "no ArUco dictionary"),
        ({"schema": 2}, "schema 2"),
        ({"markers": {"0": {"centre_in": [1, 2], "side_in": 2}}}, "three numbers"),
        ({"markers": {"70": {"centre_in": [1, 2, 3], "side_in": 2}}}, "ids 0 to 49"),
        ({"markers": {"0": {"centre_in": [1, 2, 3], "side_in": 0}}}, "black side"),
    ],
)
def test_a_damaged_layout_says_what_is_wrong(tmp_path: Path, damage: dict[str, object], says: str) -> None:
    good = layout_json(TABLE, standard_places(TABLE, 40), "DICT_4X4_50")
    path = tmp_path / "layout.json"
    path.write_text(json.dumps(good | damage))
    with pytest.raises(CalibrationError, match=says):
        load_layout(path)


def test_the_sheets_layout_is_read_back_as_it_was_placed(tmp_path: Path) -> None:
    places = standard_places(TABLE, 40)
    path = tmp_path / "layout.json"
    path.write_text(json.dumps(layout_json(TABLE, places, "DICT_5X5_100")))
    layout = load_layout(path)
    assert layout.table == TABLE
    for marker, place in zip(layout.on_table(TABLE), places, strict=True):
        assert marker.centre_in == pytest.approx(place.marker.centre_in, abs=1e-3)
        assert marker.side_in * MM_PER_IN == pytest.approx(40, abs=0.01)


def test_patterns_of_ones_own_are_recognised() -> None:
    standard = aruco_dictionary("DICT_4X4_50")
    patterns = []
    for i in range(4):
        cells = cv2.aruco.generateImageMarker(standard, i, 6)[1:-1, 1:-1] > 0
        patterns.append(["".join(str(int(bit)) for bit in row) for row in cells])
    own = aruco_dictionary({"patterns": patterns})
    assert np.array_equal(own.bytesList, standard.bytesList[:4])


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_printed_markers_have_their_true_size_and_are_seen(page: str) -> None:
    places = standard_places(TABLE, 40)
    pdf = sheet_pdf(TABLE, places, "DICT_4X4_50", page).decode("latin-1")
    box = [float(v) for v in re.findall(r"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)[0]]
    assert box == pytest.approx([v * 72 / 25.4 for v in PAGES[page]], abs=0.01)
    seen: dict[int, float] = {}
    scale = 4.0  # pixels a point
    for stream in re.findall(r"stream\n(.*?)\nendstream", pdf, re.DOTALL):
        drawn = np.full((int(box[1] * scale), int(box[0] * scale)), 255, np.uint8)
        for text in re.findall(r"([-\d.]+ [-\d.]+ [-\d.]+ [-\d.]+) re f", stream):
            u, v, w, h = (float(part) * scale for part in text.split())
            top = drawn.shape[0] - v - h
            drawn[round(top) : round(top + h), round(u) : round(u + w)] = 0
        corners, ids, _ = cv2.aruco.ArucoDetector(aruco_dictionary("DICT_4X4_50")).detectMarkers(drawn)
        for quad, id_ in zip(corners, [] if ids is None else ids.ravel(), strict=True):
            sides = np.linalg.norm(quad[0] - np.roll(quad[0], 1, axis=0), axis=1)
            seen[int(id_)] = float(sides.mean()) / scale * 25.4 / 72
    assert sorted(seen) == [0, 1, 2, 3, 4, 5]
    assert list(seen.values()) == pytest.approx([40.0] * 6, abs=0.4)
    assert pdf.count("stream\n") // 2 == pdf.count("/MediaBox")
    start = int(re.findall(r"startxref\n(\d+)", pdf)[0])
    assert pdf[start:].startswith("xref")
