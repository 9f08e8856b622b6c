"""The cloud's addresses described for programs: `/api/openapi.json`."""

from typing import Any

from sync import protocol

_PROBLEM = {
    "description": "Refused, and why (RFC 9457).",
    "content": {protocol.PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def document(version: str) -> dict[str, Any]:
    """What there is, as OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Action Ladder cloud", "version": version},
        "paths": {
            "/v1/enrol": {
                "post": _post("Enrol a hub by a one-time code, which never travels", "Enrol", "Enrolled")
            },
            "/v1/hello": {"post": _post("Say how the boxes of a hall are", "Hello", "Greeting", signed=True)},
            "/v1/facts": {"post": _facts()},
            "/v1/key": {
                "post": _post("A new key; the one before is good until it is used", None, "Key", signed=True)
            },
            "/v1/hall": {
                "post": _post(
                    "How the hall's months, rewards and subscriptions stand", "Known", "Hall", signed=True
                )
            },
            "/v1/names": {
                "post": _post("The names that the hall's boards show, all at once", "Names", "Time", signed=True)
            },
            "/v1/checkout": {
                "post": _post("A page where a player starts a subscription", "OfPlayer", "Page", signed=True)
            },
            "/v1/portal": {"post": _post("A page where a player looks after it", "OfPlayer", "Page", signed=True)},
            "/v1/member": {
                "post": _post("A player is the member of that code", "MemberCode", "MemberStatus", signed=True)
            },
            "/api/hall/{hall}/training-leaderboard": {
                "get": _get("The top ten of a hall's month", "Board", asked=("hall",), may=("month",), owner=True)
            },
            "/api/rewards/run-monthly": {
                "post": _post(
                    "Look at a month that is over, or confirm what was looked at", "Run", "Ran", owner=True
                )
            },
            "/api/stripe/webhook": {"post": _webhook("Where Stripe tells what has happened")},
            "/api/stripe/reward-apply": {"post": _webhook("The same")},
            "/healthz": {"get": _get("Whether the cloud is well; 503 with reasons when it is not", "Health")},
            "/metrics": {
                "get": {"summary": "Figures for Prometheus, not through a proxy", "responses": {"200": _text()}}
            },
            "/api/openapi.json": {"get": _get("This", None)},
        },
        "components": {"schemas": _SCHEMAS, "securitySchemes": {"signed": _SIGNED, "owner": _OWNER}},
    }


def _post(
    summary: str, asked: str | None, answered: str, *, signed: bool = False, owner: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {"summary": summary, "responses": {"200": _json(answered), "default": _PROBLEM}}
    if asked is not None:
        found["requestBody"] = {"required": True, **_content(asked)}
    if signed:
        found["security"] = [{"signed": []}]
    if owner:
        found["security"] = [{"owner": []}]
    return found


def _webhook(summary: str) -> dict[str, Any]:
    signature = {
        "name": "Stripe-Signature", "in": "header", "required": True, "schema": {"type": "string"},
        "description": "As Stripe signs its webhooks; within five minutes of now.",
    }  # fmt: skip
    return {
        "summary": summary,
        "parameters": [signature],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": _json("Received"), "default": _PROBLEM},
    }


def _facts() -> dict[str, Any]:
    return {
        "summary": "Tell facts: gzipped lines of JSON, a head and then a fact each",
        "description": "`ack` is the number up to which all is kept. 409 where a fact conflicts with one that is"
        " kept: it is set aside, and all others are kept.",
        "security": [{"signed": []}],
        "requestBody": {
            "required": True,
            "content": {protocol.BATCH_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        "responses": {"200": _json("Answer"), "409": _json("Answer"), "default": _PROBLEM},
    }


def _get(
    summary: str,
    answered: str | None,
    *,
    asked: tuple[str, ...] = (),
    may: tuple[str, ...] = (),
    owner: bool = False,
) -> dict[str, Any]:
    """`asked` stand in the path, `may` after the question mark."""
    found: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": "Fine."} if answered is None else _json(answered)},
    }
    if asked or may:
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in asked
        ] + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in may]
        found["responses"]["default"] = _PROBLEM
    if owner:
        found["security"] = [{"owner": []}]
    return found


def _json(name: str) -> dict[str, Any]:
    return {"description": "Fine." if name != "Answer" else "Kept.", **_content(name)}


def _content(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _text() -> dict[str, Any]:
    return {"description": "Fine.", "content": {"text/plain": {"schema": {"type": "string"}}}}


def _object(*needed: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(needed), "properties": properties}


_STRING: dict[str, Any] = {"type": "string"}
_UUID: dict[str, Any] = {"type": "string", "format": "uuid"}
_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}
_STAMP: dict[str, Any] = {"type": "string", "format": "date-time"}
_SIGNED = {
    "type": "apiKey",
    "in": "header",
    "name": protocol.SIGNATURE,
    "description": f"HMAC-SHA256 over method, path, the body's SHA-256, {protocol.TIME}, {protocol.DEVICE} and"
    f" {protocol.KEY}, in hex, a line each.",
}
_OWNER = {"type": "http", "scheme": "bearer", "description": "A token that `ladder cloud token` has printed."}
_MONTH: dict[str, Any] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$", "description": "such as 2026-10"}
_LIST: dict[str, Any] = {"type": "array", "items": {"type": "object"}}
_SCHEMAS: dict[str, Any] = {
    "Known": _object(known={"type": ["string", "null"], "description": "the hash of what the hub heard last"}),
    "Hall": _object(
        "same",
        same={"type": "boolean", "description": "whether it is what the hub knows; nothing else is told then"},
        hash=_STRING,
        time=_STAMP,
        sandbox={"type": "boolean"},
        test={"type": "boolean"},
        plan={"type": ["object", "null"]},
        rules={"type": "object"},
        periods=_LIST,
        rewards=_LIST,
        subscriptions=_LIST,
    ),
    "Names": _object(
        "names",
        names={"type": "object", "description": "by player", "additionalProperties": _STRING},
        merged={"type": "object", "description": "whose account became whose", "additionalProperties": _UUID},
    ),
    "Time": _object("time", time=_STAMP),
    "OfPlayer": _object("player", player=_UUID),
    "Page": _object("url", url={"type": "string", "format": "uri"}, expires_at=_STAMP),
    "MemberCode": _object("player", "code", player=_UUID, code=_STRING),
    "MemberStatus": _object("status", "time", status=_STRING, time=_STAMP),
    "Board": _object(
        "hall",
        "month",
        "rows",
        hall=_UUID,
        name=_STRING,
        month=_MONTH,
        rows={
            "type": "array",
            "items": _object(
                "rank",
                "player",
                rank=_NUMBER,
                player=_UUID,
                name={"type": ["string", "null"], "description": "null for who does not want to be seen"},
                ladder={"type": ["string", "null"]},
                hours={"type": "number"},
                coach_avg={"type": "number"},
                win_rate={"type": "number"},
                total={"type": "number"},
                sessions=_NUMBER,
                reward={"enum": ["half", "free", None]},
                state={"type": ["string", "null"]},
            ),
        },
    ),
    "Run": _object(
        "month",
        month=_MONTH,
        dry_run={"type": "boolean", "default": True},
        confirm={"type": "string", "description": "as the look with dry_run gave it; without dry_run"},
        hall={
            "type": "string",
            "format": "uuid",
            "description": "of one hall; else of all, some hundred at a time",
        },
        after={"type": "string", "description": "go on after this hall, as the answer before gave it"},
    ),
    "Ran": _object(
        "month",
        "dry_run",
        month=_MONTH,
        dry_run={"type": "boolean"},
        confirm=_STRING,
        halls=_LIST,
        decided={"type": "array", "items": _UUID},
        after={"type": ["string", "null"]},
    ),
    "Received": _object("received", received={"type": "boolean"}),
    "Enrol": _object("device", "nonce", "proof", device=_UUID, nonce=_STRING, proof=_STRING),
    "Enrolled": _object("proof", "hall", "key_id", "key", proof=_STRING, hall=_STRING, key_id=_UUID, key=_STRING),
    "Key": _object("key_id", "key", key_id=_UUID, key=_STRING),
    "Hello": _object(
        "boxes",
        zone={"type": "string", "description": "IANA name of the zone in which the hall's days begin"},
        version=_STRING,
        unsent=_NUMBER,
        waiting_since=_STAMP,
        boxes={"type": "array", "items": {"$ref": "#/components/schemas/Box"}},
    ),
    "Box": _object(
        "device",
        device=_UUID,
        label=_STRING,
        role={"enum": ["hub", "table"]},
        version=_STRING,
        seen_at=_STAMP,
        unsent=_NUMBER,
        waiting_since=_STAMP,
        worst={"enum": ["ok", "warn", "bad"]},
        findings={"type": "array", "items": _object("state", "text", state=_STRING, text=_STRING, advice=_STRING)},
    ),
    "Greeting": _object(
        "time",
        "hall",
        "lines",
        time=_STAMP,
        hall=_STRING,
        lines={"type": "object", "description": "the ack of each epoch", "additionalProperties": _NUMBER},
    ),
    "Answer": _object(
        "ack",
        "time",
        "set_aside",
        ack=_NUMBER,
        time=_STAMP,
        set_aside={
            "type": "array",
            "items": _object(
                "seq", "fate", "why", seq=_NUMBER, fate={"enum": ["conflict", "dead", "held"]}, why=_STRING
            ),
        },
    ),
    "Health": _object("ok", "reasons", ok={"type": "boolean"}, reasons={"type": "array", "items": _STRING}),
    "Problem": _object("type", "title", "status", type=_STRING, title=_STRING, status=_NUMBER, detail=_STRING),
}
