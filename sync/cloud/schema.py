"""The database's schema: every feature's steps, each applied once, under a lock."""

from collections.abc import Sequence

from edge.clock import now_stamp
from sync.cloud import (
    days,
    deeds,
    devices,
    halls,
    inbox,
    members,
    names,
    owners,
    periods,
    plans,
    rewards,
    rules,
    standings,
    webhooks,
)
from sync.cloud.db import MIGRATE_S, Conn, Database, SchemaError
from sync.cloud.steps import Steps

# In the order of what refers to what.
SETS: tuple[Steps, ...] = tuple(
    module.steps
    for module in (
        halls,
        devices,
        inbox,
        days,
        owners,
        rules,
        periods,
        standings,
        names,
        members,
        plans,
        rewards,
        webhooks,
        deeds,
    )
)


def migrate(db: Database, sets: Sequence[Steps] = SETS) -> list[str]:
    """Makes the tables or brings them up; returns what was applied, nothing when all was.

    All of it is one transaction. Raises StoreError; SchemaError for a database of a newer version.
    """
    with db.write(MIGRATE_S) as conn:
        conn.lock_schema()
        conn.make(
            "CREATE TABLE IF NOT EXISTS schema_steps (name TEXT NOT NULL, number {int} NOT NULL,"
            " applied_at TEXT NOT NULL, PRIMARY KEY (name, number)) {strict}"
        )
        pending = _pending(conn, db.name, sets)
        for name, number, statements in pending:
            for statement in statements:
                conn.make(statement)
            conn.run("INSERT INTO schema_steps VALUES (?, ?, ?)", [name, number, now_stamp()])
    return [f"{name}/{number}" for name, number, _ in pending]


def _pending(conn: Conn, where: str, sets: Sequence[Steps]) -> list[tuple[str, int, tuple[str, ...]]]:
    applied = {(row["name"], row["number"]) for row in conn.rows("SELECT name, number FROM schema_steps")}
    known = [(one.name, number, sql) for one in sets for number, sql in enumerate(one.steps, 1)]
    newer = sorted(applied - {(name, number) for name, number, _ in known})
    if newer:
        names = ", ".join(f"{name}/{number}" for name, number in newer)
        raise SchemaError(f"{where} was written by a newer version ({names}): update this program")
    return [step for step in known if step[:2] not in applied]
