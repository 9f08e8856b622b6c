"""A player's own month: the way into the lucky draw, the own awards, and the two votes. Nobody else sees it."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.clock import month_before
from edge.hall import awards, draw_entries, draws, points, votes
from edge.hall.draw_entries import Missing, Ticket
from edge.hall.draws import Draw
from edge.hall.players import Player
from kiosk.box import box
from kiosk.who import access, logged_in

blueprint = Blueprint("month", __name__)

HELD_LOOKED_AT = 12  # of the latest draws, so many are looked through for own tickets


@dataclass(frozen=True, slots=True)
class OwnDraw:
    """A draw, and how a player stands with it."""

    draw: Draw
    ticket: Ticket | None
    missing: Missing


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote that a player has: of which month, for what, and whether it was given."""

    month: str
    kind: votes.Kind
    given: bool


@blueprint.get("/me/month")
@access("player", otherwise="check-in")
def index() -> str:
    """Everything of a player's month on one page."""
    player, here = logged_in(), box().here()
    with box().store.read() as conn:
        values = {
            "place": points.rank_of(conn, player.id, here.month),
            "missing": draw_entries.missing(conn, player.id, here.month),
            "own_draws": own_draws(conn, player, draws.current(conn)),
            "held": own_held(conn, player),
            "ballots": ballots(conn, player),
            "own_awards": awards.awards_of(conn, player.id),
        }
    return render_template(
        "me/month.html", player=player, month=here.month, voted="voted" in request.args, **values
    )


@blueprint.get("/me/month/vote/<month>/<kind>")
@access("player", otherwise="check-in")
def ballot(month: str, kind: str) -> str:
    """The names; whose is tapped has the vote. For whom one has voted is not shown."""
    player = logged_in()
    with box().store.read() as conn:
        asked = _asked(conn, player, month, kind)
        names = votes.candidates(conn, month, player.id)
    return render_template("me/vote.html", ballot=asked, names=names)


@blueprint.post("/me/month/vote/<month>/<kind>")
@access("player")
def give_vote(month: str, kind: str) -> Response:
    """Gives the vote, or changes it."""
    player, here = logged_in(), box().here()
    wanted = next((one for one in votes.KINDS if one == kind), None)
    if wanted is None or month not in _months():
        abort(404)
    with box().store.write() as conn:
        candidate = request.form.get("candidate", "")
        votes.vote(conn, month, wanted, voter=player.id, candidate=candidate, here=here)
    return redirect(url_for("month.index", voted=1), 303)


def own_draws(conn: sqlite3.Connection, player: Player, current: Iterable[Draw]) -> list[OwnDraw]:
    """These draws as a player stands with them."""
    return [
        OwnDraw(
            held,
            draw_entries.ticket_of(conn, held.id, player.id),
            draw_entries.missing(conn, player.id, held.month),
        )
        for held in current
    ]


def own_held(conn: sqlite3.Connection, player: Player) -> list[OwnDraw]:
    """The draws of this month and the last that were held with a ticket of this player's."""
    held = [one for one in draws.history(conn, HELD_LOOKED_AT) if one.state == "drawn" and one.month in _months()]
    return [one for one in own_draws(conn, player, held) if one.ticket is not None]


def ballots(conn: sqlite3.Connection, player: Player) -> list[Ballot]:
    """The votes that a player has now, of the last month as long as it is not published and of this one."""
    here = box().here()
    found = []
    for month in _months():
        if votes.is_open(conn, month, here) and votes.may_vote(conn, month, player.id):
            given = votes.voted(conn, month, player.id)
            found += [Ballot(month, kind, kind in given) for kind in votes.KINDS]
    return found


def _months() -> tuple[str, str]:
    """The months of which one can vote: the last one and this one."""
    this = box().here().month
    return month_before(this), this


def _asked(conn: sqlite3.Connection, player: Player, month: str, kind: str) -> Ballot:
    found = next((one for one in ballots(conn, player) if (one.month, one.kind) == (month, kind)), None)
    if found is None:
        abort(404)
    return found
