"""Balls through time: each in one place, each keeping its number, whatever stands in the way."""

import numpy as np
import pytest
from followed_table import BLACK, BLUE, PX_PER_IN, RED, TABLE, WHITE, D, FollowedTable, Point, ball

from vision.model import Detection
from vision.simulate.shotbook import load_shot_book
from vision.tracker import Tracker

Place = Point | None


def test_a_resting_ball_keeps_its_place_in_noise() -> None:
    """One pixel of noise, standard deviation, is 2.3 mm here; the place wanders by less than 1 mm."""
    table, rng = FollowedTable(), np.random.default_rng(3)
    places = []
    for k in range(240):
        x, y = np.array([40.0, 20.0]) + rng.normal(0, 1 / PX_PER_IN, 2) * min(1, 0.6)
        table.see(ball((x, y)))
        if k > 60:
            track = table.only()
            assert track.state == "still"
            places.append((track.x_in, track.y_in))

    assert {t.id for t in table.balls} == {0}
    off = np.array(places) - (40.0, 20.0)
    assert float(np.sqrt(np.mean(np.sum(off**2, axis=1)))) * 25.4 < 1.0
    assert float(np.ptp(off, axis=0).max()) * 25.4 < 3.0


def test_a_place_that_was_not_looked_at_stays_as_it_is() -> None:
    table = FollowedTable()
    table.see(ball((40.0, 20.0)), frames=30)
    before = table.only()
    x, y = before.x_in, before.y_in

    table.see(frames=300, changed=False)

    track = table.only()
    assert (track.id, track.x_in, track.y_in, track.state) == (before.id, x, y, "still")
    assert track.last_s == pytest.approx((table.index - 1) / 60)


def test_a_detection_seen_once_makes_no_ball() -> None:
    table = FollowedTable()
    table.see(ball((40.0, 20.0)), frames=30)
    table.see(ball((40.0, 20.0)), ball((70.0, 30.0)))
    table.see(ball((40.0, 20.0)), frames=60)

    assert len(table.tracker.tracks) == 1
    assert table.tracker.lost == []


def test_two_detections_of_one_ball_make_one() -> None:
    table, rng = FollowedTable(), np.random.default_rng(8)
    for _ in range(90):
        here = rng.normal((40.0, 20.0), 0.05)
        beside = rng.normal((40.9, 20.0), 0.05)
        table.see(ball((here[0], here[1])), ball((beside[0], beside[1]), quality=0.6))

    assert len(table.balls) == 1


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("colours", [(RED, BLUE), (RED, RED)])
def test_balls_that_cross_keep_their_numbers(
    fps: float, colours: tuple[tuple[int, int, int], tuple[int, int, int]]
) -> None:
    table = FollowedTable(fps)
    a, b = np.array([20.0, 20.0]), np.array([20.0, 32.0])
    table.see(ball((20.0, 20.0), colours[0]), ball((20.0, 32.0), colours[1]), frames=30)
    first, second = table.near((20.0, 20.0)).id, table.near((20.0, 32.0)).id
    # One crosses the other's way where that one was a quarter of a second before.
    ways = np.array([45.0, 12.0]), np.array([30.0, -9.0])
    for k in range(1, int(1.2 * fps)):
        p, q = a + ways[0] * k / fps, b + ways[1] * k / fps
        table.see(ball((p[0], p[1]), colours[0]), ball((q[0], q[1]), colours[1]))

    assert table.near((float(p[0]), float(p[1]))).id == first
    assert table.near((float(q[0]), float(q[1]))).id == second
    assert len(table.balls) == 2


@pytest.mark.parametrize("fps", [30.0, 60.0])
@pytest.mark.parametrize("speed", [60.0, 200.0, 450.0])
def test_a_struck_ball_is_found_after_its_leap(fps: float, speed: float) -> None:
    """From rest to 3.4–25.6 mph between two frames: from the second on it is found under its number."""
    table = FollowedTable(fps)
    resting = ball((70.0, 10.0), BLUE)
    table.see(ball((25.0, 25.0), WHITE), resting, frames=30)
    cue = table.near((25.0, 25.0)).id
    x, steps = 25.0, 0
    while x + speed / fps < 95:
        x, steps = x + speed / fps, steps + 1
        table.see(ball((x, 25.0), WHITE), resting)
        if steps >= 2:
            assert table.near((x, 25.0)).id == cue

    assert table.near((x, 25.0)).state == "moving"
    assert len(table.balls) == 2
    assert table.near((70.0, 10.0)).state == "still"


