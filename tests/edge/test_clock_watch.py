"""The wall clock watched: jumps are told once, being behind is told, and neither is made of nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shot_book import NOW, play

from edge.clock import stamp
from edge.clock_watch import Clocks, ClockWatch, newest_stamp, note_jump, read_clocks
from edge.hall import audit
from edge.runtime.paths import Paths
from edge.store.database import Store


def at(seconds: float, jumped: float = 0.0) -> Clocks:
    return Clocks(NOW + timedelta(seconds=seconds + jumped), 500.0 + seconds)


@pytest.mark.parametrize("by_s", [2.5, -2.5, 3600.0, -86_400.0, 20 * 365 * 86_400.0])
def test_a_jump_is_told_once_with_by_how_much(by_s: float) -> None:
    watch = ClockWatch(at(0))
    assert watch.look(at(60)) is None
    assert watch.look(at(120, by_s)) == pytest.approx(by_s)
    assert watch.look(at(180, by_s)) is None


@given(st.lists(st.tuples(st.floats(0.1, 100_000), st.floats(-0.9, 0.9)), max_size=30))
def test_a_clock_that_is_set_right_little_by_little_does_not_jump(steps: list[tuple[float, float]]) -> None:
    watch, seconds = ClockWatch(at(0)), 0.0
    for step_s, error_s in steps:
        seconds += step_s
        assert watch.look(at(seconds, error_s)) is None


@given(st.lists(st.tuples(st.floats(0.1, 100_000), st.sampled_from([0.0, 5.0, -5.0, 1e6, -1e6])), max_size=30))
def test_what_is_told_adds_up_to_where_the_clock_is(steps: list[tuple[float, float]]) -> None:
    watch, seconds, jumped, told = ClockWatch(at(0)), 0.0, 0.0, 0.0
    for step_s, jump_s in steps:
        seconds, jumped = seconds + step_s, jumped + jump_s
        told += watch.look(at(seconds, jumped)) or 0.0
    assert told == pytest.approx(jumped, abs=0.01)


def test_a_big_jump_is_not_trusted_for_a_day_of_running_time() -> None:
    watch = ClockWatch(at(0))
    watch.look(at(60, 3600.0))
    assert watch.trusted
    watch.look(at(120, 90_000.0))
    assert not watch.trusted
    watch.look(at(86_000, 90_000.0))
    assert not watch.trusted
    watch.look(at(86_600, 90_000.0))
    assert watch.trusted


def test_a_clock_before_what_is_stored_is_behind_until_it_is_set() -> None:
    watch = ClockWatch(at(0), stamp(NOW + timedelta(days=3)))
    assert watch.behind == timedelta(days=3)
    assert not watch.trusted
    watch.look(at(60, 3 * 86_400.0))
    assert watch.behind is None


def test_a_moment_of_difference_is_none() -> None:
    assert ClockWatch(at(0), stamp(NOW + timedelta(seconds=1))).behind is None
    assert ClockWatch(at(0), None).behind is None


def test_the_newest_is_what_was_stored_last_and_not_the_latest_stamp(paths: Paths, store: Store) -> None:
    with store.read() as conn:
        assert newest_stamp(conn) is None
    with store.write() as conn:
        note_jump(conn, datetime(2099, 1, 1, tzinfo=UTC), 5.0)
    play(paths.store, range(1))
    with store.read() as conn:
        assert newest_stamp(conn) == "2099-01-01T00:00:00.000Z"
    with store.write() as conn:  # set right again, which is noted as well
        note_jump(conn, NOW, -1e9)
    with store.read() as conn:
        newest = newest_stamp(conn)
        assert audit.recent(conn, 1)[0].after == {"by_s": -1_000_000_000}
    assert newest is not None
    assert newest < "2099"


def test_both_clocks_are_read() -> None:
    first, second = read_clocks(), read_clocks()
    assert second.up_s >= first.up_s > 0
