"""The cloth: told in any light, learnt around balls, and refused with a sentence where there is none."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.file import Calibration, CalibrationError
from vision.detect.classical import Detector
from vision.detect.cloth import Cloth, ClothError, bed_mask, half_bgr, learn_cloth
from vision.detect.expected import Expected
from vision.frames.source import Frame
from vision.simulate.look import look_named
from vision.simulate.render import BallPose, Renderer, Scene
from vision.simulate.shotbook import load_shot_book
from vision.simulate.view import default_camera

TABLE = load_shot_book().table
SIZE = (640, 360)
CAMERA = default_camera(SIZE, TABLE.length_in, TABLE.width_in)
CALIBRATION = Calibration("drawn", "file", TABLE, CAMERA, residual_px=0.0, uncertainty_in=0.0)
LOOKS = ("club", "grey", "dim", "bright")


@cache
def drawn(look: str, balls: bool = False) -> Frame:
    """The table of a look, empty or with a rack and some balls."""
    layout = load_shot_book().racks[0][0].layout_start if balls else {}
    poses = tuple(
        BallPose(name, np.array([[*p, TABLE.ball_radius_in]]), np.eye(3), still=True) for name, p in layout.items()
    )
    planes = Renderer(CAMERA, TABLE, look_named(look), seed=2).frame(Scene(poses))
    return Frame(0, 0.0, planes.y, planes.u, planes.v)


def painted(bgr: tuple[int, int, int]) -> Frame:
    """A picture of one colour."""
    return Frame.from_bgr(np.full((SIZE[1], SIZE[0], 3), bgr, dtype=np.uint8))


def lit(frame: Frame, gain: float) -> Frame:
    """The frame in `gain` times the light."""
    return Frame.from_bgr(np.clip(frame.bgr() * gain, 0, 255).astype(np.uint8))


def ratio(cloth: Cloth, frame: Frame) -> NDArray[np.float32]:
    """log(pixel) − log(cloth) at half size, shape (h, w, 3)."""
    result: NDArray[np.float32] = cloth.log_of(half_bgr(frame)) - cloth.log_bgr
    return result


@pytest.mark.parametrize("look", LOOKS)
def test_bare_cloth_is_not_foreign_to_itself(look: str) -> None:
    frame = drawn(look)
    cloth = learn_cloth([frame], CALIBRATION)
    bed = cv2.erode(bed_mask(CALIBRATION, *frame.u.shape), np.ones((15, 15), np.uint8)) > 0

    foreign = cloth.against(ratio(cloth, frame)).foreign[bed] > 1

    assert foreign.mean() < (0.05 if look == "dim" else 0.005)  # there the noise is a tenth of the light


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_balls_on_the_table_do_not_change_the_cloth(look: str) -> None:
    bare, full = (learn_cloth([drawn(look, balls)], CALIBRATION) for balls in (False, True))
    bed = bed_mask(CALIBRATION, SIZE[1] // 2, SIZE[0] // 2) > 0

    apart = np.abs(bare.log_bgr - full.log_bgr)[bed]

    assert float(np.percentile(apart, 99)) < 0.08


def test_balls_are_foreign_to_the_cloth() -> None:
    frame = drawn("club", balls=True)
    cloth = learn_cloth([frame], CALIBRATION)
    foreign = cloth.against(ratio(cloth, frame)).foreign
    layout = load_shot_book().racks[0][0].layout_start

    for name, place in layout.items():
        u, v = np.round((CALIBRATION.to_picture(place[None])[0] - 0.5) / 2).astype(int)
        assert float(np.median(foreign[v - 1 : v + 2, u - 1 : u + 2])) > 1, name


def test_a_shadow_is_shade_and_not_a_ball() -> None:
    frame = drawn("club")
    cloth = learn_cloth([frame], CALIBRATION)
    dark = lit(frame, 0.6)
    part = slice(80, 100), slice(140, 180)

    in_shade = ratio(cloth, dark)

    assert float((cloth.against(in_shade).foreign[part] > 1).mean()) < 0.05
    assert float(cloth.against(in_shade).shade[part].mean()) > 0.9
    assert float(cloth.against(ratio(cloth, frame)).shade[part].mean()) < 0.05


def test_a_black_picture_says_to_switch_on_the_light() -> None:
    with pytest.raises(ClothError, match=r"almost black \(median \d+ of 255\): switch on the table light"):
        Detector(CALIBRATION).detect(painted((0, 0, 0)))


def test_an_over_exposed_picture_says_to_lower_exposure() -> None:
    with pytest.raises(ClothError, match=r"over-exposed \(median 25\d of 255\): lower exposure or gain"):
        Detector(CALIBRATION).detect(painted((255, 255, 255)))


def test_a_picture_without_cloth_says_to_check_calibration_and_light() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (SIZE[1] // 8, SIZE[0] // 8, 3), dtype=np.uint8)
    picture = np.kron(noise, np.ones((8, 8, 1), dtype=np.uint8))
    with pytest.raises(ClothError, match="check the calibration and the light"):
        Detector(CALIBRATION).detect(Frame.from_bgr(picture))


def test_a_table_outside_the_picture_says_to_calibrate_again() -> None:
    away = replace(CAMERA, cx=CAMERA.cx + 2000)
    astray = replace(CALIBRATION, camera=away)
    with pytest.raises(ClothError, match="outside the picture: calibrate again"):
        learn_cloth([drawn("club")], astray)


@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (640, 480)])
def test_a_picture_of_another_size_is_refused(size: tuple[int, int]) -> None:
    frame = Frame.from_bgr(np.full((size[1], size[0], 3), 90, dtype=np.uint8))
    detector = Detector(CALIBRATION)
    with pytest.raises(CalibrationError, match=f"{size[0]}.{size[1]}"):
        detector.detect(frame)


def test_looking_before_learning_is_a_mistake_of_the_program() -> None:
    with pytest.raises(RuntimeError, match="not learnt"):
        Detector(CALIBRATION).look(drawn("club"), Expected.none())
