"""Every night: what nobody can use any more is deleted, and SQLite's own upkeep done.

A chore is a function of a connection inside a transaction for writing and of the moment; it says how many rows
went. It is asked again until none did: one with much to delete deletes a part at a time, so that nobody waits long
to write. Add it to `CHORES`.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from edge.hall import logins, pins
from edge.jobs.job import Bench, night
from edge.jobs.runs import forget_runs
from edge.store import inbox, outbox
from edge.store.database import connect, translated

Chore = Callable[[sqlite3.Connection, datetime], int]

CHORES: tuple[tuple[str, Chore], ...] = (
    ("logins and tokens", logins.delete_old),
    ("wrong PINs", pins.forget_old),
    ("facts", outbox.forget_unread),
    ("noted facts of other boxes", inbox.forget_old),
    ("job runs", lambda conn, _: forget_runs(conn)),
)
ANALYSIS_ROWS = 400  # of an index that `PRAGMA optimize` looks at
PATIENCE_S = 1.0


class Housekeeping:
    name = "housekeeping"
    limit_s = 900.0
    noted = True

    def due(self, bench: Bench) -> str | None:
        return night(bench.moment) if bench.moment.trusted else None

    def run(self, bench: Bench, period: str) -> str:  # noqa: ARG002
        said = []
        for what, chore in CHORES:
            count = self._do(bench, chore)
            if count:
                said.append(f"{count} {what}")
        self._tidy(bench)
        return ", ".join(said) or "nothing to delete"

    def _do(self, bench: Bench, chore: Chore) -> int:
        total = 0
        while True:
            with bench.store.write() as conn:
                count = chore(conn, bench.moment.now)
            total += count
            if not count or bench.stopping():
                return total

    def _tidy(self, bench: Bench) -> None:
        """Folds the log into the store and shortens it, unless somebody reads right then; looks at statistics."""
        path = bench.paths.store
        with closing(connect(path, busy_timeout_s=PATIENCE_S)) as conn, translated(path):
            conn.execute(f"PRAGMA analysis_limit = {ANALYSIS_ROWS}").fetchone()
            conn.execute("PRAGMA optimize").fetchall()
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
