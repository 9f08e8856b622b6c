"""Balls through time while people reach over them, shadows fall, and the light differs from end to end."""

import pytest
from followed_table import BLACK, BLUE, RED, WHITE, D, FollowedTable, ball

MAROON = (60, 40, 100)


def test_a_ball_that_another_rolls_past_lies_where_it_lay() -> None:
    """Seen from the side, what passes behind a ball pulls at its outline; it has not been touched."""
    table = FollowedTable(30.0)
    table.see(ball((20.0, 40.0), WHITE), ball((60.0, 10.0), BLACK), frames=30)
    black = table.near((60.0, 10.0))
    for k in range(1, 16):
        pulled = 0.35 if 6 <= k < 12 else 0.0
        table.see(ball((20.0 + 2.0 * k, 40.0), WHITE), ball((60.0 + pulled, 10.0 - pulled), BLACK))
        assert black.state == "still"

    assert (black.x_in, black.y_in) == pytest.approx((60.0, 10.0), abs=0.02)
    assert all(s.resting for s in black.history[1:])


def test_a_ball_that_another_touches_sets_out_at_once() -> None:
    table = FollowedTable(60.0)
    table.see(ball((50.0, 25.0), WHITE), ball((50.0 + 2 * D, 25.0), RED), frames=30)
    red = table.near((50.0 + 2 * D, 25.0))
    for k in range(1, 7):
        table.see(ball((50.0 + 0.35 * k, 25.0), WHITE), ball((50.0 + 2 * D, 25.0), RED))
    table.see(ball((52.3, 25.0), WHITE), ball((50.3 + 2 * D, 25.0), RED))

    assert red.state == "moving"


def test_a_ball_keeps_its_number_from_the_light_into_the_dark() -> None:
    """The lamp hangs over one end: the white ball that meets the black one looks half as bright as before."""
    table = FollowedTable(30.0)
    black = ball((70.0, 25.0), BLACK)
    table.see(ball((30.0, 25.0), (240, 240, 240)), black, frames=30)
    ids = table.near((30.0, 25.0)).id, table.near((70.0, 25.0)).id
    for k in range(1, 19):
        level = 240 - 7 * k
        table.see(ball((30.0 + 2.0 * k, 25.0), (level, level, level)), black)
    dark = (114, 114, 114)
    # Both are seen apart again a frame late, the black one where the white one would have rolled to.
    table.see()
    table.see(ball((66.6, 24.6), dark), ball((72.0, 25.2), BLACK))
    for k in range(1, 8):
        table.see(ball((66.6, 24.6 - 0.3 * k), dark), ball((72.0 + 1.5 * k, 25.2), BLACK))

    assert table.near((66.6, 22.5)).id == ids[0]
    assert table.near((82.5, 25.2)).id == ids[1]


def test_no_ball_is_found_where_another_lies_unchanged() -> None:
    """A ball that rolled behind a cushion is not the one that lies where it would have rolled on to."""
    table = FollowedTable(30.0)
    table.see(ball((70.0, 3.0), RED), ball((60.0, 3.0), MAROON), frames=30)
    red, other = table.near((70.0, 3.0)), table.near((60.0, 3.0))
    for k in range(1, 6):
        table.see(ball((70.0 - 1.0 * k, 3.0), RED), changed=lambda t: t is not other)
    for _ in range(8):
        table.see(ball((60.1, 3.0), MAROON), changed=lambda t: t is not other)

    assert other.state == "still"
    assert red.history[-1].x_in == pytest.approx(65.0)


def test_a_person_who_walks_by_takes_no_ball_along() -> None:
    table = FollowedTable(30.0)
    table.see(ball((80.0, 20.0), BLACK), ball((30.0, 40.0), BLUE), frames=30)
    black = table.near((80.0, 20.0))
    # The shadow and the sleeve come in over it and pass on: first a little off, then with the person.
    sleeve = [(80.3, 20.3), (79.6, 20.5), (78.4, 20.9), (76.0, 21.5), (73.0, 22.0), (70.0, 22.5), (66.0, 23.0)]
    for k, place in enumerate(sleeve):
        table.see(ball(place, BLACK, by_hand=k > 0), ball((30.0, 40.0), BLUE), covered=lambda t: float(t is black))
    table.see(ball((30.0, 40.0), BLUE), frames=10, covered=lambda t: float(t is black))
    table.see(ball((80.0, 20.0), BLACK), ball((30.0, 40.0), BLUE), frames=10)

    assert table.near((80.0, 20.0)) is black
    assert black.state == "still"
    assert all(s.resting for s in black.history[1:])


def test_what_is_round_in_the_bridge_hand_is_not_the_ball_just_struck() -> None:
    """The knuckles are as pale as the cue ball and were first seen as it went."""
    table = FollowedTable(30.0)
    table.see(ball((80.0, 25.0), WHITE), frames=30)
    cue = table.near((80.0, 25.0))
    knuckle = ball((88.0, 26.0), (215, 215, 225), by_hand=True)
    table.see(knuckle, frames=6)
    assert table.near((88.0, 26.0)) is not cue
    for k in range(12):
        table.see(knuckle, ball((50.0 - 1.0 * k, 24.0), WHITE))

    assert table.near((39.0, 24.0)) is cue


def test_a_ball_struck_under_a_hand_goes_on_when_it_has_left_the_hand() -> None:
    table = FollowedTable(30.0)
    table.see(ball((80.0, 25.0), WHITE, by_hand=True), ball((20.0, 10.0), RED), frames=1)
    table.see(ball((80.0, 25.0), WHITE), ball((20.0, 10.0), RED), frames=30)
    cue = table.near((80.0, 25.0))
    for k in range(1, 12):
        rolling = ball((80.0 - 3.0 * k, 25.0), WHITE, by_hand=k < 4)
        table.see(rolling, ball((20.0, 10.0), RED), covered=lambda t: 0.6 * (t is cue and t.state != "moving"))

    assert table.near((47.0, 25.0)) is cue
    assert cue.last_rest() is not None
    assert len(table.tracker.balls) == 2


def test_a_ball_lost_while_it_rolled_is_not_found_where_it_cannot_be() -> None:
    table = FollowedTable(30.0)
    table.see(ball((60.0, 10.0), RED), frames=30)
    red = table.near((60.0, 10.0))
    for k in range(1, 8):
        table.see(ball((60.0 - 0.6 * k, 10.0), RED))
    table.see(frames=15)
    table.see(ball((90.0, 40.0), RED), frames=12)

    assert table.near((90.0, 40.0)) is not red


def test_a_ball_struck_as_the_cue_hides_its_place_is_seen_in_its_first_frame() -> None:
    """The cue goes after the ball, but no hand was at it."""
    table = FollowedTable(30.0)
    table.see(ball((37.0, 12.0), WHITE), frames=30)
    for y in (9.7, 7.4, 5.1):
        table.see(ball((37.0, y), WHITE), covered=lambda _: 1.0)

    assert [round(s.y_in, 1) for s in table.only().history if not s.resting][1:] == [9.7, 7.4, 5.1]
