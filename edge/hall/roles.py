"""Who of the hall's people has which role, who may give it, and on whom that lets one act.

Who may give a role may act on whoever has it: staff on players and coaches, operators on staff as well, admins on
everybody. Else a new PIN for an admin would be a way to become one.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import get_args

from edge.clock import stamp
from edge.hall import audit
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.players import STAFF, Player, Role, get_player, require_here, require_member, save_player

ROLES: tuple[Role, ...] = tuple(role for role in get_args(Role) if role != "player")

_OWN: frozenset[Role] = frozenset({"player"})
_NEEDS: dict[Role, frozenset[Role]] = {
    "coach": STAFF,
    "staff": frozenset({"operator", "admin"}),
    "operator": frozenset({"admin"}),
    "admin": frozenset({"admin"}),
}


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
    player = require_member(conn, player_id, "role_nobody")
    return _change(conn, player, player.roles | {role}, by, now)


def take_role(conn: sqlite3.Connection, player_id: str, role: Role, now: str, *, by: str | None = None) -> Player:
    """The player without that role, at once wherever they are logged in. Raises PlayerError as `give_role`."""
    player = require_member(conn, player_id, "role_nobody")
    return _change(conn, player, player.roles - {role}, by, now)


def set_roles(conn: sqlite3.Connection, player_id: str, roles: frozenset[Role], by: str, now: datetime) -> Player:
    """The player with exactly these roles besides a player's own, by the word of staff.

    Raises HallError: `role_nobody` for a guest or somebody who is not here any more, `role_not_yours` where `by`
    may not give or take one of those that change, `role_last_admin` where nobody would be admin any more.
    """
    acting, player = require_acting(conn, by), require_member(conn, player_id, "role_nobody")
    wanted = (roles & frozenset(ROLES)) | _OWN
    if wanted == player.roles:
        return player
    if not all(may_give(acting, role) for role in (wanted ^ player.roles) - _OWN):
        raise HallError("role_not_yours")
    if "admin" not in wanted:
        require_other_admin(conn, player)
    return _change(conn, player, wanted, by, stamp(now))


def may_give(by: Player, role: Role) -> bool:
    """Whether somebody may give or take that role."""
    return bool(by.roles & _NEEDS[role])


def may_act_on(by: Player, whom: Player) -> bool:
    """Whether somebody may do what is grave to a player: could they take every role the player has?"""
    return by.staff and all(may_give(by, role) for role in whom.roles if role in _NEEDS)


def require_acting(conn: sqlite3.Connection, by: str) -> Player:
    """Who acts, as they stand now: a role may have been taken since the page was opened. Raises HallError."""
    player = get_player(conn, by)
    if player is None or not player.staff:
        raise HallError("person_not_yours")
    return player


def require_yours(acting: Player, whom: Player) -> None:
    """Raises HallError for somebody on whom one may not act."""
    if not may_act_on(acting, whom):
        raise HallError("person_not_yours")


def require_other_admin(conn: sqlite3.Connection, player: Player) -> None:
    """Raises HallError for the only admin."""
    admins = [one.id for one in hall_people(conn) if "admin" in one.roles]
    if admins == [player.id]:
        raise HallError("role_last_admin")


def as_left(conn: sqlite3.Connection, deed: Deed, state: Callable[[Player], object]) -> Player:
    """The player a deed was done to, as long as their `state` is as the deed left it. Raises HallError."""
    player = require_here(conn, deed.subject.removeprefix("player:"), "undo_too_late")
    if state(player) != deed.after:
        raise HallError("undo_too_late")
    return player


def _change(conn: sqlite3.Connection, player: Player, roles: frozenset[Role], by: str | None, now: str) -> Player:
    if roles == player.roles:
        return player
    changed = replace(player, roles=roles)
    save_player(conn, changed)
    before, after = _told(player), _told(changed)
    audit.deed(conn, now, "player.roles_changed", f"player:{player.id}", by, before=before, after=after)
    return changed


def _told(player: Player) -> dict[str, list[Role]]:
    return {"roles": sorted(player.roles)}


def _undo_roles(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    player = as_left(conn, deed, _told)
    set_roles(conn, player.id, frozenset((deed.before or {})["roles"]), by, now)


UNDO = {"player.roles_changed": _undo_roles}
