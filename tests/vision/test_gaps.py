"""Where a ball was in the frames that did not show it, told from those that did."""

import numpy as np
import pytest

from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from vision.files import TrackRow
from vision.gaps import fill_gaps
from vision.model import BallState, State
from vision.simulate.view import default_camera

TABLE = STANDARD_TABLES["9ft"]
CALIBRATION = Calibration(
    "drawn", "file", TABLE, default_camera((1280, 720), TABLE.length_in, TABLE.width_in), residual_px=0.0
)
FPS = 60.0
Point = tuple[float, float]


def row(frame: int, ball: str, place: Point, state: State = "moving") -> TrackRow:
    u, v = CALIBRATION.to_picture([place])[0].tolist()
    return TrackRow(frame, frame / FPS, BallState(ball, *place, u, v, state))


def clock(frames: int) -> list[TrackRow]:
    """A ball that lies still all the time, so that every frame has a row."""
    return [row(f, "8", (50.0, 40.0), "still") for f in range(frames)]


def places(rows: list[TrackRow], ball: str = "1") -> dict[int, Point]:
    return {r.frame: (r.ball.x_in, r.ball.y_in) for r in rows if r.ball.ball == ball}


def test_a_ball_that_met_another_unseen_turned_where_its_two_ways_meet() -> None:
    # It rolls along x at 3 in a frame, meets a ball in frame 5.5 and goes on along y; 4 to 7 show nothing.
    way = {f: (20.0 + 3 * f, 10.0) if f < 5.5 else (36.5, 10.0 + 2 * (f - 5.5)) for f in range(12)}
    seen = [row(f, "1", p) for f, p in way.items() if not 4 <= f <= 7]
    stale = [row(f, "1", way[3]) for f in range(4, 8)]
    for given in (seen, seen + stale):
        found = places(fill_gaps(clock(12) + given, CALIBRATION))
        assert list(found) == list(range(12))
        assert np.allclose([found[f] for f in range(12)], [way[f] for f in range(12)], atol=1e-6)


def test_a_ball_struck_behind_a_hand_lies_until_it_leaves() -> None:
    lies, way = (30.0, 20.0), {f: (30.0 + 4 * (f - 4.5), 20.0) for f in range(7, 12)}
    rows = [row(f, "cue", lies, "still") for f in range(4)] + [row(f, "cue", lies, "hidden") for f in range(4, 7)]
    found = places(fill_gaps(clock(12) + rows + [row(f, "cue", p) for f, p in way.items()], CALIBRATION), "cue")
    assert found[4] == pytest.approx(lies)
    assert found[5] == pytest.approx((32.0, 20.0))
    assert found[6] == pytest.approx((36.0, 20.0))


def test_ways_that_do_not_meet_are_joined_straight() -> None:
    rows = [row(f, "1", (20.0 + f, 10.0)) for f in range(4)] + [row(f, "1", (20.0 + f, 20.0)) for f in (6, 7)]
    found = places(fill_gaps(clock(8) + rows, CALIBRATION))
    assert found[4] == pytest.approx((24.0, 10.0 + 10 / 3))
    assert found[5] == pytest.approx((25.0, 10.0 + 20 / 3))


def test_one_sight_on_either_side_is_joined_straight_too() -> None:
    found = places(fill_gaps([*clock(4), row(0, "1", (20.0, 10.0)), row(3, "1", (26.0, 10.0))], CALIBRATION))
    assert found[1] == pytest.approx((22.0, 10.0))


def test_pixels_follow_the_places() -> None:
    rows = fill_gaps([*clock(3), row(0, "1", (20.0, 10.0)), row(2, "1", (22.0, 10.0))], CALIBRATION)
    added = next(r for r in rows if r.frame == 1 and r.ball.ball == "1")
    assert (added.ball.x_px, added.ball.y_px) == pytest.approx(CALIBRATION.to_picture([(21.0, 10.0)])[0].tolist())
    assert added.t_s == pytest.approx(1 / FPS)


@pytest.mark.parametrize(
    "rows",
    [
        [row(f, "1", (20.0, 10.0), "still") for f in range(30)],
        [row(f, "1", (20.0, 10.0), "hidden") for f in range(30)],
        [row(0, "1", (20.0, 10.0)), row(25, "1", (40.0, 10.0))],
        [row(0, "1", (20.0, 10.0)), *(row(f, "1", (20.5, 10.0)) for f in range(1, 20))],
    ],
    ids=["a still ball", "a hidden ball", "a gap too long to tell", "a ball never seen again"],
)
def test_what_is_no_short_gap_stays_as_it_is(rows: list[TrackRow]) -> None:
    given = sorted(clock(30) + rows, key=lambda r: (r.frame, r.ball.ball))
    assert sorted(fill_gaps(given, CALIBRATION), key=lambda r: (r.frame, r.ball.ball)) == given


def test_no_rows_are_no_rows() -> None:
    assert fill_gaps([], CALIBRATION) == []
