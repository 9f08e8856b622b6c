"""What a player's sessions score in the months that are open, counted anew from plays.

`gather` reads and counts, `put` writes what is other than it stands, so nobody waits for the store while strokes
are counted. Sessions of months that are closed are not looked at again, but for what was measured in them: that is
what later ones are compared with.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from edge.coach.measures import PLAY_COLUMNS, measure
from edge.coach.score import (
    MEASURES,
    Baseline,
    Baselines,
    Measured,
    add_up,
    baselines_of,
    coach_score,
    improvements_of,
    measured_from_json,
    measured_to_json,
)
from edge.hall.players import Player, get_player
from edge.hall.training import put_rows, write_row
from edge.hall.training_periods import first_open_after, open_periods

# Fewer say nothing of a player and are no training; a short match is more.
LEAST_SHOTS = 10
WEEKS = 12  # that a session is compared with, and after which one that is told late counts for nothing

_COUNTS = f"s.ended_at IS NOT NULL AND s.shots >= {LEAST_SHOTS}"


@dataclass(slots=True)
class Plan:
    """What a player's training is: rows of `training_sessions` by session and of `training_baselines`, and the
    sessions that count no more."""

    player_id: str
    guest: bool = False
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    baselines: list[dict[str, Any]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Stay:
    """A session that is looked at: its row as it is to stand, and what was measured in it."""

    row: dict[str, Any]
    measured: Measured


def players_of(conn: sqlite3.Connection) -> list[str]:
    """Everybody, guests too, who had a session in the time that matters for the months that are open."""
    months = open_periods(conn)
    if not months:
        return []
    since = _first_day(months[0]) - timedelta(weeks=WEEKS, days=2)  # whatever the zone
    rows = conn.execute(
        "SELECT DISTINCT s.player_id FROM sessions s CROSS JOIN players p ON p.id = s.player_id"
        f" WHERE s.started_at >= ? AND p.erased IS NULL AND {_COUNTS}"
        " UNION SELECT player_id FROM training_sessions WHERE period IN (SELECT value FROM json_each(?))",
        [since.isoformat(), json.dumps(months)],
    )
    return sorted(row["player_id"] for row in rows)


def gather(conn: sqlite3.Connection, player_id: str) -> Plan:
    """Counts a player's sessions anew that are booked in open months, or nowhere yet; it only reads."""
    player, months = get_player(conn, player_id), open_periods(conn)
    if player is None or player.erased or not months:
        return Plan(player_id)
    plan = Plan(player_id, player.guest)
    stays = _stays(conn, player, months)
    plan.gone = _gone(conn, player_id, months, stays)
    earlier = _measured_before(conn, player_id, months)
    for session_id in plan.gone:
        earlier.pop(session_id, None)
    earlier.update({key: (one.row["day"], one.measured) for key, one in stays.items()})
    played_in = {stay.row["day"][:7] for stay in stays.values()}
    booked_in = {stay.row["period"] for stay in stays.values()}
    usual: dict[str, Baselines] = {}
    for month in played_in | booked_in.intersection(months):
        kept = None if month in months else _kept_baselines(conn, player_id, month)
        usual[month] = kept or _baselines(month, earlier.values())
    for session_id, stay in stays.items():
        _judge(stay, usual[stay.row["day"][:7]])
        plan.sessions[session_id] = stay.row
    for month in usual.keys() & months:
        plan.baselines += _baseline_rows(player_id, month, usual[month])
    return plan


def put(conn: sqlite3.Connection, plan: Plan) -> int:
    """Writes what is other than it stands; returns how many rows. `conn` must be inside a transaction for writing.

    A month that was closed since the plan was made stays as it is.
    """
    months = set(open_periods(conn))
    written = 0
    held = {
        row["session_id"]: row
        for row in conn.execute("SELECT * FROM training_sessions WHERE player_id = ?", [plan.player_id])
    }
    for session_id, row in plan.sessions.items():
        before = held.get(session_id)
        if not _may_stand(row, before, months, guest=plan.guest):
            continue
        written += write_row(conn, "training_sessions", ("session_id",), row, before)
    for session_id in plan.gone:
        if session_id in held and held[session_id]["period"] in months:
            written += conn.execute("DELETE FROM training_sessions WHERE session_id = ?", [session_id]).rowcount
    return written + _put_baselines(conn, plan, months)


def _stays(conn: sqlite3.Connection, player: Player, months: list[str]) -> dict[str, _Stay]:
    """The sessions that are counted anew, in the order in which they ended."""
    rows = conn.execute(
        "SELECT s.id, s.day, s.ended_at, s.shots, s.active_s, t.session_id IS NOT NULL AS known, t.period"
        " FROM sessions s LEFT JOIN training_sessions t ON t.session_id = s.id"
        f" WHERE s.player_id = ? AND s.day >= ? AND {_COUNTS} ORDER BY s.ended_at, s.id",
        [player.id, _window(months[0])[0]],
    ).fetchall()
    (first,) = conn.execute("SELECT min(period) FROM training_periods").fetchone()
    found: dict[str, _Stay] = {}
    for row in rows:
        if row["known"] and row["period"] not in months:
            continue
        month = row["day"][:7]
        if month > months[-1]:
            continue  # it has not begun
        period = row["period"] if row["known"] else _booked_in(conn, month, months, first, guest=player.guest)
        found[row["id"]] = _Stay(
            {
                "session_id": row["id"], "player_id": player.id, "day": row["day"], "ended_at": row["ended_at"],
                "shots": row["shots"], "active_s": row["active_s"], "period": period,
            },
            _measure(conn, row["id"], player.id),
        )  # fmt: skip
    return found


