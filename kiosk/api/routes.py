"""The box's API for programs: health, metrics, the live state, the shots; and rooms of its own for players and
staff, who come with their login and, where anything changes, with a token that `/api/token` or a page gave."""

from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request, send_file

from calibration.table import Table
from edge.clock import stamp
from kiosk.api import bodies, health, me, months, openapi, sessions, staff, staff_month, training
from kiosk.api.metrics import metrics as figures
from kiosk.api.prometheus import CONTENT_TYPE
from kiosk.box import box
from kiosk.records import Entry
from kiosk.security import HEADER, csrf_token
from kiosk.who import access

blueprint = Blueprint("api", __name__)
blueprint.register_blueprint(me.blueprint)
blueprint.register_blueprint(sessions.blueprint)
blueprint.register_blueprint(months.blueprint)
blueprint.register_blueprint(training.blueprint)
for_staff = Blueprint("admin", __name__)
for_staff.register_blueprint(staff.blueprint)
for_staff.register_blueprint(staff_month.blueprint)
blueprint.register_blueprint(for_staff)
bodies.tell(blueprint)

LIMIT, MAX_LIMIT = 50, 200


@blueprint.get("/healthz")
@access("public", by_itself=True)
def healthz() -> tuple[Response, int]:
    found = health.reasons(box())
    body = {"ok": not found, "reasons": [{"code": r.code, "text": r.text} for r in found]}
    return jsonify(body), 503 if found else 200


@blueprint.get("/metrics")
@access("public", by_itself=True)
def metrics() -> Response:
    return Response(figures(box()), content_type=CONTENT_TYPE)


@blueprint.get("/api/openapi.json")
@access("public", by_itself=True)
def openapi_json() -> Response:
    return jsonify(openapi.describe(version("action-ladder")))


@blueprint.get("/api/token")
@access("public", by_itself=True)
def token() -> Response:
    """What a program sends along with everything that changes something: a page of another site can't read it."""
    return jsonify({"header": HEADER, "token": csrf_token()})


@blueprint.get("/api/live")
@access("public", by_itself=True)
def live() -> Response:
    reading = box().reading()
    return jsonify({"status": reading.status, "age_s": round(reading.age_s, 3), "state": reading.state})


@blueprint.get("/api/shots")
@access("public", by_itself=True)
def shots() -> Response:
    limit = bodies.asked_number("limit", LIMIT, least=1, most=MAX_LIMIT)
    entries = box().records.recent(limit, request.args.get("before"))
    following = entries[-1].key if len(entries) == limit else None
    return jsonify({"shots": [_shot(entry) for entry in entries], "next": following})


@blueprint.get("/api/shots/<path:key>")
@access("public", by_itself=True)
def shot(key: str) -> Response:
    entry = box().records.shot(key)
    if entry is None:
        abort(404)
    return jsonify(_shot(entry))


@blueprint.get("/live.jpg")
@access("screen", "staff", by_itself=True)
def live_jpg() -> Response:
    try:
        return send_file(box().paths.live_jpg, mimetype="image/jpeg", max_age=0)
    except OSError:
        abort(404)


def _shot(entry: Entry) -> dict[str, Any]:
    """A shot as in `shots.json`, with when, where and on which table it was played."""
    return {
        **entry.stored.as_json(),
        "played_at": stamp(entry.stored.played_at),
        "source_id": entry.stored.source_id,
        "ball_set": entry.stored.ball_set,
        "table": _table(entry.table),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "length_in": table.length_in,
        "width_in": table.width_in,
        "ball_diameter_in": table.ball_diameter_in,
    }
