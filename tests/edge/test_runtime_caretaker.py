"""The caretaker ends what nobody plays any more, whatever the clock does, and enters what was left."""

from datetime import timedelta

import pytest
from evening import Evening

from edge.hall.sitting import at_table
from edge.runtime.caretaker import Caretaker

PAUSE = timedelta(minutes=20)


def taken(evening: Evening) -> bool:
    with evening.store.read() as conn:
        return at_table(conn, "Table 1").taken


def test_a_pause_ends_a_session_as_of_its_last_shot(evening: Evening) -> None:
    session = evening.practise(evening.player("Ana"))
    evening.shoot("1")
    last = evening.now
    caretaker = Caretaker(evening.store, "Table 1", PAUSE)
    assert not caretaker.look(evening.now, 1000.0)
    evening.wait(19 * 60)
    assert not caretaker.look(evening.now, 1000.0 + 19 * 60)
    evening.wait(2 * 60)
    assert caretaker.look(evening.now, 1000.0 + 21 * 60)
    ended = evening.session(session.id)
    assert ended.end_reason == "pause"
    assert ended.ended_at is not None
    assert ended.ended_at - last < timedelta(seconds=10)


def test_a_shot_begins_the_pause_anew(evening: Evening) -> None:
    evening.practise(evening.player("Ana"))
    caretaker = Caretaker(evening.store, "Table 1", PAUSE)
    for minute in range(0, 120, 15):
        evening.wait(15 * 60)
        evening.shoot("1")
        assert not caretaker.look(evening.now, 60.0 * minute)


@pytest.mark.parametrize("jump_s", [24 * 3600, -24 * 3600])
def test_a_clock_that_jumps_ends_nothing(evening: Evening, jump_s: int) -> None:
    evening.practise(evening.player("Ana"))
    caretaker = Caretaker(evening.store, "Table 1", PAUSE)
    assert not caretaker.look(evening.now, 50.0)
    assert not caretaker.look(evening.now + timedelta(seconds=jump_s), 60.0)
    assert taken(evening)
    assert caretaker.look(evening.now + timedelta(seconds=jump_s), 50.0 + 21 * 60)


def test_after_a_start_the_wall_clock_says_how_long_nobody_has_played(evening: Evening) -> None:
    evening.practise(evening.player("Ana"))
    assert Caretaker(evening.store, "Table 1", PAUSE).look(evening.now + timedelta(hours=9), 3.0)
    assert not taken(evening)


def test_what_a_killed_process_left_is_entered(evening: Evening) -> None:
    evening.practise(evening.player("Ana"))
    evening.shoot("1", book=False)
    Caretaker(evening.store, "Table 1", PAUSE).look(evening.now, 1.0)
    assert [row["result"] for row in evening.rows("SELECT result FROM plays")] == ["make"]
