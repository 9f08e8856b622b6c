"""Drift: a moved camera is noticed, light, balls and players are not taken for it."""

import json

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.drift import fingerprint, moved
from calibration.file import Calibration
from calibration.intrinsics import Intrinsics
from calibration.table import STANDARD_TABLES

TABLE = STANDARD_TABLES["9ft"]
LENS = Intrinsics(800, 800, 639.5, 359.5, width_px=1280, height_px=720)
# Straight above the middle, x to the right, y up in the picture, 75 in over the cloth.
CAMERA = LENS.posed([[1, 0, 0], [0, -1, 0], [0, 0, -1]], (-50.0, 25.0, 75.0))
CALIBRATION = Calibration("t", "corners", TABLE, CAMERA)
Picture = NDArray[np.uint8]


def at(x: float, y: float) -> tuple[int, int]:
    ((u, v),) = CALIBRATION.to_picture([(x, y)], TABLE.nose_height_in)
    return round(u), round(v)


@pytest.fixture(scope="module")
def table_picture() -> Picture:
    """A plain table from above: floor, rails with diamonds, cushions, cloth, pockets, and a sensor's noise."""
    shown = np.full((720, 1280, 3), (70, 80, 90), np.uint8)
    for beyond, colour in ((5.5, (40, 60, 100)), (2.0, (120, 150, 60)), (0.0, (110, 130, 40))):
        cv2.rectangle(shown, at(-beyond, -beyond), at(100 + beyond, 50 + beyond), colour, -1)
    for pocket in TABLE.pockets:
        cv2.circle(shown, at(pocket.x_in, pocket.y_in), 24, (8, 8, 8), -1)
    for x in (12.5, 25, 37.5, 62.5, 75, 87.5):
        for y in (-3.7, 53.7):
            cv2.circle(shown, at(x, y), 4, (230, 230, 230), -1)
    for y in (12.5, 25, 37.5):
        for x in (-3.7, 103.7):
            cv2.circle(shown, at(x, y), 4, (230, 230, 230), -1)
    return cv2.GaussianBlur(shown, (0, 0), 1.0).astype(np.uint8)


def noisy(picture: Picture, seed: int) -> Picture:
    noise = np.random.default_rng(seed).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def shifted(picture: Picture, du: float, dv: float, turn_deg: float = 0.0) -> Picture:
    warp = np.asarray(cv2.getRotationMatrix2D((640, 360), turn_deg, 1.0), dtype=np.float64)
    warp[:, 2] += (du, dv)
    return np.asarray(cv2.warpAffine(picture, warp, (1280, 720), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


@pytest.fixture(scope="module")
def kept(table_picture: Picture) -> dict[str, object]:
    """A fingerprint as it comes back from a file."""
    made = fingerprint([noisy(table_picture, i) for i in range(5)], TABLE, CAMERA)
    assert made is not None
    return dict(json.loads(json.dumps(made)))


def test_a_still_camera_is_the_same(table_picture: Picture, kept: dict[str, object]) -> None:
    verdict = moved(kept, noisy(table_picture, 9))
    assert verdict.state == "same"
    assert verdict.recognised >= 0.9 * verdict.patches
    assert verdict.shift_px is not None
    assert verdict.shift_px < 0.3


@pytest.mark.parametrize(
    ("by_px", "turn_deg", "state"),
    [
        ((0.6, 0.6), 0, "same"),
        ((2.6, 0), 0, "moved"),
        ((-1.5, 2.2), 0, "moved"),
        ((9, -7), 0, "moved"),
        ((0, 0), 0.5, "moved"),
    ],
)
def test_movement_is_noticed_from_two_pixels_on(
    table_picture: Picture, kept: dict[str, object], by_px: tuple[float, float], turn_deg: float, state: str
) -> None:
    verdict = moved(kept, noisy(shifted(table_picture, *by_px, turn_deg), 3))
    assert verdict.state == state
    assert verdict.moved == (state == "moved")
    if not turn_deg:
        assert verdict.shift_px == pytest.approx(float(np.hypot(*by_px)), abs=0.4)


@pytest.mark.parametrize(("gain", "offset"), [(0.45, 0), (1.3, 15), (0.8, 40)])
def test_light_is_not_movement(
    table_picture: Picture, kept: dict[str, object], gain: float, offset: float
) -> None:
    changed = np.clip(table_picture * gain + offset, 0, 255).astype(np.uint8)
    assert moved(kept, noisy(changed, 4)).state == "same"


def test_balls_in_every_jaw_and_a_player_are_not_movement(table_picture: Picture, kept: dict[str, object]) -> None:
    shown = table_picture.copy()
    for pocket in TABLE.pockets:
        cv2.circle(shown, at(pocket.x_in, pocket.y_in), 10, (200, 240, 250), -1)
    cv2.rectangle(shown, (500, 0), (900, 720), (30, 30, 60), -1)
    assert moved(kept, noisy(shown, 5)).state == "same"


def test_another_scene_is_no_small_movement(kept: dict[str, object]) -> None:
    scene = np.random.default_rng(1).integers(0, 255, (45, 80, 3)).astype(np.uint8)
    verdict = moved(kept, np.asarray(cv2.resize(scene, (1280, 720)), dtype=np.uint8))
    assert verdict.state == "other view"
    assert verdict.moved
    assert verdict.shift_px is None


def test_in_the_dark_it_says_that_it_cannot_tell(kept: dict[str, object]) -> None:
    verdict = moved(kept, np.full((720, 1280, 3), 4, np.uint8))
    assert verdict.state == "dark"
    assert not verdict.moved
    assert "dark" in verdict.in_words()


def test_a_picture_of_another_size_is_refused(kept: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="1280×720"):
        moved(kept, np.zeros((480, 640, 3), np.uint8))


def test_a_view_without_anything_to_hold_on_to_has_no_fingerprint() -> None:
    assert fingerprint([np.full((720, 1280, 3), 90, np.uint8)], TABLE, CAMERA) is None
