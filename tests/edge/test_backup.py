"""Snapshots: whole or not there, taken while others write, and put back whole."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from shot_book import NOW, epoch_of, everything, play, require_sound, shots_of

from edge import backup
from edge.backup.keeping import kept
from edge.backup.snapshot import FILES, MANIFEST, STORE, Snapshot
from edge.cli import ladder
from edge.clock import stamp
from edge.hall import audit, erasure
from edge.hall.players import get_player, sign_up
from edge.locks import file_lock
from edge.runtime.paths import Paths
from edge.store import swap
from edge.store.database import Store, connect
from edge.store.errors import StoreBusyError
from edge.store.migrations import require_current
from edge.store.recovery import prepare

PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edge import backup
from edge.backup import taking
from edge.runtime.paths import Paths

paths = Paths(Path(sys.argv[1]), Path(sys.argv[1]) / "run")
taking.PAUSE_S = 0.0
taking.STEP_PAGES = 4
print("begun", flush=True)
while True:
    if sys.argv[2] == "take":
        backup.take(paths, datetime.now(UTC))
        backup.prune(paths, UTC, 1, 0)
    else:
        backup.restore(paths, backup.latest(paths), now=datetime.now(UTC))
    print("done", flush=True)
"""


def killed_after(paths: Paths, act: str, delay_s: float) -> None:
    """Has another process do it again and again, and kills it once it has begun and so long after."""
    arguments = [sys.executable, "-c", PROGRAM, str(paths.data), act]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        threading.Event().wait(delay_s)
        process.send_signal(signal.SIGKILL)


def test_a_snapshot_holds_the_store_and_what_belongs_to_it(paths: Paths) -> None:
    everything(paths)
    play(paths.store, range(5))
    made = backup.take(paths, NOW)
    assert {part.name for part in made.files} == {STORE, *FILES}
    assert made.name == "2026-03-01T030000Z"
    assert made.last_seq == 5
    assert made.epoch == epoch_of(paths.store)
    assert json.loads((made.path / MANIFEST).read_text())["schema"] == 1
    assert backup.snapshots(paths) == [made]
    assert shots_of(made.path / STORE) == {f"cam@{n}" for n in range(5)}
    assert sorted(os.listdir(paths.backups)) == [made.name]
    backup.verify(made)


def test_nobody_else_reads_a_snapshot(paths: Paths) -> None:
    everything(paths)
    made = backup.take(paths, NOW)
    for path in (paths.backups, made.path, *(made.path / part.name for part in made.files)):
        assert path.stat().st_mode & 0o077 == 0, path


def test_files_that_a_box_lacks_are_left_out(paths: Paths) -> None:
    assert [part.name for part in backup.take(paths, NOW).files] == [STORE]


