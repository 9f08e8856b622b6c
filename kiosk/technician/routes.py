"""The pages of staff and technicians: how the table plays, how well the box sees, and how the box itself is."""

from flask import Blueprint, render_template

from kiosk.box import box
from kiosk.live_state import default_table
from kiosk.technician.condition import condition_page
from kiosk.technician.health_page import HealthPage, health_page
from kiosk.who import access

blueprint = Blueprint("technician", __name__)


@blueprint.get("/condition")
@access("public")
def condition() -> str:
    """The table's condition as its shots tell it."""
    reading = box().reading()
    page = condition_page(reading.learnt, reading.table or default_table(), box().t)
    return render_template("technician/condition.html", page=page)


@blueprint.get("/health")
@access("screen", "staff", otherwise="check-in")
def health() -> str:
    """What the box's checks found, for who stands at it and for staff."""
    return render_template("technician/health.html", page=_health_page(), now=box().here().now)


@blueprint.get("/health/now")
@access("screen", "staff", otherwise="check-in", by_itself=True)
def health_now() -> str:
    """The same as it is now, for the page that is open."""
    return render_template("technician/_health.html", page=_health_page(), now=box().here().now)


def _health_page() -> HealthPage:
    return health_page(box().health.findings(), box().t)
