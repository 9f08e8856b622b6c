"""Ladders at the counter: what waits for staff, the ladders, and their members in order, moved by two taps."""

import sqlite3
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from edge.hall import ladders, players
from edge.hall.ladders import Challenge, Division, Ladder, LadderError, Member, Standing
from edge.hall.ladders.confirming import confirm_all
from edge.hall.results import Score, confirm
from edge.hall.roster import regulars
from kiosk.box import box
from kiosk.counter import shell
from kiosk.ladder_words import arrows_svg
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_ladders", __name__)

WAITING_SHOWN = 100
REGULARS_SHOWN = 60
NAMES_SHOWN = 12


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
        found = [_in_short(conn, ladder, here.day) for ladder in ladders.ladders(conn)]
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
        pending = ladders.challenges(conn, ladder_id, here.day)
        columns = [_column(conn, found, division, pending, here.day) for division in found.divisions]
        chosen = _chosen(found, columns, pending, request.args.get("member", ""))
        unconfirmed = sum(match.ladder_id == ladder_id for match in ladders.to_confirm(conn))
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
    """Puts a member at a place, or at a division's end."""
    division_id, _, number = request.form.get("to", "").partition(":")
    if number and not (number.isascii() and number.isdigit() and len(number) < 6):
        abort(400)
    player_id, wanted = request.form.get("player", ""), int(number) if number else None
    by, stamp = hall_staff().id, box().here().stamp
    with box().store.write() as conn:
        found = get_ladder(conn, ladder_id)
        end = len(ladders.standings(conn, ladder_id, found.division(division_id).id))
        before = ladders.member_of(conn, ladder_id, player_id)
        if before is not None and before != Member(
            division_id, wanted or end
        ):  # else they left, or it was sent twice
            ladders.place_member(conn, division_id, player_id, by, stamp, place=wanted)
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
        if begin:
            names = players.names_like(conn, begin, NAMES_SHOWN)
        else:
            names = regulars(conn, box().here().day, REGULARS_SHOWN)
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


def get_ladder(conn: sqlite3.Connection, ladder_id: str) -> Ladder:
    """A ladder that the address names; answers 404 where there is none."""
    try:
        return ladders.get_ladder(conn, ladder_id)
    except LadderError:
        abort(404)


@dataclass(frozen=True, slots=True)
class InShort:
    """A ladder in the list."""

    ladder: Ladder
    members: int
    challenges: int


def _in_short(conn: sqlite3.Connection, found: Ladder, today: str) -> InShort:
    members = sum(len(ladders.standings(conn, found.id, division.id)) for division in found.divisions)
    return InShort(found, members, len(ladders.challenges(conn, found.id, today)))


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
    busy = {one.players[0] for one in pending}
    taken = {one.players[1] for one in pending}
    for column in columns:
        for row in column.rows:
            if row.player_id == player_id:
                reach = range(row.place - found.terms.challenge_range, row.place)
                may = [other for other in column.rows if other.place in reach and other.player_id not in taken]
                return Chosen(row, column.division, [] if player_id in busy else may)
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
