"""The lucky draw at the counter: made, its list fixed, drawn before the room, and what was thrown away and why."""

from typing import get_args

from flask import Blueprint, abort, redirect, request, url_for
from flask import render_template as render
from werkzeug.wrappers import Response

from edge.facts import uuid7
from edge.hall import draw_entries, draws
from edge.hall.draws import CALL_CHARS, MOST_PRIZES, PRIZE_CHARS, Draw, Reason, State
from edge.hall.errors import HallError
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.player.codes import qr_svg
from kiosk.player.phones import hall_address
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_draw", __name__)

HISTORY_SHOWN = 12

# Why a draw may end so: nobody was absent before anybody had won.
REASONS: dict[State, tuple[Reason, ...]] = {
    "open": ("mistake", "cancelled"),
    "frozen": ("mistake", "doubt", "cancelled"),
    "drawn": ("absent", "mistake", "doubt"),
    "voided": (),
}


@blueprint.get("/counter/draw")
@access("staff", otherwise="check-in")
def index() -> str:
    """The draws that are still to be held, a new one, and those that were."""
    return _index()


@blueprint.post("/counter/draw")
@access("staff")
def create() -> Response | str:
    """A new draw; a prize that can't be comes back as it was typed."""
    month, prize = request.form.get("month", ""), request.form.get("prize", "")
    prizes = request.form.get("prizes", 0, type=int)
    if month not in forms.recent_months(box().here()):
        abort(400)
    try:
        with box().store.write() as conn:
            made = draws.create(
                conn,
                month,
                prize,
                by=hall_staff().id,
                now=box().here().stamp,
                prizes=prizes,
                draw_id=forms.once(),
            )
            return shell.done(conn, url_for("counter_draw.one", draw_id=made.id))
    except HallError as error:
        return _index(month, prize[: 2 * PRIZE_CHARS[1]], prizes, shell.trouble_text(error.key))


@blueprint.get("/counter/draw/<draw_id>")
@access("staff", otherwise="check-in")
def one(draw_id: str) -> str:
    """A draw with its entries by name, and what can be done next."""
    with box().store.read() as conn:
        held = draws.get_draw(conn, draw_id)
        if held is None:
            abort(404)
        entries = draw_entries.entries(conn, draw_id)
        replaced_by = draws.replacement_of(conn, draw_id)
    return shell.page(
        "counter/draw/one.html",
        "month",
        draw=held,
        entries=entries,
        replaced_by=replaced_by,
        reasons=REASONS[held.state],
        most_prizes=MOST_PRIZES,
    )


@blueprint.post("/counter/draw/<draw_id>/fill")
@access("staff")
def fill(draw_id: str) -> Response:
    """The entries as the facts stand now."""
    with box().store.write() as conn:
        draws.populate(conn, draw_id, by=hall_staff().id, now=box().here().stamp)
        return shell.done(conn, url_for("counter_draw.one", draw_id=draw_id))


@blueprint.post("/counter/draw/<draw_id>/freeze")
@access("staff")
def freeze(draw_id: str) -> Response:
    """The list is fixed and numbered."""
    with box().store.write() as conn:
        draws.freeze(conn, draw_id, by=hall_staff().id, now=box().here().stamp)
        return shell.done(conn, url_for("counter_draw.one", draw_id=draw_id))


@blueprint.get("/counter/draw/<draw_id>/stage")
@access("staff", otherwise="check-in")
def stage(draw_id: str) -> Response | str:
    """The draw itself, for the room to see; nothing on it is for staff alone."""
    with box().store.read() as conn:
        held = draws.get_draw(conn, draw_id)
    if held is None:
        abort(404)
    if held.state not in ("frozen", "drawn"):
        return redirect(url_for("counter_draw.one", draw_id=draw_id), 303)
    return _stage(held)


@blueprint.post("/counter/draw/<draw_id>/stage")
@access("staff")
def draw(draw_id: str) -> Response | str:
    """Draws with what the room called; a call that can't be comes back as it was typed."""
    call = request.form.get("call", "")
    try:
        with box().store.write() as conn:
            draws.draw(conn, draw_id, call, by=hall_staff().id, now=box().here().stamp)
    except HallError as error:
        if not error.key.startswith("call_"):
            raise
        with box().store.read() as conn:
            held = draws.get_draw(conn, draw_id)
        assert held is not None  # it was frozen, or another error would have come
        return _stage(held, call[: 2 * CALL_CHARS[1]], shell.trouble_text(error.key))
    return redirect(url_for("counter_draw.stage", draw_id=draw_id), 303)


@blueprint.get("/counter/draw/<draw_id>/awake")
@access("staff")
def awake(draw_id: str) -> tuple[str, int]:  # noqa: ARG001
    """Whoever types and taps on the stage is still there, however long the room takes to make up its call."""
    return "", 204


@blueprint.post("/counter/draw/<draw_id>/end")
@access("staff")
def end(draw_id: str) -> Response:
    """A draw does not hold, and another begins in its place or none does."""
    reason: Reason | None = next((one for one in get_args(Reason) if one == request.form.get("reason")), None)
    how, by, now = request.form.get("how"), hall_staff().id, box().here().stamp
    prizes = request.form.get("prizes", type=int)
    if reason is None or how not in ("void", "redraw"):
        abort(400)
    with box().store.write() as conn:
        if how == "void":
            draws.void(conn, draw_id, reason, by=by, now=now)
            return shell.done(conn, url_for("counter_draw.index"))
        made = draws.redraw(conn, draw_id, reason, by=by, now=now, prizes=prizes)
        return shell.done(conn, url_for("counter_draw.one", draw_id=made.id))


def _index(month: str = "", prize: str = "", prizes: int = 1, wrong: str = "") -> str:
    with box().store.read() as conn:
        current, history = draws.current(conn), draws.history(conn, HISTORY_SHOWN)
    return shell.page(
        "counter/draw/index.html",
        "month",
        current=current,
        history=history,
        months=forms.recent_months(box().here()),
        month=month or forms.recent_months(box().here())[0],
        prize=prize,
        prizes=prizes,
        wrong=wrong,
        once=uuid7(),
        most=PRIZE_CHARS[1],
        most_prizes=MOST_PRIZES,
    )


def _stage(held: Draw, call: str = "", wrong: str = "") -> str:
    address = hall_address()
    recipe = None if address is None else f"{address}{url_for('draws.recipe', draw_id=held.id)}"
    return render(
        "counter/draw/stage.html",
        draw=held,
        call=call,
        wrong=wrong,
        recipe=recipe,
        qr=None if recipe is None or held.state != "drawn" else qr_svg(recipe),
        most=CALL_CHARS[1],
    )
