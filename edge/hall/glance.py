"""The hall at a glance: what goes on at each table now, and who could come to one."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from edge.clock import from_stamp, stamp
from edge.hall import calls, clocks
from edge.hall.calls import Call
from edge.hall.clocks import Clock
from edge.hall.players import Player
from edge.hall.sessions import open_sessions
from edge.hall.sitting import Sitting, at_table, in_order
from edge.hall.tables import HallTable, hall_tables

# `left`: the clock still runs, but whoever was checked in has checked out.
State = Literal["free", "play", "left"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One table now. `left_at` is when those who played under its clock checked out."""

    table: HallTable
    sitting: Sitting
    clock: Clock | None = None
    call: Call | None = None
    left_at: datetime | None = None

    @property
    def players(self) -> list[Player]:
        return in_order(self.sitting)

    @property
    def since(self) -> datetime | None:
        """Since when the table is taken: from check-in, without one from the clock's start."""
        if self.sitting.taken:
            return min(session.started_at for session in self.sitting.sessions)
        return None if self.clock is None else self.clock.from_when

    @property
    def state(self) -> State:
        if self.sitting.taken or self.clock is None:
            return "play" if self.sitting.taken else "free"
        return "play" if self.left_at is None else "left"

    @property
    def mark(self) -> str:
        """What tells this state of the table from a later one."""
        clock = "" if self.clock is None else self.clock.id
        return ".".join([*(session.id for session in self.sitting.sessions), clock])


def look_at(conn: sqlite3.Connection, table: HallTable) -> Seen:
    """What goes on at one table."""
    clock = clocks.clock_at(conn, table.label)
    return _seen(conn, table, at_table(conn, table.label), clock, calls.call_at(conn, table.label))


def look_round(conn: sqlite3.Connection) -> list[Seen]:
    """What goes on at every table, in the hall's order."""
    taken = {session.table_label for session in open_sessions(conn)}
    running = {clock.table_label: clock for clock in clocks.running_clocks(conn)}
    calling = {call.table_label: call for call in calls.open_calls(conn)}
    found = []
    for table in hall_tables(conn):
        sitting = at_table(conn, table.label) if table.label in taken else Sitting()
        found.append(_seen(conn, table, sitting, running.get(table.label), calling.get(table.label)))
    return found


def whereabouts(conn: sqlite3.Connection) -> dict[str, str]:
    """The label of the table at which each player is who is at one."""
    return {session.player_id: session.table_label for session in open_sessions(conn)}


def _seen(
    conn: sqlite3.Connection, table: HallTable, sitting: Sitting, clock: Clock | None, call: Call | None
) -> Seen:
    left_at = None if sitting.taken or clock is None else _left_at(conn, table.label, clock)
    return Seen(table, sitting, clock, call, left_at)


def _left_at(conn: sqlite3.Connection, label: str, clock: Clock) -> datetime | None:
    begun = clock.from_when
    row = conn.execute(
        "SELECT max(ended_at) AS at FROM sessions WHERE started_at > ? AND ended_at >= ? AND table_label = ?"
        " AND end_reason != 'next'",
        [stamp(begun - timedelta(days=1)), stamp(begun), label],
    ).fetchone()
    return None if row["at"] is None else from_stamp(row["at"])
