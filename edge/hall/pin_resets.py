"""A PIN that is forgotten, or that somebody else keeps locked: what staff do about it.

Staff see no PIN and set none: a reset ends the old one and makes a code, good once and for a quarter of an hour,
with which the player chooses another at a table's screen.
"""

import sqlite3
from datetime import datetime, timedelta

from edge.clock import stamp
from edge.hall import audit, logins, pins
from edge.hall.errors import HallError
from edge.hall.players import Player, get_player, require_member
from edge.hall.roles import require_acting, require_yours

RESET = "pin-reset"  # the purpose of the code
RESET_S = 15 * 60.0


def reset_pin(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> str:
    """Ends a player's PIN, lock-out and logins; returns the code by which the player sets a new one.

    The code is stored nowhere; an earlier one is good no more. Raises HallError: `pin_nobody`, `pin_own` for
    one's own, `person_not_yours` for somebody of a higher role.
    """
    player = require_member(conn, player_id, "pin_nobody")
    if player.id == by:
        raise HallError("pin_own")
    require_yours(require_acting(conn, by), player)
    pins.forget(conn, player.id)
    logins.log_out_everywhere(conn, player.id)
    code = logins.make_short_code(conn, RESET, player.id, now, timedelta(seconds=RESET_S))
    audit.deed(conn, stamp(now), "player.pin_reset", f"player:{player.id}", by)
    return code


def whose_code(conn: sqlite3.Connection, typed: str, now: datetime) -> Player | None:
    """Whose PIN a typed code lets set anew; None for one that opens nothing (any more). Tries must be limited."""
    found = logins.peek(conn, logins.clean_code(typed), RESET, now)
    player = None if found is None or found.player_id is None else get_player(conn, found.player_id)
    return None if player is None or player.erased else player


def set_pin_by_code(conn: sqlite3.Connection, typed: str, hashed: str, now: datetime) -> Player:
    """Uses the code up and keeps the new PIN; whoever was logged in before is no more.

    Raises HallError `reset_unknown` for a code that opens nothing.
    """
    player = whose_code(conn, typed, now)
    if player is None or logins.take(conn, logins.clean_code(typed), RESET, now, player.id) is None:
        raise HallError("reset_unknown")
    pins.keep_pin(conn, player.id, hashed, now)
    logins.log_out_everywhere(conn, player.id)
    audit.note(conn, stamp(now), "player.pin_changed", f"player:{player.id}", role="player", who=player.id)
    return player


def unlock(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Lifts the lock-out of a player whom somebody else keeps out; the PIN stays."""
    player = require_member(conn, player_id, "pin_nobody")
    pins.unlock(conn, player.id)
    audit.deed(conn, stamp(now), "player.unlocked", f"player:{player.id}", by)
