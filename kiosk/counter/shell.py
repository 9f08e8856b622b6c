"""What every page of the counter shares: its frame, the deed just done with its undo, and what waits for staff."""

import sqlite3
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from edge.clock import from_stamp
from edge.hall import audit
from edge.hall.audit import Deed
from edge.hall.calls import open_calls
from edge.hall.undoing import can_undo, undo
from kiosk.box import box
from kiosk.counter.deed_words import doer, sentence
from kiosk.security import local_path
from kiosk.texts import catalogue
from kiosk.who import access, hall_staff
from kiosk.wording import short_date

blueprint = Blueprint("counter", __name__)

Section = Literal["tables", "evening", "ladders", "month", "people", "hall"]

# What can be opened from everywhere: section, endpoint.
SECTIONS: tuple[tuple[Section, str], ...] = (
    ("tables", "counter_tables.index"),
    ("evening", "counter_evening.index"),
    ("ladders", "counter_ladders.index"),
    ("month", "counter_month.index"),
    ("people", "counter_people.index"),
    ("hall", "counter_hall.index"),
)
DEEDS_ON_PAGE = 40
TYPED = ("label", "size", "price", "box", "name", "game", "race", "range", "days", "start", "end")
TYPED_MOST = 80
_FORM, _FIELD = "refused", "typed."
COUNTER = "/counter"


@dataclass(frozen=True, slots=True)
class Done:
    """What was just done, in words, and whether it can be undone."""

    deed: Deed
    text: str
    by: str
    undo: bool


def page(template: str, section: Section, **values: Any) -> str:
    """A page of the counter."""
    return render_template(
        template, section=section, sections=SECTIONS, done=_done(), trouble=_trouble(), **values
    )


def done(conn: sqlite3.Connection, to: str) -> Response:
    """On to a page, which says what was just done, if anything was; `conn` is the transaction in which it was."""
    by = hall_staff().id
    deed = audit.latest_of(conn, by)
    with box().store.read() as before:  # what was there before this transaction
        earlier = audit.latest_of(before, by)
    return redirect(_with(to, done=None if deed is None or deed == earlier else str(deed.id)), 303)


def back_with(trouble: str) -> Response:
    """Back to where a post came from, which says what can't be and still holds what was typed there."""
    to = _with(came_from(), trouble=trouble, **_typed())
    if "HX-Request" in request.headers:  # htmx would put a redirect's page into the fragment
        return Response(headers={"HX-Redirect": to})
    return redirect(to, 303)


def typed(action: str, field: str, otherwise: object = "") -> object:
    """What stands in a field of the form that posts to `action`: what was typed, when it was just refused."""
    if request.args.get(_FORM) != action:
        return otherwise
    return request.args.get(_FIELD + field, "")


def _typed() -> dict[str, str]:
    """What the refused form said, as far as staff type such things; an address has to hold it."""
    said = {_FIELD + name: request.form[name][:TYPED_MOST] for name in TYPED if name in request.form}
    return {_FORM: request.path, **said} if said else {}


def came_from() -> str:
    """The page from which a post came, as its form or the browser says."""
    page_before = urlsplit(request.referrer or "")._replace(scheme="", netloc="").geturl()
    return local_path(request.form.get("back") or page_before or COUNTER)


@blueprint.post("/counter/undo")
@access("staff")
def take_back() -> Response:
    """Undoes a deed, once."""
    with box().store.write() as conn:
        undo(conn, request.form.get("deed", 0, type=int), hall_staff().id, box().here().now)
        return done(conn, local_path(request.form.get("back")))


@blueprint.get("/counter/waiting")
@access("staff", otherwise="check-in", by_itself=True)
def waiting() -> str:
    """Who calls for staff, for every page's head. A page that is left alone is closed by asking."""
    with box().store.read() as conn:
        calls = open_calls(conn)
    return render_template("counter/_calls.html", calls=calls)


@blueprint.get("/counter/deeds")
@access("staff", otherwise="check-in")
def deeds() -> str:
    """Everything that was done, newest first."""
    before = request.args.get("before", type=int)
    with box().store.read() as conn:
        found = audit.recent(conn, DEEDS_ON_PAGE, before)
        lines = [told(conn, deed) for deed in found]
    more = found[-1].id if len(found) == DEEDS_ON_PAGE else None
    return page("counter/deeds.html", "hall", lines=lines, more=more)


def told(conn: sqlite3.Connection, deed: Deed) -> Done:
    """A line of what was done."""
    return Done(deed, sentence(conn, deed), doer(conn, deed), can_undo(conn, deed))


def _done() -> Done | None:
    deed_id = request.args.get("done", type=int)
    if deed_id is None:
        return None
    with box().store.read() as conn:
        deed = audit.get_deed(conn, deed_id)
        if deed is None or deed.who != hall_staff().id:
            return None
        return told(conn, deed)


def _trouble() -> str | None:
    key = request.args.get("trouble")
    return None if key is None else trouble_text(key)


def trouble_text(key: str) -> str:
    """Why something can't be."""
    t = box().t
    return t(f"trouble.{key}") if f"trouble.{key}" in catalogue() else t("trouble.other")


def _with(to: str, **more: str | None) -> str:
    """An address with these in its query, in place of what an earlier page was told."""
    parts = urlsplit(to)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _told_earlier(pair[0])]
    query = urlencode(kept + [(name, value) for name, value in more.items() if value is not None])
    return parts.path + (f"?{query}" if query else "") + (f"#{parts.fragment}" if parts.fragment else "")


def _told_earlier(name: str) -> bool:
    return name in ("done", "trouble", _FORM) or name.startswith(_FIELD)


def this_page() -> str:
    """Where a form on this page comes back to."""
    return _with(request.full_path.rstrip("?"))


def when(stamp: str) -> str:
    """A stored moment as the hall's clocks showed it."""
    moment = from_stamp(stamp).astimezone(box().settings.hall.zone)
    return box().t("counter.when", date=short_date(moment.date().isoformat()), time=moment.strftime("%H:%M"))


HELPERS = {"this_page": this_page, "typed": typed, "when": when}