def _booked_in(conn: sqlite3.Connection, month: str, months: list[str], first: str, *, guest: bool) -> str | None:
    """The month in which a session that is new counts. That of its day; the next that is open, if that is closed
    and it was not a guest's, who could carry months together by signing up. None before the first month."""
    if month < first:
        return None
    return month if guest or month in months else first_open_after(conn, month)


def _measure(conn: sqlite3.Connection, session_id: str, player_id: str) -> Measured:
    rows = conn.execute(
        f"SELECT {PLAY_COLUMNS} FROM plays WHERE session_id = ? ORDER BY played_at, shot_id", [session_id]
    ).fetchall()
    return measure(rows, player_id)


def _measured_before(
    conn: sqlite3.Connection, player_id: str, months: list[str]
) -> dict[str, tuple[str, Measured]]:
    """What is known to have been measured in the weeks before the months that are open, by session."""
    rows = conn.execute(
        "SELECT session_id, day, measures FROM training_sessions WHERE player_id = ? AND day >= ? AND day < ?",
        [player_id, _window(months[0])[0], _window(months[-1])[1]],
    )
    return {row["session_id"]: (row["day"], measured_from_json(json.loads(row["measures"]))) for row in rows}


def _kept_baselines(conn: sqlite3.Connection, player_id: str, month: str) -> Baselines | None:
    """What was usual when a month began that is closed by now, for what is told late; None if nothing was kept."""
    kept = conn.execute(
        "SELECT * FROM training_baselines WHERE player_id = ? AND period = ?", [player_id, month]
    ).fetchall()
    found = {row["measure"]: _baseline(row) for row in kept}
    return {one: found.get(one) for one in MEASURES} if found else None


def _baselines(month: str, earlier: Iterable[tuple[str, Measured]]) -> Baselines:
    """What was usual when a month began, by what was measured before it."""
    begin_day, end_day = _window(month)
    first = date.fromisoformat(end_day)
    weeks: dict[int, list[Measured]] = defaultdict(list)
    for day, measured in earlier:
        if begin_day <= day < end_day:
            weeks[((first - date.fromisoformat(day)).days - 1) // 7].append(measured)
    return baselines_of(add_up(week) for week in weeks.values())


def _judge(stay: _Stay, usual: Baselines) -> None:
    """Writes into the row what was measured and what it is worth."""
    found = improvements_of(stay.measured, usual)
    stay.row["measures"] = json.dumps(measured_to_json(stay.measured), separators=(",", ":"))
    for one in MEASURES:
        raw = found[one].raw
        stay.row[f"{one}_raw"] = None if raw is None else round(raw, 2)
        stay.row[one] = round(found[one].counted, 2)
    stay.row["coach_score"] = coach_score(found)


def _gone(conn: sqlite3.Connection, player_id: str, months: list[str], counted: Mapping[str, object]) -> list[str]:
    rows = conn.execute("SELECT session_id, period FROM training_sessions WHERE player_id = ?", [player_id])
    return [row["session_id"] for row in rows if row["period"] in months and row["session_id"] not in counted]


def _may_stand(row: Mapping[str, Any], before: sqlite3.Row | None, months: set[str], *, guest: bool) -> bool:
    """Whether the month was not closed, nor the session booked elsewhere, since it was looked at."""
    if before is not None:
        return before["period"] == row["period"] and row["period"] in months
    return row["period"] is None or row["period"] in months or guest


def _window(month: str) -> tuple[str, str]:
    """The days from the first with which sessions of a month are compared to the month's own first, without it."""
    first = _first_day(month)
    return (first - timedelta(weeks=WEEKS)).isoformat(), first.isoformat()


def _first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _baseline_rows(player_id: str, period: str, usual: Baselines) -> list[dict[str, Any]]:
    return [
        {
            "player_id": player_id, "period": period, "measure": one, "weeks": found.weeks,
            "strokes": found.strokes, "value": round(found.value, 2), "bands": json.dumps(found.bands),
        }
        for one in MEASURES
        if (found := usual[one]) is not None
    ]  # fmt: skip


def _baseline(row: sqlite3.Row) -> Baseline:
    return Baseline(tuple(json.loads(row["bands"])), row["strokes"], row["weeks"], row["value"])


def _put_baselines(conn: sqlite3.Connection, plan: Plan, months: set[str]) -> int:
    rows = conn.execute("SELECT * FROM training_baselines WHERE player_id = ?", [plan.player_id])
    held = [row for row in rows if row["period"] in months]
    wanted = [row for row in plan.baselines if row["period"] in months]
    return put_rows(conn, "training_baselines", ("player_id", "period", "measure"), wanted, held)
