"""A file replaced in one step: whoever reads it finds the old one or the new one, never half of one."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def partial_of(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(path.name + ".part")


def replace_file(path: Path, content: bytes, *, durable: bool = False, private: bool = False) -> None:
    """Puts a file in place. Raises OSError; what could not be written whole is not put there.

    A `private` one is at no moment anybody's but its owner's to read.

    `durable` waits until it is on the disk, so that a power cut leaves the old one or the new one too: for what
    can't be made again, not for what is written many times a second.
    """
    partial = partial_of(path)
    if private:
        partial.unlink(missing_ok=True)  # of one who lost power here
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
    try:
        with partial.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
        if durable:
            _sync_directory(path.parent)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _sync_directory(directory: Path) -> None:
    """The rename itself is on the disk only with the directory."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
