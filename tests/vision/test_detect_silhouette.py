"""What of a ball's outline can be seen: a near cushion hides its foot, its own shadow blurs it from the side."""

from dataclasses import replace

import cv2
import numpy as np

from calibration.camera import Camera
from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from vision.detect.outlines import OutlineMap
from vision.detect.silhouette import SPOKES, silhouettes

TABLE = STANDARD_TABLES["9ft"]
R = TABLE.ball_radius_in


def seen_from(height_in: float, away_in: float) -> Calibration:
    """A camera that looks at the table's middle from beyond the rail at y = 0."""
    eye = np.array([50.0, -away_in, height_in])
    forward = np.array([50.0, 25.0, 0.0]) - eye
    forward /= np.linalg.norm(forward)
    right = np.array([1.0, 0.0, 0.0])
    turn = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[900.0, 0, 639.5], [0, 900.0, 359.5], [0, 0, 1]])
    camera = Camera.from_pose((1280, 720), matrix, cv2.Rodrigues(turn)[0], -turn @ eye)
    return Calibration("drawn", "file", TABLE, camera, residual_px=0.0, uncertainty_in=0.0)


OBLIQUE, OVERHEAD = seen_from(50.0, 90.0), seen_from(160.0, -25.0)


def test_a_near_cushion_hides_the_foot_of_a_ball_frozen_to_it() -> None:
    near, middle, far = silhouettes(OBLIQUE, np.array([(50.0, R), (50.0, 25.0), (50.0, 50.0 - R)])).hidden
    assert 0.1 * SPOKES < near.sum() < 0.6 * SPOKES
    assert not middle.any()
    assert not far.any()


def test_from_overhead_no_cushion_hides_anything_of_a_ball() -> None:
    s = silhouettes(OVERHEAD, np.array([(R, R), (50.0, R), (100.0 - R, 50.0 - R), (50.0, 25.0)]))
    assert not s.hidden.any()
    assert not s.inner_hidden.any()


def test_a_balls_own_shadow_is_looked_for_under_it_from_the_side_only() -> None:
    (side,) = silhouettes(OBLIQUE, np.array([(50.0, 25.0)])).under
    (above,) = silhouettes(OVERHEAD, np.array([(50.0, 25.0)])).under
    assert 0 < side.sum() < 0.4 * SPOKES
    assert not above.any()


def test_outlines_of_the_map_are_those_of_the_sphere() -> None:
    """All over the table and a little beyond, for a lens that bends, within a twentieth of a pixel."""
    camera = Camera.from_json(OBLIQUE.camera.to_json() | {"distortion": [-0.16, 0.03, 0.0005, -0.0004, 0.0]})
    bent = replace(OBLIQUE, camera=camera)
    rng = np.random.default_rng(3)
    points = rng.uniform((-2, -2), (102, 52), (300, 2))
    exact, found = silhouettes(bent, points), OutlineMap(bent).at(points)
    assert np.abs(found.spokes_px - exact.spokes_px).max() < 0.05
    assert np.abs(found.normals - exact.normals).max() < 0.01
    assert (found.hidden == exact.hidden).all()
    assert (found.inner_hidden == exact.inner_hidden).all()
    assert (found.under != exact.under).mean() < 0.01