def test_a_snapshot_is_of_one_moment_though_others_write_all_the_while(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(paths.store, range(30))
    monkeypatch.setattr("edge.backup.taking.STEP_PAGES", 8)
    steps: list[int] = []

    def meanwhile() -> bool:
        play(paths.store, range(1000 + len(steps), 1001 + len(steps)))  # a writer waits for nothing
        steps.append(1)
        assert len(steps) < 300, "it begins anew at every write"
        return False

    made = backup.take(paths, NOW, stopping=meanwhile)
    assert len(steps) > 5
    assert shots_of(made.path / STORE) == {f"cam@{n}" for n in range(30)}
    assert made.last_seq == 30
    assert len(shots_of(paths.store)) == 30 + len(steps)


def test_a_snapshot_that_is_broken_off_is_not_there(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    play(paths.store, range(20))
    monkeypatch.setattr("edge.backup.taking.STEP_PAGES", 8)
    with pytest.raises(backup.BackupError, match="broken off"):
        backup.take(paths, NOW, stopping=lambda: True)
    assert os.listdir(paths.backups) == []


def test_without_room_nothing_is_begun(paths: Paths) -> None:
    with pytest.raises(backup.BackupError, match="free some space"):
        backup.take(paths, NOW, least_free_bytes=10**15)
    assert backup.snapshots(paths) == []


def test_two_snapshots_of_one_second_have_names_of_their_own(paths: Paths) -> None:
    names = [backup.take(paths, NOW).name for _ in range(2)]
    assert names == ["2026-03-01T030000Z", "2026-03-01T030001Z"]
    assert [one.name for one in backup.snapshots(paths)] == names[::-1]


def test_the_newest_is_the_last_taken_whatever_the_clock_said(paths: Paths) -> None:
    last_year, by_a_wrong_clock = NOW - timedelta(days=365), datetime(1970, 1, 1, tzinfo=UTC)
    taken = [backup.take(paths, moment) for moment in (last_year, NOW, by_a_wrong_clock)]
    assert backup.latest(paths) == taken[-1]
    assert backup.snapshots(paths) == taken[::-1]


@pytest.mark.parametrize("number", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 6))])
def test_whoever_is_killed_while_taking_leaves_whole_snapshots_only(paths: Paths, number: int) -> None:
    play(paths.store, range(40))
    killed_after(paths, "take", 0.05 * number)
    for one in backup.snapshots(paths):
        backup.verify(one)
        require_sound(one.path / STORE)
    require_sound(paths.store)
    made = backup.take(paths, NOW)
    assert not [name for name in os.listdir(paths.backups) if name.startswith(".")]
    assert backup.latest(paths) == made


@pytest.mark.parametrize("number", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 8))])
def test_whoever_is_killed_while_restoring_leaves_one_store_or_the_other(paths: Paths, number: int) -> None:
    play(paths.store, range(30))
    backup.take(paths, NOW)
    play(paths.store, range(30, 60))
    killed_after(paths, "restore", 0.05 * number)
    prepare(paths, NOW)
    assert {path.name for path in paths.data.glob("ladder.db*")} == {"ladder.db", "ladder.db.lock"}
    require_current(paths.store)
    require_sound(paths.store)
    assert len(shots_of(paths.store)) in (30, 60)
    asides = list(paths.damaged.glob("*"))
    if len(shots_of(paths.store)) == 30:  # nothing is deleted: the first of the stores put aside has all
        assert max(len(shots_of(aside / "ladder.db")) for aside in asides) == 60


class KilledError(BaseException):
    """Stands for the end of the process; nothing of ours catches it."""


def dying_at(at: int, patch: pytest.MonkeyPatch) -> None:
    """Whatever changes the disk, the call of that number never comes to be."""
    calls = iter(range(1, 1000))

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def act(*args: object, **more: object) -> object:
            if next(calls) >= at:
                raise KilledError
            return real(*args, **more)

        return act

    for name in ("link", "fsync", "replace", "unlink", "mkdir"):
        patch.setattr(os, name, wrapped(getattr(os, name)))


