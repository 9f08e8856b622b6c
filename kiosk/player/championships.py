"""Season championships for everybody: the bracket as it stands."""

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from edge.hall import championships
from kiosk.box import box
from kiosk.who import access

blueprint = Blueprint("championships", __name__)


@blueprint.get("/championship")
@access("public")
def latest() -> Response | str:
    """The latest one, or that there is none."""
    with box().store.read() as conn:
        found = championships.championships(conn)
    if not found:
        return render_template("championship/none.html")
    return redirect(url_for("championships.one", championship_id=found[0].id), 303)


@blueprint.get("/championship/<championship_id>")
@access("public")
def one(championship_id: str) -> str:
    """A bracket, with the names of those who want to be seen."""
    with box().store.read() as conn:
        held = championships.get_championship(conn, championship_id)
        if held is None:
            abort(404)
        found = championships.bracket(conn, championship_id)
        others = [other for other in championships.championships(conn) if other.id != championship_id]
    return render_template("championship/one.html", bracket=found, others=others)
