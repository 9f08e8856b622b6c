"""Starting and ending: practice with a goal or a drill, a match with its opponent, and what it came to."""

import sqlite3
from collections.abc import Container
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.clock import stamp
from edge.hall import ladders
from edge.hall.badges import badges_of
from edge.hall.drills import drills
from edge.hall.matches import RACKLESS_GAMES, Match, get_match, longest_race
from edge.hall.players import GAMES, Player, get_player, new_guest
from edge.hall.ratings import change_in
from edge.hall.sessions import Session, get_session
from edge.hall.sitting import Sitting, leave_table, start_match, start_practice
from edge.stats.summary import goal_progress, session_summary
from kiosk import limits, pin_check, stats_svg
from kiosk.balls_svg import ball_set
from kiosk.box import box
from kiosk.diagram import drill_svg
from kiosk.live_state import default_table
from kiosk.player import belongings, check_in, ladder_play
from kiosk.security import Refusal
from kiosk.who import access, current_visitor, logged_in, require_at_table, require_private_line

blueprint = Blueprint("start", __name__)

MAKES, MINUTES, RUNS = (10, 25, 50, 100), (15, 30, 60), (3, 5, 8)
RACES = (1, 3, 5, 7, 9, 11)
POINTS = (25, 50, 75, 100, 150)
SHOWN_AFTER = timedelta(minutes=10)  # the screen shows what a session came to for so long after its end


@blueprint.get("/start")
@access("guest", otherwise="check-in")
def choose() -> str:
    """Practice or match."""
    player = logged_in()
    with box().store.read() as conn:
        sitting = box().sitting(conn)
    return render_template("start/choose.html", player=player, others=_others(sitting, player))


@blueprint.get("/start/practice")
@access("guest", otherwise="check-in")
def practice() -> str:
    """A goal, a drill, or neither."""
    table = box().reading().table or default_table()
    balls = ball_set(box().reading().ball_set)
    return render_template(
        "start/practice.html",
        makes=MAKES,
        minutes=MINUTES,
        runs=RUNS,
        drills=[(drill, drill_svg(drill, table, balls)) for drill in drills().values()],
    )


@blueprint.post("/start/practice")
@access("guest")
def begin_practice() -> Response:
    goal = checked_goal(request.form.get("goal", ""))
    with box().store.write() as conn:
        start_practice(conn, logged_in().id, box().here(), goal)
    return redirect("/", 303)


@blueprint.get("/start/match")
@access("guest", otherwise="check-in")
def match() -> str:
    """Which game, how far, and against whom."""
    player = logged_in()
    with box().store.read() as conn:
        others = _others(box().sitting(conn), player)
        own = [] if player.guest else ladders.my_ladders(conn, player.id)
    return render_template(
        "start/match.html",
        games=GAMES,
        races=RACES,
        points=POINTS,
        others=others,
        own_ladders=own,
        challenges=ladder_play.with_whom(own),
        player=player,
    )


@blueprint.post("/start/match")
@access("guest")
def begin_match() -> Response:
    """Starts against somebody at the table or a guest; anybody else checks in first."""
    game, race_to = asked_game()
    against = request.form.get("against", "")
    if against.startswith(("challenge:", "ladder:")):
        return _begin_for_ladder(against, game, race_to)
    if against == "check-in":
        return redirect(url_for("start.opponent", game=game, race=race_to), 303)
    player = logged_in()
    with box().store.write() as conn:
        if against == "guest":
            other = new_guest(conn, box().here().stamp, 2 if player.guest else 1)
        else:
            found = next((p for p in _others(box().sitting(conn), player) if p.id == against), None)
            if found is None:
                abort(400)
            other = found
        start_match(conn, (player.id, other.id), game, race_to, box().here())
    return redirect("/", 303)


@blueprint.get("/start/opponent")
@access("guest", otherwise="check-in")
def opponent() -> str:
    """The opponent's name."""
    require_private_line()
    game, race_to = asked_game()
    return render_template("check_in/name.html", page=check_in.opponent_page(game, race_to, _asked_ladder()))


@blueprint.get("/start/opponent/pin")
@access("guest", otherwise="check-in")
def opponent_pin() -> str:
    """The opponent's PIN."""
    require_private_line()
    game, race_to = asked_game()
    return check_in.pin_page(check_in.opponent_page(game, race_to, _asked_ladder()), check_in.asked_name())


@blueprint.post("/start/opponent/pin")
@access("guest")
def opponent_checks_in() -> Response | str:
    """Starts the match once the opponent's PIN is right; the first player stays checked in."""
    require_private_line()
    limits.spend("pin")
    game, race_to = asked_game()
    name, pin = request.form.get("name", ""), request.form.get("pin", "")
    verdict = pin_check.verify_name(name, pin)
    ladder_id = _asked_ladder()
    page, player = check_in.opponent_page(game, race_to, ladder_id), logged_in()
    if verdict.player_id is None or verdict.player_id == player.id:
        return check_in.pin_page(page, name, verdict)
    with box().store.write() as conn:
        begun = start_match(conn, (player.id, verdict.player_id), game, race_to, box().here())
        apart = ladder_id and not ladder_play.count_for(conn, begun, ladder_id, player.id, box().here().stamp)
    return redirect(url_for("table.home", apart=ladder_id) if apart else "/", 303)


@blueprint.post("/end")
@access("screen", "guest")
def end() -> Response:
    """Ends what goes on at the table and shows what it came to."""
    here = box().here()
    with box().store.write() as conn:
        sitting = box().sitting(conn)
        if not sitting.taken:
            return redirect("/", 303)
        player = current_visitor().player
        own = sitting.session_for(None if player is None else player.id)
        require_at_table(own)
        leave_table(conn, here.table_label, here.now, "player", here.now)
    return redirect(url_for("start.summary", session_id=own.id), 303)


