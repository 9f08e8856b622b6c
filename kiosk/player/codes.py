"""Codes that the table's screen shows for phones, and how the screen goes on once a phone has opened one.

Each page shows codes of its own and asks how they stand once a second; a stream would hold one of the server's
threads for as long as the page is open. With each code the page gets a stub, which is in no QR code and does not
leave the box: a phone that is connected uses up the code, and the page that showed it uses up the stub. So a
check-in happens once, and only there.
"""

import sqlite3
from dataclasses import replace

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from markupsafe import Markup
from segno import make
from werkzeug.wrappers import Response

from edge.hall import logins
from edge.hall.players import Player, get_player
from edge.hall.sitting import start_match
from kiosk import limits, pin_check
from kiosk.box import box, now
from kiosk.player import check_in
from kiosk.player.check_in import AskPage
from kiosk.player.phones import (
    CHECK_IN,
    CONNECT,
    LIFE_S,
    Code,
    check_in_address,
    digest,
    find_code,
    numbers,
)
from kiosk.player.start import asked_game
from kiosk.security import Refusal
from kiosk.who import access, current_visitor

blueprint = Blueprint("codes", __name__)

SCREEN_STUB = "screen-stub"
WATCHED = 2  # codes of one page: the one it shows, and the one before, which a phone may just have scanned


@blueprint.get("/phone")
@access("player", otherwise="check-in")
def connect() -> str:
    """A code by which a player's phone is connected."""
    if not current_visitor().screen:
        raise Refusal(403, "at_table_only")
    return render_template("phones/show.html")


@blueprint.post("/code")
@access("screen", by_itself=True)
def make_code() -> str:
    """A new code, as a QR code for the page to show."""
    limits.spend("token")
    address = check_in_address()
    if address is None:
        abort(404)
    purpose, player_id, payload = _wanted()
    with box().store.write() as conn:
        at = now()
        code = logins.make_token(conn, purpose, at, LIFE_S, player_id=player_id, payload=payload)
        stub = logins.make_token(conn, SCREEN_STUB, at, LIFE_S, payload={"code": digest(code)})
    return render_template("phones/_code.html", code=code, stub=stub, qr=qr_svg(f"{address}/p/{code}"))


@blueprint.get("/code/state")
@access("screen", by_itself=True)
def state() -> Response:
    """How the codes of a page stand: the first that was answered counts."""
    at, codes = now(), request.args.getlist("code")[:WATCHED]
    with box().store.read() as conn:
        stages = {code: find_code(conn, code, at).found.stage for code in codes}
    for code, stage in stages.items():
        if stage == "opened":
            return jsonify({"stage": stage, "code": code, "go": url_for("codes.number", code=code)})
        if stage == "done":
            return jsonify({"stage": stage, "code": code})
    return jsonify({"stage": stages.get(codes[0], "gone") if codes else "gone"})


@blueprint.post("/code/drop")
@access("screen", by_itself=True)
def drop() -> tuple[str, int]:
    """The page that showed them was left, or shows others."""
    with box().store.write() as conn:
        for token in request.form.getlist("token")[: 2 * WATCHED]:
            logins.withdraw(conn, token)
    return "", 204


@blueprint.post("/code/in")
@access("screen")
def come_in() -> Response | str:
    """A phone that is connected has used the code of this page: its player is checked in."""
    code, stub = request.form.get("code", ""), request.form.get("stub", "")
    with box().store.write() as conn:
        at = now()
        one = find_code(conn, code, at)
        held = logins.peek(conn, stub, SCREEN_STUB, at)
        ours = held is not None and held.payload == {"code": digest(code)}
        player_id = one.found.who
        answered = ours and one.purpose == CHECK_IN and one.found.stage == "done"
        if not answered or player_id is None or not _is_awaited(one):
            return _tell("over", one)
        logins.take(conn, stub, SCREEN_STUB, at, player_id)
        _sit_down(conn, one, player_id)
    return _go_on(one, player_id)


@blueprint.get("/code/<code>/number")
@access("screen")
def number(code: str) -> str:
    """Which number does your phone show? So nobody else's phone is connected by the player's PIN."""
    one, player = _opened(code)
    if one.found.stage != "opened":
        return _tell("over", one)
    if player is None:
        return render_template("phones/unknown.html", code=code, one=one, back=_back(one))
    shown = sorted(numbers(code))
    return render_template("phones/number.html", code=code, player=player, numbers=shown, back=_back(one))


