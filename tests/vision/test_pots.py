"""Where a ball went that is no longer seen: the pocket its way led to, and no pocket where it led to none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.table import POCKET_NAMES, STANDARD_TABLES, Pocket, Table
from vision.motion import Path, make_path
from vision.pots import fate_of, fate_when_struck, fate_when_vanished, rolled_in
from vision.sample import Sample

TABLES = [STANDARD_TABLES["9ft"], STANDARD_TABLES["7ft"], STANDARD_TABLES["snooker"]]
TABLE = TABLES[0]
FPS = 60.0


def pocket_named(name: str, table: Table = TABLE) -> Pocket:
    return next(p for p in table.pockets if p.name == name)


def roll(
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    speed: float,
    noise_in: float = 0.0,
    fps: float = FPS,
) -> list[Sample]:
    """The samples of a ball that rested at `start` and rolled evenly to `end`, where it was seen last."""
    rng = np.random.default_rng(5)
    a, b = np.array(start), np.array(end)
    length = float(np.linalg.norm(b - a))
    steps = int(length / speed * fps)
    times = np.arange(1, steps + 1) / fps
    points = b - np.outer((steps / fps - times) * speed / length, b - a) + rng.normal(0, noise_in, (len(times), 2))
    rest = Sample(0, 0.0, start[0], start[1], 0.0, 0.0, 0.9, since_s=-1.0)
    rolled = zip(times, points, strict=True)
    return [rest, *(Sample(k + 1, float(t), p[0], p[1], 0.0, 0.0, 0.9) for k, (t, p) in enumerate(rolled))]


def path_of(times: NDArray[np.float64], points: NDArray[np.float64]) -> Path:
    """A ball's path through points, shape (N, 2)."""
    seen = zip(times, points, strict=True)
    path = make_path(0, [Sample(k, float(t), p[0], p[1], 0.0, 0.0, 0.9) for k, (t, p) in enumerate(seen)], 0.0)
    assert path is not None
    return path


