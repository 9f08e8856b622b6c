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
            "/healthz": {"get": _get("Whether the cloud is well; 503 with reasons when it is not", "Health")},
            "/metrics": {
                "get": {"summary": "Figures for Prometheus, not through a proxy", "responses": {"200": _text()}}
            },
            "/api/openapi.json": {"get": _get("This", None)},
        },
        "components": {"schemas": _SCHEMAS, "securitySchemes": {"signed": _SIGNED}},
    }


def _post(summary: str, asked: str | None, answered: str, *, signed: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"summary": summary, "responses": {"200": _json(answered), "default": _PROBLEM}}
    if asked is not None:
        found["requestBody"] = {"required": True, **_content(asked)}
    if signed:
        found["security"] = [{"signed": []}]
    return found


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


def _get(summary: str, answered: str | None) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {"200": {"description": "Fine."} if answered is None else _json(answered)},
    }


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
_SCHEMAS: dict[str, Any] = {
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
