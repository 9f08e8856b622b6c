"""What staff do to people: roles, a forgotten PIN, a name, a group, boards, consent, all of theirs.

Everything is a line of the audit in the same transaction, and what can be taken back names here what undoes it.
Staff see no PIN and set none: a reset ends the old one and makes a code, good once and for a quarter of an hour,
with which the player chooses another at a table's screen.

Who may give a role may act on whoever has it: staff on players and coaches, operators on staff as well, admins on
everybody. Else a new PIN for an admin would be a way to become one.
"""

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from edge.clock import stamp
from edge.hall import audit, consents, erasure, groups, logins, pins, renaming
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.players import STAFF, Player, Role, get_player, save_player
from edge.hall.staff import ROLES, hall_people

RESET = "pin-reset"  # the purpose of the code
RESET_S = 15 * 60.0

_NEEDS: dict[Role, frozenset[Role]] = {
    "coach": STAFF,
    "staff": frozenset({"operator", "admin"}),
    "operator": frozenset({"admin"}),
    "admin": frozenset({"admin"}),
}


class StaffingError(HallError):
    """What staff wanted of somebody can't be."""


def may_give(by: Player, role: Role) -> bool:
    """Whether somebody may give or take that role."""
    return bool(by.roles & _NEEDS[role])


def may_act_on(by: Player, whom: Player) -> bool:
    """Whether somebody may do what is grave to a player: could they take every role the player has?"""
    return by.staff and all(may_give(by, role) for role in whom.roles if role in _NEEDS)


def set_roles(conn: sqlite3.Connection, player_id: str, roles: frozenset[Role], by: str, now: datetime) -> Player:
    """The player with exactly these roles besides a player's own.

    Raises StaffingError: `role_nobody` for a guest or somebody who is not here any more, `role_not_yours` where
    `by` may not give or take one of those that change, `role_last_admin` where nobody would be admin any more.
    """
    acting, player = _acting(conn, by), _whom(conn, player_id, "role_nobody")
    own: frozenset[Role] = frozenset({"player"})
    wanted = (roles & frozenset(ROLES)) | own
    if wanted == player.roles:
        return player
    if not all(may_give(acting, role) for role in (wanted ^ player.roles) - own):
        raise StaffingError("role_not_yours")
    if "admin" not in wanted:
        _require_other_admin(conn, player)
    changed = replace(player, roles=wanted)
    save_player(conn, changed)
    roles_were, roles_are = ({"roles": sorted(one.roles)} for one in (player, changed))
    _note(conn, "player.roles_changed", player, by, now, before=roles_were, after=roles_are)
    return changed


