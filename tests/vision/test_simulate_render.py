"""The renderer puts balls where the camera model says they are."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.table import STANDARD_TABLES
from vision.balls import ball_sets
from vision.frames.source import Frame
from vision.simulate.look import LOOKS, look_named
from vision.simulate.render import BallPose, Renderer, Scene
from vision.simulate.scene import backdrop
from vision.simulate.spheres import Painter
from vision.simulate.view import View, default_camera

TABLE = STANDARD_TABLES["9ft"]
SMALL = (640, 360)
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def painter() -> Painter:
    camera = default_camera((1280, 720), TABLE.length_in, TABLE.width_in)
    return _painter(camera)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    camera = default_camera(SMALL, TABLE.length_in, TABLE.width_in)
    return Renderer(camera, TABLE, look_named("club"))


def _painter(camera: Camera) -> Painter:
    view, look = View(camera), look_named("club")
    return Painter(view, TABLE, look, ball_sets()["american"], backdrop(view, TABLE, look))


def _pose(name: str, x: float, y: float, *, still: bool = True) -> BallPose:
    return BallPose(name, np.array([[x, y, TABLE.ball_radius_in]]), np.eye(3), still=still)


@pytest.mark.parametrize(("x", "y"), [(50, 25), (1.2, 1.2), (98.7, 48.6), (23.37, 40.71), (77.77, 1.125)])
def test_a_drawn_outline_lies_within_a_tenth_of_a_pixel(painter: Painter, x: float, y: float) -> None:
    """Every pixel the outline crosses is covered by a half and its distance inside the projected outline."""
    centre = np.array([x, y, TABLE.ball_radius_in])
    sprite = painter.ball("3", centre, np.eye(3))
    assert sprite is not None
    outline = painter.view.camera.sphere_outline(centre, TABLE.ball_radius_in, points=720).astype(np.float32)
    errors = []
    for row, column in np.argwhere((sprite.cover > 0.02) & (sprite.cover < 0.98)):
        at = (float(sprite.region.left + column), float(sprite.region.top + row))
        inside_px = cv2.pointPolygonTest(outline, at, True)
        errors.append(float(sprite.cover[row, column]) - 0.5 - inside_px)
    assert len(errors) > 50
    assert abs(np.mean(errors)) < 0.02
    assert np.abs(errors).max() < 0.1


def test_a_drawn_ball_has_the_outline_s_centre_and_area(painter: Painter) -> None:
    centre = np.array([88.3, 7.9, TABLE.ball_radius_in])
    sprite = painter.ball("cue", centre, np.eye(3))
    assert sprite is not None
    outline = painter.view.camera.sphere_outline(centre, TABLE.ball_radius_in, points=360)
    moments = cv2.moments(outline.astype(np.float32))
    rows, columns = np.indices(sprite.cover.shape)
    mass = float(sprite.cover.sum())
    u = sprite.region.left + float((columns * sprite.cover).sum()) / mass
    v = sprite.region.top + float((rows * sprite.cover).sum()) / mass
    assert mass == pytest.approx(moments["m00"], rel=0.005)
    assert (u, v) == pytest.approx((moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]), abs=0.02)


def test_pixel_rays_go_where_the_camera_sees(painter: Painter) -> None:
    view = painter.view
    for u, v in ((0, 0), (1279, 0), (641, 333), (13, 719), (1279, 719)):
        point = view.eye + view.pixel_rays[v, u].astype(float) * 100
        assert view.camera.project(point[None])[0] == pytest.approx((u, v), abs=0.01)


def test_a_ball_s_colour_is_seen_at_its_place(renderer: Renderer) -> None:
    planes = renderer.frame(Scene((_pose("3", 30, 20), _pose("1", 70, 30), _pose("8", 50, 10))))
    frame = Frame(0, 0.0, planes.y, planes.u, planes.v)
    picture = frame.bgr()
    centres = np.array([[30, 20, 1.125], [70, 30, 1.125], [50, 10, 1.125]])
    red, yellow, black = (
        picture[round(v) - 3 : round(v) + 4, round(u) - 3 : round(u) + 4].reshape(-1, 3).mean(axis=0)
        for u, v in renderer.view.camera.project(centres)
    )
    assert red[2] > 2 * red[1]
    assert yellow[2] > 150
    assert yellow[1] > 110
    assert yellow[0] < 110
    assert black.max() < 90


def test_a_ball_taken_away_leaves_the_empty_table(renderer: Renderer) -> None:
    quiet = renderer.frame(Scene(()))
    renderer.frame(Scene((_pose("5", 40, 25),)))
    again = renderer.frame(Scene(()))
    # Noise aside: every frame has its own.
    difference = np.abs(cv2.blur(quiet.y, (9, 9)).astype(int) - cv2.blur(again.y, (9, 9)))
    assert difference.max() <= 3


def test_a_moving_ball_looks_like_a_still_one_where_they_meet(renderer: Renderer) -> None:
    still = renderer.frame(Scene((_pose("2", 61.3, 17.2),)))
    moving = renderer.frame(Scene((_pose("2", 61.3, 17.2, still=False),)))
    difference = np.abs(cv2.blur(still.y, (5, 5)).astype(int) - cv2.blur(moving.y, (5, 5)))
    assert difference.max() <= 6


def test_motion_blur_is_centred_on_the_middle_of_the_way(renderer: Renderer) -> None:
    camera = renderer.view.camera
    path = np.array([[30 + d, 20 + 0.4 * d, TABLE.ball_radius_in] for d in np.linspace(-1.5, 1.5, 7)])
    empty = cv2.blur(renderer.frame(Scene(())).y, (3, 3)).astype(float)
    planes = renderer.frame(Scene((BallPose("cue", path, np.eye(3)),)))
    gain = np.clip(cv2.blur(planes.y, (3, 3)).astype(float) - empty - 12, 0, None)
    rows, columns = np.indices(gain.shape)
    seen = (float((columns * gain).sum() / gain.sum()), float((rows * gain).sum() / gain.sum()))
    assert seen == pytest.approx(tuple(camera.project(path[3][None])[0]), abs=0.6)
    ends = camera.project(path[[0, -1]])
    lengthwise = np.sqrt(float((gain * (columns - seen[0]) ** 2).sum() / gain.sum()))
    across = np.sqrt(float((gain * (rows - seen[1]) ** 2).sum() / gain.sum()))
    assert lengthwise > 1.2 * across
    assert np.hypot(*(ends[1] - ends[0])) > 10


def test_a_falling_ball_shows_through_its_hole_only(renderer: Renderer) -> None:
    pocket = TABLE.pockets[4]
    deep = np.array([[pocket.x_in, pocket.y_in + 1.5, -1.3]])
    empty = renderer.frame(Scene(()))
    planes = renderer.frame(Scene((BallPose("cue", deep, np.eye(3), falling=True),)))
    changed = np.abs(cv2.blur(planes.y, (3, 3)).astype(int) - cv2.blur(empty.y, (3, 3))) > 14
    on_cloth = renderer.view.on_plane(renderer.view.pixel_rays, 0.0)
    away = np.hypot(on_cloth[..., 0] - pocket.x_in, on_cloth[..., 1] - pocket.y_in)
    assert changed[away < pocket.radius_in].any()
    assert not changed[(away > pocket.radius_in + 0.7) & (on_cloth[..., 1] > 0.7)].any()


def test_the_near_cushion_hides_what_is_behind_it() -> None:
    """From low beside the table the near cushion hides the foot of a ball frozen to it, the far one nothing."""
    matrix = np.array([[420.0, 0, 320], [0, 420.0, 180], [0, 0, 1]])
    eye, target = np.array([50.0, -45.0, 40.0]), np.array([50.0, 22.0, 0.0])
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, (0.0, 0.0, 1.0)) / np.hypot(*forward[:2])
    R = np.stack([right, np.cross(forward, right), forward])
    painter = _painter(Camera.from_pose(SMALL, matrix, cv2.Rodrigues(R)[0], -R @ eye))
    shares = []
    for y in (1.2, 25.0, 48.8):
        centre = np.array([35.0, y, TABLE.ball_radius_in])
        sprite = painter.ball("3", centre, np.eye(3))
        assert sprite is not None
        outline = painter.view.camera.sphere_outline(centre, TABLE.ball_radius_in, points=360)
        shares.append(float(sprite.cover.sum()) / cv2.contourArea(outline.astype(np.float32)))
    assert shares[0] < 0.9
    assert shares[1:] == pytest.approx([1, 1], abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_every_look_draws_a_table_with_dark_pockets(look: str) -> None:
    camera = default_camera((320, 180), TABLE.length_in, TABLE.width_in)
    planes = Renderer(camera, TABLE, look_named(look)).frame(Scene(()))
    assert planes.y.shape == (180, 320)
    assert planes.u.shape == planes.v.shape == (90, 160)
    cloth, hole = camera.project(np.array([[35.0, 20.0, 0.0], [50.0, -1.9, 0.0]]))
    assert planes.y[round(cloth[1]), round(cloth[0])] > planes.y[round(hole[1]), round(hole[0])] + 20


def test_an_unknown_look_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no look is called 'velvet': use club, green"):
        look_named("velvet")


def test_an_odd_picture_size_is_refused() -> None:
    with pytest.raises(ValueError, match="both must be even"):
        View(default_camera((641, 360), TABLE.length_in, TABLE.width_in))