@pytest.mark.parametrize("speed", [40.0, 60.0, 90.0])
def test_a_struck_ball_is_seen_in_its_first_frame(speed: float) -> None:
    table = FollowedTable()
    table.see(ball((25.0, 25.0), WHITE), frames=30)
    for k in range(1, 10):
        table.see(ball((25 + speed * k / 60, 25.0), WHITE))

    path = [s.x_in for s in table.only().history if not s.resting and s.t_s > 0.4]
    assert path[0] == pytest.approx(25 + speed / 60)


def test_a_rolling_ball_that_stops_is_still_again() -> None:
    table = FollowedTable()
    table.see(ball((20.0, 25.0)), frames=30)
    for k in range(1, 91):
        table.see(ball((20 + 40 * k / 60 - 13.3 * (k / 60) ** 2, 25.0)))
    end = 20 + 40 * 1.5 - 13.3 * 1.5**2
    table.see(ball((end, 25.0)), frames=30)

    track = table.only()
    assert (track.id, track.state, track.speed) == (0, "still", 0.0)
    assert track.history[-1].since_s == pytest.approx(2.0, abs=0.12)
    assert (track.x_in, track.y_in) == pytest.approx((end, 25.0), abs=0.02)


def test_a_collision_keeps_both_numbers() -> None:
    table = FollowedTable()
    table.see(ball((20.0, 25.0), WHITE), ball((50.0, 25.0), RED), frames=30)
    cue, target = table.near((20.0, 25.0)).id, table.near((50.0, 25.0)).id
    x = 20.0
    while x + 2 < 50 - D:
        x += 2.0
        table.see(ball((x, 25.0), WHITE), ball((50.0, 25.0), RED))
    red, white = 50.0, x
    for _ in range(18):
        red, white = red + 1.8, white + 0.2
        table.see(ball((white, 25.0), WHITE), ball((red, 25.0), RED))

    assert table.near((white, 25.0)).id == cue
    assert table.near((red, 25.0)).id == target


def test_a_covered_ball_is_hidden_and_comes_back() -> None:
    table = FollowedTable()
    other = ball((70.0, 10.0), BLUE)
    table.see(ball((40.0, 20.0)), other, frames=40)
    hidden = table.near((40.0, 20.0)).id

    table.see(other, frames=300, covered=lambda t: 1.0 if t.id == hidden else 0.0)
    track = table.near((40.0, 20.0))
    assert (track.id, track.state) == (hidden, "hidden")

    table.see(ball((40.0, 20.0)), other, frames=20)
    track = table.near((40.0, 20.0))
    assert (track.id, track.state) == (hidden, "still")
    assert track.history[-1].resting
    assert track.history[-1].since_s == 0.0
    assert table.tracker.lost == []
    assert len(table.balls) == 2


def test_a_covered_ball_moved_by_its_player_comes_back_elsewhere() -> None:
    """Ball in hand: the cue ball goes on under its number where the hand leaves it."""
    table = FollowedTable()
    other = ball((70.0, 10.0), BLUE)
    table.see(ball((40.0, 20.0), WHITE), other, frames=40)
    cue = table.near((40.0, 20.0)).id
    table.see(other, frames=60, covered=lambda t: 1.0 if t.id == cue else 0.0)

    table.see(ball((55.0, 28.0), WHITE), other, frames=40)

    assert table.near((55.0, 28.0)).id == cue
    assert len(table.balls) == 2


def test_a_ball_behind_a_player_for_a_moment_goes_on() -> None:
    table = FollowedTable()
    table.see(ball((20.0, 25.0)), frames=30)
    for k in range(1, 61):
        x = 20.0 + 40 * k / 60
        if 25 <= k < 37:
            table.see(covered=lambda _: 1.0)
        else:
            table.see(ball((x, 25.0)))

    assert table.only().id == 0
    assert table.only().x_in == pytest.approx(60.0)
    assert table.tracker.lost == []


def test_a_ball_hidden_for_long_takes_no_ball_seen_elsewhere() -> None:
    """However long it waits, it lies where it lay."""
    table = FollowedTable()
    table.see(ball((20, 10), RED), ball((70, 40), BLUE), frames=10)
    hidden, other = table.near((20, 10)), table.near((70, 40))
    table.see(ball((70, 40), BLUE), frames=300, covered=lambda t: 1.0 if t is hidden else 0.0)
    table.see(ball((70.6, 40.4), BLUE), frames=3, covered=lambda t: 1.0 if t is hidden else 0.0)
    table.see(ball((20, 10), RED), ball((70.6, 40.4), BLUE), frames=10)
    assert table.near((20, 10)) is hidden
    assert table.near((70.6, 40.4)) is other


