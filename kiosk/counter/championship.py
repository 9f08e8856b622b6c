"""Season championships at the counter: the bracket, and what was played in it."""

import sqlite3
from dataclasses import dataclass

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response

from edge.clock import month_before
from edge.facts import uuid7
from edge.hall import championship_results, championships
from edge.hall.brackets import Tie
from edge.hall.championships import SIZES, Bracket, Championship, Node, months_of, quarter_of
from edge.hall.matches import MOST_RACKS, get_match
from edge.hall.players import GAMES
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.counter.deed_words import match_words, name_of
from kiosk.who import access, hall_staff
from kiosk.wording import short_date

blueprint = Blueprint("counter_championship", __name__)

RACES = (3, 5, 7, 9)
POINTS = (50, 75, 100)  # of straight pool


@dataclass(frozen=True, slots=True)
class Fitting:
    """A match that can be linked, in words."""

    match_id: str
    day: str
    words: str


@blueprint.get("/counter/championships")
@access("staff", otherwise="check-in")
def index() -> str:
    """The championships, and a new one."""
    quarters = _quarters()
    with box().store.read() as conn:
        found = championships.championships(conn)
        winners = {held.id: championships.bracket(conn, held.id).champion for held in found}
        champions = {key: name_of(conn, one.player_id) for key, one in winners.items() if one is not None}
        counts = {quarter: len(championships.qualified(conn, quarter)) for quarter in quarters}
    return shell.page(
        "counter/championship/index.html",
        "month",
        found=found,
        champions=champions,
        quarters=quarters,
        counts=counts,
        games=GAMES,
        races=RACES,
        points=POINTS,
        sizes=SIZES,
    )


@blueprint.post("/counter/championships")
@access("staff")
def create() -> Response:
    """A championship begins. The same quarter and game a second time is refused, so twice is once."""
    size = request.form.get("size", "")
    if size != "all" and not size.isdecimal():
        abort(400)
    game, race = forms.asked_play()
    with box().store.write() as conn:
        made = championships.create(
            conn,
            request.form.get("quarter", ""),
            game,
            race,
            None if size == "all" else int(size[:3]),
            by=hall_staff().id,
            here=box().here(),
        )
        return shell.done(conn, url_for("counter_championship.one", championship_id=made.id))


@blueprint.get("/counter/championships/<championship_id>")
@access("staff", otherwise="check-in")
def one(championship_id: str) -> str:
    """The bracket; a tap on a match leads to its result."""
    with box().store.read() as conn:
        found = _bracket(conn, championship_id)
        names = _names(conn, found)
    return shell.page("counter/championship/one.html", "month", bracket=found, names=names)


@blueprint.get("/counter/championships/<championship_id>/<int:number>")
@access("staff", otherwise="check-in")
def tie(championship_id: str, number: int) -> str:
    """One match of the bracket, and every way to say how it ended."""
    with box().store.read() as conn:
        found = _bracket(conn, championship_id)
        node = _node(found, number)
        names = _names(conn, found)
        fitting = _fitting(conn, found.championship, node.tie)
    winner = request.args.get("winner", type=int)
    if winner not in (None, 0, 1):
        abort(400)
    return shell.page(
        "counter/championship/tie.html",
        "month",
        bracket=found,
        node=node,
        names=names,
        fitting=fitting,
        begun=found.begun,
        winner=winner if node.tie.status == "ready" else None,
        by_buttons=found.championship.race_to <= MOST_RACKS,
        once=uuid7(),
    )


@blueprint.post("/counter/championships/<championship_id>/<int:number>")
@access("staff")
def enter(championship_id: str, number: int) -> Response:
    """How a match ended: entered here, one that was played already, without a match, or nothing after all."""
    by, here, how = hall_staff().id, box().here(), request.form.get("how")
    with box().store.write() as conn:
        _require(conn, championship_id)
        if how == "enter":
            championship_results.enter(
                conn,
                championship_id,
                number,
                winner=request.form.get("winner", ""),
                lost=request.form.get("lost", -1, type=int),
                match_id=forms.once(),
                by=by,
                here=here,
            )
        elif how == "link":
            match_id = request.form.get("match", "")
            championship_results.set_result(conn, championship_id, number, match_id, by=by, now=here.stamp)
        elif how == "walkover":
            player_id = request.form.get("player", "")
            championship_results.walk_over(conn, championship_id, number, player_id, by=by, now=here.stamp)
        elif how == "clear":
            championship_results.clear_result(conn, championship_id, number, by=by, now=here.stamp)
        else:
            abort(400)
        return shell.done(conn, url_for("counter_championship.one", championship_id=championship_id))


@blueprint.get("/counter/championships/<championship_id>/replace")
@access("staff", otherwise="check-in")
def instead(championship_id: str) -> str:
    """Who plays in somebody's place, under that seed."""
    player_id, begin = request.args.get("player", ""), request.args.get("name", "")[:40]
    with box().store.read() as conn:
        found = _bracket(conn, championship_id)
        names = _names(conn, found)
        if player_id not in names:
            abort(404)
        found_members = forms.by_name(forms.members(conn, begin, box().here()))
        others = [one for one in found_members if one.id not in names and one.visible]
    return shell.page(
        "counter/championship/replace.html",
        "month",
        bracket=found,
        player_id=player_id,
        who=names[player_id],
        others=others,
        begin=begin,
    )


@blueprint.post("/counter/championships/<championship_id>/replace")
@access("staff")
def replace(championship_id: str) -> Response:
    """Somebody else plays in a member's place."""
    player_id, other = request.form.get("player", ""), request.form.get("instead", "")
    with box().store.write() as conn:
        _require(conn, championship_id)
        championships.replace(conn, championship_id, player_id, other, by=hall_staff().id, now=box().here().stamp)
        return shell.done(conn, url_for("counter_championship.one", championship_id=championship_id))


@blueprint.post("/counter/championships/<championship_id>/cancel")
@access("staff")
def cancel(championship_id: str) -> Response:
    """The championship is called off."""
    with box().store.write() as conn:
        _require(conn, championship_id)
        championships.cancel(conn, championship_id, by=hall_staff().id, now=box().here().stamp)
        return shell.done(conn, url_for("counter_championship.index"))


def _quarters() -> tuple[str, str]:
    """This quarter and the one before."""
    this = quarter_of(box().here().month)
    return this, quarter_of(month_before(months_of(this)[0]))


def _require(conn: sqlite3.Connection, championship_id: str) -> None:
    if championships.get_championship(conn, championship_id) is None:
        abort(404)


def _bracket(conn: sqlite3.Connection, championship_id: str) -> Bracket:
    _require(conn, championship_id)
    return championships.bracket(conn, championship_id)


def _node(found: Bracket, number: int) -> Node:
    node = next((node for nodes in found.rounds for node in nodes if node.tie.number == number), None)
    if node is None:
        abort(404)
    return node


def _names(conn: sqlite3.Connection, found: Bracket) -> dict[str, str]:
    """Everybody's name, as staff see it."""
    sides = [side for node in found.rounds[0] for side in node.sides if side is not None]
    return {side.player_id: name_of(conn, side.player_id) for side in sides}


def _fitting(conn: sqlite3.Connection, held: Championship, tie: Tie) -> list[Fitting]:
    if held.cancelled:
        return []
    found = []
    for match_id in championship_results.fitting(conn, held, tie):
        match = get_match(conn, match_id)
        assert match is not None  # it was just found
        found.append(Fitting(match_id, short_date(match.day), match_words(conn, match)))
    return found
