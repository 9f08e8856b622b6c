"""What undoes a deed of staff's on a ladder, for `edge.hall.undoing`; badges that rest on it follow at once."""

import sqlite3
from datetime import datetime
from typing import Any

from edge.clock import stamp
from edge.hall import standing
from edge.hall.audit import Deed
from edge.hall.ladders.challenges import call_off, call_on_again, get_challenge, unextend
from edge.hall.ladders.confirming import undo_confirmed
from edge.hall.ladders.members import withdraw_event
from edge.hall.ladders.model import LadderError, Terms, get_ladder
from edge.hall.ladders.of_match import take_back_said
from edge.hall.ladders.setup import bring_back_division, change_terms, close_again, remove_division, reopen_ladder
from edge.hall.players import game_of_word


def _undo_event(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    standing.settle(conn, sorted(withdraw_event(conn, _of(deed, "event"), by, stamp(now))), now)


def _undo_said(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    standing.settle(conn, sorted(take_back_said(conn, _of(deed, "said"), by, stamp(now))), now)


def _undo_closed(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    standing.settle(conn, sorted(reopen_ladder(conn, _subject(deed), by, stamp(now))), now)


def _undo_reopened(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    closed_at = str((deed.before or {})["closed_at"])
    standing.settle(conn, sorted(close_again(conn, _subject(deed), closed_at, by, stamp(now))), now)


def _undo_changed(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    """The terms that were, under the name it has now: names are in no line of the audit."""
    terms = get_ladder(conn, _subject(deed)).terms
    if terms != _terms(terms.name, deed.after or {}):
        raise LadderError("undo_too_late")
    change_terms(conn, _subject(deed), _terms(terms.name, deed.before or {}), by, stamp(now))


def _undo_division_added(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    remove_division(conn, str((deed.after or {})["division"]), by, stamp(now))


def _undo_division_removed(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    bring_back_division(conn, _subject(deed), str((deed.after or {})["division"]))


def _undo_made(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    if not get_challenge(conn, _subject(deed)).pending:
        raise LadderError("undo_too_late")
    call_off(conn, _subject(deed), by, stamp(now))


def _undo_extended(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    before, known = deed.before or {}, get_challenge(conn, _subject(deed))
    if known.deadline != (deed.after or {})["deadline"] or known.declined_at is not None:
        raise LadderError("undo_too_late")
    unextend(conn, known.id, str(before["deadline"]), before.get("declined_at"))


def _undo_called_off(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    standing.settle(conn, sorted(call_on_again(conn, _subject(deed))), now)


def _subject(deed: Deed) -> str:
    return deed.subject.partition(":")[2]


def _terms(name: str, told: dict[str, Any]) -> Terms:
    """Terms as a line of the audit has them."""
    return Terms(
        name, game_of_word(told["game"]), told["race_to"], told["challenge_range"], told["challenge_days"]
    )


def _of(deed: Deed, key: str) -> int:
    assert deed.after is not None  # such a deed is noted with it
    return int(deed.after[key])


UNDO = {
    "ladder.placed": _undo_event,
    "ladder.left": _undo_event,
    "challenge.given": _undo_event,
    "ladder.match_put": _undo_said,
    "ladder.closed": _undo_closed,
    "ladder.reopened": _undo_reopened,
    "ladder.changed": _undo_changed,
    "ladder.division_added": _undo_division_added,
    "ladder.division_removed": _undo_division_removed,
    "ladder.confirmed": undo_confirmed,
    "challenge.made": _undo_made,
    "challenge.extended": _undo_extended,
    "challenge.called_off": _undo_called_off,
}
