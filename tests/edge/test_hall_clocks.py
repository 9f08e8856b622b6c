"""The table clock: its price is that of a naive recomputation, whatever was moved, stopped, corrected, undone."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor as whole
from pathlib import Path
from typing import Any

import pytest
from hall_facts import make_store, undone
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import from_stamp, stamp
from edge.hall import clocks
from edge.hall.clock_price import Part, bill_of
from edge.hall.clocks import Clock, ClockError, bill
from edge.hall.errors import HallError
from edge.hall.money import money_text, plain_amount, read_money
from edge.hall.occasion import Occasion
from edge.stats.clocks_csv import clocks_csv
from edge.store.database import Store
from edge.store.migrations import migrate

BEGIN = datetime(2025, 11, 2, 4, 30, tzinfo=UTC)  # half an hour before Chicago's clocks are set back
LABELS = ("A", "B", "C")
RATES = {"A": 1250, "B": 1800, "C": 0}
MIN = timedelta(minutes=1)


def occasion_at(label: str, now: datetime) -> Occasion:
    return Occasion(now, "2025-11-01", label)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    migrate(tmp_path / "ladder.db")
    with Store(tmp_path / "ladder.db") as store:
        yield store


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all examples, of which none leaves anything in it."""
    return make_store(tmp_path_factory.mktemp("clocks") / "ladder.db")


def start(store: Store, label: str = "A", now: datetime = BEGIN, step: int = 1, rate: int = 1250) -> Clock:
    with store.write() as conn:
        return clocks.start_clock(conn, occasion_at(label, now), rate, step)


def known(store: Store, clock: Clock) -> Clock:
    with store.read() as conn:
        found = clocks.get_clock(conn, clock.id)
    assert found is not None
    return found


def stopped(store: Store, minutes: float, **more: Any) -> Clock:
    clock = start(store, **more)
    with store.write() as conn:
        clocks.stop_clock(conn, clock.id, BEGIN + minutes * MIN)
    return known(store, clock)


# Naive: every span's share of the billed time, in fractions of a cent, rounded once.
def naive(parts: list[tuple[int, int]], step_min: int) -> int:
    total = sum(max(0, ms) for ms, _ in parts)
    if total == 0:
        return 0
    steps = 0
    while steps * step_min * 60_000 < total:
        steps += 1
    exact = sum(
        Fraction(max(0, ms), total) * Fraction(steps * step_min, 60) * cents for ms, cents in parts
    ) + Fraction(0)
    return whole(exact + Fraction(1, 2))


parts = st.lists(st.tuples(st.integers(-100_000, 9_000_000), st.integers(0, 5000)), min_size=1, max_size=5)


@given(parts, st.sampled_from([1, 5, 6, 15, 30, 60]))
def test_a_price_is_the_sum_of_the_shares_rounded_once(found: list[tuple[int, int]], step: int) -> None:
    assert bill_of([Part(*part) for part in found], step).cents == naive(found, step)


@given(st.integers(1, 30_000_000), st.integers(0, 5000), st.sampled_from([1, 5, 15]), st.integers(0, 30_000_000))
def test_moving_to_a_table_of_the_same_price_changes_nothing(ms: int, cents: int, step: int, at: int) -> None:
    cut = at % (ms + 1)
    assert bill_of([Part(cut, cents), Part(ms - cut, cents)], step) == bill_of([Part(ms, cents)], step)


@pytest.mark.parametrize(
    ("minutes", "step", "cents"),
    [(60, 1, 1250), (60.0001, 1, 1271), (0.01, 1, 21), (0, 1, 0), (61, 15, 1563), (60, 60, 1250), (61, 60, 2500)],
)
def test_each_begun_step_counts(store: Store, minutes: float, step: int, cents: int) -> None:
    clock = start(store, step=step)
    with store.write() as conn:
        clocks.stop_clock(conn, clock.id, BEGIN + timedelta(milliseconds=round(minutes * 60_000)))
    assert bill(known(store, clock), BEGIN).cents == cents


# What may happen to a clock, with how the wall's clock went on before: jumps back and ahead among it.
steps = st.lists(
    st.tuples(
        st.sampled_from(["move", "stop", "resume", "start-earlier", "start-later", "end", "undo-end", "waive"]),
        st.integers(-90, 200),
        st.sampled_from(LABELS),
    ),
    max_size=12,
)


@given(steps, st.sampled_from([1, 5, 15]))
def test_the_price_is_that_of_a_naive_recomputation(
    empty: Path, history: list[tuple[str, int, str]], step: int
) -> None:
    with undone(empty) as conn:
        _play(conn, history, step)


