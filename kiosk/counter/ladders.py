"""Ladders at the counter: what waits for staff, the ladders, and their members in order, moved by two taps."""

import sqlite3
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from edge.hall import ladders, players
from edge.hall.ladders import Challenge, Division, Ladder, Standing
from edge.hall.ladders.confirming import confirm_all
from edge.hall.results import Score, confirm
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.ladder_lookup import get_ladder
from kiosk.ladder_words import arrows_svg
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_ladders", __name__)

WAITING_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A division as it is drawn: its rungs, and what is to be played on it by whom who challenges."""

    division: Division
    rows: list[Standing]
    challenges: dict[str, Challenge]
    arrows: Markup


@dataclass(frozen=True, slots=True)
class Chosen:
    """The member whose place staff are about to change. `may` are those whom the rules let them challenge."""

    row: Standing
    division: Division
    may: list[Standing]


@blueprint.get("/counter/ladders")
@access("staff", otherwise="check-in")
def index() -> str:
    """What waits for staff first, then the ladders."""
    here = box().here()
    with box().store.read() as conn:
        waiting = ladders.to_confirm(conn, WAITING_SHOWN)
        overdue = ladders.overdue(conn, here.day)
        found = [_in_short(conn, ladder) for ladder in ladders.ladders(conn)]
        closed = ladders.ladders(conn, closed=True)
    return shell.page(
        "counter/ladders/index.html",
        "ladders",
        waiting=waiting,
        overdue=overdue,
        found=found,
        closed=closed,
        today=here.day,
    )


@blueprint.post("/counter/ladders/confirm")
@access("staff")
def confirm_seen() -> Response:
    """One match, or all that were on the page, as they were seen there."""
    seen = [_seen(text) for text in request.form.getlist("match")]
    by, now = hall_staff().id, box().here().now
    with box().store.write() as conn:
        if len(seen) == 1:
            confirm(conn, *seen[0], by, now)
        else:
            done, changed = confirm_all(conn, seen, by, now)
            if changed or not done:
                return redirect(
                    url_for("counter_ladders.index", trouble="result_changed" if changed else None), 303
                )
        return shell.done(conn, url_for("counter_ladders.index"))


@blueprint.get("/counter/ladders/<ladder_id>")
@access("staff", otherwise="check-in")
def ladder(ladder_id: str) -> str:
    """A ladder: its divisions side by side. With `member`, every rung is a place to put that member."""
    here = box().here()
    with box().store.read() as conn:
        found = get_ladder(conn, ladder_id)
        pending = ladders.challenges(conn, ladder_id)
        columns = [_column(conn, found, division, pending, here.day) for division in found.divisions]
        chosen = _chosen(found, columns, pending, request.args.get("member", ""))
        unconfirmed = ladders.count_to_confirm(conn, ladder_id)
    return shell.page(
        "counter/ladders/ladder.html",
        "ladders",
        ladder=found,
        columns=columns,
        chosen=chosen,
        pending=pending,
        unconfirmed=unconfirmed,
        today=here.day,
    )


@blueprint.post("/counter/ladders/<ladder_id>/place")
@access("staff")
def place(ladder_id: str) -> Response:
    """Puts a member at a place, or at a division's end; who has left meanwhile stays away."""
    division_id, _, number = request.form.get("to", "").partition(":")
    if number and not (number.isascii() and number.isdigit() and len(number) < 6):
        abort(400)
    player_id, wanted = request.form.get("player", ""), int(number) if number else None
    by, stamp = hall_staff().id, box().here().stamp
    with box().store.write() as conn:
        division = get_ladder(conn, ladder_id).division(division_id)
        ladders.place_member(conn, division.id, player_id, by, stamp, place=wanted)
        return shell.done(conn, url_for("counter_ladders.ladder", ladder_id=ladder_id))


