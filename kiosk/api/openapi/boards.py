"""What everybody may see: the boards, awards, the lucky draw."""

from typing import Any

from kiosk.api.openapi.parts import (
    BAD,
    BY_ANYBODY,
    MONTH,
    NOT_THERE,
    NUMBER,
    SCHEMAS,
    TEXT,
    TRUTH,
    answer,
    many,
    nullable,
    query,
    ref,
    shape,
    whole,
    within,
)

_MONTH = within("month", "A month, as 2025-10")
_RANK = whole(1, 10)
_OWN = nullable(ref("OwnRank"))
_PLACE = shape(rank=_RANK, name=TEXT, points=NUMBER)
_FAME = shape(rank=_RANK, name=TEXT, points=NUMBER, best_month=MONTH, member_since=MONTH)
_TOLD = "top, of ten at most, and own: the place of who is logged in, null without points"
_TOP = answer(_TOLD, shape(month=MONTH, top=many(_PLACE, maxItems=10), own=_OWN))

_DRAW = SCHEMAS["Draw"]["properties"]
_CURRENT = shape(**_DRAW, own=nullable(shape(ticket=nullable(ref("Ticket")), missing=ref("Missing"))))
_HELD = shape(**_DRAW, list=nullable(many(TEXT)), recipe=nullable(TEXT))

_GET: dict[str, Any] = {
    "/api/leaderboard/monthly": {"summary": "The top ten of this month", "responses": {"200": _TOP}},
    "/api/leaderboard/monthly/{month}": {
        "summary": "The top ten of a month",
        "parameters": [_MONTH],
        "responses": {"200": _TOP, **NOT_THERE},
    },
    "/api/leaderboard/alltime": {
        "summary": "The Hall of Fame: the top ten of all time with best month and the month of joining",
        "responses": {"200": answer(_TOLD, shape(top=many(_FAME, maxItems=10), own=_OWN))},
    },
    "/api/awards/monthly/{month}": {
        "summary": "A month's awards, of those who want to be seen",
        "parameters": [_MONTH],
        "responses": {
            "200": answer(
                "Nothing before they are published",
                shape(month=MONTH, published=TRUTH, awards=many(ref("Award"))),
            ),
            **NOT_THERE,
        },
    },
    "/api/lucky-draw/current": {
        "summary": "The draws that are still to be held, with what they have promised",
        "responses": {
            "200": answer("own is of who is logged in, null for others", shape(draws=many(_CURRENT))),
        },
    },
    "/api/lucky-draw/history": {
        "summary": "The draws that were held or voided, the latest first, with all it takes to check them",
        "parameters": [query("limit", "integer", "1 to 50; 12 unless told")],
        "responses": {
            "200": answer("list: the ids of the tickets by their numbers", shape(draws=many(_HELD))),
            **BAD,
        },
    },
}

PATHS: dict[str, Any] = {path: {"get": {**operation, "security": BY_ANYBODY}} for path, operation in _GET.items()}
