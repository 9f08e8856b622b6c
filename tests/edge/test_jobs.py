"""Calendar work: once for each night, however the clock jumps, and no job keeps the others from their turn."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fresh_store import fresh_store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shot_book import NOW, play
from waiting import wait_until

from edge import backup
from edge.backup.snapshot import name_of
from edge.backup.taking import DamagedSourceError
from edge.clock import stamp
from edge.clock_watch import Clocks
from edge.facts import uuid7
from edge.hall import audit, logins
from edge.hall.players import sign_up
from edge.jobs.disk import DiskGuard
from edge.jobs.housekeeping import Housekeeping
from edge.jobs.job import Bench, Job, Moment, night
from edge.jobs.prune import PruneSnapshots
from edge.jobs.registry import all_jobs
from edge.jobs.runs import forget_runs, last_runs, note_begun, note_done, troubles
from edge.jobs.service import JobHangsError, serve
from edge.jobs.snapshot import NightlySnapshot
from edge.jobs.ticker import FIRST_DELAY_S, Ticker, delay_s
from edge.runtime.notify import Turns
from edge.runtime.paths import Paths
from edge.settings import Backup, Disk, Hall, Settings
from edge.store import damage
from edge.store.database import Store

CHICAGO = ZoneInfo("America/Chicago")
SETTINGS = Settings(hall=Hall(timezone="America/Chicago"), disk=Disk(warn_free_mb=0, least_free_mb=0))


@dataclass
class Hands:
    """Both clocks, moved by the tests."""

    now: datetime = NOW
    up_s: float = 10_000.0

    def __call__(self) -> Clocks:
        return Clocks(self.now, self.up_s)

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.up_s += seconds

    def jump(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


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


def ticker(
    paths: Paths, store: Store, hands: Hands, *jobs: Job, stopping: Callable[[], bool] = lambda: False
) -> Ticker:
    return Ticker(jobs, paths, SETTINGS, store, boot="boot-one-two", clocks=hands, stopping=stopping)


def bench_at(paths: Paths, store: Store, wanted: Settings = SETTINGS, *, trusted: bool = True) -> Bench:
    return Bench(paths, wanted, store, Moment(NOW, CHICAGO, 10_000.0, "boot-one-two", trusted=trusted))


def deeds(store: Store, what: str) -> list[audit.Deed]:
    with store.read() as conn:
        return [deed for deed in audit.recent(conn, 100) if deed.what == what]


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


# Jobs


def test_a_snapshot_is_taken_when_somebody_wrote_and_only_then(paths: Paths, store: Store) -> None:
    hands = Hands()
    one = ticker(paths, store, hands, NightlySnapshot(), PruneSnapshots())
    one.tick()
    assert len(backup.snapshots(paths)) == 1
    hands.go(86_400)
    one.tick()
    assert len(backup.snapshots(paths)) == 1, "what the jobs themselves wrote is no change"
    play(paths.store, range(1))
    hands.go(86_400)
    one.tick()
    assert len(backup.snapshots(paths)) == 2
    with store.read() as conn:
        assert last_runs(conn)["snapshot"][1].startswith("2026-03-03T")


def test_after_a_start_it_is_taken_in_any_case(paths: Paths, store: Store) -> None:
    hands = Hands()
    ticker(paths, store, hands, NightlySnapshot()).tick()
    hands.go(86_400)
    ticker(paths, store, hands, NightlySnapshot()).tick()
    assert len(backup.snapshots(paths)) == 2


def test_nightly_snapshots_are_kept_as_the_settings_say(paths: Paths, store: Store) -> None:
    wanted = Settings(hall=SETTINGS.hall, disk=SETTINGS.disk, backup=Backup(keep_days=3, keep_weeks=0))
    hands = Hands()
    for n in range(6):
        Ticker((NightlySnapshot(), PruneSnapshots()), paths, wanted, store, boot="b", clocks=hands).tick()
        play(paths.store, range(n, n + 1))
        hands.go(86_400)
    assert [one.name[:10] for one in backup.snapshots(paths)] == ["2026-03-06", "2026-03-05", "2026-03-04"]


def test_a_store_that_gives_no_sound_copy_is_marked_so_that_it_is_mended(
    paths: Paths, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise DamagedSourceError("the store is damaged")

    monkeypatch.setattr("edge.jobs.snapshot.take", damaged)
    ticker(paths, store, Hands(), NightlySnapshot()).tick()
    assert damage.marked(paths.store) == "the store is damaged"


def test_housekeeping_deletes_what_ended_long_ago(paths: Paths, store: Store) -> None:
    with store.write() as conn:
        player = sign_up(conn, "Ana", stamp(NOW)).id
        logins.new_login(conn, player, "screen", NOW - timedelta(days=40), 90)
        logins.new_login(conn, player, "screen", NOW, 90)
        conn.execute(
            "INSERT INTO pin_failures VALUES ('name:x', 3, ?, 'b', 0), ('name:y', 3, ?, 'b', 0)",
            [stamp(NOW - timedelta(days=31)), stamp(NOW)],
        )
        conn.execute("INSERT INTO inbox_lines VALUES ('d', 'e', 9000)")
        conn.executemany(
            "INSERT INTO inbox VALUES ('d', 'e', ?, ?, 'h')", [(n, f"{n:08x}-an-old-key") for n in range(1, 4501)]
        )
    job, bench = Housekeeping(), bench_at(paths, store)
    said = job.run(bench, "2026-03-01")
    assert said == "1 wrong PINs, 4500 noted facts of other boxes"  # the new login took the old one with it
    wal = paths.store.with_name("ladder.db-wal")
    assert wal.stat().st_size == 0, "the log is folded in"
    assert job.due(bench) is not None
    assert job.due(bench_at(paths, store, trusted=False)) is None, "not by a clock that may be wrong"


class Room:
    """A disk with so much room, and more with everything that is deleted."""

    def __init__(self, paths: Paths, free_mb: int, mb_each: int) -> None:
        self._paths = paths
        self._free_mb, self._mb_each = free_mb, mb_each
        self._before = self._count()

    def _count(self) -> int:
        return sum(len(list(place.glob("2*"))) for place in (self._paths.backups, self._paths.damaged))

    def __call__(self, _path: Path) -> int:
        return (self._free_mb + self._mb_each * (self._before - self._count())) * 1_000_000


@pytest.fixture
def full(paths: Paths) -> Paths:
    """Five snapshots and three stores put aside, one of them of late; a rejected shot."""
    for n in range(5):
        backup.take(paths, NOW - timedelta(days=5 - n))
    for days in (90, 60, 5):
        aside = paths.damaged / name_of(NOW - timedelta(days=days))
        aside.mkdir(parents=True)
        (aside / "ladder.db").write_text("damaged")
    paths.rejected_shots.write_text("{}\n")
    return paths


@pytest.mark.parametrize(
    ("mb_each", "snapshots", "asides"),
    [(1000, 4, 3), (350, 2, 3), (250, 2, 2), (1, 2, 1)],
)
def test_room_is_made_in_order_and_no_more_than_is_needed(  # noqa: PLR0917 (fixtures)
    full: Paths, store: Store, mb_each: int, snapshots: int, asides: int, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = Settings(disk=Disk(warn_free_mb=5120, least_free_mb=2048))
    guard = DiskGuard(Room(full, 4120, mb_each))
    newest = [one.name for one in backup.snapshots(full)]
    bench = bench_at(full, store, wanted)
    assert guard.due(bench) is not None
    guard.run(bench, "hour")
    assert [one.name for one in backup.snapshots(full)] == newest[:snapshots]
    assert len(list(full.damaged.iterdir())) == asides
    assert full.rejected_shots.exists()
    assert "the disk is nearly full: the snapshot" in caplog.text
    (deed,) = deeds(store, "disk.freed")
    assert deed.after is not None
    assert (deed.after["snapshots"], deed.after["damaged"]) == (5 - snapshots, 3 - asides)


def test_by_a_clock_that_may_be_wrong_nothing_is_too_old(full: Paths, store: Store) -> None:
    wanted = Settings(disk=Disk(warn_free_mb=5120))
    guard = DiskGuard(Room(full, 0, 1))
    guard.run(bench_at(full, store, wanted, trusted=False), "hour")
    assert len(list(full.damaged.iterdir())) == 3


def test_with_room_enough_nothing_is_looked_at(full: Paths, store: Store) -> None:
    assert DiskGuard(Room(full, 5121, 0)).due(bench_at(full, store, Settings())) is None


def test_a_disk_that_stays_full_is_said_once_an_hour(
    full: Paths, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = Settings(hall=SETTINGS.hall)
    hands = Hands(up_s=7200.0)
    one = Ticker((DiskGuard(Room(full, 100, 1)),), full, wanted, store, boot="b", clocks=hands)
    for _ in range(150):
        one.tick()
        hands.go(60)
    assert sum("free some space" in record.message for record in caplog.records) == 3
    assert all(record.levelno == logging.ERROR for record in caplog.records if "free some" in record.message)


def test_every_job_of_the_box_has_a_name_of_its_own_and_may_be_due_at_once(paths: Paths, store: Store) -> None:
    jobs = all_jobs()
    assert len({job.name for job in jobs}) == len(jobs)
    ticker(paths, store, Hands(), *jobs).tick()
    with store.read() as conn:
        assert troubles(conn) == []
        assert set(last_runs(conn)) == {"snapshot", "prune", "housekeeping", "training"}


# The service


class Counted:
    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self.ticks = 0
        self._act = act

    def tick(self) -> None:
        self.ticks += 1
        self._act()


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_the_service_ticks_at_once_and_again_and_ends_when_told(stop: threading.Event) -> None:
    counted = Counted()
    thread = threading.Thread(
        target=serve, args=[lambda *_: counted, Turns(), stop], kwargs={"tick_s": 0.01, "look_s": 0.01}
    )
    thread.start()
    wait_until(lambda: counted.ticks > 3)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_tick_that_fails_does_not_end_it(stop: threading.Event) -> None:
    def fail() -> None:
        if counted.ticks > 3:
            stop.set()
        raise ZeroDivisionError

    counted = Counted(fail)
    serve(lambda *_: counted, Turns(), stop, tick_s=0.01, look_s=0.01)
    assert counted.ticks > 3


def test_a_job_that_hangs_ends_the_service(stop: threading.Event) -> None:
    forever = threading.Event()
    now = [0.0]
    turns = Turns(clock=lambda: now[0])

    def hang() -> None:
        turns.allow(10.0)
        now[0] = 11.0
        forever.wait()

    with pytest.raises(JobHangsError, match="the others go first"):
        serve(lambda *_: Counted(hang), turns, stop, look_s=0.01)
    forever.set()


def test_a_job_that_does_not_stop_is_left_behind(stop: threading.Event) -> None:
    forever = threading.Event()

    def hang() -> None:
        stop.set()
        forever.wait()

    with pytest.raises(JobHangsError, match="does not stop"):
        serve(lambda *_: Counted(hang), Turns(), stop, stop_s=0.05, look_s=0.01)
    forever.set()


@pytest.mark.slow
def test_the_command_works_until_it_is_told_to_stop(paths: Paths) -> None:
    words = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), "jobs", "--data", str(paths.data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        wait_until(lambda: backup.snapshots(paths))
        second = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 1
        assert "another ladder jobs" in second.stderr
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    assert "snapshot: 20" in out


def test_the_service_leaves_when_the_store_is_found_damaged(paths: Paths) -> None:
    words = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), "jobs", "--data", str(paths.data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        wait_until(lambda: backup.snapshots(paths))
        damage.mark(paths.store, "a page is none")
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    assert "the service ends, so that the store can be mended: a page is none" in out
