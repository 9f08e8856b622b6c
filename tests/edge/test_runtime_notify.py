"""What services tell systemd, received by a real socket: ready when they are, and a beat only while they live."""

import math
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from systemd_socket import SystemdSocket
from vision_rig import StubSource, parts, running
from waiting import wait_until

from edge.runtime import vision_service
from edge.runtime.notify import Heart, Notifier, Turns, database_answers, from_environment, heartbeat
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import ShotWriter
from edge.store.database import Store
from vision.frames.source import FrameSource, FrameSourceError

HELPERS = Path(__file__).parents[1] / "helpers"
WATCHDOG_S = 0.3


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[SystemdSocket]:
    one = SystemdSocket.at(tmp_path)
    yield one
    one.close()


def test_every_word_of_the_protocol_arrives(systemd: SystemdSocket) -> None:
    notifier = Notifier(systemd.address)
    notifier.ready()
    notifier.status("two\nlines")
    notifier.beat()
    notifier.extend_timeout(1.5)
    notifier.stopping()
    assert systemd.messages() == [
        "READY=1",
        "STATUS=two lines",
        "WATCHDOG=1",
        "EXTEND_TIMEOUT_USEC=1500000",
        "STOPPING=1",
    ]


def test_an_abstract_socket_is_reached_too() -> None:
    systemd = SystemdSocket(f"@ladder-test-{secrets.token_hex(8)}")
    Notifier(systemd.address).ready()
    assert systemd.messages() == ["READY=1"]
    systemd.close()


def test_without_systemd_nothing_is_sent_and_no_thread_started() -> None:
    Notifier().ready()
    before = threading.active_count()
    with heartbeat(lambda: "dead", notifier=from_environment({})):
        assert threading.active_count() == before


def test_a_socket_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "nothing")).ready()
    Notifier("x" * 200).ready()


def test_what_a_service_starts_inherits_nothing() -> None:
    env = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7", "HOME": "/"}
    notifier = from_environment(env, pid=7)
    assert notifier
    assert notifier.watchdog_s == 30.0
    assert env == {"HOME": "/"}