def towards(pocket: Pocket, table: Table, *, short_in: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """From the middle of the half table before a pocket to `short_in` before its centre."""
    x = table.length_in * (0.5 if not pocket.is_corner else 0.3 if pocket.x_in < 0 else 0.7)
    start = np.array([x + (4.0 if not pocket.is_corner else 0.0), table.width_in / 2])
    to = np.array([pocket.x_in, pocket.y_in]) - start
    end = start + to * (1 - short_in / np.linalg.norm(to))
    return (float(start[0]), float(start[1])), (float(end[0]), float(end[1]))


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
@pytest.mark.parametrize("name", POCKET_NAMES)
@pytest.mark.parametrize("speed", [15.0, 60.0, 150.0])
def test_a_straight_roll_ends_in_its_pocket(table: Table, name: str, speed: float) -> None:
    pocket = pocket_named(name, table)
    start, end = towards(pocket, table, short_in=3.0)
    history = roll(start, end, speed=speed, noise_in=0.01)

    fate = fate_of(history, table)

    assert fate is not None
    assert fate.pocket.name == name
    assert 0 <= fate.t_s - history[-1].t_s < 0.5
    assert 0.8 < fate.confidence <= 1
    assert rolled_in(history, table)


@pytest.mark.parametrize("name", POCKET_NAMES)
def test_a_ball_last_seen_well_before_the_pocket_is_less_sure(name: str) -> None:
    """The last foot may lie behind a player: the pocket is named, with less confidence and a later time."""
    pocket = pocket_named(name)
    near, far = (roll(*towards(pocket, TABLE, short_in=d), speed=60.0) for d in (3.0, 14.0))
    sure, less = fate_of(near, TABLE), fate_of(far, TABLE)
    assert sure is not None
    assert less is not None
    assert sure.pocket.name == less.pocket.name == name
    assert less.confidence < sure.confidence
    assert less.t_s - far[-1].t_s > sure.t_s - near[-1].t_s


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((20.0, 25.0), (75.0, 25.0)),  # along the middle, to no pocket
        ((35.0, 10.0), (48.0, 4.0)),  # past the side pocket, to the rail beyond it
        ((60.0, 44.0), (90.0, 30.0)),  # away from the side pocket to the foot rail
        ((8.0, 42.0), (30.0, 35.0)),  # out of a corner
    ],
)
def test_a_ball_that_rolls_past_every_pocket_has_no_fate(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    assert fate_of(roll(start, end, speed=50.0), TABLE) is None


def test_a_ball_too_slow_to_get_there_has_no_fate() -> None:
    pocket = pocket_named("corner-0-0")
    start, end = towards(pocket, TABLE, short_in=30.0)
    assert fate_of(roll(start, end, speed=6.0), TABLE) is None
    assert fate_of(roll(start, end, speed=40.0), TABLE) is not None


@pytest.mark.parametrize("name", POCKET_NAMES)
def test_a_ball_that_stops_in_the_jaws_is_not_potted(name: str) -> None:
    pocket = pocket_named(name)
    start, end = towards(pocket, TABLE, short_in=3.6)
    history = roll(start, end, speed=20.0)
    last = history[-1]
    stopped = Sample(last.index + 60, last.t_s + 1.0, last.x_in, last.y_in, 0.0, 0.0, 0.9, since_s=last.t_s)
    history = [*history[:-1], stopped]

    assert not rolled_in(history, TABLE)


def test_a_ball_that_never_moved_has_no_fate() -> None:
    rest = Sample(0, 5.0, 2.0, 2.0, 0.0, 0.0, 0.9, since_s=0.0)
    assert fate_of([rest], TABLE) is None
    near = Sample(1, 5.1, 2.02, 2.01, 0.0, 0.0, 0.9)
    assert fate_of([rest, near], TABLE) is None
    assert not rolled_in([rest, near], TABLE)


def test_a_hand_that_carries_a_ball_to_a_pocket_rolls_nothing_in() -> None:
    """Uneven steps and a bent way: a hand."""
    history = roll((20.0, 20.0), (1.5, 1.5), speed=60.0, noise_in=0.6)
    assert not rolled_in(history, TABLE)


def test_a_hanging_ball_struck_faster_than_the_camera_went_in() -> None:
    """It vanished from its place as the cue ball arrived on a line through it into the pocket."""
    times = np.arange(0, 0.3, 1 / 30)
    line = np.array([1.0, 1.0]) / np.sqrt(2)
    points = np.array([3.0, 3.0]) + np.outer(2.3 + 100 * (times[-1] - times), line)
    cue = path_of(times, points)

    fate = fate_when_struck((3.0, 3.0), float(times[-1]) + 0.02, [cue], TABLE)
    away = fate_when_struck((46.0, 3.0), float(times[-1]) + 0.02, [cue], TABLE)
    late = fate_when_struck((3.0, 3.0), float(times[-1]) + 2.0, [cue], TABLE)

    assert fate is not None
    assert fate.pocket.name == "corner-0-0"
    assert away is None
    assert late is None


def test_a_ball_struck_far_from_any_pocket_is_not_guessed_in() -> None:
    times = np.arange(0, 0.3, 1 / 30)
    points = np.column_stack([28 - 2.3 - 100 * (times[-1] - times), np.full(len(times), 25.0)])
    cue = path_of(times, points)
    assert fate_when_struck((28.0, 25.0), float(times[-1]) + 0.02, [cue], TABLE) is None


def test_a_ball_that_vanished_on_its_way_to_a_near_pocket_fell_in() -> None:
    """Its last samples, half behind a cushion, point past the pocket."""
    history = roll((55.5, 2.9), (54.7, 1.0), speed=20.0)
    assert fate_of(history, TABLE) is None
    fate = fate_when_vanished(history, TABLE)
    assert fate is not None
    assert (fate.pocket.name, fate.confidence) == ("side-0", 0.5)


@pytest.mark.parametrize(
    ("start", "end"),
    [((54.0, 2.9), (58.0, 4.0)), ((75.0, 25.0), (70.0, 20.0))],
    ids=["away from it", "far from all"],
)
def test_a_ball_that_vanished_elsewhere_fell_nowhere(start: tuple[float, float], end: tuple[float, float]) -> None:
    assert fate_when_vanished(roll(start, end, speed=20.0), TABLE) is None
