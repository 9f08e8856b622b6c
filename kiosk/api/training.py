"""Training scores for programs, under the same rules as the pages: ten of a month, and the player's own."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify

from edge.hall import training_board
from edge.hall.training_board import HowMade, TrainingSession
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
        how = training_board.how_made(conn, player.id, month)
        sessions = training_board.counted_sessions(conn, player.id, month)
        usual = training_board.usual_of(conn, player.id, month)
    return jsonify(
        {
            "month": month,
            "score": None if how is None else _score(how),
            "usual": {measure: None if one is None else asdict(one) for measure, one in usual.items()},
            "sessions": [_session(one) for one in sessions],
        }
    )


def _score(how: HowMade) -> dict[str, Any]:
    place = how.place
    return {
        "rank": place.rank,
        "total": place.best.total,
        "coach_avg": place.coach_avg,
        "hours": place.hours,
        "hours_norm": place.hours_norm,
        "win_rate": place.best.win_rate,
        "sessions": place.sessions,
        "shots": place.shots,
        "ladders": [asdict(part) for part in place.ladders],
        "most_hours": how.most_hours,
        "missing_sessions": how.missing_sessions,
        "missing_hours": how.missing_hours,
    }


def _session(one: TrainingSession) -> dict[str, Any]:
    return {
        "id": one.session_id,
        "day": one.day,
        "minutes": one.minutes,
        "shots": one.shots,
        "coach_score": one.coach_score,
        "measures": {measure: asdict(step) for measure, step in one.steps.items()},
    }
