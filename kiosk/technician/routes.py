"""The pages of staff and technicians: how the table plays and how well the box sees."""

from flask import Blueprint, render_template

from kiosk.box import box
from kiosk.live_state import default_table
from kiosk.technician.condition import condition_page
from kiosk.who import access

blueprint = Blueprint("technician", __name__)


@blueprint.get("/condition")
@access("public")
def condition() -> str:
    """The table's condition as its shots tell it."""
    reading = box().reading()
    page = condition_page(reading.learnt, reading.table or default_table(), box().t)
    return render_template("technician/condition.html", page=page)