@blueprint.post("/code/<code>/number")
@access("screen")
def choose_number(code: str) -> Response | str:
    """The right number leads to the PIN, or connects the phone of who is logged in here already."""
    one, player = _opened(code)
    chosen = request.form.get("number", "")
    if one.found.stage != "opened":
        return _tell("over", one)
    if player is None or chosen != str(numbers(code)[0]):
        with box().store.write() as conn:
            logins.withdraw(conn, code)
        return redirect(_back(one), 303) if chosen == "none" else _tell("other", one)
    if one.purpose == CHECK_IN:
        return redirect(url_for("codes.pin", code=code, number=chosen), 303)
    if not current_visitor().is_player(player.id):
        raise Refusal(403, "not_yours")
    with box().store.write() as conn:
        taken = logins.take(conn, code, CONNECT, now(), player.id)
    return _tell("over" if taken is None else "connected", one)


@blueprint.get("/code/<code>/pin")
@access("screen")
def pin(code: str) -> str:
    """The PIN, for the name that was typed on the phone."""
    one, player = _opened(code)
    if not _may_enter(code, one) or player is None:
        return _tell("over", one)
    return check_in.pin_page(_page(code, one), player.name)


@blueprint.post("/code/<code>/pin")
@access("screen")
def enter(code: str) -> Response | str:
    """Lets the player in whose PIN is right, and connects the phone."""
    limits.spend("pin")
    one, player = _opened(code)
    if not _may_enter(code, one) or player is None:
        return _tell("over", one)
    verdict = pin_check.verify_name(player.name, request.form.get("pin", ""))
    if verdict.player_id is None or one.payload("against") == player.id:
        return check_in.pin_page(_page(code, one), player.name, verdict)
    with box().store.write() as conn:
        if not _is_awaited(one) or logins.take(conn, code, CHECK_IN, now(), player.id) is None:
            return _tell("over", one)
        _sit_down(conn, one, player.id)
    return _go_on(one, player.id, by_pin=True)


def qr_svg(address: str) -> Markup:
    """An address as a QR code, dark on white whatever the page's colours are; four modules of white around it."""
    code = make(address, error="l", micro=False)
    return Markup(
        code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr-code", lineclass=None)
    )


def _wanted() -> tuple[str, str | None, dict[str, object]]:
    """What the page wants a code for: its purpose, whom it is bound to, and what is noted with it."""
    kind, player = request.form.get("kind"), current_visitor().player
    if kind == CONNECT:
        if player is None or player.guest:
            abort(400)
        return CONNECT, player.id, {}
    if kind != "opponent":
        return CHECK_IN, None, dict(check_in.own_page().hidden)
    game, race_to = asked_game()
    if player is None:
        abort(400)
    return CHECK_IN, None, {"against": player.id, "game": game, "race": race_to}


def _opened(code: str) -> tuple[Code, Player | None]:
    """A code and the player whose phone has opened it."""
    with box().store.read() as conn:
        one = find_code(conn, code, now())
        return one, None if one.found.who is None else get_player(conn, one.found.who)


def _may_enter(code: str, one: Code) -> bool:
    """Whether a PIN may be typed: the phone that opened the code is the one in the player's hand."""
    told = request.values.get("number") == str(numbers(code)[0])
    return told and one.purpose == CHECK_IN and one.found.stage == "opened"


def _page(code: str, one: Code) -> AskPage:
    """The page that asks for the PIN, which belongs to the code."""
    action = url_for("codes.enter", code=code, number=numbers(code)[0])
    if one.payload("against"):
        page = check_in.opponent_page(one.payload("game"), int(one.payload("race")))
        return replace(page, pin_action=action)
    hidden = {"next": one.payload("next")} if one.payload("next") else {}
    return AskPage("own", url_for("check_in.pin"), action, hidden)


def _back(one: Code) -> str:
    """The page that showed the code."""
    if one.purpose == CONNECT:
        return url_for("codes.connect")
    if one.payload("against"):
        return url_for("start.opponent", game=one.payload("game"), race=one.payload("race"))
    return url_for("check_in.name", next=one.payload("next") or None)


def _is_awaited(one: Code) -> bool:
    """Whether who asked for an opponent is still here; anybody else is welcome at any time."""
    against = one.payload("against")
    return not against or current_visitor().is_player(against)


def _sit_down(conn: sqlite3.Connection, one: Code, player_id: str) -> None:
    """Starts the match for which the opponent was asked."""
    against = one.payload("against")
    if against:
        start_match(conn, (against, player_id), one.payload("game"), int(one.payload("race")), box().here())


def _go_on(one: Code, player_id: str, *, by_pin: bool = False) -> Response:
    """To the match; or as after any other check-in."""
    return redirect("/", 303) if one.payload("against") else check_in.let_in(player_id, by_pin=by_pin)


def _tell(told: str, one: Code) -> str:
    return render_template(
        "phones/told_here.html", told=told, go_to=url_for("me.home") if told == "connected" else _back(one)
    )