def _play(conn: sqlite3.Connection, history: list[tuple[str, int, str]], step: int) -> None:
    def known_now() -> Clock:
        found = clocks.get_clock(conn, clock.id)
        assert found is not None
        return found

    clock, now = clocks.start_clock(conn, occasion_at("A", BEGIN), 1250, step), BEGIN
    # Told beside the store: spans as [label, begin, end], the corrected ends, and whether it is free of charge.
    spans: list[list[object]] = [["A", BEGIN, None]]
    first: datetime | None = None
    last: datetime | None = None
    waived = False
    for what, minutes, label in history:
        now += minutes * MIN
        held = known_now()
        try:
            if what == "move" and held.running and label != held.table_label:
                clocks.move_clock(conn, clock.id, occasion_at(label, now), RATES[label])
                spans[-1][2] = now
                spans.append([label, now, None])
            elif what == "stop" and clocks.stop_clock(conn, clock.id, now):
                spans[-1][2] = now
            elif what == "resume" and not held.running:
                clocks.resume_clock(conn, held, held.table_label, now)
                spans[-1][2], last = None, None
            elif what.startswith("start-"):
                moment = held.from_when + (minutes if what == "start-later" else -abs(minutes)) * MIN
                clocks.correct_clock(conn, held, "start", moment, now)
                first = moment
            elif what == "end" and not held.running:
                moment = now - abs(minutes) * MIN
                clocks.correct_clock(conn, held, "end", moment, now)
                last = moment
            elif what == "undo-end" and not held.running:
                clocks.correct_clock(conn, held, "end", None, now)
                last = None
            elif what == "waive":
                waived = not waived
                clocks.waive_clock(conn, clock.id, now, waived=waived)
        except ClockError:
            pass
    told: list[tuple[int, int]] = []
    for place, (at, begun, ended) in enumerate(spans):
        begin = first if place == 0 and first is not None else begun
        end = ended if ended is not None else now
        if place == len(spans) - 1 and ended is not None and last is not None:
            end = last
        assert isinstance(begin, datetime)
        assert isinstance(end, datetime)
        told.append(((end - begin) // timedelta(milliseconds=1), RATES[str(at)]))
    due = bill(known_now(), now)
    assert due.cents == (0 if waived else naive(told, step))
    assert due.ms == sum(max(0, ms) for ms, _ in told)


def test_the_hour_that_a_night_has_twice_counts_twice(store: Store) -> None:
    """From 00:30 to 02:30 by the wall in the night in which clocks are set back are three hours."""
    zone_end = BEGIN + timedelta(hours=4)
    clock = start(store, now=BEGIN + timedelta(hours=1))
    with store.write() as conn:
        clocks.stop_clock(conn, clock.id, zone_end)
    assert bill(known(store, clock), BEGIN).minutes == 180


def test_one_table_has_one_clock(store: Store) -> None:
    clock = start(store)
    with pytest.raises(ClockError, match="clock_runs"):
        start(store)
    other = start(store, "B")
    with store.write() as conn:
        with pytest.raises(ClockError, match="clock_runs"):
            clocks.move_clock(conn, other.id, occasion_at("A", BEGIN), 0)
        clocks.stop_clock(conn, clock.id, BEGIN + MIN)
        clocks.move_clock(conn, other.id, occasion_at("A", BEGIN + MIN), 0)
    with store.write() as conn, pytest.raises(ClockError, match="clock_runs"):
        clocks.resume_clock(conn, known(store, clock), "A", BEGIN + 2 * MIN)


def test_a_clock_that_was_stopped_stays_stopped_when_that_is_sent_again(store: Store) -> None:
    clock = stopped(store, 30)
    with store.write() as conn:
        assert not clocks.stop_clock(conn, clock.id, BEGIN + 90 * MIN)
    assert bill(known(store, clock), BEGIN).minutes == 30


def test_a_clock_that_goes_on_forgets_the_end_that_was_corrected(store: Store) -> None:
    clock = stopped(store, 30)
    with store.write() as conn:
        clocks.correct_clock(conn, clock, "end", BEGIN + 20 * MIN, BEGIN + 31 * MIN)
    clock = known(store, clock)
    assert bill(clock, BEGIN).minutes == 20
    with store.write() as conn:
        clocks.resume_clock(conn, clock, "A", BEGIN + 32 * MIN)
        clocks.stop_clock(conn, clock.id, BEGIN + 50 * MIN)
    assert bill(known(store, clock), BEGIN).minutes == 50


def test_times_that_can_not_be_are_refused(store: Store) -> None:
    clock = start(store)
    now = BEGIN + 60 * MIN
    with store.write() as conn:
        with pytest.raises(ClockError, match="clock_future"):
            clocks.correct_clock(conn, clock, "start", now + MIN, now)
        with pytest.raises(ClockError, match="clock_still_runs"):
            clocks.correct_clock(conn, clock, "end", now, now)
        clocks.move_clock(conn, clock.id, occasion_at("B", now), 0)
        clocks.stop_clock(conn, clock.id, now + 10 * MIN)
    moved = known(store, clock)
    with store.write() as conn:
        with pytest.raises(ClockError, match="clock_order"):
            clocks.correct_clock(conn, moved, "start", now + MIN, now + 20 * MIN)
        with pytest.raises(ClockError, match="clock_order"):
            clocks.correct_clock(conn, moved, "end", now - MIN, now + 20 * MIN)
    with store.write() as conn, pytest.raises(ClockError, match="clock_future"):
        clocks.start_clock(conn, occasion_at("C", now), 0, 1, now + MIN)


def test_a_move_that_was_a_mistake_leaves_no_trace_in_the_price(store: Store) -> None:
    clock = start(store)
    with store.write() as conn:
        clocks.move_clock(conn, clock.id, occasion_at("B", BEGIN + 30 * MIN), 9900)
        clocks.unmove_clock(conn, clock.id, "A", BEGIN + 35 * MIN)
        clocks.stop_clock(conn, clock.id, BEGIN + 60 * MIN)
    assert bill(known(store, clock), BEGIN).cents == 1250
    start(store, "B")  # nobody has that table


@pytest.mark.parametrize(("minutes", "doubtful"), [(30, False), (721, True), (-5, True)])
def test_a_jump_of_the_wall_clock_is_marked(store: Store, minutes: int, doubtful: bool) -> None:
    clock = stopped(store, minutes)
    assert clock.doubtful(BEGIN) == doubtful
    assert bill(clock, BEGIN).cents >= 0


def test_a_clock_started_by_mistake_counts_nowhere(store: Store) -> None:
    clock = start(store)
    with store.write() as conn:
        clocks.void_clock(conn, clock.id, BEGIN + MIN)
    with store.read() as conn:
        assert clocks.clocks_of(conn, "2025-11-01") == []
        assert clocks.running_clocks(conn) == []


def test_a_day_has_its_clocks_with_their_total(store: Store) -> None:
    stopped(store, 60)
    start(store, "B", BEGIN + 2 * MIN, rate=600)
    with store.read() as conn:
        found = clocks.clocks_of(conn, "2025-11-01")
        assert [clock.table_label for clock in found] == ["A", "B"]
        assert sum(bill(one, BEGIN + 62 * MIN).cents for one in found) == 1250 + 600
        assert clocks.clocks_of(conn, "2025-11-02") == []


def test_a_file_of_the_day_is_no_formula(store: Store) -> None:
    clock = start(store, "=cmd|' /C calc'!A0")
    with store.write() as conn:
        clocks.stop_clock(conn, clock.id, BEGIN + 60 * MIN)
    lines = clocks_csv([known(store, clock)], "USD", UTC, BEGIN).splitlines()
    assert lines[0].startswith("\ufeffday,tables,begin,end")
    assert lines[1].split(",")[1].startswith("'=cmd")
    assert ",60,60,12.50,USD,0,0,0," in lines[1]


@given(st.integers(0, 10_000_000), st.sampled_from(["USD", "JPY", "KWD", "CHF"]))
def test_an_amount_reads_as_it_is_written(amount: int, currency: str) -> None:
    text = plain_amount(amount, currency)
    assert read_money(text, currency) == amount
    assert read_money(text.replace(".", ","), currency) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1250, "USD", "$12.50"), (1250, "CHF", "12.50 CHF"), (1250, "JPY", "¥1250"), (1250, "KWD", "1.250 KWD"),
     (5, "EUR", "€0.05"), (-5, "USD", "\N{MINUS SIGN}$0.05")],
)  # fmt: skip
def test_money_is_written_as_its_country_does(amount: int, currency: str, text: str) -> None:
    assert money_text(amount, currency) == text


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1,2,3", "abc", "1e5", "99999999", "١٢", "12.50 €", " "])
def test_no_other_text_is_an_amount(text: str) -> None:
    with pytest.raises(HallError, match="money_unreadable"):
        read_money(text, "USD")


def test_stamps_keep_milliseconds(store: Store) -> None:
    clock = start(store, now=BEGIN + timedelta(milliseconds=7))
    assert stamp(known(store, clock).from_when).endswith("007Z")
    assert from_stamp(stamp(clock.started_at)) == clock.started_at
