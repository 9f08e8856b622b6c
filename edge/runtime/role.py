"""What a box is in its hall, as its files say: other services belong to a hub, a table and a box that is alone.

`ladder run` looks again and again, and begins its services anew when that has changed. Who needs the box to stand
still, as `ladder promote` does, has it `set_aside`: `ladder run` ends its services for as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.locks import file_lock, is_held
from edge.runtime.paths import Paths
from edge.settings import SettingsError, load_settings

LEAVE_S = 30.0  # for services to end
LOOKED_AT_S = 5.0  # whoever looks whether the lock is held holds it for a moment


@dataclass(frozen=True, slots=True)
class Role:
    """`lets_in`: other boxes come to it; `is_table`: it has a hub; `tells_cloud`: a cloud hears of it."""

    lets_in: bool = False
    is_table: bool = False
    tells_cloud: bool = False


class RoleWatch:
    """Looks at a box's files."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._read: tuple[int, int] | None = None
        self._port = 0

    def look(self) -> Role:
        """As they are now. Settings that can't be used say what they said before."""
        read = _stamp(self._paths.settings)
        if read != self._read:
            try:
                self._port = load_settings(self._paths.settings).hub.port
                self._read = read
            except SettingsError:  # whoever writes them may not have ended
                pass
        is_table = self._paths.hub.exists()
        return Role(bool(self._port) and not is_table, is_table, self._paths.cloud.exists())


@contextmanager
def set_aside(paths: Paths) -> Iterator[None]:
    """Inside the block `ladder run` has no services at work, where it runs this box, and nobody starts it.

    Raises LockHeldError where it does not leave, or somebody else has set the box aside.
    """
    with file_lock(paths.aside, timeout_s=LOOKED_AT_S), file_lock(paths.running, timeout_s=LEAVE_S):
        yield


def is_set_aside(paths: Paths) -> bool:
    """Whether somebody needs the box to stand still, or waits for that."""
    return is_held(paths.aside)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
