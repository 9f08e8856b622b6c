"""Whether anybody has the store open, and how to keep everybody out of it for a moment.

In WAL mode every connection that has read holds SQLite's shared lock on the file until it is closed. Whoever gets
that lock for itself is alone, of all processes and programs that use SQLite, and nobody opens the store
meanwhile: they wait, as for a writer.

All of this is for a process that has no connection to the store itself. Its locks belong to the process and end
when any descriptor of the file is closed, ours too.
"""

import fcntl
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.store.errors import StoreBusyError

# SQLite's os.h: the pending byte, the reserved one, and the 510 that readers share.
_FIRST_BYTE, _BYTES = 0x40000000, 512


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody has the store open inside the block; we don't open it either, for that would wait for itself.

    A file that is not there is nobody's. Raises StoreBusyError at once.
    """
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        yield
        return
    with file:
        try:
            _lock(file.fileno())
        except (BlockingIOError, PermissionError) as error:
            raise StoreBusyError(
                f"the store {path} is in use: stop ladder run, or the services, and what else has it open"
            ) from error
        yield


def is_in_use(path: Path) -> bool:
    """Whether another process has a connection to the store."""
    try:
        with alone(path):
            return False
    except StoreBusyError:
        return True


def _lock(descriptor: int) -> None:
    if sys.platform != "linux":
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _BYTES, _FIRST_BYTE)
        return
    # Of the open file and not of the process, whose locks end when another descriptor of the file is closed.
    wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, _FIRST_BYTE, _BYTES, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
