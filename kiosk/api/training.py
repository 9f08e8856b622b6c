"""Training scores for programs, under the same rules as the pages: ten of a month, and the player's own."""

from typing import Any

from flask import Blueprint, Response, jsonify

from edge.coach.score import Measure
from edge.hall import rewards, training
from edge.hall.training import LadderPart, OwnPlace, TrainingSession, Usual
from kiosk.box import box
from kiosk.player.training import asked_month, month_of
from kiosk.who import access, logged_in

blueprint = Blueprint("training", __name__)


@blueprint.get("/api/training-leaderboard")
@access("public")
def leaderboard() -> Response:
    board = month_of(asked_month())
    top = [
        {
            "rank": row.rank,
            "name": row.name,
            "ladder": row.ladder,
            "hours": row.hours,
            "coach_avg": row.coach_avg,
            "total": row.total,
            "reward": row.reward,
        }
        for row in board.rows
    ]
    period = board.period
    own = None if board.own is None else {"rank": board.own.rank, "total": board.own.best.total}
    winners = [
        {"name": one.name, "ladder": one.ladder_name, "total": one.total, "reward": one.kind}
        for one in board.winners
    ]
    return jsonify(
        {
            "month": board.month,
            "state": "open" if period is None else period.state,
            "top": top,
            "winners": winners,
            "own": own,
        }
    )


@blueprint.get("/api/me/training-score")
@access("player")
def own() -> Response:
    player, month = logged_in(), asked_month()
    with box().store.read() as conn:
        ruled = rewards.hall_rules(conn)
        how = training.how_made(
            conn, player.id, month, least_sessions=ruled.least_sessions, least_hours=ruled.least_hours
        )
        usual = training.usual_of(conn, player.id, month)
    if how is None:
        return jsonify({"month": month, "score": None, "usual": _usual(usual), "sessions": []})
    return jsonify(
        {
            "month": month,
            "score": {
                **_score(how.place),
                "most_hours": how.most_hours,
                "missing_sessions": how.missing_sessions,
                "missing_hours": how.missing_hours,
            },
            "usual": _usual(usual),
            "sessions": [_session(one) for one in how.sessions],
        }
    )


def _score(place: OwnPlace) -> dict[str, Any]:
    return {
        "rank": place.rank,
        "total": place.best.total,
        "coach_avg": place.coach_avg,
        "hours": place.hours,
        "hours_norm": place.hours_norm,
        "win_rate": place.best.win_rate,
        "sessions": place.sessions,
        "shots": place.shots,
        "ladders": [_ladder(part) for part in place.ladders],
    }


def _ladder(part: LadderPart) -> dict[str, Any]:
    return {
        "ladder": part.ladder,
        "won": part.won,
        "played": part.played,
        "win_rate": part.win_rate,
        "total": part.total,
        "reward": part.reward,
    }


def _usual(found: dict[Measure, Usual | None]) -> dict[str, Any]:
    return {
        measure: None if one is None else {"value": one.value, "weeks": one.weeks, "strokes": one.strokes}
        for measure, one in found.items()
    }


def _session(one: TrainingSession) -> dict[str, Any]:
    return {
        "id": one.session_id,
        "day": one.day,
        "minutes": one.minutes,
        "shots": one.shots,
        "coach_score": one.coach_score,
        "measures": {
            measure: {"value": step.value, "strokes": step.strokes, "raw": step.raw, "counted": step.counted}
            for measure, step in one.steps.items()
        },
    }
