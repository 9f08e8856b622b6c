"""The store's schema: every room's migrations in one list, applied by `ladder migrate` alone."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge import bookkeeper
from edge.hall import (
    audit,
    awards,
    badges,
    calls,
    championships,
    clocks,
    commands,
    consents,
    devices,
    draws,
    erasure,
    game_sessions,
    groups,
    ladders,
    logins,
    matches,
    pairings,
    pins,
    players,
    plays,
    points,
    ratings,
    renaming,
    rewards,
    rulings,
    said,
    sessions,
    stats_views,
    streaks,
    tables,
    takeovers,
    training,
    votes,
)
from edge.jobs import runs
from edge.locks import LockHeldError, file_lock
from edge.stats import daily, odd_patterns
from edge.store import changes, damage, inbox, outbox, shots, swap, sync_state
from edge.store.database import connect, immediate, translated
from edge.store.errors import SchemaError, StoreDamagedError, StoreError
from edge.store.replicas import REPLICAS

# In the order of what refers to what. A feature's module brings its own.
SETS: tuple[Migrations, ...] = tuple(
    module.migrations
    for module in (
        outbox,
        shots,
        players,
        takeovers,
        matches,
        sessions,
        rulings,
        game_sessions,
        ladders,
        tables,
        clocks,
        calls,
        pairings,
        plays,
        said,
        daily,
        points,
        groups,
        streaks,
        ratings,
        badges,
        bookkeeper,
        pins,
        logins,
        consents,
        audit,
        erasure,
        votes,
        awards,
        draws,
        championships,
        renaming,
        stats_views,
        training,
        rewards,
        odd_patterns,
        runs,
        changes,
        inbox,
        devices,
        commands,
        sync_state,
    )
)

LOCK_TIMEOUT_S = 60.0


def migrate(path: Path, sets: Sequence[Migrations] = SETS, lock_timeout_s: float = LOCK_TIMEOUT_S) -> list[str]:
    """Makes or brings up the store; returns the names of the migrations applied, none when it was current.

    Processes that migrate at once wait for each other. All of it is one transaction, so a crash leaves the
    store as it was. Raises StoreError; SchemaError for a store written by a newer version.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the data directory {path.parent} can't be made: {error.strerror}") from error
    with (
        _lock(path.with_name(path.name + ".lock"), lock_timeout_s),
        closing(connect(path, "create")) as conn,
        translated(path),
        immediate(conn),
    ):
        db = Database(conn)
        _refuse_newer(conn, path, sets)
        pending = [f"{s.name}/{m.name}" for s in sets for m in s.pending(db)]
        if pending:
            for one in sets:
                one.apply(db)
        if changes.migrations in sets:
            changes.install(conn, REPLICAS)
        return pending


def require_current(path: Path, sets: Sequence[Migrations] = SETS) -> None:
    """For services, before they begin: raises SchemaError unless the store is exactly of this version."""
    if not path.exists():
        raise SchemaError(f"there is no store at {path}: run ladder migrate")
    if damage.marked(path) is not None or swap.pending(path):
        raise StoreDamagedError(f"the store {path} was found damaged, or is being put back: run ladder migrate")
    with closing(connect(path, "read")) as conn, translated(path):
        _refuse_newer(conn, path, sets)
        missing = sorted(_known(sets) - _applied(conn))
    if missing:
        names = ", ".join(f"{name}/{step}" for name, step in missing)
        raise SchemaError(f"the store {path} lacks {names}: run ladder migrate")


def _refuse_newer(conn: sqlite3.Connection, path: Path, sets: Sequence[Migrations]) -> None:
    unknown = sorted(_applied(conn) - _known(sets))
    if unknown:
        names = ", ".join(f"{name}/{step}" for name, step in unknown)
        raise SchemaError(f"the store {path} was written by a newer version ({names}): update this program")


def _known(sets: Sequence[Migrations]) -> set[tuple[str, str]]:
    # A Migrations object without a database hands out all its steps as pending.
    with closing(sqlite3.connect(":memory:")) as conn:
        empty = Database(conn)
        return {(one.name, step.name) for one in sets for step in one.pending(empty)}


def _applied(conn: sqlite3.Connection) -> set[tuple[str, str]]:
    table = Migrations.migrations_table
    if conn.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", [table]).fetchone() is None:
        return set()
    return {(row[0], row[1]) for row in conn.execute(f"SELECT migration_set, name FROM {table}")}


@contextmanager
def _lock(path: Path, timeout_s: float) -> Iterator[None]:
    try:
        with file_lock(path, timeout_s):
            yield
    except LockHeldError as error:
        raise StoreError(
            f"another process has been migrating for {timeout_s:g} s and holds {path}: "
            "stop it, then run ladder migrate"
        ) from error
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror}") from error