@blueprint.post("/counter/ladders/<ladder_id>/remove")
@access("staff")
def remove(ladder_id: str) -> Response:
    """Takes a member off; sent twice, once."""
    with box().store.write() as conn:
        get_ladder(conn, ladder_id)
        ladders.remove_member(conn, ladder_id, request.form.get("player", ""), hall_staff().id, box().here().stamp)
        return shell.done(conn, url_for("counter_ladders.ladder", ladder_id=ladder_id))


@blueprint.get("/counter/ladders/<ladder_id>/add/<division_id>")
@access("staff", otherwise="check-in")
def add(ladder_id: str, division_id: str) -> str:
    """Names to tap: those who come often first, others by their first letters."""
    begin = request.args.get("name", "")[:40]
    with box().store.read() as conn:
        found = get_ladder(conn, ladder_id)
        division = found.division(division_id)
        names = forms.members(conn, begin, box().here())
        members = _members(conn, found)
    if not begin:
        names = sorted(names, key=lambda player: (player.id in members, player.name.casefold()))
    return shell.page(
        "counter/ladders/add.html",
        "ladders",
        ladder=found,
        division=division,
        names=names,
        members=members,
        begin=begin,
    )


@blueprint.post("/counter/ladders/<ladder_id>/add/<division_id>")
@access("staff")
def added(ladder_id: str, division_id: str) -> Response | str:
    """A name was tapped: a member now, at the division's end; who is one already stays where they are."""
    player_id = request.form.get("player", "")
    with box().store.write() as conn:
        found = get_ladder(conn, ladder_id)
        division = found.division(division_id)
        ladders.add_members(conn, division_id, [player_id], hall_staff().id, box().here().stamp)
        members = _members(conn, found)
        if "HX-Request" not in request.headers:
            return shell.done(conn, url_for("counter_ladders.add", ladder_id=ladder_id, division_id=division_id))
        player = players.get_player(conn, player_id)
        assert player is not None  # a member now
    return render_template(
        "counter/ladders/_name.html", ladder=found, division=division, player=player, members=members, oob=True
    )


@dataclass(frozen=True, slots=True)
class InShort:
    """A ladder in the list."""

    ladder: Ladder
    members: int
    challenges: int


def _in_short(conn: sqlite3.Connection, found: Ladder) -> InShort:
    members = ladders.division_sizes(conn, found.id).total()
    return InShort(found, members, ladders.count_challenges(conn, found.id))


def _column(
    conn: sqlite3.Connection, found: Ladder, division: Division, pending: list[Challenge], today: str
) -> Column:
    rows = ladders.standings(conn, found.id, division.id)
    places = {row.player_id: row.place for row in rows}
    inside = [one for one in pending if set(one.players) <= places.keys()]
    arrows = [(places[one.players[0]], places[one.players[1]], one.state(today)) for one in inside]
    return Column(division, rows, {one.players[0]: one for one in inside}, arrows_svg(arrows, len(rows)))


def _chosen(found: Ladder, columns: list[Column], pending: list[Challenge], player_id: str) -> Chosen | None:
    """The member with that id, with those who can be challenged."""
    if found.closed_at is not None:
        return None
    for column in columns:
        for row in column.rows:
            if row.player_id == player_id:
                may = ladders.may_challenge(found.terms, row, column.rows, pending)
                return Chosen(row, column.division, may)
    return None


def _members(conn: sqlite3.Connection, found: Ladder) -> dict[str, str]:
    """Of each member the division's name."""
    return {
        row.player_id: division.name
        for division in found.divisions
        for row in ladders.standings(conn, found.id, division.id)
    }


def _seen(text: str) -> tuple[str, Score]:
    """A match with the score that the page showed: `id:5:3`."""
    match_id, _, score = text.partition(":")
    a, _, b = score.partition(":")
    if not all(one.isascii() and one.isdigit() and len(one) < 5 for one in (a, b)):
        abort(400)
    return match_id, (int(a), int(b))
