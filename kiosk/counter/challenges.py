"""Ladder challenges at the counter: one that staff make for two players, and what becomes of one not played."""

from datetime import date, timedelta

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response

from edge.hall import ladders
from kiosk.box import box
from kiosk.counter import shell
from kiosk.ladder_lookup import get_challenge, get_ladder
from kiosk.security import local_path
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_challenges", __name__)


@blueprint.post("/counter/ladders/<ladder_id>/challenge")
@access("staff")
def make(ladder_id: str) -> Response:
    """One player challenges another, who both told staff so; the same again is the same."""
    a, b = request.form.get("challenger", ""), request.form.get("challenged", "")
    with box().store.write() as conn:
        get_ladder(conn, ladder_id)
        ladders.make_challenge(conn, ladder_id, a, b, box().here(), by=hall_staff().id)
        return shell.done(conn, url_for("counter_ladders.ladder", ladder_id=ladder_id))


@blueprint.post("/counter/challenges/<challenge_id>")
@access("staff")
def settle(challenge_id: str) -> Response:
    """More days, called off, or the win given to one of the two."""
    by, here, how = hall_staff().id, box().here(), request.form.get("how", "")
    what, _, value = how.partition(":")
    with box().store.write() as conn:
        known = get_challenge(conn, challenge_id)
        if what == "extend" and value in ("7", "14"):
            deadline = date.fromisoformat(here.day) + timedelta(days=int(value))
            ladders.extend(conn, challenge_id, deadline.isoformat(), by, here)
        elif what == "call_off":
            ladders.call_off(conn, challenge_id, by, here.stamp)
        elif what == "give" and value in ("0", "1"):
            ladders.give_win(conn, challenge_id, known.players[int(value)], by, here.stamp)
        else:
            abort(400)
        return shell.done(conn, local_path(request.form.get("back", url_for("counter_ladders.index"))))
