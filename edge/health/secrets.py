"""Whether the hall's keys are there, whole, and for nobody else to read. Its repair makes the file private."""

import os
import stat
from contextlib import closing

from edge.hall.keys import KeysError, parse_keys
from edge.health.check import SELDOM_S, Check, Finding, Scene
from edge.health.store import readable
from edge.store.database import translated
from edge.store.errors import StoreError

PRIVATE = 0o600


def look(scene: Scene) -> Finding:
    path = scene.paths.secrets
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            mode, content = stat.S_IMODE(os.fstat(file.fileno()).st_mode), file.read()
        parse_keys(content, path)
    except FileNotFoundError:
        return _missing(scene)
    except OSError as error:
        text = f"{path.name} can't be read: {error.strerror}."
        return Finding("bad", text, "Look as the box's own user, and check the file.")
    except KeysError:
        text = f"{path.name} holds no keys of this version: no PIN is right without them."
        return Finding("bad", text, "Put it back from a backup. With new keys every PIN must be set anew.")
    if mode & ~PRIVATE:
        advice = "Keep it to the box's own user."
        return Finding("warn", f"Other users of this machine can read {path.name}.", advice, f"chmod 600 {path}")
    return Finding("ok", f"{path.name} is whole, and private.")


def mend(scene: Scene) -> str | None:
    return make_private(scene.paths.secrets)


def make_private(path: os.PathLike[str]) -> str | None:
    """Takes a file from other users; says so where it was theirs to read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_IMODE(os.fstat(descriptor).st_mode) & ~PRIVATE:
            return None
        os.fchmod(descriptor, PRIVATE)
    finally:
        os.close(descriptor)
    return f"{os.path.basename(path)} is private now."


def _missing(scene: Scene) -> Finding:
    path = scene.paths.secrets
    if _has_pins(scene):
        text = f"{path.name} is gone, and players have PINs: none of them is right without it."
        return Finding("bad", text, "Put it back from a backup; a kiosk that starts before would make new keys.")
    return Finding("ok", f"{path.name} is not there yet; the kiosk makes it when it first starts.")


def _has_pins(scene: Scene) -> bool:
    found = readable(scene)
    if isinstance(found, Finding):
        return False
    with closing(found) as conn:
        try:
            with translated(scene.paths.store):
                return conn.execute("SELECT 1 FROM pins LIMIT 1").fetchone() is not None
        except StoreError:
            return False


CHECK = Check("secrets", look, mend, SELDOM_S)
