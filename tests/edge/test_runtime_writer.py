"""Every shot seen is stored, however long the store can't be written."""

import json
import logging
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from waiting import wait_until

from edge.runtime.shot_writer import SeenShot, ShotWriter
from edge.store.database import Store
from edge.store.shots import Source, recent_shots
from vision.live import WriterState
from vision.model import Shot

SOURCE = Source("cam", "sim", "2026-01-01T00:00:00.000Z", "9ft", 100.0, 50.0, 2.25, "c", 640, 480, None)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def seen(number: int) -> SeenShot:
    return SeenShot(SOURCE, Shot(f"cam@{number}", float(number), "make", scratch=False), NOW, "tv")


def stored(store: Store) -> set[str]:
    with store.read() as conn:
        return {s.shot.id for s in recent_shots(conn, 1000)}


def ball_sets(store: Store) -> list[str | None]:
    with store.read() as conn:
        return [s.ball_set for s in recent_shots(conn, 1000)]


def ids(numbers: range) -> set[str]:
    return {f"cam@{n}" for n in numbers}


class Box:
    """A store with a short patience, its spools, and writers for it."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path = path
        self.store = store
        self.spools = (path.parent / "spool.json", path.parent / "second-spool.json")
        self.rejected = path.parent / "rejected.jsonl"

    def writer(self, queue_shots: int = 100) -> ShotWriter:
        writer = ShotWriter(self.store, self.spools, self.rejected, queue_shots)
        writer.start()
        return writer

    @contextmanager
    def held(self) -> Iterator[None]:
        """Another process writes and does not end."""
        with Store(self.path) as other, other.write():
            yield


@pytest.fixture
def box(path: Path) -> Iterator[Box]:
    with Store(path, busy_timeout_s=0.02) as store:
        yield Box(path, store)


def test_shots_are_stored_in_order_and_stopping_waits_for_them(box: Box) -> None:
    writer = box.writer()
    for n in range(50):
        writer.add(seen(n))
    assert writer.stop() == 0
    assert stored(box.store) == ids(range(50))
    assert writer.stored == 50
    assert not any(spool.exists() for spool in box.spools)


def test_a_store_that_is_held_is_tried_again_until_it_is_free(box: Box) -> None:
    writer = box.writer()
    with box.held():
        for n in range(5):
            writer.add(seen(n))
        wait_until(lambda: writer.problem)
        assert "held by another process" in str(writer.problem)
        assert writer.waiting == 5
    wait_until(lambda: writer.waiting == 0)
    assert writer.problem is None
    assert writer.stop() == 0
    assert stored(box.store) == ids(range(5))


def test_what_can_not_be_stored_in_time_is_taken_up_by_the_next_start(box: Box) -> None:
    writer = box.writer()
    with box.held():
        for n in range(5):
            writer.add(seen(n))
        assert writer.stop(timeout_s=0.2) == 5
    assert stored(box.store) == set()
    assert box.spools[0].exists()

    again = box.writer()
    again.add(seen(5))
    assert again.stop() == 0
    assert stored(box.store) == ids(range(6))
    assert ball_sets(box.store) == ["tv"] * 6
    assert not box.spools[0].exists()


def test_the_spool_of_an_earlier_version_is_taken_up(box: Box) -> None:
    writer = box.writer()
    with box.held():
        writer.add(seen(1))
        writer.stop(timeout_s=0.1)
    rows = json.loads(box.spools[0].read_text())
    del rows[0]["ball_set"]
    box.spools[0].write_text(json.dumps(rows))
    assert box.writer().stop() == 0
    assert stored(box.store) == {"cam@1"}
    assert ball_sets(box.store) == [None]


def test_a_spool_that_can_not_be_written_has_a_second(box: Box) -> None:
    writer = box.writer()
    box.spools[0].mkdir()  # no file can be put there
    with box.held():
        writer.add(seen(1))
        assert writer.stop(timeout_s=0.1) == 1
    box.spools[0].rmdir()
    again = box.writer()
    wait_until(lambda: again.stored == 1)
    again.stop()


def test_a_broken_spool_is_put_aside(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.spools[0].write_text("[{")
    with caplog.at_level(logging.WARNING):
        writer = box.writer()
    writer.add(seen(1))
    writer.stop()
    assert stored(box.store) == {"cam@1"}
    assert box.spools[0].with_suffix(".unreadable").read_text() == "[{"
    assert "can't be read" in caplog.text


def test_a_full_queue_makes_seeing_wait_and_loses_nothing(box: Box) -> None:
    writer = box.writer(queue_shots=3)
    with box.held():
        for n in range(3):
            writer.add(seen(n))
        wait_until(lambda: writer.problem)
        assert writer.state == WriterState(waiting=3, room=3)
    for n in range(3, 20):
        writer.add(seen(n))
        assert writer.waiting <= 3
    assert writer.stop() == 0
    assert stored(box.store) == ids(range(20))


def test_a_shot_the_store_never_takes_does_not_hold_up_the_others(box: Box) -> None:
    writer = box.writer()
    bad = seen(1)
    writer.add(replace(bad, shot=replace(bad.shot, cue_speed_mph=math.nan)))
    writer.add(seen(2))
    assert writer.stop() == 0
    assert stored(box.store) == {"cam@2"}
    assert writer.rejected == 1
    (kept,) = json.loads(box.rejected.read_text())
    assert kept["shot"]["id"] == "cam@1"


def test_other_content_under_a_known_key_is_counted(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    writer = box.writer()
    writer.add(seen(1))
    writer.add(replace(seen(1), shot=replace(seen(1).shot, result="miss")))
    writer.add(seen(1))
    with caplog.at_level(logging.ERROR):
        assert writer.stop() == 0
    assert (writer.stored, writer.conflicts) == (1, 1)
    assert writer.state == WriterState(room=writer.state.room, stored=1, refused=1)
    assert "cam@1 is stored with other content" in caplog.text


def test_what_is_to_be_done_afterwards_is_done_once_when_no_shot_waits(box: Box) -> None:
    done: list[str] = []
    writer = box.writer()
    with box.held():
        writer.add(seen(1))
        writer.afterwards(lambda: done.append("replaced"))
        writer.afterwards(lambda: done.append(f"after {len(stored(box.store))}"))
        wait_until(lambda: writer.problem)
        assert done == []
    wait_until(lambda: done)
    writer.afterwards(lambda: done.append("second"))
    wait_until(lambda: len(done) == 2)
    assert writer.stop() == 0
    assert done == ["after 1", "second"]


def test_one_that_fails_costs_no_shot(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    writer = box.writer()
    writer.afterwards(fail)
    wait_until(lambda: "after the last shot failed" in caplog.text)
    writer.add(seen(1))
    assert writer.stop() == 0
    assert stored(box.store) == ids(range(1, 2))


def test_a_disk_that_hangs_holds_up_no_end_and_costs_no_shot(path: Path) -> None:
    """As when the watchdog ends a service: what waits is kept in memory, and stored by the next start."""
    let_go = threading.Event()

    class Hanging(Store):
        @contextmanager
        def write(self) -> Iterator[sqlite3.Connection]:
            let_go.wait()
            with super().write() as conn:
                yield conn

    with Hanging(path) as store:
        box = Box(path, store)
        writer = box.writer()
        writer.add(seen(1))
        writer.add(seen(2))
        wait_until(lambda: writer.why_not(hangs_after_s=0.05))
        assert writer.why_not() is None, "a slow card is none that hangs"
        assert writer.stop(timeout_s=0.1) == 2
        assert box.spools[1].exists(), "the one in memory, since the disk hangs"
        assert not box.spools[0].exists()
        with Store(path) as after:
            assert Box(path, after).writer().stop() == 0
            assert stored(after) == {"cam@1", "cam@2"}
        assert writer.left_behind
        let_go.set()
        wait_until(lambda: not writer._thread.is_alive())  # it stores them after all, which changes nothing
        assert stored(store) == {"cam@1", "cam@2"}


def test_a_writer_that_tries_in_vain_lives(box: Box) -> None:
    writer = box.writer()
    with box.held():
        writer.add(seen(1))
        wait_until(lambda: writer.problem)
        assert writer.why_not(hangs_after_s=2.0) is None
    assert writer.stop() == 0
    assert writer.why_not() is None, "it has ended because it was told to"
