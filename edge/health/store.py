"""Whether the store is there and of this version. Its repair makes or upgrades it, unless one is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

from edge.backup.snapshot import snapshots
from edge.health.check import Check, Finding, Scene
from edge.health.damaged import kept_aside
from edge.store import damage, swap
from edge.store.database import connect, translated
from edge.store.errors import SchemaError, StoreBusyError, StoreDamagedError, StoreError
from edge.store.migrations import migrate, require_current

MB = 1_000_000
LONG_LOG_BYTES = 256 * MB  # SQLite keeps it near 4 MB while nobody reads for long
LEAST_BYTES = MB // 10
BUSY_S = 2.0
NEWER = "newer version"


def look(scene: Scene) -> Finding:
    path = scene.paths.store
    if swap.pending(path):
        text = "A restored store is being put in place, or that was broken off."
        return Finding("bad", text, "Let it be ended, with the services stopped.", scene.command("migrate"))
    why = damage.marked(path)
    if why is not None:
        text = f"The store was found damaged: {why}."
        return Finding("bad", text, "Have it mended, with the services stopped.", scene.command("migrate"))
    if not path.exists():
        return _missing(scene)
    try:
        require_current(path)
    except StoreError as error:
        return _unusable(scene, error)
    log_bytes = size(wal(path))
    if log_bytes > LONG_LOG_BYTES:
        text = f"The store's log has grown to {log_bytes / MB:.0f} MB: some program reads for very long."
        return Finding("warn", text, "Start the services again, then let it be folded in.", repair_command(scene))
    return Finding("ok", f"{path.name} is there, of this version, {size(path) / MB:.1f} MB.")


def _unusable(scene: Scene, error: StoreError) -> Finding:
    text = f"{str(error)[:1].upper()}{str(error)[1:]}."
    if isinstance(error, StoreBusyError):
        return Finding("warn", text, "If it stays so, find who holds it.")
    if isinstance(error, StoreDamagedError):
        return Finding("bad", text, "Have it marked, then mended.", repair_command(scene))
    if isinstance(error, SchemaError) and NEWER not in text:
        advice = "Stop the services, bring the store up, start them again."
        return Finding("bad", text, advice, scene.command("migrate"))
    room = scene.machine.room(scene.paths.store)
    if room is not None and room.free_bytes < LEAST_BYTES:  # SQLite can't make what it needs to read
        return Finding("unknown", "The store can't be opened: there is no room left on its disk.")
    return Finding("bad", text)  # which says what to do


def mend(scene: Scene) -> str | None:
    """Makes or upgrades the store, or folds in a long log; never makes an empty one for one that is lost."""
    path = scene.paths.store
    if swap.pending(path) or damage.marked(path) is not None:
        return None  # that takes stopped services
    if not path.exists() and (_is_lost(scene) or not scene.paths.data.is_dir()):
        return None
    try:
        applied = migrate(path)
    except StoreDamagedError as error:
        return mark_damaged(scene, str(error))
    if applied:
        return f"The store is of this version now ({len(applied)} steps)."
    if size(wal(path)) > LONG_LOG_BYTES:
        with closing(connect(path, busy_timeout_s=BUSY_S)) as conn, translated(path):
            blocked = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return None if blocked else "The store's log is folded in."
    return None


def wal(path: Path) -> Path:
    """The log beside a store."""
    return path.with_name(path.name + "-wal")


def size(path: Path) -> int:
    """In bytes; 0 when it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def readable(scene: Scene) -> sqlite3.Connection | Finding:
    """A connection for checks that ask the store, or what they say when they can't: the cause is told once."""
    if not scene.paths.store.exists():
        return Finding("unknown", "There is no store to ask.")
    try:
        return connect(scene.paths.store, "read", BUSY_S)
    except StoreError as error:
        return Finding("unknown", f"The store can't be asked: {error}.")


def mark_damaged(scene: Scene, why: str) -> str:
    """Leaves the mark by which the services end and the store is mended; says so."""
    damage.mark(scene.paths.store, why)
    return f"The store is marked as damaged: the services end, and {scene.command('migrate')} mends it."


def repair_command(scene: Scene) -> str:
    return scene.command("doctor", "--repair")


def _missing(scene: Scene) -> Finding:
    path = scene.paths.store
    if not path.parent.is_dir():
        return Finding("unknown", "There is no data directory for a store.")
    if _is_lost(scene):
        text = f"The store {path} is gone, but this box had one."
        advice = "Stop the services; the command puts the last backup in its place."
        return Finding("bad", text, advice, scene.command("migrate"))
    return Finding("bad", f"There is no store at {path}.", "Make it.", scene.command("migrate"))


def _is_lost(scene: Scene) -> bool:
    return bool(snapshots(scene.paths) or kept_aside(scene.paths))


CHECK = Check("store", look, mend)
