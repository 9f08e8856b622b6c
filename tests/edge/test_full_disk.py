"""A disk that is really full while people play: nothing is lost, and all goes on once there is room again."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fresh_store import fresh_store
from shot_book import NOW, SOURCE, play, require_sound, shot, shots_of
from waiting import wait_until

from edge import backup
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import SeenShot, ShotWriter
from edge.store.database import Store, connect
from edge.store.errors import StoreError, StoreFullError
from edge.store.recovery import prepare


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Paths]:
    """A box whose data lie on a file system of eight megabytes; its run directory is elsewhere."""
    data = tmp_path / "small"
    data.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(data)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        fresh_store(data / "ladder.db")
        (tmp_path / "run").mkdir()
        yield Paths(data, tmp_path / "run")
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)


def fill(paths: Paths) -> Path:
    """Takes all the room there is."""
    ballast = paths.data / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def writer_of(store: Store, paths: Paths) -> ShotWriter:
    writer = ShotWriter(store, paths.spools, paths.rejected_shots)
    writer.start()
    return writer


def add(writer: ShotWriter, numbers: range) -> None:
    for number in numbers:
        writer.add(SeenShot(SOURCE, shot(number), NOW, "tv"))


def ids(numbers: range) -> set[str]:
    return {f"cam@{number}" for number in numbers}


def test_shots_wait_while_there_is_no_room_and_are_stored_when_there_is(small: Paths) -> None:
    with Store(small.store) as store:
        writer = writer_of(store, small)
        add(writer, range(10))
        wait_until(lambda: writer.waiting == 0)
        ballast = fill(small)
        add(writer, range(10, 60))
        wait_until(lambda: writer.problem)
        assert "free some space" in str(writer.problem)
        assert writer.waiting > 0
        ballast.unlink()
        wait_until(lambda: writer.waiting == 0)
        assert writer.problem is None
        assert writer.stop() == 0
    assert shots_of(small.store) == ids(range(60))
    require_sound(small.store)


def test_a_box_that_ends_while_the_disk_is_full_has_the_shots_at_its_next_start(small: Paths) -> None:
    with Store(small.store) as store:
        writer = writer_of(store, small)
        add(writer, range(10))
        wait_until(lambda: writer.waiting == 0)
        ballast = fill(small)
        add(writer, range(10, 40))
        wait_until(lambda: writer.problem)
        assert writer.stop(timeout_s=0.2) > 0
    assert small.spools[1].exists(), "where there is room"
    ballast.unlink()
    prepare(small, datetime.now(UTC))
    with Store(small.store) as store:
        writer = writer_of(store, small)
        assert writer.stop() == 0
    assert shots_of(small.store) == ids(range(40))
    require_sound(small.store)
    assert not any(spool.exists() for spool in small.spools)


def test_it_fills_and_empties_again_and_again(small: Paths) -> None:
    with Store(small.store) as store:
        writer = writer_of(store, small)
        for turn in range(4):
            ballast = fill(small)
            add(writer, range(turn * 12, turn * 12 + 12))
            wait_until(lambda: writer.problem or writer.waiting == 0)
            ballast.unlink()
            wait_until(lambda: writer.waiting == 0)
        writer.stop()
    assert shots_of(small.store) == ids(range(48))
    require_sound(small.store)


def test_a_snapshot_for_which_there_is_no_room_leaves_nothing_behind(small: Paths) -> None:
    play(small.store, range(20))
    ballast = fill(small)
    with pytest.raises(backup.BackupError, match="free some space"):
        backup.take(small, NOW)
    assert list(small.backups.glob("*")) == []
    with pytest.raises(StoreFullError, match="free some space"):
        shots_of(small.store)  # what connections share has no room either
    ballast.unlink()
    assert shots_of(small.store) == ids(range(20))


def test_room_that_goes_while_a_snapshot_is_taken_leaves_nothing_behind(
    small: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(small.store, range(20))
    monkeypatch.setattr("edge.backup.taking.STEP_PAGES", 8)
    filled = threading.Event()

    def fill_once() -> bool:
        if not filled.is_set():
            fill(small)
            filled.set()
        return False

    with pytest.raises((OSError, backup.BackupError, StoreError)):
        backup.take(small, NOW, stopping=fill_once)
    assert list(small.backups.glob("*")) == []
    require_sound(small.store)


def test_a_restore_for_which_there_is_no_room_changes_nothing(small: Paths) -> None:
    play(small.store, range(20))
    made = backup.take(small, NOW)
    play(small.store, range(20, 30))
    fill(small)
    with pytest.raises(backup.BackupError, match="free some space"):
        backup.restore(small, made, now=NOW)
    (small.data / "ballast").unlink()
    prepare(small, NOW)
    assert shots_of(small.store) == ids(range(30))


def test_the_last_connection_to_close_folds_in_the_log_whatever_was_read(path: Path) -> None:
    play(path, range(3))
    store = Store(path)
    with store.write() as conn:
        conn.execute("UPDATE identity SET created = 'later'")
    with store.read() as conn:
        conn.execute("SELECT 1 FROM shots").fetchone()
    store.close()
    assert not path.with_name("ladder.db-wal").exists()
    connect(path).close()
