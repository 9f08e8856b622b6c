"""The table's own pages: the attract screen or the play that goes on, the list of shots, and one shot."""

import socket
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from calibration.table import Table
from edge.hall.ladders import my_ladders
from edge.hall.points import month_board
from kiosk import diagram, fragments, shot_words
from kiosk.balls_svg import ball_set
from kiosk.box import box
from kiosk.live import SHOTS_ON_PAGE
from kiosk.live_state import Reading, default_table
from kiosk.player.mending import mending
from kiosk.records import Entry
from kiosk.replay import replay_data, table_data
from kiosk.who import access, current_visitor

blueprint = Blueprint("table", __name__)

SILENT_MS = 20_000


@blueprint.get("/")
@access("public", by_itself=True)
def home() -> str:
    """The first page anyone sees: the live table with what is played on it, or the way in."""
    play = fragments.play_at_table()
    if play.seat:
        may_act = _may_act(play.players)
        score, duel = fragments.play(play), fragments.duel(play)
        apart = _not_for() if play.board is not None and play.board.match.score == (0, 0) else None
        return _live_page("table/play.html", play=play, score=score, duel=duel, may_act=may_act, apart=apart)
    with box().store.read() as conn:
        board = month_board(conn, box().here().month)
    return _live_page("table/attract.html", listed=False, board=board)


@blueprint.get("/shots")
@access("public", by_itself=True)
def shots() -> str:
    """The latest shots, whoever played them."""
    return _live_page("table/shots.html")


@blueprint.get("/shots/older")
@access("public")
def older_cards() -> str:
    """The cards before a shot, for the button at the list's end."""
    before = request.args.get("before", "")
    if not before:
        abort(400)
    entries = box().records.recent(SHOTS_ON_PAGE, before)
    return render_template(
        "table/_older.html",
        entries=entries,
        cards=[fragments.card(entry) for entry in entries],
        more=len(entries) == SHOTS_ON_PAGE,
    )


@blueprint.get("/shots/<path:key>")
@access("public")
def shot(key: str) -> str:
    """One shot: its large diagram, a replay and everything that was measured."""
    entry = box().records.shot(key)
    if entry is None:
        abort(404)
    return shot_page(entry)


@blueprint.get("/stream")
@access("public", by_itself=True)
def stream() -> Response:
    """The live stream of server-sent events; see `kiosk.live`."""
    hub = box().hub
    if hub.listeners >= hub.max_listeners:
        return Response("too many pages listen\n", 503, {"Retry-After": "5"}, mimetype="text/plain")
    hub.start()
    _give_up_on_silence(request.environ.get("gunicorn.socket"))
    last_seen = request.headers.get("Last-Event-ID") or request.args.get("after")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(hub.stream(last_seen), headers=headers, mimetype="text/event-stream")


def _live_page(template: str, *, listed: bool = True, **more: Any) -> str:
    """A page with the live table on it, and the latest shots unless they are not `listed`."""
    box().hub.start()
    reading = box().reading()
    entries = box().records.recent(SHOTS_ON_PAGE if listed else 1)
    table = _table_to_draw(reading, entries)
    pill, notice = fragments.status(reading.status, reading.message)
    values: dict[str, Any] = {
        "seat": more["play"].seat if "play" in more else "",
        "table": table,
        "table_data": {**table_data(table), "ball_set": reading.ball_set},
        "balls": ball_set(reading.ball_set),
        "pill": pill,
        "notice": notice,
        "care": fragments.care(reading.cares),
        "today": fragments.today(),
        "entries": entries,
        "cards": [fragments.card(entry) for entry in entries] if listed else [],
        "more": len(entries) == SHOTS_ON_PAGE,
    }
    return render_template(template, **values | more)


def _may_act(player_ids: tuple[str, ...]) -> bool:
    """Whether the visitor's taps at the table count: whoever stands there, plays there, or is staff."""
    visitor = current_visitor()
    return visitor.screen or visitor.staff or any(visitor.is_player(player_id) for player_id in player_ids)


def _not_for() -> str | None:
    """The ladder of the player who asks, for which the match was to count that has just begun, and can't."""
    ladder_id, player = request.args.get("apart"), current_visitor().player
    if ladder_id is None or player is None:
        return None
    with box().store.read() as conn:
        own = my_ladders(conn, player.id)
    return next((mine.ladder.name for mine in own if mine.ladder.id == ladder_id), None)


def _give_up_on_silence(connection: Any) -> None:
    """A phone that left the network must not hold its thread for the quarter of an hour TCP would wait."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if isinstance(connection, socket.socket) and option is not None:
        connection.setsockopt(socket.IPPROTO_TCP, option, SILENT_MS)


def _table_to_draw(reading: Reading, entries: list[Entry]) -> Table:
    """The table vision sees; before it does, the one of the latest shot."""
    return reading.table or (entries[0].table if entries else default_table())


def shot_page(entry: Entry, *, back: str = "/", alone: bool = False) -> str:
    """A shot's page; `alone` without a way to other shots, and to be looked at only."""
    shot, t = entry.stored.shot, box().t
    balls = entry.ball_set or ball_set(box().reading().ball_set)
    return render_template(
        "table/shot.html",
        entry=entry,
        shot=shot,
        table=entry.table,
        balls=balls,
        paths=diagram.paths_svg(shot, entry.table, balls),
        replay=replay_data(shot, entry.table),
        result=shot_words.result_word(shot, t),
        flags=shot_words.flags(shot, t),
        potted=shot_words.potted_balls(shot, balls, t),
        facts=shot_words.all_facts(shot, t),
        foul="" if entry.by is None or entry.by.foul is None else shot_words.foul_word(entry.by, t),
        mending=None if alone else mending(entry, balls),
        newer=None if alone else box().records.newer(entry.key),
        older=None if alone else box().records.older(entry.key),
        back=back,
    )
