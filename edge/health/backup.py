"""How old the last backup is: what was stored since is what a lost disk would cost."""

from datetime import timedelta

from edge.backup.snapshot import snapshots
from edge.health.check import SELDOM_S, Check, Finding, Scene

WARN, MOST = timedelta(hours=36), timedelta(days=8)  # a night missed; a week
NEW = timedelta(hours=36)  # a store so young has had no night yet
_ADVICE = "Check that ladder jobs runs, and the room on the disk."


def look(scene: Scene) -> Finding:
    newest_first = snapshots(scene.paths)
    if newest_first:
        taken_at = newest_first[0].moment
        age = scene.now - taken_at
        text = f"The last backup is from {taken_at:%Y-%m-%d %H:%M} UTC; {len(newest_first)} are kept."
        if age < WARN:
            return Finding("ok", text)
        return Finding("bad" if age >= MOST else "warn", text, _ADVICE)
    if not scene.paths.store.exists():
        return Finding("unknown", "There is no backup, and no store to take one of.")
    if scene.now.timestamp() - _begun_s(scene) < NEW.total_seconds():
        return Finding("ok", "There is no backup yet: the store is new.")
    return Finding("warn", "There is no backup of the store.", _ADVICE)


def _begun_s(scene: Scene) -> float:
    """When the box began, by the oldest of the files that are made then."""
    files = (scene.paths.secrets, scene.paths.certificate, scene.paths.store.with_name("ladder.db.lock"))
    return min(path.stat().st_mtime for path in (scene.paths.store, *files) if path.exists())


CHECK = Check("backup", look, None, SELDOM_S)
