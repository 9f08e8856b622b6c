"""Files that were being written when somebody lost power. Its repair removes them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edge.health.check import SELDOM_S, Check, Finding, Scene
from edge.health.store import repair_command

PARTIAL = ".part"  # as `calibration.whole_file` calls a file before it takes its place
ROTTEN_S = 3600.0  # none takes so long to be written


def look(scene: Scene) -> Finding:
    names = [path.name for path in _rotten(scene)]
    if not names:
        return Finding("ok", "No half-written file lies about.")
    text = f"Half-written files lie about: {', '.join(sorted(names)[:4])}{' …' if len(names) > 4 else ''}."
    return Finding(
        "warn", text, "Remove them: what they were to become was never put in place.", repair_command(scene)
    )


def mend(scene: Scene) -> str | None:
    gone = []
    for path in _rotten(scene):
        path.unlink(missing_ok=True)
        gone.append(path.name)
    return f"Removed: {', '.join(sorted(gone))}." if gone else None


def _rotten(scene: Scene) -> Iterator[Path]:
    for directory in (scene.paths.data, scene.paths.run):
        for path in directory.glob(f"*{PARTIAL}"):
            with suppress(OSError):
                if path.is_file() and scene.now.timestamp() - path.lstat().st_mtime > ROTTEN_S:
                    yield path


CHECK = Check("leftovers", look, mend, SELDOM_S)
