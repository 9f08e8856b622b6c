"""A new PIN with a code from the counter, for whoever has forgotten the old one: at a screen, or over HTTPS."""

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from edge.hall import pin_resets, pins
from edge.hall.errors import HallError
from edge.hall.players import PlayerError
from kiosk import limits
from kiosk.box import box
from kiosk.player.check_in import let_in
from kiosk.who import access, require_private_line

blueprint = Blueprint("new_pin", __name__)

Page = str | tuple[str, int]


@blueprint.get("/check-in/code")
@access("public")
def code() -> str:
    """Asks for the code."""
    require_private_line()
    return render_template("check_in/code.html", code="")


@blueprint.post("/check-in/code")
@access("public")
def look_up() -> Page:
    """Asks for the new PIN, when the code is good."""
    require_private_line()
    limits.spend("claim")
    typed = request.form.get("code", "")[:20]
    with box().store.read() as conn:
        player = pin_resets.whose_code(conn, typed, box().here().now)
    if player is None:
        return _unknown(typed)
    return render_template("check_in/pin_by_code.html", code=typed, name=player.name)


@blueprint.post("/check-in/code/pin")
@access("public")
def set_pin() -> Response | Page:
    """Keeps the new PIN, which uses the code up, and lets its player in."""
    require_private_line()
    limits.spend("pin")
    typed = request.form.get("code", "")[:20]
    here = box().here()
    with box().store.read() as conn:
        player = pin_resets.whose_code(conn, typed, here.now)
    if player is None:
        return _unknown(typed)
    try:
        hashed = pins.hash_pin(box().keys().pins, request.form.get("pin", ""))
    except PlayerError as error:
        return render_template("check_in/pin_by_code.html", code=typed, name=player.name, error=error), 400
    try:
        with box().store.write() as conn:
            pin_resets.set_pin_by_code(conn, typed, hashed, here.now)
    except HallError:  # somebody else was quicker
        return _unknown(typed)
    return let_in(player.id, by_pin=True)


def _unknown(typed: str) -> Page:
    return render_template("check_in/code.html", code=typed, trouble=box().t("check_in.code.unknown")), 400
