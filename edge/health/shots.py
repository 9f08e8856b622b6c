"""Whether every shot seen is stored: none waits in a file, none was refused."""

import json
from pathlib import Path

from edge.health.check import Check, Finding, Scene
from edge.runtime.paths import Paths

NOT_STORED = "not stored yet"  # as vision says it


def look(scene: Scene) -> Finding:
    message = str((scene.live or {}).get("message") or "")
    if NOT_STORED in message:
        return Finding("bad", message, "Mend what keeps the store from being written; the shots are kept.")
    waiting = waiting_shots(scene.paths)
    if waiting:
        text = f"Shots wait in a file to be stored: {waiting}."
        return Finding("warn", text, "Start vision, which stores them; what holds it up is told by another check.")
    rejected, unreadable = _lines(scene.paths.rejected_shots), _unreadable(scene)
    if unreadable:
        text = f"{unreadable.name} holds shots that could not be read again."
        return Finding("warn", text, "Report it and keep the file.")
    if rejected:
        text = f"Shots that the store refused are kept in {scene.paths.rejected_shots.name}: {rejected}."
        return Finding("warn", text, "Report it with that file; then move the file away.")
    return Finding("ok", "No shot waits to be stored.")


def waiting_shots(paths: Paths) -> int:
    """How many shots lie in the files of what could not be stored."""
    return sum(_rows(spool) for spool in paths.spools)


def _rows(spool: Path) -> int:
    try:
        rows = json.loads(spool.read_bytes())
    except (OSError, ValueError):
        return 0
    return len(rows) if isinstance(rows, list) else 0


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.strip())
    except OSError:
        return 0


def _unreadable(scene: Scene) -> Path | None:
    aside = [spool.with_suffix(".unreadable") for spool in scene.paths.spools]
    return next((path for path in aside if path.exists()), None)


CHECK = Check("shots", look)
