"""A web service of the box without an arbiter above it: one process, which ends when it is told to, and by itself
when it stands still."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from fresh_store import fresh_store
from waiting import GIVE_UP_S

HELPER = Path(__file__).parents[1] / "helpers" / "hanging_server.py"


class Serving:
    """The helper's service at work."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.port = int(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, path: str) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=GIVE_UP_S)
        connection.request("GET", path)
        return connection

    def get(self, path: str) -> bytes:
        with closing(self.ask(path)) as connection, connection.getresponse() as answer:
            return answer.read()

    def ends(self) -> tuple[int, str]:
        """Its exit status, and what it said of it."""
        _, said = self.process.communicate(timeout=GIVE_UP_S)
        return self.process.returncode, said


@contextmanager
def serving(data: Path, *words: str) -> Iterator[Serving]:
    fresh_store(data / "ladder.db")
    process = subprocess.Popen(
        [sys.executable, str(HELPER), str(data), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    with process:
        try:
            yield Serving(process)
        finally:
            process.kill()


def test_it_is_one_process(tmp_path: Path) -> None:
    with serving(tmp_path) as it:
        assert it.get("/processes") == b""


@pytest.mark.slow
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_it_ends_when_told_to_though_a_page_hangs(tmp_path: Path, told: signal.Signals) -> None:
    with serving(tmp_path) as it:
        waiting = it.ask("/thread")
        assert it.line() == "in the thread"
        it.process.send_signal(told)
        status, said = it.ends()
        waiting.close()
    assert (status, said) == (0, "")


def test_a_loop_that_stands_still_ends_it_and_tells_where_it_stood(tmp_path: Path) -> None:
    with serving(tmp_path) as it:
        asked = it.ask("/loop")  # which may be answered before
        status, said = it.ends()
        asked.close()
    assert status == 1
    assert "Timeout" in said
    assert re.search(r'File ".*/re/__init__.py", line \d+ in match', said), "the loop's thread, in what it did"


@pytest.mark.slow
def test_one_that_can_t_begin_says_why_and_fails(tmp_path: Path) -> None:
    with serving(tmp_path, "fails") as it:
        status, said = it.ends()
    assert status == 1
    assert "no application today" in said
