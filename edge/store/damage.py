"""The mark that a service leaves when it found the store damaged, so that all of them end and it is mended.

Beside the store, `ladder.db.damaged`. While it is there no service starts; `ladder migrate` mends the store, or
finds that it is sound, and removes it (`edge.store.recovery`).
"""

import logging
from pathlib import Path

from calibration.whole_file import replace_file

log = logging.getLogger(__name__)


def mark_of(path: Path) -> Path:
    """Where the mark of the store at `path` is."""
    return path.with_name(path.name + ".damaged")


def mark(path: Path, why: str) -> None:
    """Leaves the mark, with the reason in words. One that is there stays; never raises."""
    if marked(path) is not None:
        return
    try:
        replace_file(mark_of(path), why.encode(), durable=True)
    except OSError as error:
        log.warning("%s can't be written: %s", mark_of(path), error)


def marked(path: Path) -> str | None:
    """The reason of the mark, None without one."""
    try:
        return mark_of(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def unmark(path: Path) -> None:
    mark_of(path).unlink(missing_ok=True)
