"""Calling staff from the table's screen; see `edge.hall.calls`."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from edge.hall import calls
from kiosk import limits
from kiosk.box import box
from kiosk.security import local_path
from kiosk.who import access, current_visitor

blueprint = Blueprint("calling", __name__)


@blueprint.post("/call")
@access("screen")
def call() -> Response | str:
    """Calls staff to this table; a second tap changes nothing."""
    limits.spend("call")
    here, player = box().here(), current_visitor().player
    with box().store.write() as conn:
        calls.call(conn, here.table_label, here.now, None if player is None else player.id)
    return _answer()


@blueprint.post("/call/take-back")
@access("screen")
def take_back() -> Response | str:
    """It is settled: nobody need come."""
    here = box().here()
    with box().store.write() as conn:
        calls.withdraw(conn, here.table_label, here.now)
    return _answer()


@blueprint.get("/call")
@access("screen", by_itself=True)
def state() -> str:
    """The button as it is now: it calls, or says that staff were called, or come."""
    return render_template("table/_call.html", back=local_path(request.args.get("back")))


@blueprint.app_template_global("own_call")
def own_call() -> str:
    """How this table's call stands: it is `open`, staff are `coming`, or there is none."""
    here = box().here()
    with box().store.read() as conn:
        if calls.call_at(conn, here.table_label) is not None:
            return "open"
        return "coming" if calls.is_coming(conn, here.table_label, here.now) else ""


def _answer() -> Response | str:
    back = local_path(request.form.get("back"))
    if "HX-Request" in request.headers:
        return render_template("table/_call.html", back=back)
    return redirect(back, 303)
