"""A day of the hall in figures, as it is told to the cloud: how much was played, and by how many. No names.

A stay belongs to the hall's day on which it began, and with it all that was struck in it. Nothing is kept: a day
is made anew from the stays that began around it, which an index finds, so it costs as much as that day had play.
"""

import sqlite3
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from edge.clock import stamp

SCHEMA = 1
# By UTC a day begins 14 hours before its own midnight in the farthest east, and ends 12 after it in the west.
EAST, WEST = timedelta(hours=14), timedelta(hours=12)


def day_figures(conn: sqlite3.Connection, day: str) -> dict[str, Any]:
    """The body of a `day` fact for the hall's day `day`: shots, stays with a shot in them and whose they are,
    minutes of play (a match's count for both), matches that count and ended in a result."""
    begin, end = _around(day)
    span = {"day": day, "begin": begin, "end": end}
    stays = conn.execute(
        "SELECT count(*) AS sessions, count(DISTINCT player_id) AS players, total(active_s) AS active_s"
        " FROM sessions WHERE started_at >= :begin AND started_at < :end AND day = :day AND shots > 0",
        span,
    ).fetchone()
    (shots,) = conn.execute(
        "SELECT count(*) FROM sessions s CROSS JOIN plays p ON p.session_id = s.id"
        " WHERE s.started_at >= :begin AND s.started_at < :end AND s.day = :day",
        span,
    ).fetchone()
    (matches,) = conn.execute("SELECT count(*) FROM matches WHERE status = 'over' AND day = ?", [day]).fetchone()
    return {
        "schema": SCHEMA,
        "day": day,
        "shots": shots,
        "sessions": stays["sessions"],
        "players": stays["players"],
        "minutes": round(stays["active_s"] / 60, 1),
        "matches": matches,
    }


def _around(day: str) -> tuple[str, str]:
    """The stamps between which that day lies, in whatever zone."""
    midnight = datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC)
    return stamp(midnight - EAST), stamp(midnight + timedelta(days=1) + WEST)
