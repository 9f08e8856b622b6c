"""Where staff check in: by name and PIN, at a table's screen or over HTTPS at the counter's own computer."""

import re

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.hall.players import get_player
from kiosk import limits, pin_check, who
from kiosk.box import box
from kiosk.counter.shell import COUNTER
from kiosk.lines import lines
from kiosk.player.check_in import asked_name, trouble_of
from kiosk.player.phones import hall_name
from kiosk.security import local_path
from kiosk.who import access, is_private_line, is_screen, require_private_line

blueprint = Blueprint("counter_enter", __name__)


@blueprint.get("/counter/enter")
@access("public")
def enter() -> str:
    """Asks for name and PIN; on the hall's plain network it tells where to go for that."""
    if is_private_line():
        return _page(asked_name() if is_screen() else "")
    host = re.sub(r":[0-9]+$", "", request.host)
    told = {"address": _address(host), "fingerprint": lines().fingerprint}
    return render_template("counter/elsewhere.html", next=_goes_on(), **told)


@blueprint.post("/counter/enter")
@access("public")
def check() -> Response | str:
    """Lets in who is of the hall's people and has typed the right PIN."""
    require_private_line()
    limits.spend("pin")
    name = request.form.get("name", "")[:60]
    verdict = pin_check.verify_name_here(name, request.form.get("pin", ""))
    if verdict.player_id is None:
        return _page(name, trouble_of(verdict), verdict.wait_s)
    response = redirect(_goes_on(), 303)
    with box().store.write() as conn:
        player = get_player(conn, verdict.player_id)
        if player is None or not player.staff:
            return _page("", "not_staff")
        who.log_in_staff(conn, response, player.id)
    return response


@blueprint.post("/counter/leave")
@access("public")
def leave() -> Response:
    """Closes what is the hall's; at a screen the session at the table goes on."""
    response = redirect(url_for("counter_enter.enter"), 303)
    with box().store.write() as conn:
        who.log_out(conn, response)
    return response


def _page(name: str, trouble: str = "", wait_s: float = 0.0) -> str:
    return render_template(
        "counter/enter.html",
        name=name,
        trouble=trouble,
        wait_s=wait_s,
        next=_goes_on(),
        address=_address(hall_name()) if is_screen() else None,
        fingerprint=lines().fingerprint,
    )


def _goes_on() -> str:
    """The page that staff came for, or the counter's first."""
    on = local_path(request.values.get("next"))
    return COUNTER if on == "/" else on


def _address(host: str | None) -> str | None:
    """The address of this page over HTTPS; None where there is no such."""
    port = lines().secure_port
    if host is None or port is None:
        return None
    at_port = "" if port == 443 else f":{port}"
    return f"https://{host}{at_port}{url_for('counter_enter.enter')}"
