"""Calendar work: once for each night, however the clock jumps, and no job keeps the others from their turn."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from fresh_store import fresh_store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from job_bench import CHICAGO, Hands, deeds, ticker
from shot_book import NOW, play

from edge import backup
from edge.clock import stamp
from edge.facts import uuid7
from edge.jobs.job import Bench, Moment, night
from edge.jobs.runs import forget_runs, last_runs, note_begun, note_done, troubles
from edge.jobs.ticker import FIRST_DELAY_S, delay_s
from edge.runtime.paths import Paths
from edge.store.database import Store


@dataclass
class Work:
    """A job that notes for which periods it was run, and by which clock."""

    name: str = "work"
    limit_s: float = 60.0
    noted: bool = True
    ran: list[str] = field(default_factory=list)
    fails: int = 0
    act: Callable[[Bench], object] = lambda _: None

    def due(self, bench: Bench) -> str | None:
        return night(bench.moment)

    def run(self, bench: Bench, period: str) -> str:
        self.ran.append(period)
        self.act(bench)
        if len(self.ran) <= self.fails:
            raise ZeroDivisionError("no luck")
        return "done"


# The night


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-03-01 03:59:59", "2026-02-28"),
        ("2026-03-01 04:00:00", "2026-03-01"),
        ("2026-03-08 01:59:59", "2026-03-07"),  # then the clocks go from 2 to 3
        ("2026-03-08 04:00:00", "2026-03-08"),
        ("2026-11-01 01:30:00", "2026-10-31"),  # this hour comes twice
        ("2026-11-01 04:00:00", "2026-11-01"),
        ("2026-12-31 23:59:59", "2026-12-31"),
    ],
)
def test_a_night_begins_at_four_by_the_hall_s_clocks(local: str, expected: str) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=CHICAGO).astimezone(UTC)
    assert night(Moment(moment, CHICAGO, 1.0, "b")) == expected


def test_while_the_clock_is_behind_a_night_is_a_day_of_running_time() -> None:
    def at(up_s: float) -> str | None:
        return night(Moment(datetime(1970, 1, 1, tzinfo=UTC), CHICAGO, up_s, "boot-one-two", behind=True))

    assert at(3599.0) is None
    assert at(3600.0) == at(3600.0 + 86399.0) == "boot-one+0"
    assert at(3600.0 + 86400.0) == "boot-one+1"


# The tick


def test_a_job_is_done_once_a_night_and_after_a_restart_not_again(paths: Paths, store: Store) -> None:
    hands, work = Hands(), Work()
    first = ticker(paths, store, hands, work)
    for _ in range(3):
        first.tick()
        hands.go(60)
    ticker(paths, store, hands, work).tick()
    assert work.ran == ["2026-02-28"]
    hands.go(24 * 3600)
    ticker(paths, store, hands, work).tick()
    assert work.ran == ["2026-02-28", "2026-03-01"]
    with store.read() as conn:
        assert last_runs(conn)["work"] == (stamp(hands.now), "done")
        assert troubles(conn) == []


def test_after_a_week_off_it_is_done_once(paths: Paths, store: Store) -> None:
    hands, work = Hands(), Work()
    ticker(paths, store, hands, work).tick()
    hands.go(7 * 24 * 3600)
    later = ticker(paths, store, hands, work)
    later.tick()
    later.tick()
    assert work.ran == ["2026-02-28", "2026-03-07"]


@pytest.mark.parametrize("year_day", [(2026, 3, 6), (2026, 10, 30)])
def test_over_a_change_of_the_hour_each_night_has_its_turn_once(
    paths: Paths, store: Store, year_day: tuple[int, int, int]
) -> None:
    hands, work = Hands(datetime(*year_day, 18, tzinfo=UTC)), Work()
    one = ticker(paths, store, hands, work)
    for _ in range(4 * 24 * 4):
        one.tick()
        hands.go(900)
    first = datetime(*year_day, tzinfo=UTC).date()
    assert work.ran == [(first + timedelta(days=n)).isoformat() for n in range(5)]


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0, 3600.0, -3600.0, 400 * 86_400.0, -400 * 86_400.0])
def test_a_jump_and_back_costs_a_run_at_most(paths: Paths, store: Store, jump_s: float) -> None:
    hands, work = Hands(datetime(2026, 3, 3, 18, tzinfo=UTC)), Work()
    one = ticker(paths, store, hands, work)
    for step in range(5 * 24):
        if step == 30:
            hands.jump(jump_s)
        if step == 34:
            hands.jump(-jump_s)
        one.tick()
        hands.go(3600)
    assert len(set(work.ran)) == len(work.ran)
    assert {f"2026-03-0{n}" for n in range(3, 9)} <= set(work.ran)
    assert len(work.ran) <= 7
    assert len(deeds(store, "clock.jumped")) == 2


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A box for many examples: each has a job of another name."""
    data = tmp_path_factory.mktemp("lasting")
    fresh_store(data / "ladder.db")
    return Paths(data, data / "run")


