"""What is learnt of a table is what its formulas say at every pixel, and learning it takes little memory."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.bed import Bed, measure_bed
from vision.detect.cloth import Cloth, half_bgr, learn_cloth
from vision.frames.source import Frame
from vision.simulate.look import look_named
from vision.simulate.render import BallPose, Renderer, Scene
from vision.simulate.shotbook import load_shot_book
from vision.simulate.view import default_camera

SIZE = (1280, 722)  # half of it is no whole number of bands
TABLE = load_shot_book().table
CAMERA = default_camera(SIZE, TABLE.length_in, TABLE.width_in)
CALIBRATION = Calibration("drawn", "file", TABLE, CAMERA, residual_px=0.0, uncertainty_in=0.0)
# Bytes for each half-size pixel: the cloth itself takes 12, three channels of four bytes.
LEAST_BYTES, MOST_BYTES = 12, 36


@pytest.fixture(scope="module")
def frame() -> Frame:
    layout = load_shot_book().racks[0][0].layout_start
    poses = tuple(
        BallPose(name, np.array([[*p, TABLE.ball_radius_in]]), np.eye(3), still=True) for name, p in layout.items()
    )
    planes = Renderer(CAMERA, TABLE, look_named("club"), seed=2).frame(Scene(poses))
    return Frame(0, 0.0, planes.y, planes.u, planes.v)


@pytest.fixture(scope="module")
def cloth(frame: Frame) -> Cloth:
    return learn_cloth([frame], CALIBRATION)


@pytest.fixture(scope="module")
def bed(frame: Frame, cloth: Cloth) -> Bed:
    return measure_bed(CALIBRATION, cloth, [frame])


def laid_out(order: int, height: int, width: int) -> NDArray[np.float64]:
    """Every product of powers up to an order, at every pixel, shape (height · width, terms)."""
    v, u = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None] * 2 - 1
    return np.stack([u**i * v**j for i in range(order + 1) for j in range(order + 1 - i)], axis=-1).reshape(
        height * width, -1
    )


def beside(terms: NDArray[np.float64], surface: NDArray[np.float64]) -> float:
    """The greatest distance from a surface, shape (N, channels), to the best one that has these terms."""
    step = slice(None, None, 97)
    coefficients = np.linalg.lstsq(terms[step], surface[step], rcond=None)[0]
    return float(np.abs(terms @ coefficients - surface).max())


@pytest.mark.slow
def test_the_cloth_is_one_surface_of_the_fourth_order(frame: Frame, cloth: Cloth, bed: Bed) -> None:
    height, width, _ = cloth.log_bgr.shape
    surface = cloth.log_bgr.reshape(-1, 3).astype(np.float64)
    assert beside(laid_out(4, height, width), surface) < 1e-5
    assert beside(laid_out(3, height, width), surface) > 1e-3, "a lower order would not tell"

    apart = (cloth.log_of(half_bgr(frame)) - cloth.log_bgr)[bed.samples]
    assert np.abs(np.median(apart, axis=0)).max() < 0.01


@pytest.mark.slow
def test_the_radius_is_one_surface_of_the_second_order(bed: Bed) -> None:
    inside = (bed.bed > 0).ravel()
    surface = bed.radius_half.reshape(-1, 1).astype(np.float64)[inside]
    assert beside(laid_out(2, *bed.radius_half.shape)[inside], surface) < 1e-5


@pytest.mark.slow
def test_what_is_measured_in_bands_is_what_the_whole_picture_says(frame: Frame, cloth: Cloth, bed: Bed) -> None:
    against = cloth.against(cloth.log_of(half_bgr(frame)) - cloth.log_bgr)
    rows, columns = np.nonzero((np.abs(against.foreign) < 0.6) & (bed.reach > 0))
    step = len(rows) // 200
    assert np.array_equal(bed.samples, (rows[::step], columns[::step]))
    dark = (against.mean < -1.5) | ((against.foreign > 1) & (bed.bed == 0))
    assert not (bed.holes[~dark]).any()
    assert (bed.holes > 0).sum() > 100


@pytest.mark.slow
@pytest.mark.parametrize("what", ["cloth", "bed"])
def test_learning_takes_little_memory(frame: Frame, cloth: Cloth, what: str) -> None:
    learn: dict[str, Callable[[], object]] = {
        "cloth": lambda: learn_cloth([frame], CALIBRATION),
        "bed": lambda: measure_bed(CALIBRATION, cloth, [frame]),
    }
    tracemalloc.start()
    try:
        learnt = learn[what]()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert learnt is not None
    assert LEAST_BYTES <= peak / (SIZE[0] * SIZE[1] // 4) <= MOST_BYTES