def reset_pin(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> str:
    """Ends a player's PIN, lock-out and logins; returns the code by which the player sets a new one.

    The code is stored nowhere; an earlier one is good no more. Raises StaffingError: `pin_nobody`, `pin_own` for
    one's own, `person_not_yours` for somebody of a higher role.
    """
    player = _whom(conn, player_id, "pin_nobody")
    if player.id == by:
        raise StaffingError("pin_own")
    require_yours(_acting(conn, by), player)
    pins.forget(conn, player.id)
    logins.log_out_everywhere(conn, player.id)
    code = logins.make_short_code(conn, RESET, player.id, now, timedelta(seconds=RESET_S))
    _note(conn, "player.pin_reset", player, by, now)
    return code


def whose_code(conn: sqlite3.Connection, typed: str, now: datetime) -> Player | None:
    """Whose PIN a typed code lets set anew; None for one that opens nothing (any more). Tries must be limited."""
    found = logins.peek(conn, logins.clean_code(typed), RESET, now)
    player = None if found is None or found.player_id is None else get_player(conn, found.player_id)
    return None if player is None or player.erased else player


def set_pin_by_code(conn: sqlite3.Connection, typed: str, hashed: str, now: datetime) -> Player:
    """Uses the code up and keeps the new PIN; whoever was logged in before is no more.

    Raises StaffingError `reset_unknown` for a code that opens nothing.
    """
    player = whose_code(conn, typed, now)
    if player is None or logins.take(conn, logins.clean_code(typed), RESET, now, player.id) is None:
        raise StaffingError("reset_unknown")
    pins.keep_pin(conn, player.id, hashed, now)
    logins.log_out_everywhere(conn, player.id)
    audit.note(conn, stamp(now), "player.pin_changed", f"player:{player.id}", role="player", who=player.id)
    return player


def unlock(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Lifts the lock-out of a player whom somebody else keeps out; the PIN stays."""
    player = _whom(conn, player_id, "pin_nobody")
    pins.unlock(conn, player.id)
    _note(conn, "player.unlocked", player, by, now)


def rename(conn: sqlite3.Connection, player_id: str, name: str, by: str, now: datetime) -> Player:
    """The player under another name. Raises StaffingError as `reset_pin`, PlayerError for a name that can't be."""
    player = _whom(conn, player_id, "person_nobody")
    require_yours(_acting(conn, by), player)
    return renaming.rename(conn, player, name, by, now)


def set_group(
    conn: sqlite3.Connection, player_id: str, group: groups.Group | None, by: str, now: datetime
) -> None:
    """Puts a player into a group until it is lifted, which None does. The same again changes nothing."""
    player = _whom(conn, player_id, "person_nobody")
    before = _group(conn, player.id)
    if before == {"group": group, "override": True} or (group is None and not before["override"]):
        return
    groups.override(conn, player.id, group, by, stamp(now))
    what = "player.group_lifted" if group is None else "player.group_set"
    _note(conn, what, player, by, now, before=before, after=_group(conn, player.id))


def hide(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Takes a player off the boards; one who stays out of sight already, does."""
    player = _whom(conn, player_id, "person_nobody")
    if player.visible:
        _set_visible(conn, player, by, now, visible=False)


def show(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Puts a player whom staff took off the boards back. Raises StaffingError where that was the player's wish."""
    player = _whom(conn, player_id, "person_nobody")
    if player.visible:
        return
    if not hidden_by_staff(conn, player):
        raise StaffingError("show_own")
    _set_visible(conn, player, by, now, visible=True)


def hidden_by_staff(conn: sqlite3.Connection, player: Player) -> bool:
    """Whether it was staff who took a player off the boards, and nobody has put them back since."""
    latest = audit.latest_about(conn, f"player:{player.id}", ("player.hidden", "player.shown"))
    return not player.visible and latest is not None and latest.what == "player.hidden"


def note_consent(
    conn: sqlite3.Connection, player_id: str, answer: consents.Answer, by: str, now: datetime
) -> None:
    """Keeps what a player told staff of being recorded; what holds already is not kept again."""
    player = _whom(conn, player_id, "person_nobody")
    held = consents.consent_of(conn, player.id)
    if held is not None and held.answer == answer and held.wording_version >= consents.WORDING:
        return
    consents.give_answer(conn, player.id, answer, stamp(now), by)
    _note(conn, f"player.consent_{answer}", player, by, now, before={"answer": held.answer if held else ""})


def erase(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Deletes everything of a player's or a guest's: see `edge.hall.erasure`. There is no way back.

    Raises StaffingError: `person_nobody`, `erase_own`, `person_not_yours`, `role_last_admin`.
    """
    player = get_player(conn, player_id)
    if player is None or player.erased:
        raise StaffingError("person_nobody")
    if player.id == by:
        raise StaffingError("erase_own")
    require_yours(_acting(conn, by), player)
    _require_other_admin(conn, player)
    erasure.erase(conn, player.id, now, role="staff", who=by)


def note_given_out(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> Player:
    """Notes that staff take everything of a player's along. Raises StaffingError as `reset_pin`."""
    player = get_player(conn, player_id)
    if player is None or player.erased:
        raise StaffingError("person_nobody")
    require_yours(_acting(conn, by), player)
    _note(conn, "player.given_out", player, by, now)
    return player


def require_yours(acting: Player, whom: Player) -> None:
    """Raises StaffingError for somebody on whom one may not act."""
    if not may_act_on(acting, whom):
        raise StaffingError("person_not_yours")


def _undo_roles(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    player = _as_left(conn, deed, lambda one: {"roles": sorted(one.roles)})
    set_roles(conn, player.id, frozenset((deed.before or {})["roles"]), by, now)


def _undo_group(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    before = deed.before or {}
    player = _as_left(conn, deed, lambda one: _group(conn, one.id))
    set_group(conn, player.id, before["group"] if before["override"] else None, by, now)


def _undo_visible(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    player = _as_left(conn, deed, lambda one: {"visible": one.visible})
    _set_visible(conn, player, by, now, visible=not player.visible)


UNDO = {
    "player.roles_changed": _undo_roles,
    "player.renamed": renaming.undo_rename,
    "player.group_set": _undo_group,
    "player.group_lifted": _undo_group,
    "player.hidden": _undo_visible,
    "player.shown": _undo_visible,
}


def _as_left(conn: sqlite3.Connection, deed: Deed, state: Any) -> Player:
    """The player a deed was done to, as long as it stands as the deed left it. Raises HallError."""
    player = get_player(conn, deed.subject.removeprefix("player:"))
    if player is None or player.erased or state(player) != deed.after:
        raise HallError("undo_too_late")
    return player


def _set_visible(conn: sqlite3.Connection, player: Player, by: str, now: datetime, *, visible: bool) -> None:
    save_player(conn, replace(player, visible=visible))
    what = "player.shown" if visible else "player.hidden"
    _note(conn, what, player, by, now, before={"visible": not visible}, after={"visible": visible})


def _group(conn: sqlite3.Connection, player_id: str) -> dict[str, Any]:
    return {"group": groups.group_of(conn, player_id), "override": groups.overridden(conn, player_id)}


def _acting(conn: sqlite3.Connection, by: str) -> Player:
    """Who acts, as they stand now: a role may have been taken since the page was opened."""
    player = get_player(conn, by)
    if player is None or not player.staff:
        raise StaffingError("person_not_yours")
    return player


def _whom(conn: sqlite3.Connection, player_id: str, nobody: str) -> Player:
    player = get_player(conn, player_id)
    if player is None or player.guest or player.erased:
        raise StaffingError(nobody)
    return player


def _require_other_admin(conn: sqlite3.Connection, player: Player) -> None:
    admins = [one.id for one in hall_people(conn) if "admin" in one.roles]
    if admins == [player.id]:
        raise StaffingError("role_last_admin")


def _note(
    conn: sqlite3.Connection,
    what: str,
    player: Player,
    by: str,
    now: datetime,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    subject = f"player:{player.id}"
    audit.note(conn, stamp(now), what, subject, role="staff", who=by, before=before, after=after)
