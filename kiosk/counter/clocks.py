"""Table clocks at the counter: what is to be paid, corrections, and the day's clocks as a list and as CSV."""

import sqlite3
from contextlib import suppress
from datetime import date, timedelta

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from edge.hall import clocks, floor
from edge.hall.clocks import Clock, bill, get_clock
from edge.hall.tables import table_called
from edge.stats.clocks_csv import clocks_csv
from kiosk.box import box
from kiosk.counter import shell
from kiosk.counter.clock_words import field_text, typed_moment
from kiosk.counter.tables import HELPERS, hand
from kiosk.files import csv_file
from kiosk.who import access
from kiosk.wording import full_date

blueprint = Blueprint("counter_clocks", __name__)

EARLIER_MIN = (5, 10, 15, 30)


@blueprint.get("/counter/clocks")
@access("staff", otherwise="check-in")
def day() -> str:
    """A day's clocks with what they come to."""
    now, asked = box().here().now, _day()
    with box().store.read() as conn:
        found = _clocks_of(conn, asked)
    bills = {clock.id: bill(clock, now) for clock in found}
    return shell.page(
        "counter/tables/clocks.html",
        "tables",
        day=asked,
        title=full_date(asked),
        clocks=found,
        bills=bills,
        minutes=sum(one.minutes for one in bills.values()),
        cents=sum(one.cents for one in bills.values()),
        priced=any(one.priced for one in bills.values()),
        now=now,
        **HELPERS,
    )


@blueprint.get("/counter/clocks.csv")
@access("staff", otherwise="check-in")
def as_csv() -> Response:
    """The same for the hall's books."""
    here, asked = box().here(), _day()
    settings = box().settings
    with box().store.read() as conn:
        found = _clocks_of(conn, asked)
    text = clocks_csv(found, settings.counter.currency, settings.hall.zone, here.now)
    return csv_file(text, f"clocks-{asked}")


@blueprint.get("/counter/clocks/<clock_id>")
@access("staff", otherwise="check-in")
def clock(clock_id: str) -> str:
    """One clock: time and price, large, and what can be put right."""
    now = box().here().now
    with box().store.read() as conn:
        found = _clock(conn, clock_id)
        table = table_called(conn, found.table_label)
    return shell.page(
        "counter/tables/clock.html",
        "tables",
        clock=found,
        table=table,
        bill=bill(found, now),
        doubtful=found.doubtful(now),
        times=found.times(now),
        fields={"start": field_text(found.from_when), "end": field_text(found.until_when)},
        latest=field_text(now),
        earlier=EARLIER_MIN,
        now=now,
        **HELPERS,
    )


@blueprint.post("/counter/clocks/<clock_id>/stop")
@access("staff")
def stop(clock_id: str) -> AnyResponse:
    """Stops the clock alone; those at the table play on."""
    with box().store.write() as conn:
        floor.stop_clock(conn, _clock(conn, clock_id), hand())
        return _back(conn, clock_id)


@blueprint.post("/counter/clocks/<clock_id>/resume")
@access("staff")
def resume(clock_id: str) -> AnyResponse:
    """The clock goes on as if it had not been stopped."""
    with box().store.write() as conn:
        floor.resume_clock(conn, _clock(conn, clock_id), hand())
        return _back(conn, clock_id)


@blueprint.post("/counter/clocks/<clock_id>/correct")
@access("staff")
def correct(clock_id: str) -> AnyResponse:
    """Another start, so many minutes earlier or as typed, or another end."""
    zone = box().settings.hall.zone
    with box().store.write() as conn:
        found, doer = _clock(conn, clock_id), hand()
        start, end, earlier = found.from_when, found.until_when, request.form.get("earlier", type=int)
        if earlier is not None:
            if earlier not in EARLIER_MIN:
                abort(400)
            floor.correct_clock(conn, found, "start", start - timedelta(minutes=earlier), doer)
        elif "start" in request.form:
            floor.correct_clock(conn, found, "start", typed_moment(request.form["start"], start, zone), doer)
        elif "end" in request.form:
            typed = typed_moment(request.form["end"], end or doer.now, zone)
            floor.correct_clock(conn, found, "end", typed, doer)
        return _back(conn, clock_id)


@blueprint.post("/counter/clocks/<clock_id>/waive")
@access("staff")
def waive(clock_id: str) -> AnyResponse:
    """Nothing is to be paid, or it is after all."""
    with box().store.write() as conn:
        floor.waive_clock(conn, _clock(conn, clock_id), hand(), waived=request.form.get("waived") == "yes")
        return _back(conn, clock_id)


def _back(conn: sqlite3.Connection, clock_id: str) -> AnyResponse:
    return shell.done(conn, url_for("counter_clocks.clock", clock_id=clock_id))


def _clocks_of(conn: sqlite3.Connection, asked: str) -> list[Clock]:
    """A day's clocks; today, those too that run since an earlier day."""
    found = clocks.clocks_of(conn, asked)
    if asked == box().here().day:
        found = [*(one for one in clocks.running_clocks(conn) if one.day != asked), *found]
    return found


def _day() -> str:
    """The day that the address asks for, else today."""
    with suppress(ValueError):
        return date.fromisoformat(request.args.get("day", "")).isoformat()
    return box().here().day


def _clock(conn: sqlite3.Connection, clock_id: str) -> Clock:
    found = get_clock(conn, clock_id)
    if found is None:
        abort(404)
    return found