def test_what_looks_round_in_a_hand_is_no_ball_until_the_hand_is_gone() -> None:
    table = FollowedTable()
    table.see(ball((50, 25), WHITE), frames=30)
    table.see(ball((50, 25), WHITE), ball((20, 10), RED, by_hand=True), frames=60)
    assert [t.is_ball for t in table.tracker.tracks] == [True, False]
    table.see(ball((50, 25), WHITE), ball((20, 10), RED), frames=10)
    assert len(table.tracker.balls) == 2
    assert table.near((20, 10)).placed


def test_a_hand_beside_a_ball_does_not_set_it_off() -> None:
    table = FollowedTable()
    table.see(ball((50, 25), WHITE), frames=30)
    table.see(ball((50.4, 26.0), WHITE, by_hand=True), frames=30, covered=lambda _: 1.0)
    (track,) = table.tracker.balls
    assert (track.state, round(track.x_in), round(track.y_in)) == ("hidden", 50, 25)


def test_a_struck_ball_too_smeared_to_look_itself_is_it_all_the_same() -> None:
    """Half of its colour is the cloth's."""
    table = FollowedTable()
    table.see(ball((50, 25), WHITE), frames=30)
    struck = table.only()
    smeared = tuple(v // 2 for v in WHITE)
    for k in range(1, 4):
        table.see(ball((50 + 5.0 * k, 25), (smeared[0], smeared[1], smeared[2])))
    assert table.only() is struck


def test_a_ball_that_only_seemed_to_stir_has_not_left() -> None:
    table = FollowedTable()
    table.see(ball((50, 25)), frames=60)
    table.see(ball((50.3, 25.2)), frames=4)
    table.see(ball((50, 25)), frames=60)
    rests = [s for s in table.only().history if s.resting]
    assert len(rests) == 1
    assert rests[0].since_s == pytest.approx(0.0)


def test_a_ball_that_is_gone_is_lost_and_remembered() -> None:
    table = FollowedTable()
    other = ball((70.0, 10.0), BLUE)
    table.see(ball((40.0, 20.0)), other, frames=40)
    gone = table.near((40.0, 20.0)).id

    table.see(other, frames=60)
    assert [t.id for t in table.tracker.lost] == [gone]
    assert [t.fate for t in table.tracker.lost] == [None]
    assert len(table.balls) == 1

    table.see(ball((40.1, 20.0)), other, frames=20)
    assert table.near((40.1, 20.0)).id == gone
    assert table.tracker.lost == []


def test_a_ball_that_rolls_into_a_pocket_is_lost_with_its_fate() -> None:
    table = FollowedTable()
    table.see(ball((30.0, 15.0)), frames=30)
    for k in range(1, 45):
        table.see(ball((30 - 0.66 * k, 15 - 0.33 * k)))
    table.see(frames=60)

    (lost,) = table.tracker.lost
    assert table.balls == []
    assert lost.fate is not None
    assert lost.fate.pocket.name == "corner-0-0"
    assert lost.fate.t_s == pytest.approx(lost.history[-1].t_s, abs=0.2)


def test_a_new_ball_does_not_take_a_potted_ones_number() -> None:
    table = FollowedTable()
    table.see(ball((30.0, 15.0), RED), frames=30)
    for k in range(1, 45):
        table.see(ball((30 - 0.66 * k, 15 - 0.33 * k), RED))
    table.see(frames=240)

    table.see(ball((60.0, 30.0), BLACK), frames=30)

    assert table.only().id != table.tracker.lost[0].id


@pytest.mark.parametrize("seed", range(4))
def test_a_full_table_in_noise_stays_sixteen_balls(seed: int) -> None:
    """Sixteen balls, one alike the next, each missed in every tenth frame: no number changes."""
    rng = np.random.default_rng(seed)
    grid = [(12.0 + 22 * i, 8.0 + 11 * j) for i in range(4) for j in range(4)]
    places = np.array(grid) + rng.uniform(-3, 3, (16, 2))
    table = FollowedTable()
    table.see(*(ball((p[0], p[1])) for p in places), frames=20)
    numbers = [table.near((p[0], p[1])).id for p in places]
    for _ in range(120):
        noisy = places + rng.normal(0, 0.04, places.shape)
        seen = [ball((p[0], p[1])) for p in noisy if rng.random() > 0.1]
        rng.shuffle(seen)
        table.see(*seen)

    assert [table.near((p[0], p[1])).id for p in places] == numbers
    assert all(t.state == "still" for t in table.balls)
    assert len(table.balls) == 16


@pytest.mark.parametrize(("rack", "fps"), [(0, 30.0), (3, 60.0), (8, 30.0)])
def test_a_break_leaves_as_many_balls_as_there_are(rack: int, fps: float) -> None:
    """A recorded break, seen with a tenth of an inch of noise: no ball twice, none invented, numbers kept."""
    record = load_shot_book().racks[rack][0]
    rng = np.random.default_rng(rack)
    shades = rng.permutation(16) * 15.0
    colours = {name: (int(shades[i]), 120, int(255 - shades[i])) for i, name in enumerate(record.layout_start)}

    def seen(t_s: float) -> list[Detection]:
        there = record.positions(t_s)
        noisy = {name: p + rng.normal(0, 0.1 / 3, 2) for name, p in there.items()}
        return [ball((p[0], p[1]), colours[name]) for name, p in noisy.items()]

    table = FollowedTable(fps)
    for _ in range(30):
        table.see(*seen(0.0))
    numbers = {name: table.near((p[0], p[1])).id for name, p in record.layout_start.items()}
    for k in range(int((record.duration_s + 0.5) * fps)):
        table.see(*seen(k / fps))

    end = record.layout_end
    assert len(table.balls) == len(end)
    assert all(t.state == "still" for t in table.balls)
    kept = [table.near((p[0], p[1])).id == numbers[name] for name, p in end.items()]
    assert sum(kept) >= len(kept) - 2


def test_a_rolling_ball_is_expected_where_it_rolls_to() -> None:
    table = FollowedTable()
    table.see(ball((20.0, 25.0)), frames=30)
    for k in range(1, 31):
        table.see(ball((20.0 + 40 * k / 60, 25.0)))

    expected = table.tracker.expected(table.t_s + 5 / 60)

    assert expected.points_in.shape == (1, 2)
    assert expected.points_in[0] == pytest.approx((20 + 40 * 36 / 60, 25.0), abs=0.1)
    assert expected.places_in[0] == pytest.approx((40.0, 25.0), abs=0.1)
    assert expected.moving.all()
    assert Tracker(TABLE).expected(1.0).points_in.shape == (0, 2)


def test_a_ball_at_a_rail_is_expected_back_and_one_in_a_mouth_on() -> None:
    for place, speed, then in (
        ((96.0, 25.0), (1.5, 0.0), (98.875 - 0.75 * 3.125, 25.0)),
        ((95.5, 46.6), (1.0, 1.0), (99.5, 50.6)),  # into the corner pocket
    ):
        table = FollowedTable()
        table.see(ball(place), frames=30)
        for k in (1, 2):
            table.see(ball((place[0] + k * speed[0] / 2, place[1] + k * speed[1] / 2)))
        where = table.tracker.expected(table.t_s + 5 / 60).points_in[0]
        assert where == pytest.approx(then, abs=0.01)


def test_a_ball_seen_again_after_a_rail_goes_the_other_way() -> None:
    table = FollowedTable()
    table.see(ball((90.0, 25.0)), frames=30)
    for x in (92.0, 94.0, 96.0, 98.0):
        table.see(ball((x, 25.0)))
    table.see(ball((98.3, 25.0)))  # it met the rail at 98.875 on the way
    track = table.near((98.3, 25.0))
    assert track.vx == pytest.approx(-0.75 * 120, rel=0.05)


def test_a_blow_that_goes_through_a_rack_takes_no_name_from_a_ball_behind() -> None:
    # The cue ball, too smeared to be seen as it meets the front ball, does not become the ball at the back.
    table = FollowedTable()
    front, middle, back = (60.0, 25.0), (60.0 + D, 25.0), (60.0 + 2 * D, 25.0)
    table.see(ball((39.0, 25.0), WHITE), ball(front), ball(middle, BLACK), ball(back, BLUE), frames=30)
    ids = [table.near(p).id for p in ((39.0, 25.0), front, middle, back)]
    for x in (44.5, 50.0, 55.5):
        table.see(ball((x, 25.0), WHITE), ball(front), ball(middle, BLACK), ball(back, BLUE))
    table.see(ball(front), ball(middle, BLACK), ball((back[0] + 0.8, 25.0), BLUE))
    assert table.near((back[0] + 0.8, 25.0)).id == ids[3]
    for k in range(1, 10):
        here = ball((57.0 - 0.4 * k, 25.0), WHITE), ball(front), ball(middle, BLACK)
        table.see(*here, ball((back[0] + 0.8 + 4.0 * k, 25.0), BLUE))
    last = ((53.4, 25.0), front, middle, (back[0] + 36.8, 25.0))
    assert [table.near(p).id for p in last] == ids
