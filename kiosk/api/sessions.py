"""Sessions for programs: starting a practice, how a session stands, and its shots, under the rules of the
pages."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from edge.clock import stamp
from edge.hall.matches import Match, get_match
from edge.hall.plays import shots_of_session
from edge.hall.sessions import Session, get_session
from edge.hall.sitting import start_practice
from edge.stats.summary import goal_progress, session_summary
from kiosk.api.bodies import asked_number
from kiosk.box import box
from kiosk.player.start import checked_goal, require_summary
from kiosk.records import Entry
from kiosk.who import access, logged_in

blueprint = Blueprint("sessions", __name__)

LIMIT, MAX_LIMIT = 50, 200
FILTERS = ("result", "kind")


@blueprint.post("/api/sessions")
@access("guest")
def start() -> tuple[Response, int]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or body.get("kind") != "practice":
        abort(400)
    with box().store.write() as conn:
        session = start_practice(conn, logged_in().id, box().here(), checked_goal(str(body.get("goal") or "")))
    return jsonify({"id": session.id}), 201


@blueprint.get("/api/sessions/<session_id>")
@access("screen", "guest")
def session(session_id: str) -> Response:
    with box().store.read() as conn:
        found = get_session(conn, session_id)
        if found is None:
            abort(404)
        require_summary(found)
        figures = session_summary(conn, found).figures
        match = None if found.match_id is None else get_match(conn, found.match_id)
    progress = goal_progress(found, figures)
    return jsonify(
        {
            **_session(found),
            "figures": {**asdict(figures), "make_pct": figures.make_pct},
            "goal": None if progress is None else {**asdict(progress), "reached": progress.reached},
            "match": None if match is None else _match(match),
        }
    )


@blueprint.get("/api/sessions/<session_id>/shots")
@access("screen", "guest")
def shots(session_id: str) -> Response:
    limit = asked_number("limit", LIMIT, least=1, most=MAX_LIMIT)
    with box().store.read() as conn:
        found = get_session(conn, session_id)
        if found is None:
            abort(404)
        require_summary(found)
        wanted = {name: request.args[name] for name in FILTERS if name in request.args}
        keys = shots_of_session(conn, session_id, limit, **wanted)
    return jsonify({"shots": [_shot(entry) for entry in box().records.entries(keys)]})


def _session(found: Session) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind,
        "table": found.table_label,
        "day": found.day,
        "started_at": stamp(found.started_at),
        "ended_at": None if found.ended_at is None else stamp(found.ended_at),
        "status": "open" if found.open else "ended",
        "shots": found.shots,
        "active_s": round(found.active_s, 1),
    }


def _match(match: Match) -> dict[str, Any]:
    return {
        "id": match.id,
        "game": match.game,
        "race_to": match.race_to,
        "status": match.status,
        "score": list(match.score),
        "winner": match.winner and match.players.index(match.winner),
    }


def _shot(entry: Entry) -> dict[str, Any]:
    by = entry.by
    return {
        **entry.stored.as_json(),
        "played_at": stamp(entry.stored.played_at),
        "foul": None if by is None else by.foul,
        "run": None if by is None else by.run,
        "rack": None if by is None else by.rack,
        "sure": None if by is None else by.sure,
    }
