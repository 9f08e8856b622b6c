"""The rules by which months are decided, for all halls and for one."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from edge.clock import stamp
from sync.cloud import deeds, rules
from sync.cloud.api import cloud, hall_asked_for
from sync.cloud.db import Conn
from sync.cloud.halls import Hall
from sync.cloud.owner import guard
from sync.cloud.owner.rules_form import FIELDS, LOOK, changes, read_form, typed_values, values_of
from sync.cloud.rules import ALL_HALLS, RulesError

blueprint = Blueprint("rules", __name__)


@blueprint.get("/rules")
@guard.owners_only
def of_all() -> ResponseReturnValue:
    with cloud().db.read() as conn:
        return _page(conn, None)


@blueprint.post("/rules")
@guard.deed
def keep_of_all() -> ResponseReturnValue:
    return _keep(None)


@blueprint.get("/halls/<hall_id>/rules")
@guard.owners_only
def of_hall(hall_id: str) -> ResponseReturnValue:
    with cloud().db.read() as conn:
        return _page(conn, hall_asked_for(conn, hall_id))


@blueprint.post("/halls/<hall_id>/rules")
@guard.deed
def keep_of_hall(hall_id: str) -> ResponseReturnValue:
    return _keep(hall_id)


@blueprint.post("/halls/<hall_id>/rules/as-all")
@guard.deed
def as_all(hall_id: str) -> ResponseReturnValue:
    """A hall goes by the rules of all again."""
    with cloud().db.write() as conn:
        hall = hall_asked_for(conn, hall_id)
        if rules.has_own(conn, hall.id):
            rules.forget_own(conn, hall.id)
            guard.write_down(conn, "rules-forget", hall.id)
    return redirect(url_for("rules.of_hall", hall_id=hall.id, done="as-all"), 303)


def _keep(hall_id: str | None) -> ResponseReturnValue:
    here, now, who = cloud(), cloud().now(), guard.owner().email
    try:
        wanted = read_form(request.form)
    except RulesError as error:
        with here.db.read() as conn:
            hall = None if hall_id is None else hall_asked_for(conn, hall_id)
            return _page(conn, hall, str(error), typed_values(request.form), 400)
    with here.db.write() as conn:
        hall = None if hall_id is None else hall_asked_for(conn, hall_id)
        subject = ALL_HALLS if hall is None else hall.id
        before = rules.rules_of(conn, subject)
        is_first = hall is not None and not rules.has_own(conn, subject)
        if before != wanted or is_first:
            rules.keep_rules(conn, subject, wanted, by=who, now=stamp(now))
            guard.write_down(conn, "rules-own" if is_first else "rules", subject, said=changes(before, wanted))
    where = (
        url_for("rules.of_all", done="kept")
        if hall is None
        else url_for("rules.of_hall", hall_id=hall.id, done="kept")
    )
    return redirect(where, 303)


def _page(
    conn: Conn, hall: Hall | None, trouble: str = "", typed: dict[str, str] | None = None, status: int = 200
) -> Response:
    subject = ALL_HALLS if hall is None else hall.id
    return guard.page(
        "rules.html",
        status,
        hall=hall,
        has_own=hall is not None and rules.has_own(conn, subject),
        fields=FIELDS,
        look=LOOK,
        values=typed or values_of(rules.rules_of(conn, subject)),
        trouble=trouble,
        deeds=deeds.of_hall(conn, subject, [""]),
    )
