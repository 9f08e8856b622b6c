"""Starts the box's services for a person, restarts what ends, and stops everything together."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

FIRST_DELAY_S = 1.0
LAST_DELAY_S = 30.0
# A service that ran for so long is well: its next restart waits for the first delay again.
WELL_AFTER_S = 60.0
STOP_S = 8.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its name and the arguments of `ladder` that start it."""

    name: str
    arguments: tuple[str, ...]


def ladder_child(service: Service) -> list[str]:
    """The command line of a service: this Python, this program."""
    return [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), *service.arguments]


class Child:
    """One service: its process while it runs, and when it may run again."""

    def __init__(self, service: Service, command: Sequence[str], say: Say, first_delay_s: float) -> None:
        self.service = service
        self.starts = 0
        self._command = list(command)
        self._say = say
        self._first_delay_s = self._delay_s = first_delay_s
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._started_s = 0.0
        self._due_s = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tend(self) -> None:
        """Starts the service when it is due; notes when it has ended and how long to wait then."""
        now_s = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._note_end(now_s)
        if now_s >= self._due_s:
            self._start(now_s)

    def terminate(self) -> None:
        if self._process is not None and self.running:
            self._process.terminate()

    def wait(self, give_up_s: float) -> None:
        """Waits for the end until the monotonic `give_up_s`, then kills."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, give_up_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._say(f"{self.service.name}: does not stop; killed")
            self._kill()
        self._drop()

    def _start(self, now_s: float) -> None:
        # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops in order.
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._started_s = now_s
        self.starts += 1
        self._reader = threading.Thread(target=self._read, args=[self._process], daemon=True)
        self._reader.start()

    def _note_end(self, now_s: float) -> None:
        assert self._process is not None
        if now_s - self._started_s >= WELL_AFTER_S:
            self._delay_s = self._first_delay_s
        self._say(f"{self.service.name}: {how_it_ended(self._process.returncode)}; again in {self._delay_s:g} s")
        self._kill()  # what it may have left behind in its session
        self._drop()
        self._due_s = now_s + self._delay_s
        self._delay_s = min(2 * self._delay_s, LAST_DELAY_S)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._say(f"{self.service.name}: {line.decode(errors='replace').rstrip()}")

    def _kill(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _drop(self) -> None:
        if self._reader is not None:
            self._reader.join(1.0)
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = self._reader = None


class Supervisor:
    """Keeps services running until told to stop."""

    def __init__(
        self,
        services: Sequence[Service],
        say: Say,
        *,
        command: Callable[[Service], Sequence[str]] = ladder_child,
        first_delay_s: float = FIRST_DELAY_S,
        stop_s: float = STOP_S,
    ) -> None:
        self.children = [Child(one, command(one), say, first_delay_s) for one in services]
        self._stop_s = stop_s

    def run(self, stop: threading.Event, ready: Callable[[], bool] = lambda: True) -> None:
        """Works until `stop` is set; `ready` is asked several times a second until it says yes, once."""
        is_ready = False
        try:
            while not stop.is_set():
                for child in self.children:
                    child.tend()
                is_ready = is_ready or ready()
                stop.wait(0.2)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends every service: politely, and after `stop_s` not."""
        for child in self.children:
            child.terminate()
        give_up_s = time.monotonic() + self._stop_s
        for child in self.children:
            child.wait(give_up_s)


def how_it_ended(code: int) -> str:
    """An exit status in words."""
    if code < 0:
        try:
            return f"ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"ended by signal {-code}"
    return "ended by itself" if code == 0 else f"failed (exit status {code})"


def port_is_free(host: str, port: int) -> bool:
    """Whether the kiosk could listen there. Raises OSError when `host` is no address of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def answers(host: str, port: int, path: str = "/healthz") -> bool:
    """Whether something answers HTTP there, be it to say that it is not well."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = HTTPConnection(reachable, port, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status in (200, 503)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
