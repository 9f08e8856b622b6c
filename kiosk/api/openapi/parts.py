"""What descriptions are put together from: answers, parameters, bodies and the shapes that come up again."""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
ID: Schema = {"type": "string", "description": "An id, as another answer gave it"}
NEW_ID: Schema = {
    "type": "string",
    "format": "uuid",
    "description": "Made by the program, in small letters: what is sent twice under it is done once",
}
MONTH: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$", "examples": ["2025-10"]}
GAME: Schema = {"enum": ["8-ball", "9-ball", "10-ball", "straight pool"]}
GROUP: Schema = {"enum": ["elite", "active"]}


def whole(least: int, most: int, default: int | None = None) -> Schema:
    """A whole number within bounds."""
    known = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": least, "maximum": most, **known}


def many(items: Schema, **more: Any) -> Schema:
    """A list."""
    return {"type": "array", "items": items, **more}


def nullable(schema: Schema) -> Schema:
    """That, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    """One of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def shape(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def answer(description: str, schema: Schema | None = None, kind: str = "application/json") -> dict[str, Any]:
    """What comes back."""
    return {"description": description, "content": {kind: {} if schema is None else {"schema": schema}}}


def query(name: str, kind: str, description: str) -> dict[str, Any]:
    """A parameter behind the question mark."""
    return {"name": name, "in": "query", "schema": {"type": kind}, "description": description}


def within(name: str, description: str = "") -> dict[str, Any]:
    """A part of the path."""
    told = {"description": description} if description else {}
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **told}


def body(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> dict[str, Any]:
    """A JSON object of these fields and no others."""
    schema = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def by_login(paths: dict[str, Any]) -> dict[str, Any]:
    """Paths for who is logged in; what changes something takes the token as well."""
    return {
        path: {
            method: {**operation, "security": [_BY_LOGIN if method == "get" else _BY_LOGIN | {"token": []}]}
            for method, operation in told.items()
        }
        for path, told in paths.items()
    }


ERROR = ref("Error")
SECURITY: dict[str, Schema] = {
    "login": {
        "type": "apiKey",
        "in": "cookie",
        "name": "ladder",
        "description": "From /counter/enter, or a player's check-in; over HTTPS its name is __Host-ladder",
    },
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "From /api/token, asked for anew after logging in",
    },
}
_BY_LOGIN: dict[str, list[str]] = {"login": []}
BY_ANYBODY: list[Any] = [{}, _BY_LOGIN]

# For views of the hall's people.
STAFF = {
    "401": answer("Nobody is logged in", ERROR),
    "403": answer("Not by PIN on a private line, nobody of the hall, or without the header X-CSRF-Token", ERROR),
}
# For what is a player's own.
MEMBERS = {
    "401": answer("Nobody is logged in", ERROR),
    "403": answer("A guest, who has none", ERROR),
}
BAD = {"400": answer("An unknown field, or one of another type; the message says which", ERROR)}
NOT_THERE = {"404": answer("There is no such id, or no such month has begun", ERROR)}
REFUSED = {"409": answer("The hall's rules say no; the message says why", ERROR)}
# For everything, beside what is told of each.
OTHERWISE = {"default": answer("Refused, or the box can't answer just now", ERROR)}

_TICKET = shape(ticket=TEXT, number=nullable(whole(1, 2**31)), place=nullable(whole(1, 20)), name=nullable(TEXT))
_AWARD = shape(kind=TEXT, title=TEXT, name=TEXT, given_at=TEXT)
_DUE = shape(kind=TEXT, title=TEXT, player=ID, name=TEXT, figure=whole(0, 2**31))
_DRAW = {
    "id": ID,
    "month": MONTH,
    "prize": TEXT,
    "prizes": whole(1, 20),
    "state": {"enum": ["open", "frozen", "drawn", "voided"]},
    "commitment": TEXT,
    "tickets": whole(0, 2**31),
    "created_at": TEXT,
    "replaces": nullable(ID),
    "frozen_at": nullable(TEXT),
    "entries_hash": nullable(TEXT),
    "call": nullable(TEXT),
    "seed": nullable(TEXT),
    "drawn_at": nullable(TEXT),
    "voided_at": nullable(TEXT),
    "reason": nullable({"enum": ["absent", "mistake", "doubt", "cancelled"]}),
    "winners": many(ref("Ticket")),
}

SCHEMAS: dict[str, Schema] = {
    "Error": {
        **shape(error=TEXT, message=TEXT),
        "description": "error: a word for programs, which stays; message: a sentence for people",
    },
    "OwnRank": shape(rank=whole(1, 2**31), points=NUMBER),
    "Ticket": {**_TICKET, "description": "The name is null for who does not want to be seen"},
    "Draw": {**shape(**_DRAW), "description": "The seed is null until it was drawn"},
    "Award": _AWARD,
    "GivenAward": shape(id=ID, month=MONTH, player=ID, kind=TEXT, title=TEXT, name=TEXT, given_at=TEXT),
    "DueAward": {
        **_DUE,
        "description": "figure: half points, thousandths of the rise of a win rate, weeks, or votes",
    },
    "Missing": shape(sessions=whole(0, 6), points=NUMBER),
    "Membership": shape(id=ID, name=TEXT, group=GROUP, override=TRUTH),
    "GameSession": shape(id=ID, day=TEXT, game=GAME, race_to=whole(1, 200), doubles=TRUTH, open=TRUTH),
    "Match": shape(
        id=ID,
        session=nullable(ID),
        game=GAME,
        sides=many(many(ID)),
        score=many(whole(0, 200)),
        winner=nullable(whole(0, 1)),
        status=TEXT,
        day=TEXT,
    ),
}
