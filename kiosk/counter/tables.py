"""The counter's first page: every table at a glance; and one table with what can be done there."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.clock import from_stamp
from edge.facts import uuid7
from edge.hall import calls, floor
from edge.hall.clock_price import Bill
from edge.hall.clocks import bill
from edge.hall.devices import device_at
from edge.hall.floor import Hand, Start
from edge.hall.glance import Seen, look_at, look_round, whereabouts
from edge.hall.players import GAMES, Player, get_player
from edge.hall.tables import HallTable, get_table, is_own_table, own_table, require_own_table
from kiosk.api import health
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.counter.clock_words import at_text, hours_text, price_text, time_text
from kiosk.player.start import POINTS, RACES, asked_game
from kiosk.texts import catalogue
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_tables", __name__)

NAMES_SHOWN = 24
COLUMNS = ((2, 1), (4, 2), (9, 3), (16, 4), (25, 5))  # so many tables at most, so many beside each other
GUEST = "guest"
SILENT_S = 90.0  # a box says every quarter of a minute that it is there

HELPERS = {"at_text": at_text, "hours_text": hours_text, "price_text": price_text, "time_text": time_text}


@dataclass(frozen=True, slots=True)
class Health:
    """How the box at a table is: `state` is `fine`, `trouble` or `silent`."""

    state: Literal["fine", "trouble", "silent"]
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A table as its card shows it."""

    seen: Seen
    names: list[str]
    bill: Bill | None
    doubtful: bool
    health: Health | None

    @property
    def kind(self) -> str:
        """What colours it: a call before all else."""
        return "calling" if self.seen.call is not None else self.seen.state


@blueprint.get("/counter")
@access("staff", otherwise="check-in")
def index() -> str:
    """All tables."""
    _register_own_table()
    return shell.page("counter/tables/index.html", "tables", **_grid())


@blueprint.get("/counter/tables/live")
@access("staff", otherwise="check-in", by_itself=True)
def live() -> str:
    """All tables as they are now, for the page that is open."""
    return render_template("counter/tables/_grid.html", swapped=True, **_grid())


@blueprint.get("/counter/tables/<table_id>")
@access("staff", otherwise="check-in")
def table(table_id: str) -> str:
    """One table: what goes on, and what can be done."""
    begin = request.args.get("name", "")[:24]
    with box().store.read() as conn:
        seen = look_at(conn, table_named(conn, table_id))
        people = [_asked(conn, field) for field in ("a", "b")]
        values = {
            "step": _step(seen, people),
            "people": people,
            "names": forms.members(conn, begin, box().here(), named=NAMES_SHOWN, often=NAMES_SHOWN),
            "where": whereabouts(conn),
            "begin": begin,
            "free": [one.table for one in look_round(conn) if one.state == "free" and not one.table.retired],
        }
    return shell.page(
        "counter/tables/table.html",
        "tables",
        games=GAMES,
        races=RACES,
        points=POINTS,
        once=uuid7(),
        now=box().here().now,
        card=_card(seen),
        kept={field: request.args[field] for field in ("a", "b", "join") if field in request.args},
        **HELPERS,
        **values,
    )


@blueprint.get("/counter/tables/<table_id>/live")
@access("staff", otherwise="check-in", by_itself=True)
def live_table(table_id: str) -> Response:
    """One table as it is now. The page is loaded anew when something else goes on there than it shows."""
    with box().store.read() as conn:
        seen = look_at(conn, table_named(conn, table_id))
    card = _card(seen)
    shown = render_template("counter/tables/_now.html", card=card, now=box().here().now, **HELPERS)
    changed = request.args.get("mark") != seen.mark
    return Response(shown, headers={"HX-Refresh": "true"} if changed else {}, mimetype="text/html")


@blueprint.get("/counter/tables/<table_id>/names")
@access("staff", otherwise="check-in", by_itself=True)
def names(table_id: str) -> str:
    """Names that begin as typed, to tap; those who were here of late while nothing is typed."""
    begin = request.args.get("name", "")[:24]
    kept = {field: request.args[field] for field in ("a", "join") if field in request.args}
    with box().store.read() as conn:
        seen = look_at(conn, table_named(conn, table_id))
        found = forms.members(conn, begin, box().here(), named=NAMES_SHOWN, often=NAMES_SHOWN)
        where = whereabouts(conn)
        people = [_asked(conn, field) for field in ("a", "b")]
    return render_template(
        "counter/tables/_names.html", seen=seen, names=found, where=where, kept=kept, people=people, begin=begin
    )


@blueprint.post("/counter/tables/<table_id>/start")
@access("staff")
def start(table_id: str) -> Response:
    """Begins a practice, a match or the clock alone."""
    people = [None if one == GUEST else one for field in ("a", "b") if (one := request.form.get(field))]
    game, race_to = asked_game() if len(people) == 2 else (GAMES[0], 1)
    wish = Start(forms.once(), tuple(people), game, race_to, request.form.get("clock") == "on")
    with box().store.write() as conn:
        floor.start(conn, table_named(conn, table_id), wish, hand())
        return shell.done(conn, url_for("counter_tables.index"))


@blueprint.post("/counter/tables/<table_id>/join")
@access("staff")
def join(table_id: str) -> Response:
    """Somebody comes to the one who practises there: a match."""
    second = request.form.get("b", "")
    game, race_to = asked_game()
    wish = Start(forms.once(), (None if second == GUEST else second,), game, race_to)
    with box().store.write() as conn:
        floor.join(conn, table_named(conn, table_id), wish, hand())
        return shell.done(conn, url_for("counter_tables.table", table_id=table_id))


