"""Awards and the lucky draw for programs of the hall's people, under the rules of the counter's pages."""

import sqlite3

from flask import Blueprint, Response, jsonify

from edge.hall import awards, draws
from edge.hall.award_rules import calculate as calculate_awards
from edge.hall.draws import MOST_PRIZES, PRIZE_CHARS, Draw
from edge.hall.players import get_player
from edge.hall.typed import one_line
from kiosk.api.bodies import Body, BodyError
from kiosk.api.months import award_for_staff, draw, due_for_staff, require_month
from kiosk.box import box
from kiosk.counter import forms
from kiosk.who import access, hall_staff

blueprint = Blueprint("staff_month", __name__)


@blueprint.post("/api/admin/awards/calculate/<month>")
@access("staff")
def calculate(month: str) -> Response:
    """What would be published of a month now; nothing is."""
    Body()
    require_month(month)
    with box().store.read() as conn:
        preview = calculate_awards(conn, month)
        published, changes = awards.is_published(conn, month), awards.differences(conn, month, preview)
    return jsonify(
        {
            "month": month,
            "published": published,
            "digest": preview.digest,
            "awards": [due_for_staff(one) for one in preview.due],
            "votes": {
                kind: [{"player": one.player_id, "name": one.name, "votes": one.votes} for one in lines]
                for kind, lines in preview.ballots.items()
            },
            "differences": {
                "gone": [award_for_staff(one) for one in changes.gone],
                "new": [due_for_staff(one) for one in changes.new],
            },
        }
    )


@blueprint.post("/api/admin/awards/manual")
@access("staff")
def manual() -> tuple[Response, int]:
    """Gives a title by hand; the same twice is one."""
    body = Body("month", "player", "title")
    month, player_id, title = body.text("month"), body.text("player"), body.text("title")
    if not forms.is_month(month, box().here()):
        raise BodyError("begun", field="month")
    with box().store.write() as conn:
        if get_player(conn, player_id) is None:
            raise BodyError("no_player", 404, id=player_id[:36])
        given = awards.grant(conn, month, title, player_id, by=hall_staff().id, here=box().here())
    return jsonify(award_for_staff(given)), 201


@blueprint.post("/api/admin/lucky-draw")
@access("staff")
def create() -> tuple[Response, int]:
    """A new draw with its entries; with the id of one that is there, that one, which must promise the same."""
    body, here = Body("month", "prize", "prizes", "id"), box().here()
    month, prize = body.text("month"), one_line(body.text("prize"), *PRIZE_CHARS, "prize")
    prizes, draw_id = body.number("prizes", 1, least=1, most=MOST_PRIZES), body.new_id()
    if month not in forms.recent_months(here):
        raise BodyError("recent", field="month", months=", ".join(forms.recent_months(here)))
    with box().store.write() as conn:
        known = None if draw_id is None else draws.get_draw(conn, draw_id)
        if known is not None and (known.month, known.prize, known.prizes) != (month, prize, prizes):
            raise BodyError("id_known", 409, id=known.id)
        made = draws.create(
            conn, month, prize, by=hall_staff().id, now=here.stamp, prizes=prizes, draw_id=draw_id or ""
        )
    return jsonify(draw(made)), 201 if known is None else 200


@blueprint.post("/api/admin/lucky-draw/<draw_id>/populate")
@access("staff")
def populate(draw_id: str) -> Response:
    """The entries as the facts stand now."""
    Body()
    with box().store.write() as conn:
        _require(conn, draw_id)
        draws.populate(conn, draw_id, by=hall_staff().id, now=box().here().stamp)
        return jsonify(draw(_require(conn, draw_id)))


@blueprint.post("/api/admin/lucky-draw/<draw_id>/freeze")
@access("staff")
def freeze(draw_id: str) -> Response:
    """Fixes and numbers the list."""
    Body()
    with box().store.write() as conn:
        _require(conn, draw_id)
        return jsonify(draw(draws.freeze(conn, draw_id, by=hall_staff().id, now=box().here().stamp)))


@blueprint.post("/api/admin/lucky-draw/<draw_id>/draw")
@access("staff")
def hold(draw_id: str) -> Response:
    """Draws with what the room called; the list must have been fixed before, so that players could see it."""
    call = Body("call").text("call")
    with box().store.write() as conn:
        _require(conn, draw_id)
        return jsonify(draw(draws.draw(conn, draw_id, call, by=hall_staff().id, now=box().here().stamp)))


def _require(conn: sqlite3.Connection, draw_id: str) -> Draw:
    held = draws.get_draw(conn, draw_id)
    if held is None:
        raise BodyError("no_draw", 404, id=draw_id[:36])
    return held
