"""What machine a figure was measured on, in words."""

import os
import platform
from pathlib import Path

_CPU = Path("/proc/cpuinfo")
_BOARD = Path("/proc/device-tree/model")


def in_words(cpu_file: Path = _CPU, board_file: Path = _BOARD) -> str:
    """Such as `AMD EPYC, 2 cores, x86_64`: a board says its model, any other machine its processor's."""
    model = _read(board_file).strip("\0\n ") or _cpu_model(_read(cpu_file)) or "an unknown processor"
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} core{'' if cores == 1 else 's'}, {platform.machine()}"


def _cpu_model(text: str) -> str | None:
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
