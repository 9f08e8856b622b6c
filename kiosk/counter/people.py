"""People at the counter: finding somebody, what there is of them, and what staff do for them."""

import sqlite3
from typing import cast, get_args

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from edge.hall import (
    accounts,
    audit,
    consents,
    erasure,
    groups,
    merging,
    people,
    pin_resets,
    pins,
    points,
    ratings,
    streaks,
)
from edge.hall import roles as hall_roles
from edge.hall.errors import HallError
from edge.hall.matches import matches_of
from edge.hall.players import NAME_CHARS, Player, Role, get_player
from edge.stats.takeout import takeout
from kiosk import limits
from kiosk.box import box
from kiosk.counter import shell
from kiosk.counter.deed_words import match_words, sentence
from kiosk.files import file, unnamed
from kiosk.player.belongings import ERASED_AT_ONCE_S
from kiosk.player.preferences import new_pass, trouble, use_pass
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_people", __name__)

NAMES_SHOWN = 36
GUESTS_SHOWN = 12
DAYS_SHOWN, MATCHES_SHOWN, DEEDS_SHOWN = 6, 5, 12
ERASE = "erase-other"  # the purpose of the pass between the two questions


@blueprint.get("/counter/people")
@access("staff", otherwise="check-in")
def index() -> str:
    """Who was here last, or whoever is looked for."""
    name = request.args.get("name", "")[:40]
    with box().store.read() as conn:
        found = _members(conn, name)
        guests = [] if name else people.latest(conn, box().here().day, GUESTS_SHOWN, guests=True)
    return shell.page("counter/people/index.html", "people", name=name, found=found, guests=guests)


@blueprint.get("/counter/people/<player_id>")
@access("staff", otherwise="check-in")
def person(player_id: str) -> str:
    """One person: what there is of them, and everything that can be done."""
    here = box().here()
    with box().store.read() as conn:
        player = _somebody(conn, player_id)
        consent = consents.consent_of(conn, player_id)
        deeds = audit.about(conn, f"player:{player_id}", DEEDS_SHOWN)
        values = {
            "group": groups.group_of(conn, player_id),
            "override": groups.overridden(conn, player_id),
            "place": points.rank_of(conn, player_id, here.month),
            "rating": ratings.rating_of(conn, player_id),
            "streaks": streaks.streaks_of(conn, player_id, here.day),
            "days": people.last_days(conn, player_id, DAYS_SHOWN),
            "matches": [(one, match_words(conn, one)) for one in matches_of(conn, player_id, MATCHES_SHOWN)],
            "deeds": [(deed, sentence(conn, deed)) for deed in deeds],
            "has_pin": pins.has_pin(conn, player_id),
            "locked_s": pins.locked_s(conn, player_id, pins.this_moment()),
            "clips": None if consent is None else consent.answer,
            "hidden_by_staff": accounts.hidden_by_staff(conn, player),
            "yours": hall_roles.may_act_on(hall_staff(), player),
            "oneself": player_id == hall_staff().id,
        }
    return shell.page("counter/people/person.html", "people", player=player, **values)


@blueprint.get("/counter/people/<player_id>/roles")
@access("staff", otherwise="check-in")
def roles(player_id: str) -> str:
    """Which roles somebody has, and which of them are one's own to give."""
    with box().store.read() as conn:
        player = _somebody(conn, player_id)
    mine = [role for role in hall_roles.ROLES if hall_roles.may_give(hall_staff(), role)]
    return shell.page("counter/people/roles.html", "people", player=player, roles=hall_roles.ROLES, mine=mine)


@blueprint.post("/counter/people/<player_id>/roles")
@access("staff")
def set_roles(player_id: str) -> AnyResponse:
    """Gives and takes the roles that are one's own to give; others stay as they are."""
    acting = hall_staff()
    asked = frozenset(role for role in request.form.getlist("role") if role in hall_roles.ROLES)
    with box().store.write() as conn:
        player = _somebody(conn, player_id)
        kept = frozenset(
            role for role in player.roles if role in hall_roles.ROLES and not hall_roles.may_give(acting, role)
        )
        wanted = cast(frozenset[Role], asked | kept)
        hall_roles.set_roles(conn, player_id, wanted, acting.id, box().here().now)
        return shell.done(conn, _person(player_id))