@blueprint.post("/rematch/<session_id>")
@access("screen", "guest")
def rematch(session_id: str) -> Response:
    """The same two, the same game; who broke second breaks first."""
    with box().store.write() as conn:
        session = get_session(conn, session_id)
        earlier = None if session is None or session.match_id is None else get_match(conn, session.match_id)
        if session is None or earlier is None:
            abort(404)
        require_summary(session)
        breaker = 1 - earlier.first_breaker
        start_match(
            conn,
            earlier.players,
            earlier.game,
            earlier.race_to,
            box().here(),
            breaks=earlier.breaks,
            first_breaker=breaker,
        )
    return redirect("/", 303)


@blueprint.get("/session/<session_id>")
@access("screen", "guest", otherwise="check-in")
def summary(session_id: str) -> str:
    """What a session came to, for its players; for the screen as long as they may still stand there."""
    with box().store.read() as conn:
        session = get_session(conn, session_id)
        if session is None:
            abort(404)
        require_summary(session)
        found = session_summary(conn, session)
        player = get_player(conn, session.player_id)
        match = None if session.match_id is None else get_match(conn, session.match_id)
        players = [] if match is None else [get_player(conn, player_id) for player_id in match.players]
        for_ladder = None if match is None else ladders.for_ladder(conn, match)
        change = None if match is None else change_in(conn, match.id, session.player_id)
        won = _badges_of_session(conn, session, match)
    table = box().reading().table or default_table()
    return render_template(
        "start/summary.html",
        session=session,
        player=player,
        match=match,
        names=["" if p is None else p.name for p in players],
        figures=found.figures,
        map=stats_svg.shot_map(found.map, table, box().t),
        progress=goal_progress(session, found.figures),
        change=change,
        for_ladder=for_ladder,
        badges=won,
        code=belongings.code_of(player, session),
    )


def _begin_for_ladder(against: str, game: str, race_to: int) -> Response:
    """A ladder match: at once with somebody at the table, else whoever it is checks in first."""
    player, here = logged_in(), box().here()
    with box().store.write() as conn:
        plan = ladder_play.plan(conn, player.id, against, game, race_to)
        players = (player.id, plan.opponent.id if plan.opponent else "")
        for other in _others(box().sitting(conn), player):
            together = ladders.ladders_for(conn, (player.id, other.id), plan.game, plan.race_to)
            if other.id == players[1] or (not players[1] and plan.ladder_id in (one.id for one in together)):
                begun = start_match(conn, (player.id, other.id), plan.game, plan.race_to, here)
                ladder_play.count_for(conn, begun, plan.ladder_id, player.id, here.stamp)
                return redirect("/", 303)
    asked: dict[str, Any] = {"game": plan.game, "race": plan.race_to, "ladder": plan.ladder_id}
    if plan.opponent is None:
        return redirect(url_for("start.opponent", **asked), 303)
    return redirect(url_for("start.opponent_pin", name=plan.opponent.name, **asked), 303)


def _asked_ladder() -> str:
    """The ladder for which a match is to count whose opponent checks in first; empty for none."""
    return request.values.get("ladder", "")[:40]


def _others(sitting: Sitting, player: Player) -> list[Player]:
    """Who sits at the table besides the player."""
    return [other for other in sitting.players if other.id != player.id]


def checked_goal(text: str) -> dict[str, object]:
    """What a player sets out to do: `makes:25`, `minutes:30`, `run:5`, `drill:` and its key, or nothing. Answers
    400 for anything else."""
    kind, _, amount = text.partition(":")
    if kind == "":
        return {}
    if kind == "drill":
        if amount not in drills():
            abort(400)
        return drills()[amount].goal
    allowed = {"makes": MAKES, "minutes": MINUTES, "run": RUNS}
    if kind not in allowed or amount not in {str(n) for n in allowed[kind]}:
        abort(400)
    return {kind: int(amount)}


def asked_game() -> tuple[str, int]:
    """The game and the race that the address or the form names. Answers 400 for one that can't be played."""
    game = request.values.get("game", "")
    race = request.values.get(race_field(game, request.values), "")
    most = longest_race(game)
    if game not in GAMES or not race.isascii() or not race.isdigit() or not 1 <= int(race[:4]) <= most:
        abort(400)
    return game, int(race)


def race_field(game: str, asked: Container[str]) -> str:
    """The field that says how far a game goes: in one without racks the points, where there are any."""
    return "points" if game in RACKLESS_GAMES and "points" in asked else "race"


def require_summary(session: Session) -> None:
    """Its player and staff always; the screen while it goes on and a little longer. Raises Refusal."""
    visitor = current_visitor()
    if visitor.staff or visitor.is_player(session.player_id):
        return
    ended_at = session.ended_at
    fresh = ended_at is None or box().here().now - ended_at < SHOWN_AFTER
    if not (visitor.screen and fresh and session.table_label == box().settings.table.label):
        raise Refusal(403, "not_yours")


def _badges_of_session(conn: sqlite3.Connection, session: Session, match: Match | None) -> list[str]:
    """The badges that a session brought: those that name it or its match, or were earned while it went on."""
    refs = {session.id} if match is None else {session.id, match.id}
    until = stamp(session.ended_at or box().here().now)
    return [
        earned.badge
        for earned in badges_of(conn, session.player_id)
        if earned.ref in refs or stamp(session.started_at) <= earned.earned_at <= until
    ]
