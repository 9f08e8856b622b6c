"""Results of a championship's matches by staff: entered and linked at once, and any of that taken back."""

import sqlite3
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit, championships, results
from edge.hall.audit import Deed
from edge.hall.championships import Bracket
from edge.hall.errors import HallError
from edge.hall.occasion import Occasion
from edge.hall.results import Entered
from edge.hall.rulings import ruling_of


def enter(
    conn: sqlite3.Connection,
    championship_id: str,
    number: int,
    *,
    winner: str,
    lost: int,
    match_id: str,
    by: str,
    here: Occasion,
) -> Bracket:
    """A match of the bracket was played just now: `winner` has the race, the other one `lost` racks or points.

    `match_id` is made by the page, so that what is sent twice is entered once. Raises HallError: `result_score`,
    and as `championships.set_result` does.
    """
    tie, held = championships.tie_of(conn, championship_id, number)
    if tie.status == "over" and tie.match_id == match_id:
        return championships.bracket(conn, championship_id)
    championships.require_ready(tie)
    a, b = tie.sides
    if a is None or b is None or winner not in (a, b):
        raise HallError("championship_match")
    if not 0 <= lost < held.race_to:
        raise HallError("result_score")
    score = (held.race_to, lost) if winner == a else (lost, held.race_to)
    what = Entered(match_id, ((a,), (b,)), held.game, score, here.day, here.stamp, table_label=here.table_label)
    results.enter_result(conn, what, by, here.now)
    return championships.set_result(conn, championship_id, number, match_id, by=by, now=here.stamp, entered=True)


def _undo_created(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    if championships.begun(conn, _id(deed)) or not championships.cancel(conn, _id(deed), by=by, now=stamp(now)):
        raise HallError("undo_too_late")


def _undo_replaced(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    new, old = str((deed.after or {})["player"]), str((deed.before or {})["player"])
    championships.replace(conn, _id(deed), new, old, by=by, now=stamp(now))


def _undo_linked(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """The match is not of the bracket any more; one that was entered for it goes as well."""
    after = deed.after or {}
    number, match_id = int(after["number"]), str(after["match"])
    if championships.tie_of(conn, _id(deed), number)[0].match_id != match_id:
        raise HallError("undo_too_late")
    championships.clear_result(conn, _id(deed), number, by=by, now=stamp(now))
    if after.get("entered"):
        results.take_back(conn, _ruling_as_entered(conn, match_id), by, now)


def _undo_walkover(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    after = deed.after or {}
    tie, _ = championships.tie_of(conn, _id(deed), int(after["number"]))
    if not tie.walkover or tie.winner != after["player"]:
        raise HallError("undo_too_late")
    championships.clear_result(conn, _id(deed), tie.number, by=by, now=stamp(now))


def _undo_cleared(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """What was entered holds again, if it still fits and nothing else was entered."""
    before = deed.before or {}
    number, match_id, at = int(before["number"]), before["match"], stamp(now)
    tie, _ = championships.tie_of(conn, _id(deed), number)
    if tie.status != "ready" or tie.match_id is not None or tie.trouble is not None:
        raise HallError("undo_too_late")
    if match_id is None:
        championships.walk_over(conn, _id(deed), number, str(before["winner"]), by=by, now=at)
    else:
        championships.set_result(conn, _id(deed), number, str(match_id), by=by, now=at)


def _ruling_as_entered(conn: sqlite3.Connection, match_id: str) -> str:
    """What was ruled of a match when it was entered, if nothing was ruled of it since."""
    ruling = ruling_of(conn, match_id)
    entered = audit.latest_about(conn, f"match:{match_id}", ("match.entered",))
    if ruling is None or entered is None or (entered.after or {}).get("ruling") != ruling.id:
        raise HallError("undo_too_late")
    return ruling.id


def _id(deed: Deed) -> str:
    return deed.subject.removeprefix("championship:")


UNDO = {
    "championship.created": _undo_created,
    "championship.replaced": _undo_replaced,
    "championship.linked": _undo_linked,
    "championship.walkover": _undo_walkover,
    "championship.cleared": _undo_cleared,
}
