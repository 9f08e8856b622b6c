"""Each seed has a hall of its own; development and evaluation never meet."""

from itertools import islice

import numpy as np
import pytest

from calibration.table import STANDARD_TABLES
from vision.simulate.conditions import EVALUATION_FROM, Conditions, conditions
from vision.simulate.shotbook import load_shot_book
from vision.simulate.source import SimulatedTable
from vision.simulate.viewpoint import Viewpoint

DEVELOPMENT = [conditions(seed) for seed in range(60)]
EVALUATION = [conditions(seed) for seed in range(EVALUATION_FROM, EVALUATION_FROM + 60)]


def test_a_seed_always_means_the_same() -> None:
    conditions.__globals__["load_shot_book"].cache_clear()
    assert conditions(7) == DEVELOPMENT[7]
    assert conditions(7) != conditions(8)


def test_the_splits_share_neither_physics_nor_cloth() -> None:
    books = [{c.book for c in split} for split in (DEVELOPMENT, EVALUATION)]
    assert not books[0] & books[1]
    physics = [{load_shot_book(b).physics for b in names} for names in books]
    assert not physics[0] & physics[1]
    cloths = [np.array([c.look.cloth for c in split]) for split in (DEVELOPMENT, EVALUATION)]
    apart = np.linalg.norm(cloths[0][:, None] - cloths[1], axis=2)
    assert apart.min() > 5
    assert {c.split for c in DEVELOPMENT} == {"development"}
    assert {c.split for c in EVALUATION} == {"evaluation"}


@pytest.mark.parametrize("split", [DEVELOPMENT, EVALUATION], ids=["development", "evaluation"])
def test_what_a_hall_varies_varies(split: list[Conditions]) -> None:
    assert len({load_shot_book(c.book).table.name for c in split}) >= 2
    assert {c.look.ball_set for c in split} == {"american", "tv"}
    assert {c.mirrored for c in split} == {True, False}
    assert {c.readout_s == 0 for c in split} == {True, False}
    assert {c.look.lamps for c in split} == {1, 2, 3}
    assert {len(c.look.chalks) for c in split} >= {0, 1, 2, 3, 4}
    balls = {len(load_shot_book(c.book).racks[c.rack][c.shot].motions) for c in split}
    assert min(balls) <= 5
    assert max(balls) == 16
    for values in (
        [c.look.brightness for c in split],
        [1 / c.look.exposure_s for c in split],
        [1 + c.look.noise for c in split],
        [c.viewpoint.height for c in split],
    ):
        assert max(values) / min(values) > 1.25
    assert min(c.viewpoint.tilt_deg for c in split) < 3
    assert max(c.viewpoint.tilt_deg for c in split) > 12


@pytest.mark.parametrize("size", [(1280, 720), (640, 480)])
@pytest.mark.parametrize("name", ["7ft", "9ft"])
def test_every_camera_sees_its_whole_table_at_a_useful_size(size: tuple[int, int], name: str) -> None:
    table = STANDARD_TABLES[name]
    around = np.array([[x, y, 0.0] for x in (-6.0, table.length_in + 6) for y in (-6.0, table.width_in + 6)])
    for c in (*DEVELOPMENT[:15], *EVALUATION[:15]):
        seen = c.viewpoint.camera(size, table).project(around)
        assert (seen > 0).all(), c.seed
        assert (seen < size).all(), c.seed
        assert np.ptp(seen, axis=0).max() > 0.5 * size[0], c.seed


def test_the_picture_s_up_turns_with_the_side_the_camera_hangs_on() -> None:
    table = STANDARD_TABLES["9ft"]
    near, far = ((50.0, y, 0.0) for y in (5.0, 45.0))
    for bearing in (-90.0, 90.0):
        seen = Viewpoint(1.1, 15.0, bearing).camera((640, 360), table).project([near, far])
        assert (seen[0, 1] > seen[1, 1]) == (bearing < 0)


def test_frames_of_a_seed_are_the_same_and_true() -> None:
    def some() -> list[bytes]:
        table = SimulatedTable.under(conditions(EVALUATION_FROM + 4), size=(320, 180), fps=2)
        return [frame.y.tobytes() for frame in islice(table, 6)]

    assert some() == some()
    c = conditions(2)
    table = SimulatedTable.under(c, size=(320, 180), fps=2)
    next(iter(table))
    record = load_shot_book(c.book).racks[c.rack][c.shot]
    assert set(table.truth().by_name) == set(record.motions)
    assert table.ball_set == c.look.ball_set
    assert table.calibration.table == load_shot_book(c.book).table
    assert table.calibration.readout_s == c.readout_s


def test_a_mirrored_evening_begins_in_the_mirror() -> None:
    plain, mirrored = (SimulatedTable(size=(320, 180), mirrored=m) for m in (False, True))
    for table in (plain, mirrored):
        next(iter(table))
    a, b = plain.truth().by_name["cue"], mirrored.truth().by_name["cue"]
    assert b.x_in == a.x_in
    assert b.y_in == pytest.approx(load_shot_book().table.width_in - a.y_in)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="count from 0"):
        conditions(-1)
