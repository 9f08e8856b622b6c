"""The lucky draw for everybody: what is promised, what came of it, and how to do it again."""

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from edge.hall import draw_entries, draws
from edge.hall.draw_recipe import check, entries_text, python_program, shell_program
from kiosk.box import box
from kiosk.player.month import own_draws
from kiosk.who import access, current_visitor

blueprint = Blueprint("draws", __name__)

HELD_SHOWN = 8


@blueprint.get("/boards/draw")
@access("public")
def index() -> str:
    """The draws to come with what they have promised, and those that were held."""
    player = current_visitor().player
    member = None if player is None or player.guest else player
    with box().store.read() as conn:
        current = draws.current(conn)
        history = draws.history(conn, HELD_SHOWN)
        own = {} if member is None else {one.draw.id: one for one in own_draws(conn, member, current)}
        missing = None if member is None else draw_entries.missing(conn, member.id, box().here().month)
    return render_template(
        "boards/draw.html",
        current=current,
        history=history,
        own=own,
        missing=missing,
        sessions=draw_entries.SESSIONS,
        points=draw_entries.HALF_POINTS / 2,
    )


@blueprint.get("/draw/<draw_id>/recipe")
@access("public")
def recipe(draw_id: str) -> Response | str:
    """Everything with which a draw can be done again, to be read or printed; before the draw, what it promised."""
    with box().store.read() as conn:
        held = draws.get_draw(conn, draw_id)
        if held is None:
            abort(404)
        if held.seed is None:
            return redirect(url_for("draws.index"), 303)
        found = draws.recipe(conn, draw_id)
        player = current_visitor().player
        own = None if player is None else draw_entries.ticket_of(conn, draw_id, player.id)
    return render_template(
        "draw/recipe.html",
        draw=held,
        recipe=found,
        own=own,
        steps=found.steps,
        fits=check(found),
        listed=entries_text(found.tickets),
        programs={"shell": shell_program(found), "python": python_program(found)},
    )
