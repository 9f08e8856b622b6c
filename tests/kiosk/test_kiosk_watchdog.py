"""`ladder kiosk` under systemd, as a real process: ready when a page is served, fed while its worker answers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from fresh_store import fresh_store
from ports import free_port
from systemd_socket import SystemdSocket

from edge.runtime.supervisor import answers
from edge.store import damage
from kiosk import worker
from kiosk.worker import KioskWorker

WATCHDOG_S = 0.6


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[SystemdSocket]:
    one = SystemdSocket.at(tmp_path)
    yield one
    one.close()


@pytest.mark.slow
def test_a_kiosk_is_ready_when_it_serves_and_not_fed_once_its_store_is_damaged(
    tmp_path: Path, systemd: SystemdSocket
) -> None:
    fresh_store(tmp_path / "ladder.db")
    (tmp_path / "settings.toml").write_text("[kiosk]\nsecure_port = 0\n")
    port = free_port()
    env = {
        **os.environ,
        "NOTIFY_SOCKET": systemd.address,
        "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)),
        "LADDER_RUN": str(tmp_path / "run"),
    }
    command = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), "kiosk"]
    with subprocess.Popen(
        [*command, "--data", str(tmp_path), "--port", str(port)], env=env, stderr=subprocess.DEVNULL
    ) as process:
        try:
            systemd.wait_for("READY=1", told=process.poll)
            assert answers("127.0.0.1", port)
            systemd.wait_for("WATCHDOG=1", times=3)
            assert not any("arbiter" in one for one in systemd.messages()), "gunicorn has no say"
            (tmp_path / "ladder.db").write_bytes(b"no store at all " * 5000)
            systemd.wait_for_status("is damaged")
            systemd.forget()
            time.sleep(2 * WATCHDOG_S)
            assert systemd.count("WATCHDOG=1") == 0
            process.terminate()
            process.wait(60)
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("service", ["kiosk", "hub"])
def test_whoever_serves_pages_leaves_when_the_store_was_found_damaged(
    tmp_path: Path, systemd: SystemdSocket, service: str
) -> None:
    fresh_store(tmp_path / "ladder.db")
    (tmp_path / "settings.toml").write_text("[kiosk]\nsecure_port = 0\n")
    command = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), service]
    env = {**os.environ, "NOTIFY_SOCKET": systemd.address, "LADDER_RUN": str(tmp_path / "run")}
    with subprocess.Popen(
        [*command, "--data", str(tmp_path), "--host", "127.0.0.1", "--port", str(free_port())],
        env=env,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            systemd.wait_for("READY=1", told=process.poll)
            damage.mark(tmp_path / "ladder.db", "a test says so")
            process.wait(60)
        finally:
            process.kill()


def a_worker(pool: ThreadPoolExecutor) -> Any:
    config = SimpleNamespace(worker_connections=10, threads=2, max_requests=0, max_requests_jitter=0)
    config.worker_tmp_dir, config.umask = None, 0
    config.uid, config.gid = os.geteuid(), os.getegid()
    one = KioskWorker(1, 1, [], SimpleNamespace(secure_line=None), 30, config, None)
    one.tpool = pool
    return one


def test_a_worker_lives_while_its_loop_turns_and_a_thread_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FREE_S", 0.2)
    let_go = Event()
    with ThreadPoolExecutor(2) as pool:
        one = a_worker(pool)
        one.murder_pending()
        assert one.why_not() is None
        for _ in range(2):
            pool.submit(let_go.wait)
        assert one.why_not() == "no thread of the kiosk was free for 0 s"
        one.alive = False
        assert one.why_not() is None, "it is stopping"
        let_go.set()
        one.alive = True
        one._turns.allow(-1.0)
        assert one.why_not() == "the kiosk's loop stands still: no turn for -1 s"
        one.murder_pending()
        assert one.why_not() is None
        one.tmp.close()


def test_who_had_to_make_room_in_this_turn_is_not_spoken_with() -> None:
    """The loop may hold an event of a connection that another event of the same turn has dropped."""
    with ThreadPoolExecutor(1) as pool:
        one = a_worker(pool)
        one._shake(object(), object())  # which has no handshake to go on with
        assert one.alive
        one.tmp.close()
