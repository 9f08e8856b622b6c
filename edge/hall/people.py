"""The hall's people as staff look for them: by name, or by who was here last."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta

from edge.hall.players import Player, get_player, name_key

RECENT_DAYS = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody, and the day on which they were here last, None where that is long ago; `at` is when something was
    last known of them on it, if that was asked for."""

    player: Player
    day: str | None
    at: str | None = None


def search(conn: sqlite3.Connection, text: str, most: int) -> list[Seen]:
    """Members in whose name that stands, those first whose name begins so; nobody for an empty text."""
    key = name_key(text)
    if not key:
        return []
    rows = conn.execute(
        "SELECT id FROM players WHERE name_key IS NOT NULL AND instr(name_key, :key)"
        " ORDER BY instr(name_key, :key) > 1, name_key LIMIT :most",
        {"key": key, "most": most},
    ).fetchall()
    return [Seen(player, last_day(conn, player.id)) for player in _players(conn, rows)]


def latest(conn: sqlite3.Connection, today: str, most: int, *, guests: bool = False) -> list[Seen]:
    """Who was here within the last 60 days, the latest first: members, or guests nobody has claimed yet."""
    since = (date.fromisoformat(today) - timedelta(days=RECENT_DAYS)).isoformat()
    rows = conn.execute(
        "SELECT h.player_id AS id, max(h.day) AS day, max(h.at) AS at FROM ("
        " SELECT player_id, day, active_at AS at FROM sessions"
        " WHERE started_at >= date(:since, '-1 day') AND day >= :since AND shots > 0"
        " UNION ALL SELECT a.player_id, g.day, a.at FROM game_sessions g JOIN game_attendances a"
        " ON a.game_session_id = g.id AND a.withdrawn_at IS NULL WHERE g.day >= :since AND g.voided_at IS NULL"
        ") h JOIN players p ON p.id = h.player_id WHERE p.guest = :guests AND p.erased IS NULL"
        " GROUP BY h.player_id ORDER BY day DESC, at DESC, h.player_id LIMIT :most",
        {"since": since, "guests": guests, "most": most},
    ).fetchall()
    last = {row["id"]: row for row in rows}
    return [Seen(one, last[one.id]["day"], last[one.id]["at"]) for one in _players(conn, rows)]


def last_days(conn: sqlite3.Connection, player_id: str, most: int) -> list[str]:
    """The latest days on which somebody was here, the last of them first."""
    rows = conn.execute(
        "SELECT day FROM attendances WHERE player_id = ? ORDER BY day DESC LIMIT ?", [player_id, most]
    )
    return [row["day"] for row in rows]


def last_day(conn: sqlite3.Connection, player_id: str) -> str | None:
    """The last day on which somebody was here."""
    return next(iter(last_days(conn, player_id, 1)), None)


def _players(conn: sqlite3.Connection, rows: list[sqlite3.Row]) -> list[Player]:
    found = (get_player(conn, row["id"]) for row in rows)
    return [player for player in found if player is not None]
