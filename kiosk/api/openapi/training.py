"""Training scores: the month's ten best, and how a player's own was made."""

from typing import Any

from kiosk.api.openapi.parts import (
    BY_ANYBODY,
    MEMBERS,
    MONTH,
    NOT_THERE,
    NUMBER,
    TEXT,
    answer,
    by_login,
    many,
    nullable,
    query,
    shape,
    whole,
)

_COUNT = whole(0, 2**31)
_RANK = whole(1, 2**31)
_REWARD = nullable({"enum": ["half", "free"]})
_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
_MONTH = query("month", "string", "As 2026-10; this month unless told")

_ROW = shape(
    rank=_RANK,
    name=TEXT,
    ladder=nullable(TEXT),
    hours=NUMBER,
    coach_avg=_PERCENT,
    total=_PERCENT,
    reward=_REWARD,
)
_WINNER = shape(name=nullable(TEXT), ladder=nullable(TEXT), total=_PERCENT, reward=_REWARD)
_BOARD = shape(
    month=MONTH,
    state={"enum": ["open", "grace", "frozen", "decided"]},
    top=many(_ROW),
    winners=many(_WINNER),
    own=nullable(shape(rank=_RANK, total=_PERCENT)),
)

_STEP = shape(value=nullable(NUMBER), strokes=_COUNT, raw=nullable(NUMBER), counted=NUMBER)
_USUAL = nullable(shape(value=NUMBER, weeks=_COUNT, strokes=_COUNT))
_LADDER = shape(
    ladder=nullable(TEXT), won=_COUNT, played=_COUNT, win_rate=_PERCENT, total=_PERCENT, reward=_REWARD
)
_SCORE = shape(
    rank=_RANK,
    total=_PERCENT,
    coach_avg=_PERCENT,
    hours=NUMBER,
    hours_norm=_PERCENT,
    win_rate=_PERCENT,
    sessions=_COUNT,
    shots=_COUNT,
    ladders=many(_LADDER),
    most_hours=NUMBER,
    missing_sessions=_COUNT,
    missing_hours=NUMBER,
)
_SESSION = shape(
    id=TEXT,
    day=TEXT,
    minutes=NUMBER,
    shots=_COUNT,
    coach_score=_PERCENT,
    measures=shape(aim=_STEP, control=_STEP, position=_STEP),
)
_OWN = shape(
    month=MONTH,
    score=nullable(_SCORE),
    usual=shape(aim=_USUAL, control=_USUAL, position=_USUAL),
    sessions=many(_SESSION),
)

_OWN_PATHS: dict[str, Any] = {
    "/api/me/training-score": {
        "get": {
            "summary": "How a player's own score of a month was made, with each session that counts",
            "parameters": [_MONTH],
            "responses": {
                "200": answer(
                    "raw and counted are percentage points over what is usual; score is null without a"
                    " session that counts",
                    _OWN,
                ),
                **MEMBERS,
                **NOT_THERE,
            },
        }
    },
}

PATHS: dict[str, Any] = {
    "/api/training-leaderboard": {
        "get": {
            "summary": "The ten best of a month by training score, of those who want to be seen, and who has won",
            "security": BY_ANYBODY,
            "parameters": [_MONTH],
            "responses": {
                "200": answer("own: the place of who is logged in, null without a session that counts", _BOARD),
                **NOT_THERE,
            },
        }
    },
    **by_login(_OWN_PATHS),
}
