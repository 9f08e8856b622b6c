"""A month's awards at the counter: who would get what and why, publishing that, what would be otherwise since."""

import sqlite3

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response

from edge.clock import month_before
from edge.hall import awards
from edge.hall.award_rules import Due, Preview, calculate
from edge.hall.awards import TITLE_CHARS, Award
from edge.hall.errors import HallError
from edge.hall.players import get_player
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_month", __name__)


@blueprint.get("/counter/month")
@access("staff", otherwise="check-in")
def index() -> str:
    """Everything of a month: what is due or was given, and the votes."""
    here = box().here()
    with box().store.read() as conn:
        preview = _asked(conn)
        month = preview.month
        published = awards.is_published(conn, month)
        held = awards.awards_of_month(conn, month, staff=True)
        changes = awards.differences(conn, month, preview)
    before, after = forms.months_around(month, here)
    return shell.page(
        "counter/month/index.html",
        "month",
        month=month,
        before=before,
        after=after,
        over=month < here.month,
        published=published,
        preview=preview,
        due=_by_kind(preview),
        held=held,
        by_hand=_by_hand(held),
        changes=changes,
        ballots=preview.ballots,
    )


@blueprint.post("/counter/month/publish")
@access("staff")
def publish() -> Response:
    """What staff have just looked at is published."""
    month, by, here = _month_of_form(), hall_staff().id, box().here()
    with box().store.write() as conn:
        awards.publish(conn, month, by=by, here=here, seen=request.form.get("seen", ""))
        return shell.done(conn, url_for("counter_month.index", month=month))


@blueprint.post("/counter/month/republish")
@access("staff")
def republish() -> Response:
    """A published month becomes what it would be today."""
    month, by, here = _month_of_form(), hall_staff().id, box().here()
    with box().store.write() as conn:
        awards.republish(conn, month, by=by, here=here, seen=request.form.get("seen", ""))
        return shell.done(conn, url_for("counter_month.index", month=month))


@blueprint.get("/counter/month/title")
@access("staff", otherwise="check-in")
def title() -> str:
    """A title by hand: first whose it is, then what it says."""
    month = request.args.get("month", "")
    if not forms.is_month(month, box().here()):
        abort(404)
    return _title_page(month, request.args.get("player", ""))


@blueprint.post("/counter/month/title")
@access("staff")
def grant() -> Response | str:
    """Gives a title; one that can't be comes back as it was typed."""
    month, by, here = _month_of_form(), hall_staff().id, box().here()
    player_id, typed = request.form.get("player", ""), request.form.get("title", "")
    try:
        with box().store.write() as conn:
            awards.grant(conn, month, typed, player_id, by=by, here=here)
            return shell.done(conn, url_for("counter_month.index", month=month))
    except HallError as error:
        if not error.key.startswith("award_title"):
            raise
        return _title_page(month, player_id, typed[: 2 * TITLE_CHARS[1]], shell.trouble_text(error.key))


@blueprint.post("/counter/month/awards/<award_id>/withdraw")
@access("staff")
def withdraw(award_id: str) -> Response:
    """Takes one award back; a second time changes nothing."""
    with box().store.write() as conn:
        award = awards.get_award(conn, award_id)
        if award is None:
            abort(404)
        awards.withdraw(conn, award_id, hall_staff().id, box().here().stamp)
        return shell.done(conn, url_for("counter_month.index", month=award.month))


def _title_page(month: str, player_id: str, typed: str = "", wrong: str = "") -> str:
    begin, here = request.values.get("name", "")[:40], box().here()
    with box().store.read() as conn:
        player = get_player(conn, player_id) if player_id else None
        names = [] if player is not None else forms.by_name(forms.members(conn, begin, here))
        given = [] if player is None else _by_hand(awards.awards_of_month(conn, month, staff=True))
    return shell.page(
        "counter/month/title.html",
        "month",
        month=month,
        player=player,
        names=names,
        begin=begin,
        typed=typed,
        wrong=wrong,
        given=given,
        most=TITLE_CHARS[1],
    )


def _by_hand(held: list[Award]) -> list[Award]:
    """What was given by hand."""
    return [award for award in held if award.kind == "manual"]


def _by_kind(preview: Preview) -> dict[awards.Kind, list[Due]]:
    """Who is due what, with the kinds that nobody is due."""
    found: dict[awards.Kind, list[Due]] = {kind: [] for kind in awards.KINDS if kind != "manual"}
    for one in preview.due:
        found[one.kind].append(one)
    return found


def _asked(conn: sqlite3.Connection) -> Preview:
    """Of the month that is asked for; else of the last as long as it waits to be published, else of this one."""
    here = box().here()
    asked = request.args.get("month")
    if asked is not None:
        if not forms.is_month(asked, here):
            abort(404)
        return calculate(conn, asked)
    last = month_before(here.month)
    if not awards.is_published(conn, last):
        preview = calculate(conn, last)
        if preview.due:
            return preview
    return calculate(conn, here.month)


def _month_of_form() -> str:
    month = request.form.get("month", "")
    if not forms.is_month(month, box().here()):
        abort(400)
    return month