JUMPS = st.sampled_from([0.0, 0.0, 0.0, 5.0, -3600.0, 3600.0, 90_000.0, -90_000.0])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(60, 30_000), JUMPS, st.booleans()), max_size=12))
def test_whatever_the_clock_does_each_night_that_it_shows_has_its_turn_once(
    lasting: Paths, steps: list[tuple[float, float, bool]]
) -> None:
    hands, work = Hands(datetime(2027, 3, 12, 20, tzinfo=UTC)), Work(uuid7())
    shown: list[str] = []
    with Store(lasting.store) as store:
        one = ticker(lasting, store, hands, work)
        for seconds, jump_s, started_anew in steps:
            hands.go(seconds)
            hands.jump(jump_s)
            if started_anew:
                one = ticker(lasting, store, hands, work)
            one.tick()
            period = night(Moment(hands.now, CHICAGO, hands.up_s, "b"))
            if period not in shown and period is not None:
                shown.append(period)
    calendar = [period for period in work.ran if "+" not in period]
    assert len(set(work.ran)) == len(work.ran)
    assert set(calendar) <= set(shown), "no night that was not"
    if calendar == work.ran:  # else a start met the clock behind what was written, and went by the running time
        assert work.ran == shown


def test_a_job_that_fails_is_tried_again_later_and_later_and_the_others_go_on(
    paths: Paths, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    hands, bad, good = Hands(), Work("bad", fails=3), Work("good")
    one = ticker(paths, store, hands, bad, good)
    tried = []
    for minute in range(20):
        one.tick()
        tried.append(len(bad.ran))
        if minute == 2:
            with store.read() as conn:
                (trouble,) = troubles(conn)
            assert (trouble.job, trouble.failures, trouble.error) == ("bad", 2, "no luck")
        hands.go(60)
    assert [tried.index(n) for n in (1, 2, 3, 4)] == [0, 1, 3, 7]
    assert good.ran == ["2026-02-28"]
    assert "bad failed: no luck" in caplog.text
    with store.read() as conn:
        assert troubles(conn) == []


def test_a_jump_does_not_shorten_the_wait(paths: Paths, store: Store) -> None:
    hands, bad = Hands(), Work("bad", fails=3)
    one = ticker(paths, store, hands, bad)
    one.tick()
    hands.jump(5 * 3600)
    hands.go(30)
    one.tick()
    assert len(bad.ran) == 1


def test_waits_grow_to_six_hours() -> None:
    assert [delay_s(n) for n in (1, 2, 3, 99)] == [60.0, 120.0, 240.0, 21600.0]


def test_a_job_during_which_the_program_ended_is_put_off_and_the_others_go_first(
    paths: Paths, store: Store
) -> None:
    hands, hanging, good = Hands(), Work("hanging"), Work("good")
    with store.write() as conn:
        note_begun(conn, "hanging", "2026-02-28", stamp(NOW))
    one = ticker(paths, store, hands, hanging, good)
    one.tick()
    assert (hanging.ran, good.ran) == ([], ["2026-02-28"])
    with store.read() as conn:
        assert troubles(conn)[0].error == "it did not come to its end"
    hands.go(FIRST_DELAY_S)
    one.tick()
    assert hanging.ran == ["2026-02-28"]


def test_being_told_to_stop_is_no_failure(paths: Paths, store: Store) -> None:
    stopping = threading.Event()

    def stop(_: Bench) -> None:
        stopping.set()
        raise backup.BackupError("broken off")

    hands, work, next_one = Hands(), Work(act=stop), Work("next")
    ticker(paths, store, hands, work, next_one, stopping=stopping.is_set).tick()
    assert next_one.ran == []
    with store.read() as conn:
        assert troubles(conn) == []
    work.act = lambda _: None
    ticker(paths, store, hands, work).tick()
    assert work.ran == ["2026-02-28", "2026-02-28"]


def test_a_store_that_is_held_is_looked_at_again(paths: Paths) -> None:
    hands, work = Hands(), Work()
    with Store(paths.store, busy_timeout_s=0.05) as store:
        one = ticker(paths, store, hands, work)
        with Store(paths.store) as other, other.write():
            one.tick()
        assert work.ran == []
        hands.go(60)
        one.tick()
    assert work.ran == ["2026-02-28"]


def test_old_runs_are_forgotten_and_the_last_of_each_job_are_kept(store: Store) -> None:
    with store.write() as conn:
        for n in range(30):
            for job in ("a", "b"):
                note_done(conn, job, f"{n:03}", stamp(NOW), str(n))
        assert forget_runs(conn, keep=5) == 50
        left = conn.execute("SELECT job, period FROM job_runs ORDER BY job, period").fetchall()
    assert [tuple(row) for row in left] == [(job, f"{n:03}") for job in "ab" for n in range(25, 30)]


# The clock


def test_a_clock_that_is_behind_what_is_stored_is_said_once_and_nights_go_by_running_time(
    paths: Paths, store: Store
) -> None:
    play(paths.store, range(3))
    hands, work = Hands(datetime(1970, 1, 1, tzinfo=UTC), up_s=20.0), Work()
    one = ticker(paths, store, hands, work)
    for _ in range(30 * 60):
        one.tick()
        hands.go(60)
    assert work.ran == ["boot-one+0", "boot-one+1"]
    assert len(deeds(store, "clock.behind")) == 1
    assert deeds(store, "clock.jumped") == []
    play(paths.store, range(3, 5))  # stored all the same


def test_when_the_network_sets_it_right_the_calendar_goes_on(paths: Paths, store: Store) -> None:
    play(paths.store, range(3))
    real = datetime.now(UTC) + timedelta(hours=1)
    hands, work = Hands(datetime(1970, 1, 1, tzinfo=UTC), up_s=20.0), Work()
    one = ticker(paths, store, hands, work)
    one.tick()
    hands.now = real
    one.tick()
    assert work.ran == [night(Moment(real, CHICAGO, 0.0, "b"))]
    assert len(deeds(store, "clock.jumped")) == 1
