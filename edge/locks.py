"""Locks between processes that end with the process, however it ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LockHeldError(Exception):
    """Another process holds the lock."""


@contextmanager
def file_lock(path: Path, timeout_s: float = 0.0) -> Iterator[None]:
    """Holds the lock of a file that is made for it. Raises LockHeldError after `timeout_s`, or OSError."""
    give_up_s = time.monotonic() + timeout_s
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up_s:
                    raise LockHeldError(f"another process holds {path}") from None
                time.sleep(0.05)
        yield


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock of that file; it is held for a moment to see that. Raises OSError."""
    if not path.exists():
        return False
    try:
        with file_lock(path):
            return False
    except LockHeldError:
        return True
