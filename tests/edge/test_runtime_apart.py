"""Work in a process of its own: its answer, its errors and its end come back."""

import os
import signal

import pytest

from calibration.file import CalibrationError
from edge.runtime.apart import EndedError, apart


def own_id(told: str) -> tuple[str, int]:
    return told, os.getpid()


def refuse(why: str) -> None:
    raise CalibrationError(why)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_answer_comes_from_another_process() -> None:
    told, process = apart(own_id, "hello")
    assert told == "hello"
    assert process != os.getpid()


def test_what_it_raises_is_raised_here() -> None:
    with pytest.raises(CalibrationError, match="almost black"):
        apart(refuse, "the picture is almost black")


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(EndedError, match="status -9"):
        apart(be_killed)
