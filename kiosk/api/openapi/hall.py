"""What the hall's people may do: evenings, results, groups, awards, draws."""

from typing import Any

from kiosk.api.openapi.parts import (
    BAD,
    GAME,
    GROUP,
    ID,
    MONTH,
    NEW_ID,
    NOT_THERE,
    NUMBER,
    REFUSED,
    STAFF,
    TEXT,
    TRUTH,
    answer,
    body,
    by_login,
    many,
    nullable,
    query,
    ref,
    shape,
    whole,
    within,
)

_ID = [within("id")]
_DRAW = {"200": answer("The draw", ref("Draw")), **BAD, **NOT_THERE, **REFUSED, **STAFF}
_PERSON = shape(id=ID, name=TEXT, guest=TRUTH)
_LINE = shape(rank=nullable(whole(1, 2**31)), id=ID, name=TEXT, points=NUMBER, guest=TRUTH, visible=TRUTH)
_COUNT = shape(player=ID, name=TEXT, votes=whole(1, 2**31))
_SIDE = many(ID, minItems=1, maxItems=2)

_TOLD: dict[str, Any] = {
    "/api/admin/sessions": {
        "post": {
            "summary": "Begins a game session, today",
            "requestBody": body(
                {"game": GAME},
                {"race_to": whole(1, 200, 1), "doubles": {**TRUTH, "default": False}, "id": NEW_ID},
            ),
            "responses": {
                "201": answer("It has begun", ref("GameSession")),
                "200": answer("It had begun under this id, and stands so", ref("GameSession")),
                **BAD,
                **REFUSED,
                **STAFF,
            },
        }
    },
    "/api/admin/sessions/{id}/attendance": {
        "post": {
            "summary": "These are there, or were not after all",
            "parameters": _ID,
            "requestBody": body(
                {"players": many(ID, minItems=1, maxItems=200)}, {"present": {**TRUTH, "default": True}}
            ),
            "responses": {
                "200": answer("Who is there now", shape(id=ID, present=many(_PERSON))),
                **BAD,
                **NOT_THERE,
                **REFUSED,
                **STAFF,
            },
        }
    },
    "/api/admin/sessions/{id}/matches": {
        "post": {
            "summary": "Enters the result of a match of a game session; who plays is there",
            "parameters": _ID,
            "requestBody": body(
                {
                    "sides": many(_SIDE, minItems=2, maxItems=2),
                    "score": many(whole(0, 200), minItems=2, maxItems=2),
                },
                {"id": NEW_ID, "game": {**GAME, "description": "The session's unless told"}},
            ),
            "responses": {
                "201": answer("It is entered", ref("Match")),
                "200": answer("It was entered under this id, just so", ref("Match")),
                **BAD,
                **NOT_THERE,
                **REFUSED,
                **STAFF,
            },
        }
    },
    "/api/admin/leaderboard/full": {
        "get": {
            "summary": "Everybody with points",
            "parameters": [query("month", "string", "A month, or alltime; this month unless told")],
            "responses": {
                "200": answer("rank is null for guests", shape(month=TEXT, board=many(_LINE))),
                **BAD,
                **STAFF,
            },
        }
    },
    "/api/admin/player-groups": {
        "get": {
            "summary": "All members with their groups",
            "responses": {
                "200": answer("override is true where staff decided", shape(players=many(ref("Membership")))),
                **STAFF,
            },
        }
    },
    "/api/admin/player-groups/{id}": {
        "patch": {
            "summary": "Puts a player into a group until it is lifted, which null does",
            "parameters": _ID,
            "requestBody": body({"group": nullable(GROUP)}),
            "responses": {
                "200": answer("As it stands now", ref("Membership")),
                **BAD,
                **NOT_THERE,
                **REFUSED,
                **STAFF,
            },
        }
    },
    "/api/admin/awards/calculate/{month}": {
        "post": {
            "summary": "What would be published of a month now; nothing is",
            "parameters": [within("month", "A month, as 2025-10")],
            "responses": {
                "200": answer(
                    "differences: what publishing anew would do to a month that was",
                    shape(
                        month=MONTH,
                        published=TRUTH,
                        digest=TEXT,
                        awards=many(ref("DueAward")),
                        votes=shape(mvp=many(_COUNT), best_teammate=many(_COUNT)),
                        differences=shape(gone=many(ref("GivenAward")), new=many(ref("DueAward"))),
                    ),
                ),
                **BAD,
                **NOT_THERE,
                **STAFF,
            },
        }
    },
    "/api/admin/awards/manual": {
        "post": {
            "summary": "Gives a title by hand; the same twice is one",
            "requestBody": body({"month": MONTH, "player": ID, "title": TEXT}),
            "responses": {
                "201": answer("The award", ref("GivenAward")),
                **BAD,
                **NOT_THERE,
                **REFUSED,
                **STAFF,
            },
        }
    },
    "/api/admin/lucky-draw": {
        "post": {
            "summary": "Makes a draw of this month or the last; its seed is promised at once",
            "requestBody": body({"month": MONTH, "prize": TEXT}, {"prizes": whole(1, 20, 1), "id": NEW_ID}),
            "responses": {
                "201": answer("It is made", ref("Draw")),
                "200": answer("It was made under this id, just so", ref("Draw")),
                **BAD,
                **REFUSED,
                **STAFF,
            },
        }
    },
    "/api/admin/lucky-draw/{id}/populate": {
        "post": {
            "summary": "Fills in the entries as the facts stand now",
            "parameters": _ID,
            "responses": _DRAW,
        }
    },
    "/api/admin/lucky-draw/{id}/freeze": {
        "post": {"summary": "Fixes and numbers the list", "parameters": _ID, "responses": _DRAW}
    },
    "/api/admin/lucky-draw/{id}/draw": {
        "post": {
            "summary": "Draws with what the room called; the list must have been fixed before",
            "parameters": _ID,
            "requestBody": body({"call": TEXT}),
            "responses": _DRAW,
        }
    },
}

PATHS = by_login(_TOLD)
