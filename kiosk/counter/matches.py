"""One match at the counter: how it ended, what was said of it, and putting it right."""

import sqlite3
from typing import Any

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response

from edge.hall import audit, ladders
from edge.hall.matches import MOST_POINTS, Match, get_match
from edge.hall.results import confirm, correct, strike
from edge.hall.rulings import ruling_of
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.counter.deed_words import side_words
from kiosk.security import local_path
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_matches", __name__)


@blueprint.get("/counter/match/<match_id>")
@access("staff", otherwise="check-in")
def one(match_id: str) -> str:
    """How a match stands, what staff have done to it, and the ways to put it right."""
    with box().store.read() as conn:
        match = _match(conn, match_id)
        names = tuple(side_words(conn, side) for side in match.sides)
        ruling = ruling_of(conn, match_id)
        counts, could_count = ladders.for_ladder(conn, match), ladders.could_count(conn, match)
        lines = [shell.told(conn, deed) for deed in audit.about(conn, f"match:{match_id}", 20)]
    winner = request.args.get("winner", type=int)
    came_from = local_path(request.args["from"]) if "from" in request.args else None
    return shell.page(
        "counter/match.html",
        "evening",
        match=match,
        names=names,
        ruling=ruling,
        lines=lines,
        counts=counts,
        could_count=could_count,
        winner=winner if winner in (0, 1) else None,
        ways=[_way(match_id, came_from, winner=side) for side in (0, 1)],
        by_buttons=forms.by_buttons(match.game, match.race_to),
        came_from=came_from,
        kept={"seen": forms.shown_score(match)} | ({} if came_from is None else {"from": came_from}),
    )


@blueprint.post("/counter/match/<match_id>")
@access("staff")
def put_right(match_id: str) -> Response:
    """Corrects, confirms or strikes off."""
    by, now, how = hall_staff().id, box().here().now, request.form.get("how")
    with box().store.write() as conn:
        match = _match(conn, match_id)
        if how == "confirm":
            confirm(conn, match_id, _two("a", "b"), by, now)
        elif how == "strike":
            forms.require_seen(match)
            strike(conn, match_id, by, now)
        else:
            forms.require_seen(match)
            winner, (won, lost) = request.form.get("winner", type=int), _two("won", "lost")
            correct(conn, match_id, (won, lost) if winner == 0 else (lost, won), by, now)
        came_from = local_path(request.form["from"]) if "from" in request.form else None
        return shell.done(conn, _way(match_id, came_from))


def _match(conn: sqlite3.Connection, match_id: str) -> Match:
    match = get_match(conn, match_id)
    if match is None:
        abort(404)
    return match


def _way(match_id: str, came_from: str | None, **more: int) -> str:
    """A match's page, which remembers where it leads back to."""
    values: dict[str, Any] = {"from": came_from, **more}
    return url_for("counter_matches.one", match_id=match_id, **values)


def _two(one: str, other: str) -> tuple[int, int]:
    a, b = request.form.get(one, -1, type=int), request.form.get(other, -1, type=int)
    if not (0 <= a <= MOST_POINTS and 0 <= b <= MOST_POINTS):
        abort(400)
    return a, b
