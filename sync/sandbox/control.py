"""The control of the sandbox over HTTP, below /_sandbox: from this machine itself, or with its token."""

import hmac
import random
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sync.sandbox.errors import ApiError
from sync.sandbox.faults import KINDS
from sync.sandbox.pages.views import is_here, is_ours, sandbox
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.webhooks import Mischief

NOTE = "control_token"

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")

FAULT_TAKES = {
    "kind": str,
    "method": str,
    "path": str,
    "nth": int,
    "times": int,
    "retry_after_s": int,
    "hold_s": float,
}
SEED_TAKES = {"seed": int, "rate": float, "kinds": list, "path": str, "hold_s": float}
ADVANCE_TAKES = {"seconds": int, "days": int, "months": int, "to": int}
DELIVER_TAKES = {"seed": int, "twice": float, "lost": float, "shuffled": bool, "stamp": int}
MISCHIEF_TAKES = {"seed": int, "twice": float, "lost": float, "late": float, "late_s": float, "shuffled": bool}


class ControlError(Exception):
    """What is asked of the control can't be done as it stands."""


def token_of(box: Sandbox) -> str:
    """What lets one in from elsewhere; made once and kept."""
    store = box.store
    with store.transaction():
        found = store.note(NOTE)
        if found is None:
            found = store.new_id("ctl_", 32)
            store.set_note(NOTE, found)
    return found


@blueprint.before_request
def guard() -> tuple[Response, int] | None:
    if is_here() and is_ours():
        return None
    said = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if hmac.compare_digest(said.encode(), token_of(sandbox()).encode()):
        return None
    return jsonify({"error": "From elsewhere the control takes the token that the sandbox has printed."}), 403


@blueprint.errorhandler(ControlError)
@blueprint.errorhandler(ValueError)
def wrong(error: Exception) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 400


@blueprint.errorhandler(ApiError)
def refused(error: ApiError) -> tuple[Response, int]:
    return jsonify(error.body()), error.status


@blueprint.get("/state")
def state() -> Response:
    """Everything it holds, by kind."""
    return jsonify({"now": sandbox().now, "stands": sandbox().clock.stands, "objects": sandbox().dump()})


@blueprint.get("/calls")
def calls() -> Response:
    """The calls made, the oldest first."""
    return jsonify(sandbox().calls)


@blueprint.delete("/calls")
def forget() -> Response:
    sandbox().forget_calls()
    return jsonify({})


@blueprint.post("/clock")
def clock() -> Response:
    """`{"days": 1}`, `{"months": 1, "seconds": 3601}`, `{"to": 1793491200}`."""
    return jsonify({"now": sandbox().advance(**_read(ADVANCE_TAKES))})


@blueprint.post("/faults")
def faults() -> Response:
    """`{"kind": "lost", "method": "POST", "path": "/v1/subscriptions", "nth": 1, "times": 1}`."""
    given = _read(FAULT_TAKES)
    if "kind" not in given:
        raise ControlError(f"a fault has a kind: {', '.join(KINDS)}")
    sandbox().faults.add(given.pop("kind"), **given)
    return jsonify({})


@blueprint.post("/faults/seeded")
def seeded() -> Response:
    """`{"seed": 7, "rate": 0.2, "kinds": ["lost", "error_after"]}`."""
    given = _read(SEED_TAKES)
    if not {"seed", "rate"} <= given.keys():
        raise ControlError("seeded faults have a seed and a rate")
    sandbox().faults.by_seed(given.pop("seed"), given.pop("rate"), **given)
    return jsonify({})


@blueprint.delete("/faults")
def well() -> Response:
    sandbox().faults.clear()
    return jsonify({})


@blueprint.post("/webhooks/deliver")
def deliver() -> Response:
    """Sends what waits, now."""
    return jsonify({"sent": sandbox().deliver(**_read(DELIVER_TAKES))})


@blueprint.post("/webhooks/mischief")
def mischief() -> Response:
    """What happens to webhooks that are sent in the background; `{}` for nothing."""
    given = _read(MISCHIEF_TAKES)
    way = Mischief(random.Random(given.pop("seed", 0)), **given) if given else None
    sandbox().outbox.mischief = way
    return jsonify({})


@blueprint.post("/cards/<customer>")
def card(customer: str) -> Response:
    """`{"works": false}`."""
    sandbox().set_card(customer, works=_read({"works": bool}).get("works", True))
    return jsonify({})


@blueprint.post("/checkout/<session>")
def pay(session: str) -> Response:
    """A Checkout session is paid, as at its page: `{"email": "ana@example.com", "name": "Ana"}`."""
    return jsonify(sandbox().complete(session, **_read({"email": str, "name": str, "card": str})))


def _read(takes: Mapping[str, type]) -> dict[str, Any]:
    """The JSON of the request, with nothing in it that isn't taken."""
    given = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(given, dict):
        raise ControlError("the control takes a JSON object")
    for name, value in given.items():
        kind = takes.get(name)
        if kind is None:
            raise ControlError(f"{name} is not taken here: there are {', '.join(takes)}")
        wanted = (int, float) if kind is float else kind
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
            raise ControlError(f"{name} must be {kind.__name__}")
    return given
