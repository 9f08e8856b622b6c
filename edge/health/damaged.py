"""Whether damaged stores are kept aside, which somebody should look into before they are deleted."""

from pathlib import Path

from edge.health.check import SELDOM_S, Check, Finding, Scene
from edge.runtime.paths import Paths


def kept_aside(paths: Paths) -> list[Path]:
    """Damaged stores that were put aside, with when that was in their names."""
    return sorted(path for path in paths.damaged.glob("*") if path.is_dir())


def look(scene: Scene) -> Finding:
    kept = kept_aside(scene.paths)
    if not kept:
        return Finding("ok", "No damaged store is kept aside.")
    text = f"Damaged stores that are kept in {scene.paths.damaged}: {len(kept)}, the last {kept[-1].name}."
    advice = "Find why: the disk, the card, the power. Keep it until nobody misses a shot, then delete it."
    return Finding("warn", text, advice)


CHECK = Check("damaged", look, None, SELDOM_S)
