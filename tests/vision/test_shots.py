"""When a shot begins and ends, and what is none: recorded shots fed to the tracker without pictures."""

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.balls import ball_sets
from vision.detect.cloth import learn_cloth
from vision.detect.looks import look_points, looks
from vision.detect.probe import Probe
from vision.detect.silhouette import silhouettes
from vision.frames.source import Frame
from vision.identify import Names
from vision.model import Detection, Shot
from vision.shots import ShotFinder
from vision.simulate.look import look_named
from vision.simulate.render import BallPose, Renderer, Scene
from vision.simulate.shotbook import ShotRecord, load_shot_book
from vision.simulate.view import default_camera
from vision.tracker import Tracker

Array = NDArray[np.float64]

BOOK = load_shot_book()
TABLE = BOOK.table
CAMERA = default_camera((960, 540), TABLE.length_in, TABLE.width_in)
CALIBRATION = Calibration("drawn", "file", TABLE, CAMERA, residual_px=0.0, uncertainty_in=0.0)
SOURCE = "hall-7"
NOISE_IN = 0.03


@cache
def ball_looks() -> dict[str, list[NDArray[np.float32]]]:
    """Four views of every ball, drawn once."""
    rng = np.random.default_rng(6)
    names = [b.name for b in ball_sets()["american"].balls]
    places = np.array([(14.0 + 24 * (i % 4), 8.0 + 11 * (i // 4)) for i in range(len(names))])
    renderer = Renderer(CAMERA, TABLE, look_named("club"), seed=1)
    outlines = silhouettes(CALIBRATION, places)
    seen: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for _ in range(4):
        poses = tuple(
            BallPose(n, np.array([[*p, TABLE.ball_radius_in]]), _turn(rng))
            for n, p in zip(names, places, strict=True)
        )
        planes = renderer.frame(Scene(poses))
        frame = Frame(0, 0.0, planes.y, planes.u, planes.v)
        cloth = learn_cloth([frame], CALIBRATION)
        probe = Probe(frame, cloth, np.zeros(3, dtype=np.float32))
        colours = probe.bgr(look_points(outlines.centres_px, outlines.spokes_px))
        found = looks(colours, outlines.centres_px, cloth)
        for name, look in zip(names, found, strict=True):
            seen[name].append(look)
    return seen


def _turn(rng: np.random.Generator) -> Array:
    return np.asarray(cv2.Rodrigues(rng.uniform(-2, 2, 3))[0], dtype=np.float64)


class Hall:
    """A table whose balls are put, struck and moved by hand; what the finder says is kept in `shots`."""

    def __init__(self, layout: dict[str, Array], fps: float = 60.0, seed: int = 0) -> None:
        self.fps, self.index = fps, 0
        self.layout = dict(layout)
        self.rng = np.random.default_rng(seed)
        self.tracker = Tracker(TABLE)
        self.names = Names(ball_sets()["american"])
        self.finder = ShotFinder(CALIBRATION, SOURCE)
        self.shots: list[Shot] = []
        self.rest(1.0)

    @property
    def t_s(self) -> float:
        return self.index / self.fps

    def see(self, places: dict[str, Array], by_hand: str = "") -> None:
        """One frame with the balls at these places, one of them beside a hand."""
        found = []
        for name, place in places.items():
            x, y = place + self.rng.normal(0, NOISE_IN, 2)
            u, v = CALIBRATION.to_picture([(x, y)])[0]
            views = ball_looks()[name]
            look = views[self.index // 7 % len(views)]
            found.append(Detection(float(u), float(v), float(x), float(y), 6.5, 0.9, 1.0, look, name == by_hand))
        count = len(self.tracker.tracks)
        self.tracker.update(self.index, self.t_s, found, np.ones(count, dtype=bool), lambda p: np.zeros(len(p)))
        if self.index % round(self.fps / 2) == 5:
            self.names.settle(self.tracker.tracks, self.tracker.lost)
        self.shots += self.finder.update(self.index, self.t_s, self.tracker, self.names)
        self.index += 1

    def rest(self, seconds: float) -> None:
        for _ in range(round(seconds * self.fps)):
            self.see(self.layout)

    def play(self, record: ShotRecord, seconds: float | None = None) -> float:
        """Plays a recorded shot, or its first seconds; hands back when it was struck, between two frames."""
        strike = self.t_s - 0.4 / self.fps
        end = strike + (record.duration_s if seconds is None else seconds)
        while self.t_s < end:
            self.see(record.positions(self.t_s - strike))
        self.layout = record.positions(self.t_s - strike)
        return strike

    def finish(self) -> list[Shot]:
        return self.finder.finish(self.tracker, self.names)


def played(record: ShotRecord, fps: float) -> tuple[float, Hall]:
    hall = Hall(record.layout_start, fps)
    strike = hall.play(record)
    hall.rest(1.0)
    return strike, hall


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("which", [(3, 1), (9, 1), (7, 3), (2, 1)], ids=["pot", "scratch", "cut", "safety"])
def test_a_shot_is_reported_once_with_its_facts(which: tuple[int, int], fps: float) -> None:
    """Start within 0.05 s, outcome, first contact; cut angle within 3°, speed within 10 %."""
    record = BOOK.racks[which[0]][which[1]]
    strike, hall = played(record, fps)

    (shot,) = hall.shots
    assert shot.id.startswith(SOURCE)
    assert shot.complete
    assert shot.start_s == pytest.approx(strike, abs=0.05)
    assert shot.result == ("make" if record.made else "miss")
    assert shot.scratch == record.scratch
    assert [p.ball for p in shot.potted] == [e.ball for e in record.pots]
    contact = record.first_contact
    assert contact is not None
    assert shot.first_contact is not None
    assert shot.first_contact.ball == contact.other
    assert shot.first_contact.t_s == pytest.approx(strike + contact.t_s, abs=0.05)
    assert shot.cut_angle_deg == pytest.approx(record.cut_angle_deg, abs=3.0)
    if contact.t_s > 2.5 / fps:  # seen too seldom before it met a ball, the cue ball's speed may go unsaid
        assert shot.cue_speed_mph == pytest.approx(record.cue_speed_mph, rel=0.1)
    assert hall.finish() == []


@pytest.mark.slow
def test_the_same_frames_give_the_same_shots() -> None:
    record = BOOK.racks[3][1]
    one, two = (played(record, 30.0)[1].shots for _ in range(2))
    assert one == two
    assert [s.id for s in one] == [s.id for s in two]


def test_a_shot_cut_off_by_the_end_is_incomplete() -> None:
    record = BOOK.racks[3][1]
    hall = Hall(record.layout_start)
    strike = hall.play(record, seconds=0.8)
    during = hall.finder.phase
    assert hall.shots == []

    (shot,) = hall.finish()

    assert not shot.complete
    assert shot.start_s == pytest.approx(strike, abs=0.05)
    assert hall.finish() == []
    assert (during, hall.finder.phase) == ("shot", "still")


def potted_then(place: Array, *, by_hand: bool) -> list[Shot]:
    """A pot, and a second and a half later the ball at this place, first seen in a hand or not."""
    record = BOOK.racks[3][1]
    _, hall = played(record, 60.0)
    hall.rest(0.5)
    (ball,) = [p.ball for p in hall.shots[0].potted]
    hall.layout = {**hall.layout, ball: place}
    for _ in range(10):
        hall.see(hall.layout, by_hand=ball if by_hand else "")
    hall.rest(1.5)
    return hall.shots


@pytest.mark.slow
@pytest.mark.parametrize("where", ["jaws", "bed"])
def test_a_pot_is_taken_back_when_the_ball_is_seen_again(where: str) -> None:
    """The shot is amended: the same id, the next revision, no pot, the ball in the layout."""
    pot = BOOK.racks[3][1]
    shots = potted_then(_free_place(pot.layout_end, where), by_hand=False)
    assert [(s.id, s.revision, s.result, len(s.potted)) for s in shots] == [
        (shots[0].id, 1, "make", 1),
        (shots[0].id, 2, "miss", 0),
    ]
    assert len(shots[1].layout_end) == len(shots[0].layout_end) + 1


@pytest.mark.slow
def test_a_potted_ball_put_back_by_hand_stays_potted() -> None:
    shots = potted_then(_free_place(BOOK.racks[3][1].layout_end, "bed"), by_hand=True)
    assert [(s.revision, s.result) for s in shots] == [(1, "make")]


def _free_place(layout: dict[str, Array], where: str) -> Array:
    """A place in a pocket's jaws or on the bed, at least three balls from all others."""
    if where == "jaws":
        choices = [np.array([2.2, 2.2]), np.array([TABLE.length_in - 2.2, TABLE.width_in - 2.2])]
    else:
        choices = [np.array([x, y]) for x in (20.0, 35.0, 50.0, 65.0) for y in (12.0, 25.0, 38.0)]
    return max(choices, key=lambda c: min(float(np.hypot(*(p - c))) for p in layout.values()))


def test_nothing_moves_no_shot() -> None:
    hall = Hall(BOOK.racks[3][1].layout_start, 30.0)
    hall.rest(3.0)
    assert hall.shots == hall.finish() == []
    assert hall.finder.phase == "still"


def test_a_ball_set_down_elsewhere_by_hand_is_no_shot() -> None:
    """Ball in hand: the cue ball is gone for two seconds, then lies elsewhere."""
    layout = BOOK.racks[3][1].layout_start
    hall = Hall(layout, 30.0)
    hall.layout = {n: p for n, p in layout.items() if n != "cue"}
    hall.rest(2.0)
    hall.layout = {**layout, "cue": np.array([20.0, 40.0])}
    hall.rest(2.0)
    assert hall.shots == hall.finish() == []


def test_object_balls_collected_by_hand_are_no_shot() -> None:
    """Before the next rack: one ball after the other is taken away while the cue ball lies still."""
    layout = dict(BOOK.racks[3][1].layout_start)
    hall = Hall(layout, 30.0)
    for name in [n for n in layout if n != "cue"][:6]:
        del hall.layout[name]
        hall.rest(0.4)
    hall.rest(1.0)
    assert hall.shots == hall.finish() == []


@pytest.mark.slow
def test_two_shots_are_two_with_ids_of_their_own() -> None:
    first, second = BOOK.racks[3][1], BOOK.racks[3][2]
    hall = Hall(first.layout_start, 30.0)
    strikes = [hall.play(first)]
    hall.rest(1.5)
    strikes.append(hall.play(second))
    hall.rest(1.0)

    assert [s.start_s for s in hall.shots] == pytest.approx(strikes, abs=0.05)
    assert len({s.id for s in hall.shots}) == 2
    assert [s.result for s in hall.shots] == ["make" if r.made else "miss" for r in (first, second)]
    assert set(hall.shots[1].layout_start) >= {"cue"}
