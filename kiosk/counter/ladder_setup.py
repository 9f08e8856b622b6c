"""A ladder's making: its name and terms, its divisions, closing it and opening it again."""

from dataclasses import dataclass

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response

from edge.facts import uuid7
from edge.hall import ladders, standing
from edge.hall.ladders import LadderError, Terms
from edge.hall.ladders.model import MOST_DAYS, MOST_RANGE
from edge.hall.players import GAMES
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.ladder_lookup import get_ladder
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_ladder_setup", __name__)

DIVISIONS_ASKED = 3
USUAL = Terms("")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form of a new ladder."""

    terms: Terms
    divisions: tuple[str, ...]


@blueprint.get("/counter/ladders/new")
@access("staff", otherwise="check-in")
def new() -> str:
    """A new ladder: a name will do, the rest can stay as it is."""
    first = box().t("counter_ladders.first_division")
    return _new_page(Typed(USUAL, (first,)), uuid7())


@blueprint.post("/counter/ladders/new")
@access("staff")
def make() -> Response | tuple[str, int]:
    """Makes it; sent twice, once. What can't be is said above what was typed."""
    names = tuple(name for name in request.form.getlist("division") if name.strip())[:DIVISIONS_ASKED]
    once, typed = forms.once(), Typed(_terms(), names)
    by, stamp = hall_staff().id, box().here().stamp
    try:
        with box().store.write() as conn:
            found = ladders.create_ladder(conn, typed.terms, typed.divisions, by, stamp, ladder_id=once)
            return shell.done(conn, url_for("counter_ladders.ladder", ladder_id=found.id))
    except LadderError as error:
        return _new_page(typed, once, error.key), 400


@blueprint.get("/counter/ladders/<ladder_id>/setup")
@access("staff", otherwise="check-in")
def setup(ladder_id: str) -> str:
    """Name, terms, divisions, and the end."""
    with box().store.read() as conn:
        found = get_ladder(conn, ladder_id)
        sizes = ladders.division_sizes(conn, ladder_id)
    return shell.page(
        "counter/ladders/setup.html",
        "ladders",
        ladder=found,
        sizes=sizes,
        terms=found.terms,
        **_choices(),
    )


@blueprint.post("/counter/ladders/<ladder_id>/setup")
@access("staff")
def change(ladder_id: str) -> Response:
    """Another name or other terms, from now on."""
    way = url_for("counter_ladder_setup.setup", ladder_id=ladder_id)
    with box().store.write() as conn:
        get_ladder(conn, ladder_id)
        ladders.change_terms(conn, ladder_id, _terms(), hall_staff().id, box().here().stamp)
        return shell.done(conn, way)


@blueprint.post("/counter/ladders/<ladder_id>/divisions")
@access("staff")
def divisions(ladder_id: str) -> Response:
    """One more, another name for one, or one that is empty taken away."""
    by, stamp = hall_staff().id, box().here().stamp
    how, division_id = request.form.get("how", ""), request.form.get("division", "")
    name = request.form.get("name", "")
    way = url_for("counter_ladder_setup.setup", ladder_id=ladder_id)
    with box().store.write() as conn:
        known = {one.id: one.name for one in get_ladder(conn, ladder_id).divisions}
        if how == "add":
            ladders.add_division(conn, ladder_id, name, by, stamp, above=division_id or None)
        elif how == "rename" and known.get(division_id) != name:
            ladders.rename_division(conn, division_id, name, by, stamp)
        elif how == "remove" and division_id in known:
            ladders.remove_division(conn, division_id, by, stamp)
        elif how not in ("rename", "remove"):
            abort(400)
        return shell.done(conn, way)


@blueprint.post("/counter/ladders/<ladder_id>/close")
@access("staff")
def close(ladder_id: str) -> Response:
    """The ladder is over, or goes on."""
    by, here, how = hall_staff().id, box().here(), request.form.get("how")
    with box().store.write() as conn:
        get_ladder(conn, ladder_id)
        if how == "close":
            ladders.close_ladder(conn, ladder_id, by, here.stamp)
        elif how == "reopen":
            changed = ladders.reopen_ladder(conn, ladder_id, by, here.stamp)
            standing.settle(conn, sorted(changed), here.now)
        else:
            abort(400)
        return shell.done(conn, url_for("counter_ladders.ladder", ladder_id=ladder_id))


def _new_page(typed: Typed, once: str, trouble: str | None = None) -> str:
    blanks = ("",) * (DIVISIONS_ASKED - len(typed.divisions))
    return shell.page(
        "counter/ladders/new.html",
        "ladders",
        terms=typed.terms,
        division_names=typed.divisions + blanks,
        once=once,
        refused=None if trouble is None else shell.trouble_text(trouble),
        **_choices(),
    )


def _terms() -> Terms:
    form = request.form
    return Terms(
        form.get("name", ""),
        form.get("game") or None,
        form.get("race", 0, type=int),
        form.get("range", 0, type=int),
        form.get("days", 0, type=int),
    )


def _choices() -> dict[str, object]:
    """What can be chosen of terms."""
    return {"games": GAMES, "most_range": MOST_RANGE, "most_days": MOST_DAYS}
