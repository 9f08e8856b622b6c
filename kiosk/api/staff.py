"""Evenings, attendance, results, the full board and groups, for programs of the hall's people."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from edge.facts import uuid7
from edge.hall import accounts, groups, points
from edge.hall.game_sessions import (
    GameSession,
    attend,
    attending,
    begin_evening,
    get_evening,
    leave_out,
    time_of_result,
)
from edge.hall.matches import MOST_POINTS, Match, get_match
from edge.hall.players import Player, get_player
from edge.hall.results import Entered, enter_result
from kiosk.api import bodies
from kiosk.api.bodies import Body, BodyError
from kiosk.box import box
from kiosk.counter.forms import is_month
from kiosk.who import access, hall_staff

blueprint = Blueprint("staff", __name__)


@blueprint.post("/api/admin/sessions")
@access("staff")
def begin() -> tuple[Response, int]:
    body = Body("game", "race_to", "doubles", "id")
    game, race_to = body.text("game"), body.number("race_to", 1, least=1, most=MOST_POINTS)
    doubles, evening_id = body.yes_no("doubles", False), body.new_id()
    with box().store.write() as conn:
        known = evening_id is not None and get_evening(conn, evening_id) is not None
        evening = begin_evening(
            conn, box().here(), hall_staff().id, game=game, race_to=race_to, doubles=doubles, evening_id=evening_id
        )
    return jsonify(_evening(evening)), 200 if known else 201


@blueprint.post("/api/admin/sessions/<evening_id>/attendance")
@access("staff")
def attendance(evening_id: str) -> Response:
    body = Body("players", "present")
    ids, present = body.ids("players"), body.yes_no("present", True)
    by, now = hall_staff().id, box().here().now
    with box().store.write() as conn:
        evening = _require_evening(conn, evening_id)
        _require_players(conn, ids)
        if present:
            attend(conn, evening, ids, by, now)
        else:
            for player_id in ids:
                leave_out(conn, evening, player_id, by, now)
        here = attending(conn, evening_id)
    return jsonify({"id": evening_id, "present": [_named(player) for player in here]})


@blueprint.post("/api/admin/sessions/<evening_id>/matches")
@access("staff")
def match(evening_id: str) -> tuple[Response, int]:
    body = Body("id", "sides", "score", "game")
    sides, score = bodies.sides(body, "sides"), bodies.score(body, "score", MOST_POINTS)
    match_id, game = body.new_id() or uuid7(), body.text("game", None)
    by, now = hall_staff().id, box().here().now
    with box().store.write() as conn:
        evening = _require_evening(conn, evening_id)
        _require_players(conn, (*sides[0], *sides[1]))
        known = get_match(conn, match_id)
        at = time_of_result(conn, evening, now)
        what = Entered(match_id, sides, game or evening.game, score, evening.day, at, evening.id)
        entered = enter_result(conn, what, by, now)
    if known is not None and not _says(known, what):
        raise BodyError("id_known", 409, id=match_id)
    return jsonify(_match(entered)), 201 if known is None else 200


@blueprint.get("/api/admin/leaderboard/full")
@access("staff")
def full_board() -> Response:
    here = box().here()
    month = request.args.get("month", here.month)
    if month != "alltime" and not is_month(month, here):
        raise BodyError("month", field="month")
    with box().store.read() as conn:
        found = points.full_board(conn, None if month == "alltime" else month)
    board = [
        {
            "rank": one.rank,
            "id": one.player_id,
            "name": one.name,
            "points": one.points,
            "guest": one.guest,
            "visible": one.seen,
        }
        for one in found
    ]
    return jsonify({"month": month, "board": board})


@blueprint.get("/api/admin/player-groups")
@access("staff")
def player_groups() -> Response:
    with box().store.read() as conn:
        found = groups.memberships(conn)
    return jsonify({"players": [_membership(one) for one in found]})


@blueprint.patch("/api/admin/player-groups/<player_id>")
@access("staff")
def set_group(player_id: str) -> Response:
    value = Body("group").value("group")
    wanted: groups.Group | None = next((one for one in groups.GROUPS if one == value), None)
    if value is not None and wanted is None:
        raise BodyError("group", field="group")
    with box().store.write() as conn:
        _require_players(conn, [player_id])
        accounts.set_group(conn, player_id, wanted, hall_staff().id, box().here().now)
        found = groups.membership_of(conn, player_id)
    if found is None:
        raise BodyError("no_player", 404, id=player_id[:36])
    return jsonify(_membership(found))


def _require_evening(conn: sqlite3.Connection, evening_id: str) -> GameSession:
    evening = get_evening(conn, evening_id)
    if evening is None:
        raise BodyError("no_session", 404, id=evening_id[:36])
    return evening


def _require_players(conn: sqlite3.Connection, ids: Iterable[str]) -> None:
    for player_id in ids:
        player = get_player(conn, player_id)
        if player is None or player.erased:
            raise BodyError("no_player", 404, id=player_id[:36])


def _says(known: Match, what: Entered) -> bool:
    """Whether that result stands as it is sent: else it is another one, or was put right since."""
    stands = (known.game_session_id, known.game, known.score, known.status)
    return stands == (what.game_session_id, what.game, what.score, "over")


def _evening(evening: GameSession) -> dict[str, Any]:
    return {
        "id": evening.id,
        "day": evening.day,
        "game": evening.game,
        "race_to": evening.race_to,
        "doubles": evening.doubles,
        "open": evening.open,
    }


def _match(found: Match) -> dict[str, Any]:
    return {
        "id": found.id,
        "session": found.game_session_id,
        "game": found.game,
        "sides": [list(side) for side in found.sides],
        "score": list(found.score),
        "winner": None if found.winner is None else found.players.index(found.winner),
        "status": found.status,
        "day": found.day,
    }


def _named(player: Player) -> dict[str, Any]:
    return {"id": player.id, "name": player.name, "guest": player.guest}


def _membership(one: groups.Membership) -> dict[str, Any]:
    return {"id": one.player_id, "name": one.name, "group": one.group, "override": one.override}