@pytest.mark.slow
def test_every_moment_at_which_a_swap_may_be_killed_ends_in_one_whole_store(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(paths.store, range(2))
    shutil.copyfile(paths.store, swap.new_of(paths.store))
    play(paths.store, range(2, 4))
    with closing(connect(paths.store)) as holding:  # so that the rest stays in the log, as after a kill
        holding.execute("SELECT 1 FROM shots").fetchone()
        play(paths.store, range(4, 6))
        files = {path.name: path.read_bytes() for path in paths.data.glob("ladder.db*")}
    assert len(files["ladder.db-wal"]) > 0
    outcomes = []
    for at in range(1, 60):
        box = Paths(paths.data / f"box{at}", paths.run)
        box.data.mkdir()
        for name, content in files.items():
            (box.data / name).write_bytes(content)
        plan = swap.Plan(box.damaged / "old", {"why": "a test"})
        survived = True
        with monkeypatch.context() as patch:
            dying_at(at, patch)
            try:
                swap.swap(box.store, plan)
            except KilledError:
                survived = False
        prepare(box, NOW)
        require_sound(box.store)
        outcomes.append(len(shots_of(box.store)))
        assert not swap.pending(box.store)
        if outcomes[-1] == 2:
            assert len(shots_of(plan.aside / "ladder.db")) == 6, "the old one is kept with its log"
        if survived:
            break
    assert outcomes == sorted(outcomes, reverse=True), "from some moment on it is the new one"
    assert set(outcomes) == {6, 2}, "and never the old one without its log"


def test_restoring_puts_the_store_back_under_a_new_epoch_and_keeps_the_old_one(paths: Paths) -> None:
    everything(paths)
    play(paths.store, range(5))
    made = backup.take(paths, NOW)
    play(paths.store, range(5, 9))
    paths.secrets.unlink()
    paths.settings.write_text('[hall]\nname = "Another"\n')
    done = backup.restore(paths, made, now=NOW)
    assert shots_of(paths.store) == {f"cam@{n}" for n in range(5)}
    assert epoch_of(paths.store) == done.epoch != made.epoch
    assert done.put_back == ("secrets.json",)
    assert done.differing == ("settings.toml",)
    assert "Another" in paths.settings.read_text()
    assert shots_of(done.aside / "ladder.db") == {f"cam@{n}" for n in range(9)}
    assert json.loads((done.aside / "what.json").read_text())["snapshot"] == made.name
    require_current(paths.store)
    with closing(connect(paths.store, "read")) as conn:
        assert audit.recent(conn, 1)[0].what == "store.restored"
        device = conn.execute("SELECT device FROM identity").fetchone()["device"]
    assert device == made.device


def test_numbers_given_after_a_restore_are_of_the_new_epoch_and_follow_on(paths: Paths) -> None:
    play(paths.store, range(5))
    made = backup.take(paths, NOW)
    play(paths.store, range(5, 9))
    done = backup.restore(paths, made, now=NOW)
    play(paths.store, range(20, 22))
    with closing(connect(paths.store, "read")) as conn:
        rows = [tuple(row) for row in conn.execute("SELECT seq, epoch FROM outbox ORDER BY seq")]
    assert rows == [*((seq, made.epoch) for seq in range(1, 6)), (6, done.epoch), (7, done.epoch)]


def test_a_file_that_is_to_be_replaced_goes_aside(paths: Paths) -> None:
    everything(paths)
    made = backup.take(paths, NOW)
    paths.secrets.write_text('{"of": "this box"}')
    done = backup.restore(paths, made, now=NOW, replacing=["secrets.json"])
    assert paths.secrets.read_text() == "{}"
    assert paths.secrets.stat().st_mode & 0o077 == 0
    assert (done.aside / "secrets.json").read_text() == '{"of": "this box"}'


def test_who_was_erased_since_is_erased_again(paths: Paths) -> None:
    with Store(paths.store) as store, store.write() as conn:
        gone, stays = (sign_up(conn, name, stamp(NOW)).id for name in ("Ana", "Ben"))
    made = backup.take(paths, NOW)
    with Store(paths.store) as store, store.write() as conn:
        erasure.erase(conn, gone, NOW, role="player", who=None)
    backup.restore(paths, made, now=NOW)
    with Store(paths.store) as store, store.read() as conn:
        players = [get_player(conn, one) for one in (gone, stays)]
        assert conn.execute("SELECT player_id FROM erasures").fetchone()["player_id"] == gone
    assert [player.name for player in players if player] == ["", "Ben"]


def test_a_store_that_somebody_has_open_is_not_replaced(paths: Paths) -> None:
    made = backup.take(paths, NOW)
    play(paths.store, range(3))
    program = (
        "import sys, time; from pathlib import Path; from edge.store.database import connect\n"
        "conn = connect(Path(sys.argv[1]), 'read'); print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(paths.store)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreBusyError, match="stop ladder run"):
            backup.restore(paths, made, now=NOW)
        other.kill()
    assert len(shots_of(paths.store)) == 3
    require_current(paths.store)


def test_a_snapshot_that_was_changed_is_not_put_back(paths: Paths) -> None:
    play(paths.store, range(3))
    made = backup.take(paths, NOW)
    content = bytearray((made.path / STORE).read_bytes())
    content[5000] ^= 1
    (made.path / STORE).write_bytes(content)
    with pytest.raises(backup.BackupError, match="is not what was written"):
        backup.restore(paths, made, now=NOW)
    assert len(shots_of(paths.store)) == 3
    require_current(paths.store)


def test_a_damaged_store_gives_no_snapshot(paths: Paths) -> None:
    play(paths.store, range(30))
    with closing(sqlite3.connect(paths.store)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = conn.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'shots'").fetchone()
    with paths.store.open("rb+") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)
    with pytest.raises(backup.BackupError, match="start the box again"):
        backup.take(paths, NOW)
    assert backup.snapshots(paths) == []


def fake(number: int, moment: datetime) -> Snapshot:
    return Snapshot(Path(f"{number}"), number, stamp(moment), "d", "e", 0, "v", ())


def test_one_a_day_and_one_a_week_are_kept() -> None:
    nights = [fake(n, datetime(2026, 1, 1, 3, tzinfo=UTC) + timedelta(days=n)) for n in range(60)]
    left = [one.moment.strftime("%d.%m.") for one in kept(nights[::-1], UTC, 7, 4)]
    assert left[:7] == ["01.03.", "28.02.", "27.02.", "26.02.", "25.02.", "24.02.", "23.02."]
    assert left[7:] == ["22.02.", "15.02.", "08.02."], "the last nights, Sundays, of three weeks before"


@given(st.lists(st.integers(-40_000, 40_000), min_size=1, max_size=40), st.integers(1, 9), st.integers(0, 6))
def test_whatever_the_clock_says_the_newest_is_kept_and_no_more_than_was_asked_for(
    hours: list[int], days: int, weeks: int
) -> None:
    known = [fake(n, NOW + timedelta(hours=h)) for n, h in enumerate(hours)][::-1]
    left = kept(known, UTC, days, weeks)
    assert left[0] == known[0]
    assert len(left) <= days + weeks
    assert len(left) >= min(days, len({one.moment.date() for one in known}))
    assert kept(left, UTC, days, weeks) == left, "a second time nothing more goes"


def test_pruning_deletes_what_is_not_kept(paths: Paths) -> None:
    taken = [backup.take(paths, NOW + timedelta(days=n)) for n in range(4)]
    gone = backup.prune(paths, UTC, 2, 0)
    assert gone == taken[:2]
    assert sorted(os.listdir(paths.backups)) == [one.name for one in taken[2:]]


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(ladder, words)
    return result.exit_code, result.output


def test_the_command_takes_lists_copies_and_restores(paths: Paths, tmp_path: Path) -> None:
    everything(paths)
    play(paths.store, range(3))
    data = ("--data", str(paths.data))
    assert run("backup", *data, "--list") == (0, "no snapshot yet\n")
    code, out = run("backup", *data)
    assert code == 0, out
    (made,) = backup.snapshots(paths)
    assert made.name in out
    assert made.name in run("backup", *data, "--list")[1]
    code, out = run("backup", *data, "--to", str(tmp_path / "stick"))
    assert code == 0, out
    assert len(list((tmp_path / "stick").glob(f"*/{MANIFEST}"))) == 1
    play(paths.store, range(3, 6))
    code, out = run("backup", *data, "--restore", made.name)
    assert code == 2
    assert "--yes" in out
    assert len(shots_of(paths.store)) == 6
    code, out = run("backup", *data, "--restore", made.name, "--yes")
    assert code == 0, out
    assert len(shots_of(paths.store)) == 3
    code, out = run("backup", *data, "--restore", "../../etc", "--yes")
    assert code == 1
    assert "no snapshot" in out


def test_the_command_restores_nothing_while_the_box_runs(paths: Paths) -> None:
    made = backup.take(paths, NOW)
    play(paths.store, range(3))
    for lock in (paths.running, paths.watching):
        with file_lock(lock):
            code, out = run("backup", "--data", str(paths.data), "--restore", made.name, "--yes")
        assert code == 1
        assert "stop ladder run, or the services, first" in out
    assert len(shots_of(paths.store)) == 3
