"""The boards, for everybody: the month, the Hall of Fame, the groups, the awards.

The top ten, and to each their own place.
"""

from flask import Blueprint, abort, render_template, request

from edge.clock import from_stamp, month_before
from edge.hall import awards as hall_awards
from edge.hall import championships, points
from edge.hall.occasion import hall_day
from edge.hall.points import OwnRank
from edge.hall.roster import roster
from kiosk.box import box
from kiosk.who import access, current_visitor

blueprint = Blueprint("boards", __name__)

NAMES_OF_A_GROUP = 24  # as many as fit on the table's screen


@blueprint.get("/boards")
@access("public")
def month() -> str:
    """The month's top ten, of this month or the last."""
    this = box().here().month
    months = (this, month_before(this))
    asked = request.args.get("month", this)
    if asked not in months:
        abort(404)
    with box().store.read() as conn:
        places = points.month_board(conn, asked)
    return render_template(
        "boards/month.html", places=places, months=months, month=asked, own=own_place(asked), own_id=_own_id()
    )


@blueprint.get("/boards/fame")
@access("public")
def fame() -> str:
    """The top ten of all time."""
    with box().store.read() as conn:
        places = points.hall_of_fame(conn)
    since = {place.player_id: member_since(place.member_since) for place in places}
    return render_template("boards/fame.html", places=places, since=since, own=own_place(None), own_id=_own_id())


@blueprint.get("/boards/groups")
@access("public")
def groups() -> str:
    """Elite and Active, by name."""
    with box().store.read() as conn:
        found = roster(conn, box().here().day, NAMES_OF_A_GROUP)
    return render_template("boards/groups.html", roster=found)


@blueprint.get("/boards/awards")
@access("public")
def awards() -> str:
    """The awards of a month that was published, the last one unless told."""
    with box().store.read() as conn:
        months = hall_awards.published_months(conn)
        asked = request.args.get("month", months[0] if months else None)
        if "month" in request.args and asked not in months:
            abort(404)
        found = [] if asked is None else hall_awards.awards_of_month(conn, asked)
        seasons = championships.championships(conn)
    at = months.index(asked) if asked is not None else 0
    return render_template(
        "boards/awards.html",
        month=asked,
        awards=found,
        newer=months[at - 1] if at else None,
        older=months[at + 1] if at + 1 < len(months) else None,
        seasons=seasons,
        own_id=_own_id(),
    )


def own_place(month: str | None) -> OwnRank | None:
    """Where the visitor stands, of a month or of all time, for their own eyes."""
    player_id = _own_id()
    if player_id is None:
        return None
    with box().store.read() as conn:
        return points.rank_of(conn, player_id, month)


def member_since(created: str) -> str:
    """The hall's month in which somebody signed up, as `2025-10`."""
    return hall_day(from_stamp(created), box().settings.hall.zone)[:7]


def _own_id() -> str | None:
    player = current_visitor().player
    return None if player is None or player.guest else player.id
