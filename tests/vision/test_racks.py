"""Which balls are in play, from costs alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vision.balls import ball_sets
from vision.racks import NEVER, Racks

Array = NDArray[np.float64]

AMERICAN = ball_sets()["american"]
SLOTS = list(range(len(AMERICAN.balls)))
NAMES = [ball.name for ball in AMERICAN.balls]


def costs(*looks: dict[str, float]) -> Array:
    """What each ball costs under each name; names that are not given are out of the question."""
    cost = np.full((len(looks), len(SLOTS) + len(looks)), 50.0)
    cost[:, len(SLOTS) :] = np.where(np.eye(len(looks)) > 0, 28.0, NEVER)
    for i, look in enumerate(looks):
        for name, value in look.items():
            cost[i, NAMES.index(name)] = value
    return cost


def names(racks: Racks, cost: Array) -> list[str]:
    assigned = racks.assign(cost, SLOTS, AMERICAN)
    return [NAMES[j] if j < len(SLOTS) else "?" for j in assigned.columns]


def sure(*which: int) -> list[dict[str, float]]:
    return [{str(n): 1.0} for n in which]


def test_nine_balls_are_nine_ball_unless_one_clearly_is_not() -> None:
    nearly = [*sure(1, 2, 3, 4, 5, 7, 8, 9), {"6": 5.0, "14": 2.0}]
    assert names(Racks(), costs(*nearly))[-1] == "6"
    clearly = [*sure(1, 2, 3, 4, 5, 7, 8, 9), {"6": 15.0, "14": 2.0}]
    assert names(Racks(), costs(*clearly))[-1] == "14"


def test_few_balls_tell_little_of_the_game() -> None:
    assert names(Racks(), costs(*sure(1, 8), {"6": 5.0, "14": 2.0}))[-1] == "14"


def test_what_the_full_table_told_holds_until_it_is_racked_anew() -> None:
    racks = Racks()
    names(racks, costs({"cue": 0.0}, *sure(*range(1, 10))))
    few = costs({"cue": 0.0}, *sure(8), {"6": 5.0, "14": 2.0})
    assert names(racks, few) == ["cue", "8", "6"], "nine-ball was begun"
    names(racks, costs({"cue": 0.0}, *sure(*range(1, 16))))
    assert names(racks, few) == ["cue", "8", "14"], "now all fifteen were there"


def test_the_cue_ball_and_what_is_no_ball_count_for_nothing() -> None:
    found = names(Racks(), costs({"cue": 0.0}, {}, *sure(1, 2, 3, 4, 5, 7, 8, 9), {"6": 5.0, "14": 2.0}))
    assert found[:2] == ["cue", "?"]
    assert found[-1] == "6"


def test_names_beyond_the_rack_are_out_of_the_question_in_its_costs() -> None:
    assigned = Racks().assign(costs(*sure(*range(1, 10))), SLOTS, AMERICAN)
    assert (assigned.cost[:, NAMES.index("10") : len(SLOTS)] == NEVER).all()


@pytest.mark.parametrize("reds", [0, 4])
def test_a_set_without_racks_is_assigned_as_it_is(reds: int) -> None:
    snooker = ball_sets()["snooker"]
    slots = [i for i, ball in enumerate(snooker.balls) for _ in range(ball.count)]
    cost = np.full((reds + 1, len(slots) + reds + 1), 9.0)
    cost[0, 0] = 0.0
    assigned = Racks().assign(cost, slots, snooker)
    assert assigned.columns[0] == 0
    assert assigned.cost is not cost
    assert np.array_equal(assigned.cost, cost)
