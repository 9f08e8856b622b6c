"""A player's ladders: the own place, whom to challenge, what is to be played; and a ladder match at the table."""

import sqlite3
from datetime import date, timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from edge.hall import ladders
from edge.hall.ladders import Challenge, LadderError, MyLadder, Standing
from kiosk import ladder_words
from kiosk.box import box
from kiosk.ladder_lookup import get_challenge
from kiosk.player.say import may_speak, speaker
from kiosk.who import access, logged_in

blueprint = Blueprint("ladders", __name__)
for name, helper in ladder_words.HELPERS.items():
    blueprint.add_app_template_global(helper, name)

NEIGHBOURS = 2  # shown on either side of the own place, besides those who may be challenged
MATCHES_SHOWN = 20


@blueprint.get("/me/ladders")
@access("player", otherwise="check-in")
def index() -> str | Response:
    """The ladders one is on, each with the own place and its neighbours; of a single one all there is."""
    player, today = logged_in(), box().here().day
    with box().store.read() as conn:
        own = ladders.my_ladders(conn, player.id)
        if len(own) == 1:
            return redirect(url_for("ladders.ladder", ladder_id=own[0].ladder.id), 303)
        shown = [(mine, _around(_rows(conn, mine), mine)) for mine in own]
    return render_template("ladders/index.html", shown=shown, player=player, today=today)


@blueprint.get("/me/ladders/<ladder_id>")
@access("player", otherwise="check-in")
def ladder(ladder_id: str) -> str:
    """A whole ladder, for its members alone."""
    player, here = logged_in(), box().here()
    with box().store.read() as conn:
        own = ladders.my_ladders(conn, player.id)
        mine = _mine(own, ladder_id)
        pending = ladders.challenges(conn, ladder_id)
        divisions = [(one, ladders.standings(conn, ladder_id, one.id)) for one in mine.ladder.divisions]
        played = ladders.own_matches(conn, ladder_id, player.id, MATCHES_SHOWN)
    together = next(rows for one, rows in divisions if one.id == mine.division.id)
    may = ladders.may_challenge(mine.ladder.terms, mine.standing, together, pending)
    return render_template(
        "ladders/ladder.html",
        mine=mine,
        several=len(own) > 1,
        divisions=[(one, rows, _arrows(rows, pending)) for one, rows in divisions],
        size=len(together),
        played=played,
        player=player,
        today=here.day,
        may={row.player_id for row in may},
    )


@blueprint.get("/me/ladders/<ladder_id>/challenge/<player_id>")
@access("player", otherwise="check-in")
def challenge(ladder_id: str, player_id: str) -> str:
    """Asks once more, with what follows."""
    with box().store.read() as conn:
        mine = _mine(ladders.my_ladders(conn, logged_in().id), ladder_id)
        above = ladders.whom_to_challenge(conn, mine)
    other = next((row for row in above if row.player_id == player_id), None)
    if other is None:
        raise LadderError("challenge_range")
    terms = mine.ladder.terms
    until = date.fromisoformat(box().here().day) + timedelta(days=terms.challenge_days)
    return render_template(
        "ladders/sure.html",
        what="challenge",
        name=other.name,
        terms=terms,
        until=until.isoformat(),
        back=url_for("ladders.ladder", ladder_id=ladder_id),
    )


@blueprint.post("/me/ladders/<ladder_id>/challenge/<player_id>")
@access("player")
def make_challenge(ladder_id: str, player_id: str) -> Response:
    """Challenges; the same again is the same."""
    player = logged_in()
    with box().store.write() as conn:
        ladders.challenge(conn, ladder_id, player.id, player_id, box().here())
    return redirect(url_for("ladders.ladder", ladder_id=ladder_id), 303)


@blueprint.get("/me/challenges/<challenge_id>/<any(decline, withdraw):what>")
@access("player", otherwise="check-in")
def end_challenge(challenge_id: str, what: str) -> str:
    """Asks once more whether a challenge is to be declined, or withdrawn."""
    with box().store.read() as conn:
        known = _own_challenge(conn, challenge_id)
    other = known.names[1 - known.players.index(logged_in().id)]
    back = url_for("ladders.ladder", ladder_id=known.ladder_id)
    return render_template("ladders/sure.html", what=what, name=other, back=back)


@blueprint.post("/me/challenges/<challenge_id>/<any(decline, withdraw):what>")
@access("player")
def ended(challenge_id: str, what: str) -> Response:
    """Declines or withdraws; twice is once."""
    player, now = logged_in(), box().here().stamp
    with box().store.write() as conn:
        known = _own_challenge(conn, challenge_id)
        if what == "decline":
            ladders.decline(conn, challenge_id, player.id, now)
        else:
            ladders.withdraw_challenge(conn, challenge_id, player.id, now)
    return redirect(url_for("ladders.ladder", ladder_id=known.ladder_id), 303)


@blueprint.post("/table/ladder")
@access("screen", "guest")
def count() -> Response | str:
    """Whoever stands at the table says, before anybody has scored, for which ladder the match counts, or none. The
    scoreboard says so by itself."""
    ladder_id = request.form.get("ladder") or None
    with box().store.write() as conn:
        sitting = box().sitting(conn)
        may_speak(sitting)
        if sitting.match is None:
            abort(400)
        ladders.put_on_ladder(conn, sitting.match.id, ladder_id, speaker(), box().here().stamp)
    return "" if "HX-Request" in request.headers else redirect("/", 303)


def _mine(own: list[MyLadder], ladder_id: str) -> MyLadder:
    """A ladder of one's own; answers 404 for any other, so that nobody learns what there is."""
    found = next((mine for mine in own if mine.ladder.id == ladder_id), None)
    if found is None:
        abort(404)
    return found


def _own_challenge(conn: sqlite3.Connection, challenge_id: str) -> Challenge:
    known = get_challenge(conn, challenge_id)
    if logged_in().id not in known.players:
        abort(404)
    return known


def _rows(conn: sqlite3.Connection, mine: MyLadder) -> list[Standing]:
    return ladders.standings(conn, mine.ladder.id, mine.division.id)


def _around(rows: list[Standing], mine: MyLadder) -> list[Standing]:
    """Those whom one can reach, and the nearest below."""
    reach, own = max(mine.ladder.terms.challenge_range, NEIGHBOURS), mine.standing.place
    return [row for row in rows if -reach <= row.place - own <= NEIGHBOURS]


def _arrows(rows: list[Standing], pending: list[Challenge]) -> Markup:
    """The challenges of a division, without a word of how they stand."""
    places = {row.player_id: row.place for row in rows}
    inside = [one.players for one in pending if set(one.players) <= places.keys()]
    return ladder_words.arrows_svg([(places[a], places[b], "open") for a, b in inside], len(rows))
