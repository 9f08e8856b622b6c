"""Makes the training scores of the months that are open anew, from what was played (docs/decisions/0009, 0017).

First player by player (`edge.hall.training_sessions`), then month by month, once for all players: hours against
the hall's most, matches won, the total, ranks.
"""

import sqlite3
from datetime import datetime, timedelta, tzinfo
from typing import Any

from edge.clock import stamp
from edge.hall.ladders import division_at
from edge.hall.training import NO_LADDER, put_rows
from edge.hall.training_periods import begin, bounds, open_periods
from edge.hall.training_sessions import gather, players_of, put

COACH, HOURS, WINS = 0.5, 0.3, 0.2

_MEMBER = "NOT p.guest AND p.erased IS NULL"


def settle(conn: sqlite3.Connection, now: datetime, zone: tzinfo) -> list[str]:
    """Everything of the months that are open; returns which those are. `conn` must be inside a transaction for
    writing; who does not want to hold it for that long does player by player."""
    months = begin(conn, now, zone)
    for player_id in players_of(conn):
        put(conn, gather(conn, player_id))
    for month in months:
        settle_scores(conn, month, now, zone)
    return months


def settle_scores(conn: sqlite3.Connection, period: str, now: datetime, zone: tzinfo) -> int:
    """Makes the scores of an open month anew from its sessions, ladders and matches; returns how many rows are
    other than before. `conn` must be inside a transaction for writing."""
    if period not in open_periods(conn):
        return 0
    rows = _score_rows(conn, period, now, zone)
    _rank(rows)
    held = conn.execute("SELECT * FROM ladder_training_scores WHERE period = ?", [period])
    written = put_rows(conn, "ladder_training_scores", ("player_id", "ladder_id", "period"), rows, held)
    conn.execute(
        "UPDATE training_sessions AS t SET scored = NOT scored WHERE period = ?"
        f" AND scored != EXISTS (SELECT 1 FROM players p WHERE p.id = t.player_id AND {_MEMBER})",
        [period],
    )
    conn.execute("UPDATE training_periods SET settled_at = ? WHERE period = ?", [stamp(now), period])
    return written


def total_of(coach_avg: float, hours_norm: float, win_rate: float) -> float:
    """The owner's sum, of parts as they are shown, so that anybody can do it again."""
    return round(COACH * coach_avg + HOURS * hours_norm + WINS * win_rate, 2)


def _score_rows(conn: sqlite3.Connection, period: str, now: datetime, zone: tzinfo) -> list[dict[str, Any]]:
    """A row for each player and ladder, without ranks."""
    players = conn.execute(
        "SELECT t.player_id, sum(t.shots) AS shots, total(t.active_s) AS active_s, count(*) AS sessions,"
        " max(t.ended_at) AS reached_at, sum(CAST(round(100 * t.coach_score) AS INTEGER) * t.shots) AS coach"
        " FROM training_sessions t CROSS JOIN players p ON p.id = t.player_id"
        f" WHERE t.period = ? AND {_MEMBER} GROUP BY t.player_id",
        [period],
    ).fetchall()
    hours = {row["player_id"]: round(row["active_s"] / 3600, 2) for row in players}
    most = max(hours.values(), default=0.0)
    wins = _wins(conn, period)
    at = stamp(min(now, bounds(period, zone)[1] - timedelta(milliseconds=1)))
    rows = []
    for row in players:
        player_id = row["player_id"]
        shared: dict[str, Any] = {
            "player_id": player_id,
            "period": period,
            "coach_avg": round(row["coach"] / row["shots"] / 100, 2),
            "hours_total": hours[player_id],
            "hours_norm": round(100 * hours[player_id] / most, 2) if most else 0.0,
            "sessions": row["sessions"],
            "shots": row["shots"],
            "reached_at": row["reached_at"],
        }
        for ladder_id in _ladders_of(conn, player_id, period, at) or [NO_LADDER]:
            won, played = wins.get((player_id, ladder_id), (0, 0))
            rate = round(100 * won / played, 2) if played else 0.0
            total = total_of(shared["coach_avg"], shared["hours_norm"], rate)
            rows.append(
                {
                    **shared,
                    "ladder_id": ladder_id,
                    "won": won,
                    "played": played,
                    "win_rate": rate,
                    "total_score": total,
                }
            )
    return rows


def _wins(conn: sqlite3.Connection, period: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Matches won and played in a month, by player and ladder; without a ladder of all, doubles too."""
    days = {"begin": f"{period}-01", "end": f"{period}-32"}
    of_month = (
        "SELECT id FROM matches INDEXED BY matches_by_day WHERE status = 'over' AND day >= :begin AND day < :end"
    )
    found: dict[tuple[str, str], tuple[int, int]] = {}
    rows = conn.execute(
        "SELECT player_id, ladder_id, sum(won) AS won, count(*) AS played FROM ("
        f" SELECT r.winner AS player_id, r.ladder_id, 1 AS won FROM ({of_month}) m"
        " CROSS JOIN ladder_results r ON r.match_id = m.id UNION ALL"
        f" SELECT r.other, r.ladder_id, 0 FROM ({of_month}) m CROSS JOIN ladder_results r ON r.match_id = m.id"
        ") GROUP BY player_id, ladder_id UNION ALL"
        " SELECT player_id, '', sum(won), count(*) FROM outcomes WHERE rated AND day >= :begin AND day < :end"
        " GROUP BY player_id",
        days,
    )
    for row in rows:
        found[row["player_id"], row["ladder_id"]] = (row["won"], row["played"])
    return found


def _ladders_of(conn: sqlite3.Connection, player_id: str, period: str, at: str) -> list[str]:
    """The ladders a player was on at that moment; those that were closed before the month began are none."""
    rows = conn.execute(
        "SELECT DISTINCT e.ladder_id FROM ladder_events e JOIN ladders l ON l.id = e.ladder_id"
        " WHERE e.player_id = ? AND e.withdrawn_at IS NULL AND coalesce(l.closed_at, '9') >= ?"
        " ORDER BY e.ladder_id",
        [player_id, period],
    ).fetchall()
    return [row["ladder_id"] for row in rows if division_at(conn, row["ladder_id"], player_id, at) is not None]


def _rank(rows: list[dict[str, Any]]) -> None:
    """Gives each player a rank of their own: by the best row, then hours, sessions, who was there first."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        held = best.get(row["player_id"])
        if held is None or row["total_score"] > held["total_score"]:
            best[row["player_id"]] = row
    ordered = sorted(
        best.values(),
        key=lambda r: (-r["total_score"], -r["hours_total"], -r["sessions"], r["reached_at"], r["player_id"]),
    )
    ranks = {row["player_id"]: rank for rank, row in enumerate(ordered, 1)}
    for row in rows:
        row["rank"] = ranks[row["player_id"]]
