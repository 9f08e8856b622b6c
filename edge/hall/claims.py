"""What a guest played becomes somebody's: by signing up, or by an existing player who types the code.

Afterwards everything stands as if they had played under their own name from the beginning: the shots, the
sessions, the matches, which are rated now, and all that follows from them for both sides.
"""

import sqlite3
from datetime import datetime

from edge.clock import stamp
from edge.hall import audit, logins, standing
from edge.hall.players import PlayerError, erase_player, get_player
from edge.hall.taking_over import TakenOver, finished_matches, settle_matches, take_over
from edge.stats import daily
from edge.store import changes


def signed_up(conn: sqlite3.Connection, player_id: str, now: datetime) -> None:
    """A guest has a name now: ratings, points and all that follows, for them and for whom they played.

    `conn` must be inside the transaction in which the name was given.
    """
    _withdraw_codes(conn, player_id)
    settle_matches(conn, player_id, finished_matches(conn, player_id), now)


def claim(conn: sqlite3.Connection, typed: str, player_id: str, now: datetime) -> TakenOver:
    """Makes the sessions of the guest whose code was typed a player's; `conn` must be inside a transaction.

    Raises PlayerError: `claim_unknown` for a code that opens nothing (any more), `claim_self` where it was nothing
    but matches against themselves, `claim_empty` where it was nothing at all. Tries must be limited by the caller.
    """
    code = logins.clean_code(typed)
    found = logins.peek(conn, code, "claim", now)
    guest = None if found is None or found.player_id is None else get_player(conn, found.player_id)
    if guest is None or not guest.guest or guest.erased:
        raise PlayerError("claim_unknown")
    claimed = take_over(conn, guest.id, player_id, now)
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
    return claimed


def _remove_guest(conn: sqlite3.Connection, guest_id: str, now: datetime) -> None:
    """Nothing of the guest is left, so neither is the guest."""
    erase_player(conn, guest_id, stamp(now))  # what is booked of somebody goes only with somebody who was erased
    for module in (logins, standing, daily):
        module.forget(conn, guest_id)
    if not changes.is_noting(conn):  # a table may still tell of them
        conn.execute("DELETE FROM players WHERE id = ?", [guest_id])


def _withdraw_codes(conn: sqlite3.Connection, player_id: str) -> None:
    """A code that leads to somebody who signed up opens nothing any more."""
    conn.execute(
        "DELETE FROM one_time_tokens WHERE player_id = ? AND purpose = 'claim' AND used_at IS NULL", [player_id]
    )
