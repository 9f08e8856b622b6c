"""A box's services where systemd runs them: begun anew by whoever may, and what is typed otherwise."""

import subprocess
from pathlib import Path

from edge.locks import is_held
from edge.runtime.paths import Paths

UNIT = Path("/etc/systemd/system/ladder-kiosk.service")
DATA = Path("/var/lib/action-ladder")
TARGET = "ladder.target"
ASK_S = 10.0


def begin_anew(paths: Paths, *, by_itself: bool) -> str:
    """Has the services of a box begin anew whose place in the hall has changed; says what becomes of them, or what
    is to be typed. They do so `by_itself` where `ladder run` runs them."""
    if by_itself:
        return "Its services begin anew by themselves."
    if not is_systemds(paths):
        return "Start its services: ladder run"
    if _systemctl("--no-block", "restart", TARGET):
        return "Its services begin anew."
    return f"Have its services begin anew: sudo systemctl restart {TARGET}"


def is_systemds(paths: Paths) -> bool:
    """Whether systemd runs the box with that data."""
    return UNIT.exists() and paths.data == DATA


def is_run(paths: Paths) -> bool:
    """Whether `ladder run` runs the box."""
    return is_held(paths.running)


def _systemctl(*words: str) -> bool:
    """Whether it did as it was told; a user who may not is refused, and not asked for a password."""
    command = ["systemctl", "--no-ask-password", *words]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
