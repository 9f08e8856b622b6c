"""Taking back what staff did: each kind of deed names, in its own module, what undoes it.

A deed is undone once, in the transaction that says so in the audit; what undoes it checks that nothing else has
happened since. The line of the deed stays: the audit is never changed.
"""

import sqlite3
from collections.abc import Callable
from datetime import datetime

from edge.clock import stamp
from edge.hall import (
    accounts,
    audit,
    awards,
    calls,
    championship_results,
    draws,
    floor_undo,
    game_sessions,
    pairings,
    results,
    roles,
    table_setup,
)
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.ladders import undo as ladders_undo
from edge.stats import odd_patterns

Undo = Callable[[sqlite3.Connection, Deed, str, datetime], None]

UNDO: dict[str, Undo] = {
    **results.UNDO,
    **game_sessions.UNDO,
    **pairings.UNDO,
    **ladders_undo.UNDO,
    **table_setup.UNDO,
    **floor_undo.UNDO,
    **calls.UNDO,
    **awards.UNDO,
    **draws.UNDO,
    **championship_results.UNDO,
    **accounts.UNDO,
    **roles.UNDO,
    **odd_patterns.UNDO,
}

# Of some kinds it is told at a glance that it is too late, and the way is not offered.
STILL: dict[str, Callable[[sqlite3.Connection, Deed], bool]] = {**draws.STILL}

_UNDONE = "deed.undone"


def can_undo(conn: sqlite3.Connection, deed: Deed) -> bool:
    """Whether undoing a deed is worth offering: it is of a kind that can be undone, by staff, was not yet, and
    nothing is known that makes it too late."""
    still = STILL.get(deed.what)
    return _could_undo(conn, deed) and (still is None or still(conn, deed))


def undo(conn: sqlite3.Connection, deed_id: int, by: str, now: datetime) -> Deed:
    """Undoes a deed; `conn` must be inside a transaction for writing. Raises HallError."""
    deed = audit.get_deed(conn, deed_id)
    if deed is None or not _could_undo(conn, deed):
        raise HallError("undo_not")
    UNDO[deed.what](conn, deed, by, now)
    audit.deed(conn, stamp(now), _UNDONE, f"deed:{deed.id}", by, after={"what": deed.what})
    return deed


def _could_undo(conn: sqlite3.Connection, deed: Deed) -> bool:
    return deed.role == "staff" and deed.what in UNDO and not audit.about(conn, f"deed:{deed.id}", 1)
