"""Who takes part in a lucky draw: what is needed for it, the tickets, and whose they are.

The tables are made by `edge.hall.draws`, which also says when a list may still change.
"""

import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

# The owner's numbers; either is enough.
SESSIONS = 6
HALF_POINTS = 30


_NAMED = "SELECT e.*, p.name FROM lucky_draw_entries e LEFT JOIN players p ON p.id = e.player_id"


@dataclass(frozen=True, slots=True)
class Missing:
    """How little is missing from taking part: so many sessions, or so many points; either is enough."""

    sessions: int
    points: float

    @property
    def eligible(self) -> bool:
        return self.sessions == 0 or self.points == 0


@dataclass(frozen=True, slots=True)
class Ticket:
    """An entry of a draw: its number once the list is frozen, its place among the winners if it won.

    `player_id` and `name` are None where others may not know, or nobody is there any more.
    """

    ticket: str
    number: int | None = None
    place: int | None = None
    player_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A list that was filled in: how many tickets it has, how many of them came, how many went."""

    tickets: int
    came: int
    gone: int


def missing(conn: sqlite3.Connection, player_id: str, month: str) -> Missing:
    """What a player still needs of a month; nothing for who takes part. Whether they are a member is not asked."""
    sessions = conn.execute(
        "SELECT count(*) FROM attendances WHERE player_id = ? AND day BETWEEN ? AND ?",
        [player_id, f"{month}-01", f"{month}-31"],
    ).fetchone()[0]
    row = conn.execute(
        "SELECT half_points FROM points_monthly WHERE player_id = ? AND month = ?", [player_id, month]
    ).fetchone()
    half_points = 0 if row is None else row["half_points"]
    return Missing(max(0, SESSIONS - sessions), max(0, HALF_POINTS - half_points) / 2)


def eligible(conn: sqlite3.Connection, month: str) -> list[str]:
    """The members who take part in a month's draw as the facts stand."""
    rows = conn.execute(
        "SELECT p.id FROM players p WHERE NOT p.guest AND p.erased IS NULL AND p.id IN ("
        " SELECT player_id FROM attendances WHERE day BETWEEN :month || '-01' AND :month || '-31'"
        " GROUP BY player_id HAVING count(*) >= :sessions"
        " UNION SELECT player_id FROM points_monthly WHERE month = :month AND half_points >= :half_points"
        ") ORDER BY p.id",
        {"month": month, "sessions": SESSIONS, "half_points": HALF_POINTS},
    )
    return [row["id"] for row in rows]


def fill(conn: sqlite3.Connection, draw_id: str, players: Iterable[str]) -> Filled:
    """Makes the entries of a draw those of these players. Who was in keeps the ticket; a new one is random."""
    wanted = set(players)
    held = {ticket.player_id for ticket in entries(conn, draw_id)}
    conn.executemany(
        "DELETE FROM lucky_draw_entries WHERE draw_id = ? AND player_id = ?",
        [[draw_id, player_id] for player_id in held - wanted],
    )
    conn.executemany(
        "INSERT INTO lucky_draw_entries (draw_id, ticket, player_id) VALUES (?, ?, ?)",
        [[draw_id, secrets.token_hex(8), player_id] for player_id in wanted - held],
    )
    return Filled(len(wanted), came=len(wanted - held), gone=len(held - wanted))


def number(conn: sqlite3.Connection, draw_id: str) -> list[str]:
    """Numbers the tickets of a draw by their ids, which say nothing of whose they are; returns those in order."""
    conn.execute(
        "UPDATE lucky_draw_entries AS e SET number = (SELECT count(*) FROM lucky_draw_entries o"
        " WHERE o.draw_id = e.draw_id AND o.ticket <= e.ticket) WHERE draw_id = ?",
        [draw_id],
    )
    return numbered(conn, draw_id)


def numbered(conn: sqlite3.Connection, draw_id: str) -> list[str]:
    rows = conn.execute(
        "SELECT ticket FROM lucky_draw_entries WHERE draw_id = ? AND number IS NOT NULL ORDER BY number", [draw_id]
    )
    return [row["ticket"] for row in rows]


def entries(conn: sqlite3.Connection, draw_id: str) -> list[Ticket]:
    """For staff: all entries with names, by number once there is one, else by name."""
    rows = conn.execute(f"{_NAMED} WHERE draw_id = ? ORDER BY number, p.name_key", [draw_id])
    return [_ticket(row) for row in rows]


def ticket_of(conn: sqlite3.Connection, draw_id: str, player_id: str) -> Ticket | None:
    """A player's own entry, for their own eyes, or None."""
    row = conn.execute(f"{_NAMED} WHERE draw_id = ? AND e.player_id = ?", [draw_id, player_id]).fetchone()
    return None if row is None else _ticket(row)


def _ticket(row: sqlite3.Row) -> Ticket:
    return Ticket(row["ticket"], row["number"], row["place"], row["player_id"], row["name"] or None)


def winners(conn: sqlite3.Connection, draw_id: str) -> tuple[Ticket, ...]:
    rows = conn.execute(
        "SELECT e.ticket, e.number, e.place, iif(p.visible, p.id, NULL) AS player_id,"
        " iif(p.visible, p.name, NULL) AS name"
        " FROM lucky_draw_entries e LEFT JOIN players p ON p.id = e.player_id AND p.erased IS NULL"
        " WHERE e.draw_id = ? AND e.place IS NOT NULL ORDER BY e.place",
        [draw_id],
    )
    return tuple(Ticket(**dict(row)) for row in rows)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Takes a player out of the draws that are open; on a fixed list their ticket stays, with nobody to it."""
    conn.execute(
        "DELETE FROM lucky_draw_entries WHERE player_id = ?"
        " AND draw_id IN (SELECT id FROM lucky_draws WHERE frozen_at IS NULL)",
        [player_id],
    )
    conn.execute("UPDATE lucky_draw_entries SET player_id = NULL WHERE player_id = ?", [player_id])


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """Gives a player the tickets of one who turned out to be the same: one a draw, that which won if one did."""
    ids = {"f": from_id, "t": to_id}
    both = "draw_id IN (SELECT draw_id FROM lucky_draw_entries WHERE player_id = {})"
    conn.execute(
        "UPDATE lucky_draw_entries SET player_id = NULL WHERE player_id = :t AND place IS NULL AND draw_id IN"
        " (SELECT draw_id FROM lucky_draw_entries WHERE player_id = :f AND place IS NOT NULL)",
        ids,
    )
    conn.execute(
        "DELETE FROM lucky_draw_entries WHERE player_id = :f AND number IS NULL AND " + both.format(":t"), ids
    )
    conn.execute(
        "UPDATE lucky_draw_entries SET player_id = NULL WHERE player_id = :f AND " + both.format(":t"), ids
    )
    conn.execute("UPDATE lucky_draw_entries SET player_id = :t WHERE player_id = :f", ids)
