"""What staff do to a player's account: its name, group, boards, consent, all of it given out, or deleted.

Everything is a line of the audit in the same transaction, and what can be taken back names here what undoes it.
Roles are in `edge.hall.roles`, a forgotten PIN is in `edge.hall.pin_resets`.
"""

import sqlite3
from dataclasses import replace
from datetime import datetime
from typing import Any

from edge.clock import stamp
from edge.hall import audit, consents, erasure, groups, renaming
from edge.hall.audit import Deed
from edge.hall.errors import HallError
from edge.hall.players import Player, require_here, require_member, save_player
from edge.hall.roles import as_left, require_acting, require_other_admin, require_yours


def rename(conn: sqlite3.Connection, player_id: str, name: str, by: str, now: datetime) -> Player:
    """The player under another name. Raises HallError: `person_nobody`,
    `person_not_yours` for somebody of a higher role, and for a name that can't be."""
    player = require_member(conn, player_id, "person_nobody")
    require_yours(require_acting(conn, by), player)
    return renaming.rename(conn, player, name, by, now)


def set_group(
    conn: sqlite3.Connection, player_id: str, group: groups.Group | None, by: str, now: datetime
) -> None:
    """Puts a player into a group until it is lifted, which None does. The same again changes nothing."""
    player = require_member(conn, player_id, "person_nobody")
    before = _group(conn, player.id)
    if before == {"group": group, "override": True} or (group is None and not before["override"]):
        return
    groups.override(conn, player.id, group, by, stamp(now))
    what = "player.group_lifted" if group is None else "player.group_set"
    audit.deed(conn, stamp(now), what, f"player:{player.id}", by, before=before, after=_group(conn, player.id))


def hide(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Takes a player off the boards; one who stays out of sight already, does."""
    player = require_member(conn, player_id, "person_nobody")
    if player.visible:
        _set_visible(conn, player, by, now, visible=False)


def show(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Puts a player whom staff took off the boards back. Raises HallError where that was the player's wish."""
    player = require_member(conn, player_id, "person_nobody")
    if player.visible:
        return
    if not hidden_by_staff(conn, player):
        raise HallError("show_own")
    _set_visible(conn, player, by, now, visible=True)


def hidden_by_staff(conn: sqlite3.Connection, player: Player) -> bool:
    """Whether it was staff who took a player off the boards, and nobody has put them back since."""
    latest = audit.latest_about(conn, f"player:{player.id}", ("player.hidden", "player.shown"))
    return not player.visible and latest is not None and latest.what == "player.hidden"


def note_consent(
    conn: sqlite3.Connection, player_id: str, answer: consents.Answer, by: str, now: datetime
) -> None:
    """Keeps what a player told staff of being recorded; what holds already is not kept again."""
    player = require_member(conn, player_id, "person_nobody")
    held = consents.consent_of(conn, player.id)
    if held is not None and held.answer == answer and held.wording_version >= consents.WORDING:
        return
    consents.give_answer(conn, player.id, answer, stamp(now), by)
    before = {"answer": held.answer if held else ""}
    audit.deed(conn, stamp(now), f"player.consent_{answer}", f"player:{player.id}", by, before=before)


def erase(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> None:
    """Deletes everything of a player's or a guest's: see `edge.hall.erasure`. There is no way back.

    Raises HallError: `person_nobody`, `erase_own`, `person_not_yours`, `role_last_admin`.
    """
    player = require_here(conn, player_id, "person_nobody")
    if player.id == by:
        raise HallError("erase_own")
    require_yours(require_acting(conn, by), player)
    require_other_admin(conn, player)
    erasure.erase(conn, player.id, now, role="staff", who=by)


def note_given_out(conn: sqlite3.Connection, player_id: str, by: str, now: datetime) -> Player:
    """Notes that staff take everything of a player's along. Raises HallError as `rename` does."""
    player = require_here(conn, player_id, "person_nobody")
    require_yours(require_acting(conn, by), player)
    audit.deed(conn, stamp(now), "player.given_out", f"player:{player.id}", by)
    return player


def _undo_group(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    before = deed.before or {}
    player = as_left(conn, deed, lambda one: _group(conn, one.id))
    set_group(conn, player.id, before["group"] if before["override"] else None, by, now)


def _undo_visible(conn: sqlite3.Connection, deed: Deed, by: str, now: datetime) -> None:
    player = as_left(conn, deed, lambda one: {"visible": one.visible})
    _set_visible(conn, player, by, now, visible=not player.visible)


UNDO = {
    "player.renamed": renaming.undo_rename,
    "player.group_set": _undo_group,
    "player.group_lifted": _undo_group,
    "player.hidden": _undo_visible,
    "player.shown": _undo_visible,
}


def _set_visible(conn: sqlite3.Connection, player: Player, by: str, now: datetime, *, visible: bool) -> None:
    save_player(conn, replace(player, visible=visible))
    what = "player.shown" if visible else "player.hidden"
    before, after = {"visible": not visible}, {"visible": visible}
    audit.deed(conn, stamp(now), what, f"player:{player.id}", by, before=before, after=after)


def _group(conn: sqlite3.Connection, player_id: str) -> dict[str, Any]:
    return {"group": groups.group_of(conn, player_id), "override": groups.overridden(conn, player_id)}
