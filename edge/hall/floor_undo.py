"""Taking back what staff did at the tables; see `edge.hall.floor` for the deeds themselves."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta

from edge.clock import from_stamp
from edge.hall import clocks, standing
from edge.hall.audit import Deed
from edge.hall.clocks import Clock, ClockError
from edge.hall.floor import id_of, ids, stamp_of
from edge.hall.glance import look_at
from edge.hall.occasion import Occasion
from edge.hall.scoring import recount
from edge.hall.sessions import (
    Session,
    begin_session,
    get_session,
    move_session,
    open_session_of,
    reopen_session,
    touch,
)
from edge.hall.sitting import leave_table, move_table
from edge.hall.tables import HallTable, TableError, get_table, label_now

UNDO_FOR = timedelta(hours=2)  # after that, whoever left has left


def _undo_started(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    """Taken back as long as nobody struck a ball: it was the wrong table, or the wrong player."""
    table, after = _of(conn, deed), deed.after or {}
    seen = look_at(conn, table)
    struck = any(session.shots for session in seen.sitting.sessions)
    if struck or sorted(ids(seen.sitting.sessions)) != sorted(after["sessions"]):
        raise TableError("undo_too_late")
    if after["clock"] is not None:
        if seen.clock is None or seen.clock.id != after["clock"]:
            raise TableError("undo_too_late")
        clocks.void_clock(conn, seen.clock.id, now)
    leave_table(conn, table.label, now, "staff", now)


def _undo_joined(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    """Who practised practises on; the other has not come."""
    table, before, after = _of(conn, deed), deed.before or {}, deed.after or {}
    sitting = look_at(conn, table).sitting
    struck = any(session.shots for session in sitting.sessions)
    if struck or sorted(ids(sitting.sessions)) != sorted(after["sessions"]):
        raise TableError("undo_too_late")
    first = get_session(conn, before["session"])
    assert first is not None  # the deed names a session of this store
    leave_table(conn, table.label, now, "staff", now)
    if first.match_id is None:  # there were shots in it, so it had ended when the match began
        _reopen(conn, [first.id], table.label, now)
        return
    # The match keeps its two stays, so the practice goes on in a new one, from when the first began.
    begun = Occasion(from_stamp(before["since"]), before["day"], table.label)
    session = begin_session(conn, first.player_id, "practice", begun)
    touch(conn, [session.id], now)


def _undo_stopped(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    """They play on, if nobody else has the table or the players by now."""
    table, after = _of(conn, deed), deed.after or {}
    _require_soon(deed, now)
    seen = look_at(conn, table)
    if table.retired or seen.sitting.taken or seen.clock is not None:
        raise TableError("undo_too_late")
    if after["match"] is not None:
        conn.execute(
            "UPDATE matches SET status = 'open', ended_at = NULL WHERE id = ? AND status = 'abandoned'",
            [after["match"]],
        )
    _reopen(conn, after["sessions"], table.label, now)
    clock = None if after["clock"] is None else clocks.get_clock(conn, after["clock"])
    if clock is not None:
        if clock.running or clock.voided:
            raise TableError("undo_too_late")
        clocks.resume_clock(conn, clock, table.label, now)


def _undo_moved(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    table, after = _of(conn, deed), deed.after or {}
    to = get_table(conn, after["to"])
    seen = None if to is None else look_at(conn, to)
    back = look_at(conn, table)
    if to is None or seen is None or table.retired or back.sitting.taken or back.clock is not None:
        raise TableError("undo_too_late")
    if sorted(ids(seen.sitting.sessions)) != sorted(after["sessions"]) or id_of(seen.clock) != after["clock"]:
        raise TableError("undo_too_late")
    move_table(conn, to.label, table.label, now)
    if seen.clock is not None:
        clocks.unmove_clock(conn, seen.clock.id, table.label, now)


def _undo_clock_started(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    clock = _clock_of(conn, deed)
    if not clock.running:
        raise ClockError("undo_too_late")
    clocks.void_clock(conn, clock.id, now)


def _undo_clock_stopped(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    clock = _clock_of(conn, deed)
    _require_soon(deed, now)
    if clock.running or clock.voided:
        raise ClockError("undo_too_late")
    clocks.resume_clock(conn, clock, label_now(conn, clock.table_label), now)


def _undo_clock_resumed(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    clock = _clock_of(conn, deed)
    stopped = (deed.before or {}).get("stopped")
    if not clock.running or stopped is None:
        raise ClockError("undo_too_late")
    clocks.stop_clock(conn, clock.id, from_stamp(stopped))


def _undo_clock_corrected(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    clock, before, after = _clock_of(conn, deed), deed.before or {}, deed.after or {}
    held = clock.start if after["which"] == "start" else clock.end
    if stamp_of(held) != after["moment"]:
        raise ClockError("undo_too_late")
    moment = None if before["moment"] is None else from_stamp(before["moment"])
    clocks.correct_clock(conn, clock, after["which"], moment, now)


def _undo_waived(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:  # noqa: ARG001
    clock = _clock_of(conn, deed)
    waived = deed.what == "clock.waived"
    if clock.waived != waived:
        raise ClockError("undo_too_late")
    clocks.waive_clock(conn, clock.id, now, waived=not waived)


UNDO = {
    "table.started": _undo_started,
    "table.joined": _undo_joined,
    "table.stopped": _undo_stopped,
    "table.moved": _undo_moved,
    "clock.started": _undo_clock_started,
    "clock.stopped": _undo_clock_stopped,
    "clock.resumed": _undo_clock_resumed,
    "clock.corrected": _undo_clock_corrected,
    "clock.waived": _undo_waived,
    "clock.charged": _undo_waived,
}


def _reopen(conn: sqlite3.Connection, session_ids: Iterable[str], label: str, now: datetime) -> None:
    """Stays go on at that table, if their players are at no other. Raises TableError."""
    back: list[Session] = []
    for session_id in session_ids:
        session = get_session(conn, session_id)
        if session is None or session.open or open_session_of(conn, session.player_id) is not None:
            raise TableError("undo_too_late")
        reopen_session(conn, session_id)
        if session.table_label != label:  # it is called otherwise since
            move_session(conn, session, label, now)
        back.append(session)
    touch(conn, [session.id for session in back], now)
    for session in back[:1]:  # of a match either does
        recount(conn, session, now)
    if back:
        month = min(session.day for session in back)[:7]
        standing.settle(conn, [session.player_id for session in back], now, since_month=month)


def _of(conn: sqlite3.Connection, deed: Deed) -> HallTable:
    table = get_table(conn, deed.subject.partition(":")[2])
    if table is None:
        raise TableError("undo_too_late")
    return table


def _clock_of(conn: sqlite3.Connection, deed: Deed) -> Clock:
    clock = clocks.get_clock(conn, deed.subject.partition(":")[2])
    if clock is None:
        raise ClockError("undo_too_late")
    return clock


def _require_soon(deed: Deed, now: datetime) -> None:
    if now - from_stamp(deed.at) > UNDO_FOR:
        raise TableError("undo_too_late")
