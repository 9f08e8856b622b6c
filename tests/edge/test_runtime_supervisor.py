"""The supervisor with stand-ins for the services: real processes, started, restarted and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from waiting import GIVE_UP_S, wait_until

from edge.runtime.supervisor import Service, Supervisor, answers, how_it_ended, port_is_free

WORKS = "import time; print('at work', flush=True); time.sleep(60)"
FAILS = "print('no such thing', flush=True); raise SystemExit(3)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WORKS


class Running:
    """A supervisor at work in a thread, and what it said."""

    def __init__(self, programs: dict[str, str], stop_s: float = 5.0) -> None:
        self.said: list[tuple[float, str]] = []
        self.stop = threading.Event()
        self.readiness: list[bool] = []
        self.supervisor = Supervisor(
            [Service(name, (program,)) for name, program in programs.items()],
            lambda line: self.said.append((time.monotonic(), line)),
            command=lambda service: [sys.executable, "-c", *service.arguments],
            first_delay_s=0.2,
            stop_s=stop_s,
        )
        self.thread = threading.Thread(target=self.supervisor.run, args=[self.stop, self._ready])

    def _ready(self) -> bool:
        self.readiness.append(len(self.readiness) == 2)
        return self.readiness[-1]

    def lines(self) -> list[str]:
        return [line for _, line in self.said]

    def wait_for(self, line: str, times: int = 1) -> None:
        wait_until(lambda: self.lines().count(line) >= times, self.lines)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(GIVE_UP_S)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def running(programs: dict[str, str], stop_s: float = 5.0) -> Iterator[Running]:
    one = Running(programs, stop_s)
    one.thread.start()
    try:
        yield one
    finally:
        one.end()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_lines_carry_the_service_s_name_and_stopping_ends_everything_at_once() -> None:
    with running({"vision": WORKS, "kiosk": WORKS}) as it:
        it.wait_for("vision: at work")
        it.wait_for("kiosk: at work")
        assert [child.running for child in it.supervisor.children] == [True, True]
        it.end()
        assert [child.running for child in it.supervisor.children] == [False, False]


def test_a_service_that_fails_comes_back_after_growing_delays_and_leaves_the_other_alone() -> None:
    with running({"vision": FAILS, "kiosk": WORKS}) as it:
        it.wait_for("vision: no such thing", times=3)
        ends = [(at_s, line) for at_s, line in it.said if "exit status" in line]
        assert [line for _, line in ends[:2]] == [
            "vision: failed (exit status 3); again in 0.2 s",
            "vision: failed (exit status 3); again in 0.4 s",
        ]
        starts = [at_s for at_s, line in it.said if line == "vision: no such thing"]
        assert starts[1] - ends[0][0] > 0.15
        assert starts[2] - ends[1][0] > 0.35
        assert it.lines().count("kiosk: at work") == 1


def test_a_service_that_is_killed_comes_back() -> None:
    program = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"
    with running({"vision": program}) as it:
        wait_until(it.lines)
        os.kill(int(it.lines()[0].split()[-1]), signal.SIGKILL)
        it.wait_for("vision: ended by SIGKILL; again in 0.2 s")
        wait_until(lambda: sum("pid" in line for line in it.lines()) >= 2)


def test_a_service_that_does_not_stop_is_killed() -> None:
    with running({"vision": STUBBORN}, stop_s=0.5) as it:
        it.wait_for("vision: at work")
        it.end()
        assert "vision: does not stop; killed" in it.lines()
        assert not it.supervisor.children[0].running


def test_readiness_is_asked_until_it_is_there() -> None:
    with running({"vision": WORKS}) as it:
        it.wait_for("vision: at work")
        wait_until(lambda: True in it.readiness)
        time.sleep(0.5)
    assert it.readiness == [False, False, True]


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    # The stand-in parent starts a real child module with a command that would run for ever.
    program = (
        "import os, subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-m', 'edge.runtime.child', str(os.getpid()), 'vision',"
        f" '--data', {str(tmp_path)!r}, '--camera', 'nothing.mp4'],"
        " start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    migrate = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), "migrate", "--data", str(tmp_path)]
    subprocess.run(migrate, check=True)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(1.0)
        assert is_alive(child)
        parent.kill()
    try:
        wait_until(lambda: not is_alive(child), lambda: "the child lives on")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended by itself"),
        (1, "failed (exit status 1)"),
        (-15, "ended by SIGTERM"),
        (-99, "ended by signal 99"),
    ],
)
def test_how_it_ended(code: int, words: str) -> None:
    assert how_it_ended(code) == words


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/healthz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_port_in_use_is_seen_and_the_kiosk_answers_even_when_it_is_not_well() -> None:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        assert not port_is_free("127.0.0.1", port)
        assert answers("127.0.0.1", port)
        assert answers("0.0.0.0", port)
        assert not answers("127.0.0.1", port, "/elsewhere")
        server.shutdown()
        thread.join()
    assert port_is_free("127.0.0.1", port)
    assert not answers("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        port_is_free("203.0.113.7", 8080)


def test_a_listener_that_speaks_no_http_is_no_kiosk() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            conn, _ = server.accept()
            with conn:
                conn.sendall(b"hello\r\n")

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert not answers("127.0.0.1", port)
        thread.join()
