"""Which matches count for a ladder: staff put one on it that was forgotten, or take one off."""

from datetime import timedelta

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response

from edge.clock import stamp
from edge.hall import ladders, standing
from edge.hall.matches import get_match
from kiosk.box import box
from kiosk.counter import shell
from kiosk.counter.deed_words import match_words
from kiosk.ladder_lookup import get_ladder
from kiosk.security import local_path
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_ladder_matches", __name__)

PLAYED_SHOWN, OTHERS_SHOWN = 60, 30
BACK = timedelta(days=31)  # so far back a match can be put on the list; an older one has its own page


@blueprint.get("/counter/ladders/<ladder_id>/matches")
@access("staff", otherwise="check-in")
def matches(ladder_id: str) -> str:
    """What was played for a ladder, and what its members played beside it."""
    with box().store.read() as conn:
        found = get_ladder(conn, ladder_id)
        played = ladders.ladder_matches(conn, ladder_id, PLAYED_SHOWN)
        others = ladders.could_be_put(conn, ladder_id, stamp(box().here().now - BACK), OTHERS_SHOWN)
        lines = [(match, match_words(conn, match)) for match in others]
    return shell.page("counter/ladders/matches.html", "ladders", ladder=found, played=played, others=lines)


@blueprint.post("/counter/match/<match_id>/ladder")
@access("staff")
def put(match_id: str) -> Response:
    """Says for which ladder a match counts, or for none; whatever follows for badges follows at once."""
    by, now = hall_staff().id, box().here().now
    with box().store.write() as conn:
        if get_match(conn, match_id) is None:
            abort(404)
        ladder_id = request.form.get("ladder") or None
        changed = ladders.put_on_ladder(conn, match_id, ladder_id, by, stamp(now), staff=True)
        standing.settle(conn, sorted(changed), now)
        own = url_for("counter_matches.one", match_id=match_id)
        return shell.done(conn, local_path(request.form.get("back", own)))
