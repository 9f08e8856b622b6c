"""The hall's tables at the counter: add, rename, price, put in order, take out."""

import sqlite3

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from calibration.table import STANDARD_TABLES
from edge.facts import uuid7
from edge.hall.money import plain_amount, read_money
from edge.hall.table_setup import Wish, add_table, change_table, retire_table, swap_places
from edge.hall.tables import hall_tables
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.counter.clock_words import price_text
from kiosk.counter.tables import table_named
from kiosk.who import access, hall_staff

blueprint = Blueprint("counter_table_setup", __name__)


@blueprint.get("/counter/tables/setup")
@access("staff", otherwise="check-in")
def setup() -> str:
    """All tables with what can be changed of them, and a new one."""
    counter = box().settings.counter
    with box().store.read() as conn:
        found = hall_tables(conn)
    return shell.page(
        "counter/tables/setup.html",
        "tables",
        tables=found,
        sizes=tuple(STANDARD_TABLES),
        amounts={
            one.id: plain_amount(one.cents_per_hour, counter.currency)
            for one in found
            if one.cents_per_hour is not None
        },
        usual=plain_amount(counter.cents_per_hour, counter.currency),
        currency=counter.currency,
        price_text=price_text,
        once=uuid7(),
    )


@blueprint.post("/counter/tables/setup")
@access("staff")
def add() -> Response:
    """A new table, once however often the form is sent."""
    with box().store.write() as conn:
        add_table(conn, _wish(), hall_staff().id, box().here().now, forms.once())
        return _back(conn)


@blueprint.post("/counter/tables/<table_id>/change")
@access("staff")
def change(table_id: str) -> Response:
    """Another label, size or price."""
    with box().store.write() as conn:
        change_table(conn, table_named(conn, table_id), _wish(), hall_staff().id, box().here().now)
        return _back(conn)


@blueprint.post("/counter/tables/<table_id>/place")
@access("staff")
def place(table_id: str) -> Response:
    """One place up or down in the hall's order."""
    step = -1 if request.form.get("step") == "up" else 1
    with box().store.write() as conn:
        swap_places(conn, table_named(conn, table_id), step, hall_staff().id, box().here().now)
        return _back(conn)


@blueprint.post("/counter/tables/<table_id>/retire")
@access("staff")
def retire(table_id: str) -> Response:
    """The table is not there any more."""
    with box().store.write() as conn:
        retire_table(conn, table_named(conn, table_id), hall_staff().id, box().here().now)
        return _back(conn)


def _wish() -> Wish:
    form, currency = request.form, box().settings.counter.currency
    price = form.get("price", "").strip()
    cents = None if not price else read_money(price, currency)
    return Wish(form.get("label", ""), form.get("size", ""), cents, form.get("box") == "yes")


def _back(conn: sqlite3.Connection) -> Response:
    return shell.done(conn, url_for("counter_table_setup.setup"))
