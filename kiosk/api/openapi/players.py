"""A player's own: sessions, figures, awards, the way into the lucky draw."""

from typing import Any

from kiosk.api.openapi.parts import (
    ERROR,
    GROUP,
    MEMBERS,
    MONTH,
    NUMBER,
    TEXT,
    TRUTH,
    answer,
    by_login,
    many,
    nullable,
    query,
    ref,
    shape,
    whole,
    within,
)

_OTHERS = {"401": answer("Nobody is logged in", ERROR), "403": answer("Somebody else's", ERROR)}
_SPAN = query("range", "string", "day, week (from Monday on), month or lifetime, by the hall's days")
_BAD_SPAN = {"400": answer("A range there is none of", ERROR)}

_START = {
    "summary": "Starts a practice at the table",
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "kind": {"const": "practice"},
                        "goal": {"type": "string", "description": "makes:25, minutes:30, run:5 or drill:KEY"},
                    },
                }
            }
        },
    },
    "responses": {"201": answer("The session's id"), "400": answer("A goal there is none of", ERROR), **_OTHERS},
}
_SESSION = {
    "summary": "A session as it stands: its figures, goal and match",
    "parameters": [within("id")],
    "responses": {"200": answer("The session"), "404": answer("There is no such session", ERROR), **_OTHERS},
}
_SHOTS = {
    "summary": "A session's shots, newest first",
    "parameters": [
        within("id"),
        query("result", "string", "make, miss or unknown"),
        query("kind", "string", "break, straight, cut, bank, kick, combination, carom or safety"),
        query("limit", "integer", "1 to 200; 50 unless told"),
    ],
    "responses": {
        "200": answer("shots"),
        "400": answer("A bad limit", ERROR),
        "404": answer("There is no such session", ERROR),
        **_OTHERS,
    },
}

_OWN_AWARD = shape(month=MONTH, kind=TEXT, title=TEXT, given_at=TEXT)
_GAME_PROFILE = shape(
    name=TEXT,
    member_since=MONTH,
    handedness=nullable(TEXT),
    games=many(TEXT),
    group=GROUP,
    elo=NUMBER,
    fargo=NUMBER,
    preliminary=TRUTH,
    month=MONTH,
    rank=nullable(whole(1, 2**31)),
    points=NUMBER,
    draw=shape(eligible=TRUTH, missing=ref("Missing")),
    votes=shape(open=TRUTH, given=many({"enum": ["mvp", "best_teammate"]})),
    awards=whole(0, 2**31),
)

_STREAK = shape(now=whole(0, 2**31), best=whole(0, 2**31))
_STATS = shape(
    month=MONTH,
    own=nullable(ref("OwnRank")),
    alltime=nullable(ref("OwnRank")),
    group=GROUP,
    elo=NUMBER,
    fargo=NUMBER,
    racks=whole(0, 2**31),
    preliminary=TRUTH,
    matches=whole(0, 2**31),
    wins=whole(0, 2**31),
    win_pct=nullable({"type": "number", "minimum": 0, "maximum": 100}),
    streaks=shape(wins=_STREAK, hill_hill=_STREAK, days=_STREAK),
    badges=many(shape(badge=TEXT, earned_at=TEXT)),
)

_TOLD: dict[str, Any] = {
    "/api/sessions": {"post": _START},
    "/api/sessions/{id}": {"get": _SESSION},
    "/api/sessions/{id}/shots": {"get": _SHOTS},
    "/api/me/metrics": {
        "get": {
            "summary": "A player's own figures of a span, and of its days, months or years; null is not known",
            "parameters": [_SPAN],
            "responses": {"200": answer("The figures and parts; month unless told"), **_BAD_SPAN, **MEMBERS},
        }
    },
    "/api/me/heatmap/misses": {
        "get": {
            "summary": "Where the balls lay that a player shot at, as a grid over the table",
            "parameters": [_SPAN],
            "responses": {
                "200": answer(
                    "misses and makes: rows across the table from the right rail on, each along it from the head"
                    " on; lifetime unless told"
                ),
                **_BAD_SPAN,
                **MEMBERS,
            },
        }
    },
    "/api/my-stats": {
        "get": {
            "summary": "A player's own place, group, ratings, wins, streaks and badges",
            "responses": {"200": answer("own and alltime are null without points", _STATS), **MEMBERS},
        }
    },
    "/api/my-profile/game": {
        "get": {
            "summary": "A player's own profile and month: place, lucky draw, votes",
            "responses": {
                "200": answer("For whom one has voted is told to nobody", _GAME_PROFILE),
                **MEMBERS,
            },
        }
    },
    "/api/my-awards": {
        "get": {
            "summary": "A player's own awards of published months, the latest first",
            "responses": {"200": answer("The awards", shape(awards=many(_OWN_AWARD))), **MEMBERS},
        }
    },
}

PATHS = by_login(_TOLD)
