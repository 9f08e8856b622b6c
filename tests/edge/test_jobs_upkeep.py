"""The box's own jobs: snapshots taken and pruned, housekeeping, and room made on a disk that fills."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from job_bench import SETTINGS, Hands, bench_at, deeds, ticker
from shot_book import NOW, play

from edge import backup
from edge.backup.snapshot import name_of
from edge.backup.taking import DamagedSourceError
from edge.clock import stamp
from edge.hall import logins
from edge.hall.players import sign_up
from edge.jobs.disk import DiskGuard
from edge.jobs.housekeeping import Housekeeping
from edge.jobs.prune import PruneSnapshots
from edge.jobs.registry import all_jobs
from edge.jobs.runs import last_runs, troubles
from edge.jobs.snapshot import NightlySnapshot
from edge.jobs.ticker import Ticker
from edge.runtime.paths import Paths
from edge.settings import Backup, Disk, Settings
from edge.store import damage
from edge.store.database import Store


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
