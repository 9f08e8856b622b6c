"""What a guest played becomes somebody's: by signing up, or by an existing player who types the code.

Afterwards everything stands as if they had played under their own name from the beginning: the shots, the
sessions, the matches, which are rated now, and all that follows from them for both sides.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit, logins, ratings, standing
from edge.hall.matches import Result, results_of
from edge.hall.players import PlayerError, erase_player, get_player
from edge.stats import daily


@dataclass(frozen=True, slots=True)
class Claimed:
    """How many sessions and shots a player took over, and how many sessions not, since those were against
    themselves."""

    sessions: int
    shots: int
    left: int = 0


def signed_up(conn: sqlite3.Connection, player_id: str, now: datetime) -> None:
    """A guest has a name now: ratings, points and all that follows, for them and for whom they played.

    `conn` must be inside the transaction in which the name was given.
    """
    _withdraw_codes(conn, player_id)
    _settle(conn, player_id, results_of(conn, player_id), now)


def claim(conn: sqlite3.Connection, typed: str, player_id: str, now: datetime) -> Claimed:
    """Makes the sessions of the guest whose code was typed a player's; `conn` must be inside a transaction.

    Raises PlayerError: `claim_unknown` for a code that opens nothing (any more), `claim_self` where it was nothing
    but matches against themselves, `claim_empty` where it was nothing at all. Tries must be limited by the caller.
    """
    code = logins.clean_code(typed)
    found = logins.peek(conn, code, "claim", now)
    guest = None if found is None or found.player_id is None else get_player(conn, found.player_id)
    if guest is None or not guest.guest or guest.erased:
        raise PlayerError("claim_unknown")
    matches = {result.match_id for result in results_of(conn, guest.id)}
    claimed = _move(conn, guest.id, player_id)
    if claimed.sessions == 0:
        raise PlayerError("claim_self" if claimed.left else "claim_empty")
    logins.take(conn, code, "claim", now, player_id)
    audit.note(
        conn,
        stamp(now),
        "guest.claimed",
        f"player:{player_id}",
        role="player",
        who=player_id,
        before={"guest": guest.id},
        after={"sessions": claimed.sessions, "shots": claimed.shots},
    )
    if claimed.left == 0:
        _remove_guest(conn, guest.id, now)
    else:
        standing.settle(conn, [guest.id], now)
    _settle(conn, player_id, (r for r in results_of(conn, player_id) if r.match_id in matches), now)
    return claimed


def _move(conn: sqlite3.Connection, guest_id: str, player_id: str) -> Claimed:
    """Gives a guest's sessions to a player, save those of matches between the two."""
    who = {"g": guest_id, "p": player_id}
    conn.execute(
        "UPDATE matches SET player_a = iif(player_a = :g, :p, player_a),"
        " player_b = iif(player_b = :g, :p, player_b), winner = iif(winner = :g, :p, winner)"
        " WHERE :g IN (player_a, player_b) AND :p NOT IN (player_a, player_b)",
        who,
    )
    own = "match_id IN (SELECT id FROM matches WHERE :g IN (player_a, player_b))"
    theirs = f"player_id = :g AND (match_id IS NULL OR NOT {own})"
    days = {row["day"] for row in conn.execute("SELECT DISTINCT day FROM sessions WHERE player_id = :g", who)}
    sessions = conn.execute(f"UPDATE sessions SET player_id = :p WHERE {theirs}", who).rowcount
    shots = conn.execute(f"UPDATE plays SET player_id = :p WHERE {theirs}", who).rowcount
    for column in ("speaker", "withdrawn_by"):
        conn.execute(f"UPDATE said SET {column} = :p WHERE {column} = :g", who)
    for day in days:
        daily.refresh_day(conn, guest_id, day)
        daily.refresh_day(conn, player_id, day)
    left = conn.execute("SELECT count(*) FROM sessions WHERE player_id = :g", who).fetchone()[0]
    return Claimed(sessions, shots, left)


def _settle(conn: sqlite3.Connection, player_id: str, results: Iterable[Result], now: datetime) -> None:
    """What follows from these matches of a player's, which have just become theirs."""
    rated = [result for result in results if result.rated]
    if rated:
        ratings.settle(conn, min(result.ended_at for result in rated))
    standing.settle(conn, [player_id], now)
    opponents = {result.opponent_of(player_id) for result in rated}
    for opponent in sorted(opponents):
        month = min(result.day for result in rated if result.opponent_of(player_id) == opponent)[:7]
        standing.settle(conn, [opponent], now, since_month=month)


def _remove_guest(conn: sqlite3.Connection, guest_id: str, now: datetime) -> None:
    """Nothing of the guest is left, so neither is the guest."""
    erase_player(conn, guest_id, stamp(now))  # what is booked of somebody goes only with somebody who was erased
    for module in (logins, standing, daily):
        module.forget(conn, guest_id)
    conn.execute("DELETE FROM players WHERE id = ?", [guest_id])


def _withdraw_codes(conn: sqlite3.Connection, player_id: str) -> None:
    """A code that leads to somebody who signed up opens nothing any more."""
    conn.execute(
        "DELETE FROM one_time_tokens WHERE player_id = ? AND purpose = 'claim' AND used_at IS NULL", [player_id]
    )
