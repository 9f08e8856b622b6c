"""Whether the data directory and what is in it belong to the box's own user, and to nobody else.

The usual way to break that is a command run with sudo: it leaves files that the services may not write.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from edge.health.check import Check, Finding, Scene
from edge.runtime.paths import Paths

OTHERS = 0o077


def look(scene: Scene) -> Finding:
    data = scene.paths.data
    try:
        of_data = data.stat()
    except OSError as error:
        advice = "Check --data; a new box is begun by the command."
        text = f"The data directory {data} can't be looked at: {error.strerror}."
        return Finding("bad", text, advice, scene.command("migrate"))
    if not stat.S_ISDIR(of_data.st_mode):
        return Finding("bad", f"{data} is no directory.", "Check --data, or move that file away.")
    foreign = [path.name for path in _ours(scene.paths) if path.stat().st_uid != of_data.st_uid]
    if foreign:
        owner = _name(of_data.st_uid)
        return Finding(
            "bad",
            f"The directory belongs to {owner}, but not {', '.join(foreign)}: services can't write there.",
            "Give them to that user; a command run with sudo may have made them.",
            f"sudo chown -R {owner} {data}",
        )
    if os.geteuid() not in (0, of_data.st_uid):
        text = f"{data} belongs to {_name(of_data.st_uid)}, and you are {_name(os.geteuid())}."
        return Finding("warn", text, "Look again as that user: others are told half of it.")
    if stat.S_IMODE(of_data.st_mode) & OTHERS:
        text = f"Other users of this machine can look into {data}, where players' names are."
        return Finding("warn", text, "Keep it to the box's own user.", f"chmod 700 {data}")
    return Finding("ok", f"{data} belongs to {_name(of_data.st_uid)} alone.")


def mend(scene: Scene) -> str | None:
    """Makes the directory private; as root, gives what is in it to its owner."""
    data, done = scene.paths.data, []
    of_data = data.stat()
    if os.geteuid() == 0:
        foreign = [path for path in _ours(scene.paths) if path.stat().st_uid != of_data.st_uid]
        for path in foreign:
            os.chown(path, of_data.st_uid, of_data.st_gid, follow_symlinks=False)
        if foreign:
            done.append(f"{', '.join(path.name for path in foreign)} belong to {_name(of_data.st_uid)} now")
    if stat.S_IMODE(of_data.st_mode) & OTHERS:
        data.chmod(stat.S_IMODE(of_data.st_mode) & ~OTHERS)
        done.append(f"{data} is private now")
    return "; ".join(done) + "." if done else None


def _ours(paths: Paths) -> Iterator[Path]:
    """What services write, where it is there."""
    store = paths.store
    beside = [store.with_name(store.name + end) for end in ("-wal", "-shm", ".lock")]
    others = (paths.secrets, paths.certificate, paths.table_feel, paths.rejected_shots, *paths.spools)
    for path in (store, *beside, *others, paths.running, paths.watching):
        if path.is_file() and not path.is_symlink():
            yield path


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


CHECK = Check("files", look, mend)