@blueprint.post("/counter/tables/<table_id>/stop")
@access("staff")
def stop(table_id: str) -> Response:
    """Ends what goes on there; on to what is to be paid."""
    with box().store.write() as conn:
        found = table_named(conn, table_id)
        goes_on = look_at(conn, found).state != "free"
        clock = floor.stop(conn, found, request.form.get("mark", ""), hand())
        if not goes_on:  # sent twice
            return redirect(url_for("counter_tables.index"), 303)
        if clock is None:
            return shell.done(conn, url_for("counter_tables.index"))
        return shell.done(conn, url_for("counter_clocks.clock", clock_id=clock.id))


@blueprint.post("/counter/tables/<table_id>/move")
@access("staff")
def move(table_id: str) -> Response:
    """Sitting and clock go on at another table."""
    with box().store.write() as conn:
        to = table_named(conn, request.form.get("to", ""))
        floor.move(conn, table_named(conn, table_id), to, request.form.get("mark", ""), hand())
        return shell.done(conn, url_for("counter_tables.table", table_id=to.id))


@blueprint.post("/counter/tables/<table_id>/clock")
@access("staff")
def start_clock(table_id: str) -> Response:
    """The clock of those who checked in by themselves, from now or from their check-in."""
    from_check_in = request.form.get("from") == "check-in"
    with box().store.write() as conn:
        floor.start_clock(conn, table_named(conn, table_id), hand(), from_check_in=from_check_in)
        return shell.done(conn, url_for("counter_tables.table", table_id=table_id))


@blueprint.post("/counter/calls/answer")
@access("staff")
def answer() -> Response:
    """Somebody goes to the table that calls; the page they were at stays."""
    back = shell.came_from()
    with box().store.write() as conn:
        if calls.answer(conn, request.form.get("call", ""), hall_staff().id, box().here().now):
            return shell.done(conn, back)
    return redirect(back, 303)


def hand() -> Hand:
    """Who acts, now, at the hall's price."""
    here, counter = box().here(), box().settings.counter
    return Hand(hall_staff().id, here.now, here.day, counter.cents_per_hour, counter.clock_step_min)


def _register_own_table() -> None:
    own = box().settings.table
    with box().store.read() as conn:
        if is_own_table(own_table(conn), own.label, own.size):
            return
    with box().store.write() as conn:
        require_own_table(conn, own.label, own.size, box().here().now)


def _grid() -> dict[str, object]:
    now = box().here().now
    with box().store.read() as conn:
        found = look_round(conn)
    cards = [_card(seen) for seen in found]
    columns = next((beside for most, beside in COLUMNS if len(cards) <= most), 6)
    free = sum(card.seen.state == "free" for card in cards)
    return {"cards": cards, "columns": columns, "free": free, "now": now, **HELPERS}


def _card(seen: Seen) -> Card:
    """To be called outside of a transaction: the box's health is read from the store too."""
    now, clock = box().here().now, seen.clock
    return Card(
        seen,
        [player.name for player in seen.players],
        None if clock is None else bill(clock, now),
        clock is not None and clock.doubtful(now),
        _health(seen.table),
    )


def _health(table: HallTable) -> Health | None:
    """How its box is, as it said last; a table without one has none."""
    t = box().t
    if table.box is None:
        return None
    if table.box == "other":
        return _health_elsewhere(table)
    reasons = health.reasons(box())
    if not reasons:
        return Health("fine", t("counter_tables.sees"))
    code = reasons[0].code
    if code == "store":
        return Health("trouble", t("counter_tables.store"))
    known = f"status.{code}.title" in catalogue()
    return Health("trouble", t(f"status.{code}.title") if known else t("counter_tables.box"))


def _health_elsewhere(table: HallTable) -> Health:
    t = box().t
    with box().store.read() as conn:
        other = device_at(conn, table.label)
    if other is None or other.seen_at is None:
        return Health("silent", t("counter_tables.no_word"))
    silent_s = (box().here().now - from_stamp(other.seen_at)).total_seconds()
    if silent_s > SILENT_S:
        return Health("silent", t("counter_tables.silent", minutes=max(1, round(silent_s / 60))))
    if other.says.get("worst") == "bad":
        return Health("trouble", t("counter_tables.box"))
    return Health("fine", t("counter_tables.sees"))


def _step(seen: Seen, people: list[Player | str | None]) -> str:
    """What the page asks next: `who`, `how` or `game` to start; `second` or `join` for who comes along; else
    `goes_on`."""
    if seen.state == "left":
        return "goes_on"
    if not seen.sitting.taken:
        if seen.clock is not None and people[0] is None and "join" not in request.args:
            return "goes_on"
        return "who" if people[0] is None else "how" if people[1] is None else "game"
    if len(seen.sitting.sessions) == 1 and seen.sitting.match is None and "join" in request.args:
        return "second" if people[1] is None else "join"
    return "goes_on"


def _asked(conn: sqlite3.Connection, field: str) -> Player | str | None:
    """Whom the address names: a player, a guest, or nobody."""
    asked = request.args.get(field, "")
    if asked in ("", GUEST):
        return asked or None
    player = get_player(conn, asked)
    return None if player is None or player.erased else player


def table_named(conn: sqlite3.Connection, table_id: str) -> HallTable:
    """A table that the address names; answers 404 where there is none."""
    found = get_table(conn, table_id)
    if found is None:
        abort(404)
    return found
