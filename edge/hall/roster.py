"""Who plays in the hall these days, by group: names alone, in the order of the alphabet. There is no ranking."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta

from edge.hall.players import Player, get_player

RECENT_DAYS = 60


@dataclass(frozen=True, slots=True)
class Roster:
    """Names of the two groups, each in the order of the alphabet."""

    elite: tuple[str, ...] = ()
    active: tuple[str, ...] = ()


def roster(conn: sqlite3.Connection, today: str, most: int) -> Roster:
    """Those who want to be seen and struck a ball within the last 60 days, at most so many of either group.

    Of more, those who were here last.
    """
    since = (date.fromisoformat(today) - timedelta(days=RECENT_DAYS)).isoformat()
    # Sessions are found by their start, in UTC; the day of the hall decides.
    rows = conn.execute(
        "SELECT p.name, p.name_key, max(s.day) AS latest, coalesce((SELECT c.player_group FROM group_changes c"
        " WHERE c.player_id = p.id ORDER BY c.id DESC LIMIT 1), 'active') AS player_group"
        " FROM sessions s JOIN players p ON p.id = s.player_id"
        " WHERE s.started_at >= date(:since, '-1 day') AND s.day >= :since AND s.shots > 0"
        " AND p.visible AND NOT p.guest AND p.erased IS NULL GROUP BY p.id ORDER BY latest DESC, p.name_key",
        {"since": since},
    ).fetchall()

    def of(group: str) -> tuple[str, ...]:
        here = [row for row in rows if row["player_group"] == group][:most]
        return tuple(row["name"] for row in sorted(here, key=lambda row: row["name_key"]))

    return Roster(of("elite"), of("active"))


def regulars(conn: sqlite3.Connection, today: str, most: int) -> list[Player]:
    """Members who came within the last 60 days, those who came most often first: names to be tapped by staff."""
    since = (date.fromisoformat(today) - timedelta(days=RECENT_DAYS)).isoformat()
    rows = conn.execute(
        "SELECT a.player_id, count(*) AS days FROM attendances a JOIN players p ON p.id = a.player_id"
        " WHERE a.day >= :since AND NOT p.guest AND p.erased IS NULL"
        " GROUP BY a.player_id ORDER BY days DESC, p.name_key LIMIT :most",
        {"since": since, "most": most},
    ).fetchall()
    found = [get_player(conn, row["player_id"]) for row in rows]
    return [player for player in found if player is not None]
