"""A player's own figures and the boards, for programs: under the same rules as the pages that show them."""

from typing import Any

from flask import Blueprint, Response, jsonify

from edge.hall import groups, points, ratings, streaks
from edge.hall.badges import badges_of
from edge.hall.points import OwnRank
from edge.hall.streaks import Streak
from edge.stats.daily import Figures
from edge.stats.spans import record_of, stats_of
from kiosk.api.months import require_month
from kiosk.box import box
from kiosk.player.boards import member_since, own_place
from kiosk.player.me import asked_range
from kiosk.who import access, logged_in

blueprint = Blueprint("me", __name__)


@blueprint.get("/api/me/metrics")
@access("player")
def metrics() -> Response:
    with box().store.read() as conn:
        stats = stats_of(conn, logged_in().id, asked_range("month"), box().here().day)
    parts = [{"part": part, **_figures(figures)} for part, figures in stats.parts if figures is not None]
    span = stats.span
    head = {"range": span.range, "begin": span.begin, "end": span.end, "step": span.step}
    return jsonify({**head, **_figures(stats.figures), "parts": parts})


@blueprint.get("/api/me/heatmap/misses")
@access("player")
def misses() -> Response:
    with box().store.read() as conn:
        stats = stats_of(conn, logged_in().id, asked_range("lifetime"), box().here().day)
    missed, made = stats.map
    head = {"range": stats.span.range, "begin": stats.span.begin, "end": stats.span.end}
    rows, columns = missed.shape
    grid = {"columns": columns, "rows": rows, "misses": missed.tolist(), "makes": made.tolist()}
    return jsonify({**head, **grid})


@blueprint.get("/api/my-stats")
@access("player")
def my_stats() -> Response:
    player, here = logged_in(), box().here()
    with box().store.read() as conn:
        rating, record = ratings.rating_of(conn, player.id), record_of(conn, player.id)
        running = streaks.streaks_of(conn, player.id, here.day)
        group, badges = groups.group_of(conn, player.id), badges_of(conn, player.id)
    return jsonify(
        {
            "month": here.month,
            "own": _own(own_place(here.month)),
            "alltime": _own(own_place(None)),
            "group": group,
            "elo": round(rating.elo, 1),
            "fargo": round(rating.fargo, 1),
            "racks": rating.racks,
            "preliminary": rating.preliminary,
            "matches": record.played,
            "wins": record.won,
            "win_pct": record.win_pct,
            "streaks": {
                "wins": _streak(running.wins),
                "hill_hill": _streak(running.hill_hill),
                "days": _streak(running.days),
            },
            "badges": [{"badge": earned.badge, "earned_at": earned.earned_at} for earned in badges],
        }
    )


@blueprint.get("/api/leaderboard/monthly", defaults={"month": None})
@blueprint.get("/api/leaderboard/monthly/<month>")
@access("public")
def monthly(month: str | None) -> Response:
    month = box().here().month if month is None else require_month(month)
    with box().store.read() as conn:
        places = points.month_board(conn, month)
    top = [{"rank": place.rank, "name": place.name, "points": place.points} for place in places]
    return jsonify({"month": month, "top": top, "own": _own(own_place(month))})


@blueprint.get("/api/leaderboard/alltime")
@access("public")
def alltime() -> Response:
    with box().store.read() as conn:
        places = points.hall_of_fame(conn)
    top = [
        {
            "rank": place.rank,
            "name": place.name,
            "points": place.points,
            "best_month": place.best_month,
            "member_since": member_since(place.member_since),
        }
        for place in places
    ]
    return jsonify({"top": top, "own": _own(own_place(None))})


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "make_pct": figures.make_pct,
        "break_win_pct": figures.break_win_pct,
        "avg_balls_run": figures.avg_balls_run,
        "safety_win_pct": figures.safety_win_pct,
        "pos_error_in": figures.pos_error_in,
        "attempts": figures.attempts,
        "makes": figures.makes,
        "minutes": round(figures.minutes, 1),
        "shots": figures.shots,
        "breaks": figures.breaks,
        "safeties": figures.safeties,
        "scratches": figures.scratches,
        "best_run": figures.best_run,
        "best_speed_mph": figures.best_speed_mph,
    }


def _own(place: OwnRank | None) -> dict[str, Any] | None:
    return None if place is None else {"rank": place.rank, "points": place.points}


def _streak(streak: Streak) -> dict[str, int]:
    return {"now": streak.now, "best": streak.best}
