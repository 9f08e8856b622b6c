"""A box whose place in the hall changes while it runs: its services begin anew by themselves."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fresh_store import fresh_store
from hall_of_boxes import HubBox
from ports import free_port
from waiting import wait_until

from edge.locks import LockHeldError, file_lock
from edge.runtime import units
from edge.runtime.paths import Paths
from edge.runtime.role import Role, RoleWatch, is_set_aside, set_aside
from edge.settings import Settings

LABEL = "Table 3"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "run")


def test_what_a_box_is_is_told_by_its_files(paths: Paths) -> None:
    watch = RoleWatch(paths)
    assert watch.look() == Role()
    paths.settings.write_text("[hub]\nport = 8444\n")
    assert watch.look() == Role(lets_in=True)
    paths.settings.write_text("[hub]\nport = \n")
    assert watch.look().lets_in, "as long as it can't be read it says what it said"
    paths.cloud.touch()
    assert watch.look() == Role(lets_in=True, tells_cloud=True)
    paths.hub.touch()
    assert watch.look() == Role(is_table=True, tells_cloud=True), "a table lets nobody in"
    paths.settings.unlink()
    paths.hub.unlink()
    assert watch.look() == Role(tells_cloud=True)


def test_a_box_that_is_set_aside_is_run_by_nobody(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_set_aside(paths)
    with set_aside(paths):
        assert is_set_aside(paths)
        with pytest.raises(LockHeldError), file_lock(paths.running):
            pass
    assert not is_set_aside(paths)
    monkeypatch.setattr("edge.runtime.role.LEAVE_S", 0.1)
    with file_lock(paths.running), pytest.raises(LockHeldError), set_aside(paths):
        pass


@pytest.mark.parametrize(
    ("status", "says"),
    [(0, "Its services begin anew."), (1, "Have its services begin anew: sudo systemctl restart ladder.target")],
)
def test_systemd_is_told_and_who_may_not_tell_it_is_told_what_to_type(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, says: str
) -> None:
    assert units.begin_anew(paths, by_itself=True) == "Its services begin anew by themselves."
    assert units.begin_anew(paths, by_itself=False) == "Start its services: ladder run"
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nexit {status}\n')
    (tmp_path / "systemctl").chmod(0o755)
    (tmp_path / "unit").touch()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(units, "UNIT", tmp_path / "unit")
    monkeypatch.setattr(units, "DATA", paths.data)
    assert units.begin_anew(paths, by_itself=False) == says
    assert (tmp_path / "asked").read_text() == "--no-ask-password --no-block restart ladder.target\n"


class RunningBox:
    """`ladder run`, and what it says."""

    def __init__(self, paths: Paths) -> None:
        self.said: list[str] = []
        words = ["run", "--data", str(paths.data), "--port", str(free_port()), "--camera", "/dev/none"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.reader = threading.Thread(target=self.said.extend, args=[self.process.stdout])
        self.reader.start()

    def wait_for(self, words: str, times: int = 1) -> None:
        wait_until(lambda: sum(words in line for line in self.said) >= times, lambda: "".join(self.said))

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(paths: Paths) -> Iterator[RunningBox]:
    box = RunningBox(paths)
    try:
        yield box
    finally:
        box.end()


def ladder(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), *words],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_box_is_enrolled_and_made_the_hub_while_it_runs(tmp_path: Path) -> None:
    hub = HubBox(tmp_path / "hub", settings=Settings())
    data, door = tmp_path / "three", free_port()
    paths = Paths(data, data / "run")
    fresh_store(paths.store)
    paths.settings.write_text(f'[kiosk]\nsecure_port = 0\n[table]\nlabel = "{LABEL}"\n[hub]\nhost = "127.0.0.1"\n')
    with running(paths) as box:
        box.wait_for("Starting vision, kiosk, jobs …")
        box.wait_for("Kiosk: http")
        told = ladder("enrol", hub.code(LABEL), "--hub", hub.address, "--data", str(data))
        assert "begin anew by themselves" in told
        box.wait_for("Starting vision, kiosk, jobs, sync …")
        box.wait_for("Kiosk: http", times=2)
        wait_until((paths.hub_copy / "hub.pem").exists, lambda: "".join(box.said))
        hub.stop()
        paths.settings.write_text(paths.settings.read_text() + f"port = {door}\n")
        told = ladder("promote", "--data", str(data))
        assert "This box is the hub now" in told
        assert "begin anew by themselves" in told
        box.wait_for("this box is worked on")
        box.wait_for("Starting vision, kiosk, jobs, hub …")
        wait_until(lambda: answers(door), lambda: "".join(box.said))
    assert box.process.returncode == 0, "".join(box.said)
    assert not any("failed" in line for line in box.said), "".join(box.said)
    hub.store.close()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