@pytest.mark.parametrize(
    "env", [{"WATCHDOG_USEC": "9", "WATCHDOG_PID": "8"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {}]
)
def test_a_watchdog_of_another_process_or_none_is_none(env: dict[str, str]) -> None:
    assert from_environment({"NOTIFY_SOCKET": "/run/x", **env}, pid=7).watchdog_s is None


def test_it_is_ready_when_the_checks_hold_and_beats_until_one_does_not(systemd: SystemdSocket) -> None:
    reasons: list[str | None] = ["still opening"]
    with heartbeat(lambda: None, lambda: reasons[-1], notifier=Notifier(systemd.address, WATCHDOG_S)):
        systemd.wait_for_status("not well: still opening")
        assert systemd.count("READY=1") == systemd.count("WATCHDOG=1") == 0
        reasons.append(None)
        systemd.wait_for("WATCHDOG=1", times=3)
        assert systemd.messages().index("READY=1") < systemd.messages().index("WATCHDOG=1")
        assert systemd.count("STATUS=at work") == 1, "a status is told when it changes"
        reasons.append("the writer hangs")
        systemd.wait_for_status("not well: the writer hangs")
        systemd.forget()
        time.sleep(3 * WATCHDOG_S)
        assert systemd.messages() == []
        reasons.append(None)
        systemd.wait_for("WATCHDOG=1")
        assert systemd.count("READY=1") == 0, "ready is said once"
    assert systemd.messages()[-1] == "STOPPING=1"


def test_a_check_that_fails_or_hangs_feeds_nothing(systemd: SystemdSocket) -> None:
    def fails() -> str | None:
        raise OSError("no such thing")

    assert not Heart(Notifier(systemd.address), (fails,)).look()
    assert systemd.messages() == ["STATUS=not well: OSError: no such thing"]
    systemd.forget()
    never = threading.Event()
    began_s = time.monotonic()
    with heartbeat(lambda: str(never.wait()), notifier=Notifier(systemd.address, WATCHDOG_S)):
        pass
    assert time.monotonic() - began_s < 30.0, "the service ends although the check hangs"
    assert systemd.messages() == ["STOPPING=1"]
    never.set()


def test_a_loop_lives_while_it_comes_round_in_the_time_it_asked_for() -> None:
    now_s = 100.0
    turns = Turns(5.0, clock=lambda: now_s)
    assert turns() is None
    now_s = 105.1
    assert turns() == "no turn for 5 s"
    turns.allow(600.0)
    now_s += 599.0
    assert turns() is None
    turns.allow(math.inf)
    now_s += 1e9
    assert turns() is None


def test_a_store_that_is_held_answers_and_a_damaged_one_does_not(path: Path) -> None:
    with Store(path, busy_timeout_s=0.02) as store, Store(path) as other:
        check = database_answers(store)
        assert check() is None
        with other.write():
            assert check() is None
    path.write_bytes(b"no store at all " * 500)
    with Store(path) as store:
        assert "is damaged" in str(database_answers(store)())
    path.unlink()
    with Store(path) as store:
        assert database_answers(store)() is None, "a new start would not bring it back"


def why_not(service: vision_service.VisionService) -> list[str]:
    return [reason for check in service.checks if (reason := check()) is not None]


def test_a_camera_that_is_unplugged_is_a_state_and_no_reason_to_start_again(
    paths: Paths, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("OPENING_S", "TURN_S"):
        monkeypatch.setattr(vision_service, limit, 2.0)
    monkeypatch.setattr(vision_service, "LAST_RETRY_S", 0.1)
    tries: list[list[str]] = []
    services: list[vision_service.VisionService] = []

    def open_source() -> FrameSource:
        tries.extend(why_not(service) for service in services)
        raise FrameSourceError("there is no /dev/video0: plug the camera in")

    with running(paths, store, parts(open_source, recording=False)) as box:
        services.append(box.service)
        box.wait_for("no-camera", "plug the camera in")
        wait_until(lambda: len(tries) >= 40)
        assert not any(tries), "after twice the time that a turn may take"
        assert "plug the camera in" in box.service.status


def test_a_recording_that_has_ended_lives_on(paths: Paths, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision_service, "TURN_S", 0.5)
    with running(paths, store, parts(StubSource)) as box:
        box.wait_for("ended")
        time.sleep(1.0)
        assert why_not(box.service) == []


def test_a_camera_whose_driver_hangs_while_it_is_opened_is_a_reason(
    paths: Paths, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vision_service, "OPENING_S", 0.2)
    let_go = threading.Event()

    def open_source() -> FrameSource:
        let_go.wait()
        return StubSource()

    with running(paths, store, parts(open_source)) as box:
        wait_until(lambda: why_not(box.service) == ["frames are not followed: no turn for 0 s"])
        let_go.set()


def test_frames_that_are_not_followed_are_a_reason(
    paths: Paths, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vision_service, "TURN_S", 0.5)
    its_parts = parts(lambda: StubSource(frames=3, endless=True), pause_s=3.0)
    with running(paths, store, its_parts) as box:
        wait_until(lambda: any("frames are not followed" in reason for reason in why_not(box.service)))


def test_a_loop_that_waits_for_a_full_queue_is_not_what_hangs(
    paths: Paths, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand shots wait for a disk that is full: a new start would lose them."""
    monkeypatch.setattr(vision_service, "TURN_S", 0.2)
    monkeypatch.setattr(ShotWriter, "full", True)
    its_parts = parts(lambda: StubSource(frames=3, endless=True), pause_s=1.0)
    with running(paths, store, its_parts) as box:
        wait_until(lambda: box.service._turns() is not None)
        assert why_not(box.service) == []


# A vision service as systemd starts it: its camera gives frames, and its disk takes no shot once `hang` is there.
SERVICE = """
import sys, threading, time
from pathlib import Path
from edge.commands.options import stop_on_signals
from edge.runtime.notify import database_answers, heartbeat
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import ShotWriter
from edge.runtime import shot_writer
from edge.runtime.vision_service import VisionService
from edge.store.database import Store
from vision_rig import StubSource, parts

data = Path(sys.argv[1])
hang = data / "hang"

class Disk(Store):
    def write(self):
        while hang.exists():
            time.sleep(0.05)
        return super().write()

class Writer(ShotWriter):
    def why_not(self):
        return super().why_not(hangs_after_s=0.5)

paths = Paths(data, data / "run")
with Disk(paths.store) as store:
    writer = Writer(store, paths.spools, paths.rejected_shots)
    source = parts(lambda: StubSource(frames=10**6, pause_s=0.01), recording=False)
    service = VisionService(source, paths, writer)
    checks = (*service.checks, database_answers(store))
    with stop_on_signals() as stop, heartbeat(*checks, status=lambda: service.status):
        service.run(stop)
"""


def test_a_service_whose_writer_hangs_is_not_kept_alive(paths: Paths, systemd: SystemdSocket) -> None:
    env = {
        **os.environ,
        "NOTIFY_SOCKET": systemd.address,
        "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)),
        "PYTHONPATH": os.pathsep.join((str(HELPERS), str(HELPERS.parents[1]))),
    }
    with subprocess.Popen([sys.executable, "-c", SERVICE, str(paths.data)], env=env) as process:
        try:
            systemd.wait_for("WATCHDOG=1", times=2, told=process.poll)
            systemd.wait_for_status("The table is watched.")
            (paths.data / "hang").touch()
            systemd.wait_for_status("not well: storing a shot hangs")
            systemd.forget()
            time.sleep(4 * WATCHDOG_S)
            assert systemd.messages() == []
            (paths.data / "hang").unlink()
            systemd.wait_for("WATCHDOG=1", times=2)
            process.terminate()
            assert process.wait(60) == 0
            assert systemd.count("STOPPING=1") == 1
        finally:
            process.kill()
