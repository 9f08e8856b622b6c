"""Another store put in the place of the one that is there, which is put aside whole: all of it, or nothing.

SQLite would take the log of one store for the log of another, so three files must change at once. What is to
happen is written down first, in `ladder.db.swap`, when the new store lies complete beside the old one; whoever is
killed after that, or loses power, has it ended at the next start (`finish`), and no service starts before.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.whole_file import partial_of, replace_file
from edge.store.damage import mark_of

_BESIDE = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen: `aside` is the directory for the old store, `what` what is written there as
    `what.json`."""

    aside: Path
    what: dict[str, Any]


def new_of(path: Path) -> Path:
    """Where the new store is made ready."""
    return path.with_name(path.name + ".new")


def pending(path: Path) -> bool:
    """Whether a swap was begun and not ended."""
    return _journal(path).exists()


def clear_new(path: Path) -> None:
    """Removes what an attempt that was broken off left of a new store; for who holds the store's lock."""
    new = new_of(path)
    for end in (*_BESIDE, "-journal", ".lock"):
        new.with_name(new.name + end).unlink(missing_ok=True)
    for half in (_journal(path), mark_of(path)):
        partial_of(half).unlink(missing_ok=True)


def swap(path: Path, plan: Plan) -> None:
    """Puts the store at `new_of(path)`, which nobody has open, in place. Raises OSError.

    Nobody may have the one that is there open (`edge.store.alone`). A mark of damage goes with it.
    """
    sync_file(new_of(path))
    journal = {"schema": 1, "aside": os.path.relpath(plan.aside, path.parent), "what": plan.what}
    replace_file(_journal(path), json.dumps(journal).encode(), durable=True)
    finish(path)


def finish(path: Path) -> bool:
    """Ends a swap that was begun; False when there was none. Raises OSError, and can be called again then."""
    try:
        content = json.loads(_journal(path).read_bytes())
    except FileNotFoundError:
        return False
    aside = path.parent / content["aside"]
    if new_of(path).exists():  # else it is in place already
        _put_aside(path, aside, content["what"])
        for end in _BESIDE[1:]:
            path.with_name(path.name + end).unlink(missing_ok=True)
        sync_directory(path.parent)
        new_of(path).replace(path)
        sync_directory(path.parent)
    mark_of(path).unlink(missing_ok=True)
    _journal(path).unlink()
    sync_directory(path.parent)
    clear_new(path)
    return True


def _put_aside(path: Path, aside: Path, what: dict[str, Any]) -> None:
    """Gives the old store's files a second name; a second time changes nothing."""
    for directory in (aside.parent, aside):
        directory.mkdir(mode=0o700, exist_ok=True)
    for end in _BESIDE:
        old = path.with_name(path.name + end)
        kept = aside / old.name
        if not old.exists() or kept.exists():
            continue
        try:
            os.link(old, kept)
        except OSError:  # a file system without second names
            partial = kept.with_name(kept.name + ".part")
            shutil.copyfile(old, partial)
            sync_file(partial)
            partial.replace(kept)
    replace_file(aside / "what.json", json.dumps(what, indent=1).encode(), durable=True)
    sync_directory(aside.parent)


def _journal(path: Path) -> Path:
    return path.with_name(path.name + ".swap")


def sync_file(path: Path) -> None:
    """Has a file's content on the disk. Raises OSError."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Has the names in a directory on the disk. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems know no such thing
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
