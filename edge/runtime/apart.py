"""Work done in a process of its own: what it loads and what it takes goes back to the system when it ends."""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")


class EndedError(Exception):
    """The process ended without an answer."""


def apart(work: Callable[..., T], *given: object) -> T:
    """What `work` gives for arguments that can be pickled, or raises; EndedError when its process was killed."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, work, given), daemon=True)
    process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    try:
        value, error = ours.recv()
    except EOFError:
        process.join()
        raise EndedError(f"its process ended with status {process.exitcode}") from None
    finally:
        ours.close()
    process.join()
    if error is not None:
        raise error
    result: T = value
    return result


def _answer(theirs: Connection, work: Callable[..., object], given: tuple[object, ...]) -> None:
    try:
        answer: tuple[object, Exception | None] = work(*given), None
    except Exception as error:  # it is raised where it was asked for
        answer = None, error
    theirs.send(answer)
