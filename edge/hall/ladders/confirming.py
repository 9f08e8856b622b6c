"""Confirming several matches at once, as staff saw them; each is a ruling of its own."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit
from edge.hall.audit import Deed
from edge.hall.ladders.model import LadderError
from edge.hall.matches import get_match
from edge.hall.results import Score, confirm, take_back
from edge.hall.rulings import ruling_of


def confirm_all(
    conn: sqlite3.Connection, seen: Iterable[tuple[str, Score]], by: str, now: datetime
) -> tuple[int, int]:
    """Confirms matches that stand with that score. Returns how many are confirmed now that were not, and how many
    stand otherwise by now and were left alone."""
    rulings, changed = [], 0
    for match_id, score in dict(seen).items():
        match = get_match(conn, match_id)
        if match is None or match.status != "over" or match.score != score:
            changed += 1
        elif ruling_of(conn, match_id) is None:
            confirm(conn, match_id, score, by, now)
            ruling = ruling_of(conn, match_id)
            assert ruling is not None  # it was just made
            rulings.append(ruling.id)
    if rulings:
        after = {"count": len(rulings), "rulings": rulings}
        audit.deed(conn, stamp(now), "ladder.confirmed", f"match:{rulings[0]}", by, after=after)
    return len(rulings), changed


def undo_confirmed(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """They wait again, as long as nobody has ruled anything else of any of them since. Raises LadderError."""
    for ruling_id in (deed.after or {})["rulings"]:
        row = conn.execute("SELECT match_id FROM rulings WHERE id = ?", [ruling_id]).fetchone()
        standing = None if row is None else ruling_of(conn, row["match_id"])
        if standing is None or standing.id != ruling_id:
            raise LadderError("undo_too_late")
        take_back(conn, ruling_id, by, now)
