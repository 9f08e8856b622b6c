"""The hall's people: who has which role, given and taken with a line of the audit."""

import sqlite3
from dataclasses import replace
from typing import get_args

from edge.hall import audit
from edge.hall.players import Player, PlayerError, Role, get_player, save_player

ROLES: tuple[Role, ...] = tuple(role for role in get_args(Role) if role != "player")


def hall_people(conn: sqlite3.Connection) -> list[Player]:
    """Everybody who has a role besides a player's, by name."""
    rows = conn.execute(
        """SELECT id FROM players WHERE erased IS NULL AND roles NOT IN ('[]', '["player"]') ORDER BY name_key"""
    ).fetchall()
    found = (get_player(conn, row["id"]) for row in rows)
    return [player for player in found if player is not None]


def give_role(conn: sqlite3.Connection, player_id: str, role: Role, now: str, *, by: str | None = None) -> Player:
    """The player with that role; one who has it already keeps it. `by` is who of the staff, None the technician.

    Raises PlayerError for a guest and for somebody who is not here any more: they have no PIN to act by.
    """
    player = get_player(conn, player_id)
    if player is None or player.guest or player.erased:
        raise PlayerError("role_nobody")
    return _change(conn, player, player.roles | {role}, now, by)


def take_role(conn: sqlite3.Connection, player_id: str, role: Role, now: str, *, by: str | None = None) -> Player:
    """The player without that role, at once wherever they are logged in. Raises PlayerError as `give_role`."""
    player = get_player(conn, player_id)
    if player is None or player.guest or player.erased:
        raise PlayerError("role_nobody")
    return _change(conn, player, player.roles - {role}, now, by)


def _change(conn: sqlite3.Connection, player: Player, roles: frozenset[Role], now: str, by: str | None) -> Player:
    if roles == player.roles:
        return player
    changed = replace(player, roles=roles)
    save_player(conn, changed)
    audit.note(
        conn,
        now,
        "player.roles_changed",
        f"player:{player.id}",
        role="system" if by is None else "staff",
        who=by,
        before={"roles": sorted(player.roles)},
        after={"roles": sorted(roles)},
    )
    return changed