@blueprint.get("/counter/people/<player_id>/pin")
@access("staff", otherwise="check-in")
def pin(player_id: str) -> str:
    """What a reset does, before it is done."""
    with box().store.read() as conn:
        player, has_pin = _somebody(conn, player_id), pins.has_pin(conn, player_id)
    return shell.page("counter/people/pin.html", "people", player=player, has_pin=has_pin, code=None)


@blueprint.post("/counter/people/<player_id>/pin")
@access("staff")
def reset_pin(player_id: str) -> str:
    """Ends the PIN and shows the code, this once: a page that is loaded again makes another."""
    limits.spend("token")
    with box().store.write() as conn:
        player = _somebody(conn, player_id)
        code = pin_resets.reset_pin(conn, player_id, hall_staff().id, box().here().now)
    minutes = int(pin_resets.RESET_S // 60)
    return shell.page("counter/people/pin.html", "people", player=player, code=code, minutes=minutes)


@blueprint.post("/counter/people/<player_id>/unlock")
@access("staff")
def unlock(player_id: str) -> AnyResponse:
    """Lifts the lock-out."""
    with box().store.write() as conn:
        pin_resets.unlock(conn, player_id, hall_staff().id, box().here().now)
        return shell.done(conn, _person(player_id))


@blueprint.get("/counter/people/<player_id>/name")
@access("staff", otherwise="check-in")
def name(player_id: str) -> str:
    """Another name for somebody."""
    with box().store.read() as conn:
        player = _somebody(conn, player_id)
    return _name_page(player, player.name)


@blueprint.post("/counter/people/<player_id>/name")
@access("staff")
def rename(player_id: str) -> AnyResponse | tuple[str, int]:
    """Gives the name; one that can't be comes back as it was typed."""
    typed = request.form.get("name", "")[: 2 * NAME_CHARS[1]]
    try:
        with box().store.write() as conn:
            player = _somebody(conn, player_id)
            accounts.rename(conn, player_id, typed, hall_staff().id, box().here().now)
            return shell.done(conn, _person(player_id))
    except HallError as error:
        if not error.key.startswith("name_"):
            raise
        return _name_page(player, typed, trouble(error)), 400


@blueprint.post("/counter/people/<player_id>/group")
@access("staff")
def set_group(player_id: str) -> AnyResponse:
    """Puts somebody into a group, or leaves it to the rule again."""
    asked = request.form.get("group")
    group = next((one for one in get_args(groups.Group) if one == asked), None)
    if group is None and asked != "rule":
        abort(400)
    with box().store.write() as conn:
        accounts.set_group(conn, player_id, group, hall_staff().id, box().here().now)
        return shell.done(conn, _person(player_id))


@blueprint.post("/counter/people/<player_id>/boards")
@access("staff")
def boards(player_id: str) -> AnyResponse:
    """Takes somebody off the boards, or puts back whom staff took off."""
    act = {"hide": accounts.hide, "show": accounts.show}.get(request.form.get("do", ""))
    if act is None:
        abort(400)
    with box().store.write() as conn:
        act(conn, player_id, hall_staff().id, box().here().now)
        return shell.done(conn, _person(player_id))


@blueprint.post("/counter/people/<player_id>/clips")
@access("staff")
def clips(player_id: str) -> AnyResponse:
    """Keeps what somebody said of being recorded."""
    answer = next((one for one in get_args(consents.Answer) if one == request.form.get("answer")), None)
    if answer is None:
        abort(400)
    with box().store.write() as conn:
        accounts.note_consent(conn, player_id, answer, hall_staff().id, box().here().now)
        return shell.done(conn, _person(player_id))


@blueprint.get("/counter/people/<player_id>/merge")
@access("staff", otherwise="check-in")
def pick_other(player_id: str) -> str:
    """Into whom somebody is merged: the account that stays."""
    name = request.args.get("name", "")[:40]
    with box().store.read() as conn:
        player = _somebody(conn, player_id)
        found = [one for one in _members(conn, name) if one.player.id != player_id]
    return shell.page("counter/people/merge_pick.html", "people", player=player, name=name, found=found)


@blueprint.get("/counter/people/<player_id>/merge/<into_id>")
@access("staff", otherwise="check-in")
def preview_merge(player_id: str, into_id: str) -> str:
    """What would move, before anything does."""
    try:
        with box().store.read() as conn:
            told = merging.preview(conn, player_id, into_id, hall_staff().id)
    except HallError as error:
        with box().store.read() as conn:
            player = _somebody(conn, player_id)
        trouble = shell.trouble_text(error.key)
        return shell.page("counter/people/merge_not.html", "people", player=player, why=trouble)
    return shell.page("counter/people/merge.html", "people", told=told)


@blueprint.post("/counter/people/<player_id>/merge/<into_id>")
@access("staff")
def merge(player_id: str, into_id: str) -> AnyResponse:
    """Makes the two one."""
    box().books.book()  # shots that are not booked yet could not be told from nobody's
    with box().store.write() as conn:
        merging.merge(conn, player_id, into_id, hall_staff().id, box().here().now)
        return shell.done(conn, _person(into_id))


@blueprint.get("/counter/people/<player_id>/delete")
@access("staff", otherwise="check-in")
def delete(player_id: str) -> str:
    """What goes and what stays."""
    with box().store.read() as conn:
        return shell.page("counter/people/delete.html", "people", player=_somebody(conn, player_id), granted=None)


@blueprint.post("/counter/people/<player_id>/delete/sure")
@access("staff")
def delete_sure(player_id: str) -> str:
    """The last question."""
    with box().store.read() as conn:
        player = _somebody(conn, player_id)
        hall_roles.require_yours(hall_staff(), player)
    return shell.page(
        "counter/people/delete.html", "people", player=player, granted=new_pass(f"{ERASE}:{player_id}")
    )


@blueprint.post("/counter/people/<player_id>/delete")
@access("staff")
def erase(player_id: str) -> AnyResponse:
    """Deletes everything of theirs."""
    box().books.book()
    with box().store.write() as conn:
        _somebody(conn, player_id)
        use_pass(conn, f"{ERASE}:{player_id}")
        accounts.erase(conn, player_id, hall_staff().id, box().here().now)
        answer = shell.done(conn, url_for("counter_people.index"))
    erasure.go_on(box().store, ERASED_AT_ONCE_S)
    return answer


@blueprint.post("/counter/people/<player_id>/everything.zip")
@access("staff")
def everything(player_id: str) -> Response:
    """Everything of theirs, for them to take along; that it was made is written down."""
    limits.spend("token")
    here = box().here()
    with box().store.write() as conn:
        accounts.note_given_out(conn, player_id, hall_staff().id, here.now)
    pieces = takeout(box().store, player_id, box().settings.hall.zone, unnamed())
    return file(pieces, f"everything-{here.day}.zip", "application/zip")


def _members(conn: sqlite3.Connection, name: str) -> list[people.Seen]:
    if name.strip():
        return people.search(conn, name, NAMES_SHOWN)
    return people.latest(conn, box().here().day, NAMES_SHOWN)


def _somebody(conn: sqlite3.Connection, player_id: str) -> Player:
    player = get_player(conn, player_id)
    if player is None or player.erased:
        abort(404)
    return player


def _name_page(player: Player, typed: str, wrong: str = "") -> str:
    most = NAME_CHARS[1]
    return shell.page("counter/people/name.html", "people", player=player, typed=typed, most=most, wrong=wrong)


def _person(player_id: str) -> str:
    return url_for("counter_people.person", player_id=player_id)
