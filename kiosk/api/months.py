"""What a month gives, for programs: awards, the lucky draw, and a player's own part in them."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, url_for

from edge.hall import awards, draw_entries, draws, groups, points, ratings, votes
from edge.hall.award_rules import Due
from edge.hall.awards import Award
from edge.hall.draw_entries import Missing, Ticket
from edge.hall.draws import Draw
from kiosk.api.bodies import asked_number
from kiosk.box import box
from kiosk.counter.forms import is_month
from kiosk.month_words import award_title, kind_title
from kiosk.player.boards import member_since, own_place
from kiosk.player.month import own_draws
from kiosk.who import access, current_visitor, logged_in

blueprint = Blueprint("months", __name__)

HISTORY, MOST_HISTORY = 12, 50


def require_month(text: str) -> str:
    """A month as it stands in an address; 404 for what is none, or has not begun."""
    if not is_month(text, box().here()):
        abort(404)
    return text


@blueprint.get("/api/awards/monthly/<month>")
@access("public")
def monthly(month: str) -> Response:
    require_month(month)
    with box().store.read() as conn:
        published, found = awards.is_published(conn, month), awards.awards_of_month(conn, month)
    return jsonify({"month": month, "published": published, "awards": [_award(one) for one in found]})


@blueprint.get("/api/my-awards")
@access("player")
def mine() -> Response:
    with box().store.read() as conn:
        found = awards.awards_of(conn, logged_in().id)
    return jsonify({"awards": [{"month": one.month, **_award(one, named=False)} for one in found]})


@blueprint.get("/api/my-profile/game")
@access("player")
def profile() -> Response:
    player, here = logged_in(), box().here()
    with box().store.read() as conn:
        rating = ratings.rating_of(conn, player.id)
        missing = draw_entries.missing(conn, player.id, here.month)
        may_vote = votes.is_open(conn, here.month, here) and votes.may_vote(conn, here.month, player.id)
        values = {
            "group": groups.group_of(conn, player.id),
            "points": points.points_of(conn, player.id, here.month),
            "draw": {"eligible": missing.eligible, "missing": _missing(missing)},
            "votes": {"open": may_vote, "given": sorted(votes.voted(conn, here.month, player.id))},
            "awards": len(awards.awards_of(conn, player.id)),
        }
    place = own_place(here.month)
    return jsonify(
        {
            "name": player.name,
            "member_since": member_since(player.created),
            "handedness": player.handedness,
            "games": list(player.games),
            "elo": round(rating.elo, 1),
            "fargo": round(rating.fargo, 1),
            "preliminary": rating.preliminary,
            "month": here.month,
            "rank": None if place is None else place.rank,
            **values,
        }
    )


@blueprint.get("/api/lucky-draw/current")
@access("public")
def current() -> Response:
    player = current_visitor().player
    with box().store.read() as conn:
        found = draws.current(conn)
        own = (
            {} if player is None or player.guest else {one.draw.id: one for one in own_draws(conn, player, found)}
        )
    return jsonify(
        {
            "draws": [
                {
                    **draw(held),
                    "own": {"ticket": _ticket(own[held.id].ticket), "missing": _missing(own[held.id].missing)}
                    if held.id in own
                    else None,
                }
                for held in found
            ]
        }
    )


@blueprint.get("/api/lucky-draw/history")
@access("public")
def history() -> Response:
    limit = asked_number("limit", HISTORY, least=1, most=MOST_HISTORY)
    with box().store.read() as conn:
        found = draws.history(conn, limit)
        lists = {held.id: draw_entries.numbered(conn, held.id) for held in found if held.seed is not None}
    return jsonify(
        {
            "draws": [
                {
                    **draw(held),
                    "list": lists.get(held.id),
                    "recipe": url_for("draws.recipe", draw_id=held.id) if held.id in lists else None,
                }
                for held in found
            ]
        }
    )


def draw(held: Draw) -> dict[str, Any]:
    """A draw as everybody may see it."""
    return {
        "id": held.id,
        "month": held.month,
        "prize": held.prize,
        "prizes": held.prizes,
        "state": held.state,
        "commitment": held.commitment,
        "tickets": held.tickets,
        "created_at": held.created_at,
        "replaces": held.replaces,
        "frozen_at": held.frozen_at,
        "entries_hash": held.entries_hash,
        "call": held.call,
        "seed": held.seed,
        "drawn_at": held.drawn_at,
        "voided_at": held.voided_at,
        "reason": held.reason,
        "winners": [_ticket(one) for one in held.winners],
    }


def award_for_staff(award: Award) -> dict[str, Any]:
    """An award with whose it is."""
    return {"id": award.id, "month": award.month, "player": award.player_id, **_award(award)}


def due_for_staff(due: Due) -> dict[str, Any]:
    """What somebody would get, and why."""
    return {
        "kind": due.kind,
        "title": kind_title(due.kind),
        "player": due.player_id,
        "name": due.name,
        "figure": due.figure,
    }


def _award(award: Award, *, named: bool = True) -> dict[str, Any]:
    name = {"name": award.name} if named else {}
    return {"kind": award.kind, "title": award_title(award), **name, "given_at": award.given_at}


def _ticket(ticket: Ticket | None) -> dict[str, Any] | None:
    if ticket is None:
        return None
    return {"ticket": ticket.ticket, "number": ticket.number, "place": ticket.place, "name": ticket.name}


def _missing(missing: Missing) -> dict[str, Any]:
    return {"sessions": missing.sessions, "points": missing.points}
