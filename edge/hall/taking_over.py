"""What was one player's becomes another's: a guest's when it is claimed, a double's when staff merge it.

Afterwards everything stands as if one player had been there from the beginning: the shots, the sessions, the
matches, which may be rated now, evenings and ladders, and all that follows from them for both sides. What two of
them played against each other stays with the one it was.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge.clock import stamp
from edge.hall import features, ratings, standing, takeovers
from edge.stats import daily


@dataclass(frozen=True, slots=True)
class TakenOver:
    """How many sessions and shots were taken over, and how many sessions not, since those were against each
    other."""

    sessions: int
    shots: int
    left: int = 0


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str, now: datetime) -> TakenOver:
    """Makes all of one player's another's; `conn` must be inside a transaction for writing.

    What is left of the first, and whether the row stays, is the caller's affair.
    """
    takeovers.note(conn, from_id, to_id, stamp(now))
    matches = finished_matches(conn, from_id)
    taken = _move(conn, from_id, to_id)
    features.take_over(conn, from_id, to_id)
    settle_matches(conn, to_id, matches, now)
    if taken.left:
        standing.settle(conn, [from_id], now)
    return taken


def finished_matches(conn: sqlite3.Connection, player_id: str) -> list[str]:
    """The ids of all matches that somebody has finished, a guest's too."""
    rows = conn.execute("SELECT match_id FROM outcomes WHERE player_id = ?", [player_id])
    return [row["match_id"] for row in rows]


def settle_matches(conn: sqlite3.Connection, player_id: str, match_ids: Iterable[str], now: datetime) -> None:
    """What follows from these matches of a player's, which have just become theirs, or rated."""
    since_day: dict[str, str] = {}
    ended: list[str] = []
    for match_id in match_ids:
        rows = conn.execute(
            "SELECT player_id, day, ended_at FROM outcomes WHERE match_id = ? AND rated", [match_id]
        )
        for row in rows:
            ended.append(row["ended_at"])
            since_day[row["player_id"]] = min(row["day"], since_day.get(row["player_id"], "9"))
    if ended:
        ratings.settle(conn, min(ended))
    standing.settle(conn, [player_id], now)
    for opponent in sorted(since_day.keys() - {player_id}):
        standing.settle(conn, [opponent], now, since_month=since_day[opponent][:7])


def _move(conn: sqlite3.Connection, from_id: str, to_id: str) -> TakenOver:
    """Gives a player's sessions and matches to another, save those of matches that both are in."""
    who = {"g": from_id, "p": to_id}
    people = "(player_a, player_b, coalesce(partner_a, ''), coalesce(partner_b, ''))"
    columns = ("player_a", "player_b", "partner_a", "partner_b", "winner")
    sets = ", ".join(f"{column} = iif({column} = :g, :p, {column})" for column in columns)
    conn.execute(f"UPDATE matches SET {sets} WHERE :g IN {people} AND :p NOT IN {people}", who)
    own = f"match_id IN (SELECT id FROM matches WHERE :g IN {people})"
    theirs = f"player_id = :g AND (match_id IS NULL OR NOT {own})"
    days = {row["day"] for row in conn.execute("SELECT DISTINCT day FROM sessions WHERE player_id = :g", who)}
    sessions = conn.execute(f"UPDATE sessions SET player_id = :p WHERE {theirs}", who).rowcount
    shots = conn.execute(f"UPDATE plays SET player_id = :p WHERE {theirs}", who).rowcount
    for column in ("speaker", "withdrawn_by"):
        conn.execute(f"UPDATE said SET {column} = :p WHERE {column} = :g", who)
    for day in days:
        daily.refresh_day(conn, from_id, day)
        daily.refresh_day(conn, to_id, day)
    left = conn.execute("SELECT count(*) FROM sessions WHERE player_id = :g", who).fetchone()[0]
    return TakenOver(sessions, shots, left)
