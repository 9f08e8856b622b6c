"""`ladder jobs`: it ticks until it is told to stop, and a job that hangs ends it, so that the others go first."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from waiting import wait_until

from edge import backup
from edge.jobs.service import JobHangsError, serve
from edge.runtime.notify import Turns
from edge.runtime.paths import Paths
from edge.store import damage


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
