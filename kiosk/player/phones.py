"""Players' phones: what a phone sees that has opened the code on a table's screen.

A code checks a player in at that screen, brings the opponent, or connects the phone to a player (`codes` has the
screen's side). A phone that is connected checks in with one tap. Any other gives a name and shows a number; at the
screen the player taps that number and types the PIN, and with that the phone is connected too. The phone proves
that it was the one by its stub: a second token, in a cookie, made as the code was opened.

The hall's network carries plain HTTP. Whoever listens there

- does not get the PIN: it is typed at the screen, on the box itself, and no page asks a phone for it;
- learns from no answer whether somebody of a name plays here: known or not, the phone waits alike, and what is
  typed on a phone is never shown on the screen;
- can do nothing with a code that they overhear: the first phone that opens it has it, and nobody who merely shows
  its link beforehand uses it up. Whoever is first, with a picture of the screen even, gets nowhere: their phone
  shows the number, so the player, whose phone shows none, is warned before the PIN is typed;
- can copy a phone's login, as it comes by with every page. With it they are what that player's phone is: they read
  the player's own pages, and where they can see a screen's code they check the player in at it.

What limits a copied login: it does nothing at a screen without a code from that screen, in front of everybody.
Each check-in by phone gives the phone a new login and ends the one before, so that either the copy is over, or the
player's phone is asked for the name again, which tells. A new PIN ends all of a player's logins, and it is set
where the old one is typed: at the table.

Who can change what others receive, by an access point of their own say, can show a phone any page. That is why
the pages here say where a PIN is typed, and nowhere else.
"""

import hashlib
import ipaddress
import random
import socket
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.hall import logins
from edge.hall.logins import GONE, OneTime
from edge.hall.players import Player, find_player, get_player
from kiosk import limits, who
from kiosk.box import box, now
from kiosk.lines import lines
from kiosk.security import cookie_name
from kiosk.who import access, current_visitor, is_screen

blueprint = Blueprint("phones", __name__)

CHECK_IN, CONNECT = "check-in", "phone"  # what a code is for
PHONE_STUB = "phone-stub"
STUB_COOKIE = "ladder_stub"
LIFE_S = 600.0  # of a code; longer than it is shown, because its phone waits for it to the end
NUMBERS = 3

_PROBE = ("10.254.254.254", 9)  # any private address will do: it is only asked which way leads there


@dataclass(frozen=True, slots=True)
class Code:
    """A code as it stands, and what it is for."""

    purpose: str
    found: OneTime

    def payload(self, key: str) -> str:
        """What was noted with it as it was made, or an empty text."""
        return str((self.found.payload or {}).get(key, ""))


@blueprint.app_template_global("phone_address")
def check_in_address() -> str | None:
    """The address at which phones find this kiosk, `http://192.168.1.5:8080`, for its screen to show.

    None where they can't, and on a phone.
    """
    return hall_address() if is_screen() else None


def hall_address() -> str | None:
    """The address of this kiosk on the hall's plain line, or None where nobody can reach it there."""
    name = hall_name()
    if name is None:
        return None
    # A phone comes by the plain line, whichever the screen uses.
    port = lines().port if request.is_secure else request.environ["SERVER_PORT"]
    return f"http://{name}" if str(port) == "80" else f"http://{name}:{port}"


def hall_name() -> str | None:
    """What this kiosk is called in an address of the hall's network, or None where nobody can reach it there."""
    # Where the server listens, and not what the settings say: the command line may have named another place.
    host = request.environ["SERVER_NAME"]
    if _is(host, "is_loopback"):
        return None
    address = box().settings.kiosk.address or (network_address() if _is(host, "is_unspecified") else host)
    return f"[{address}]" if address and ":" in address else address


def network_address() -> str | None:
    """This machine's address in the hall's network, or None without one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_PROBE)
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if _is(address, "is_loopback") or _is(address, "is_unspecified") else address


def find_code(conn: sqlite3.Connection, code: str, at: datetime) -> Code:
    """A code of either kind; a check-in that is gone when there is none."""
    for purpose in (CHECK_IN, CONNECT):
        found = logins.state(conn, code, purpose, at)
        if found.stage != "gone":
            return Code(purpose, found)
    return Code(CHECK_IN, GONE)


def numbers(code: str) -> list[int]:
    """The number that the phone shows which opened a code, and after it others to choose from."""
    return random.Random(code).sample(range(10, 100), NUMBERS)


def digest(code: str) -> str:
    """What a stub knows of its code: not the code, which is stored nowhere."""
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


@blueprint.get("/p/<code>")
@access("public")
def scanned(code: str) -> Response | str:
    """What a phone sees of a code: something to tap or type, a number, or what became of it."""
    if is_screen():
        return redirect("/")
    at, player = now(), _player()
    with box().store.read() as conn:
        one = find_code(conn, code, at)
        waits = _has_stub(conn, code, at)
        other = get_player(conn, one.payload("against") or one.found.player_id or "")
    stage = one.found.stage
    if stage == "waiting":
        return _question(code, one, player, other)
    if waits and stage != "gone":
        return render_template("phones/wait.html", code=code, one=one, number=numbers(code)[0])
    if stage == "done" and player is not None and one.found.who == player.id:
        return _tell("in" if one.purpose == CHECK_IN else "connected")
    return _tell("taken" if stage == "opened" else "gone")


@blueprint.post("/p/<code>/in")
@access("public")
def come_in(code: str) -> Response:
    """One tap on a phone that is connected; the screen goes on by itself."""
    limits.spend("token")
    response = redirect(url_for("phones.scanned", code=code), 303)
    player = _player()
    if player is None or is_screen():
        return response
    with box().store.write() as conn:
        at = now()
        one = find_code(conn, code, at)
        free = one.purpose == CHECK_IN and one.found.stage == "waiting" and one.payload("against") != player.id
        if free and logins.take(conn, code, CHECK_IN, at, player.id) is not None:
            who.log_in_again(conn, response)  # there may be a copy of the login it came with
    return response


@blueprint.post("/p/<code>/name")
@access("public")
def give_name(code: str) -> Response:
    """Whose phone it is, for the screen to ask the PIN. Nothing here tells whether the name is known."""
    limits.spend("token")
    name = request.form.get("name", "")[:60]
    response = redirect(url_for("phones.scanned", code=code), 303)
    if not name.strip() or is_screen():
        return response
    with box().store.write() as conn:
        player = find_player(conn, name)
        _open(conn, response, code, CHECK_IN, None if player is None else player.id)
    return response


@blueprint.post("/p/<code>/connect")
@access("public")
def connect(code: str) -> Response:
    """A phone asks to be connected to the player who shows it the code."""
    limits.spend("token")
    response = redirect(url_for("phones.scanned", code=code), 303)
    if not is_screen():
        with box().store.write() as conn:
            _open(conn, response, code, CONNECT, logins.state(conn, code, CONNECT, now()).player_id)
    return response


@blueprint.get("/p/<code>/state")
@access("public", by_itself=True)
def state(code: str) -> Response:
    """For the phone that waits: whether it is still to wait, may be connected, or waits in vain."""
    at = now()
    with box().store.read() as conn:
        stage = find_code(conn, code, at).found.stage if _has_stub(conn, code, at) else "gone"
    return jsonify({"stage": {"opened": "waiting", "done": "ready"}.get(stage, "gone")})


@blueprint.post("/p/<code>/pair")
@access("public")
def pair(code: str) -> Response:
    """Logs the player in on the phone whose number was tapped at the screen."""
    limits.spend("token")
    with box().store.write() as conn:
        at = now()
        found = find_code(conn, code, at).found
        if is_screen() or found.stage != "done" or found.who is None or not _has_stub(conn, code, at):
            return redirect(url_for("phones.scanned", code=code), 303)
        logins.take(conn, _stub(), PHONE_STUB, at, found.who)
        response = redirect(url_for("me.home"), 303)
        response.delete_cookie(
            cookie_name(STUB_COOKIE, "/p/"), path="/p/", httponly=True, samesite="Lax", secure=request.is_secure
        )
        who.log_in(conn, response, found.who)
    return response


def _player() -> Player | None:
    """Whose phone asks. A guest is nobody here: guests have no name to be known by."""
    player = current_visitor().player
    return None if player is None or player.guest else player


def _question(code: str, one: Code, player: Player | None, other: Player | None) -> str:
    """What a phone is asked that is the first to open a code. `other` asked for an opponent, or shows the code."""
    itself = player is not None and other is not None and player.id == other.id
    if one.purpose == CONNECT:
        return _tell("connected") if itself else render_template("phones/connect.html", code=code, other=other)
    if itself:
        return _tell("self")
    if player is not None and "other" not in request.args:
        return render_template("phones/confirm.html", code=code, one=one, player=player, other=other)
    return render_template("phones/name.html", code=code, one=one, other=other)


def _open(conn: sqlite3.Connection, response: Response, code: str, purpose: str, player_id: str | None) -> None:
    """Opens a code that nobody has opened yet, and gives the phone its stub."""
    at = now()
    if logins.state(conn, code, purpose, at).stage != "waiting":
        return
    logins.open_token(conn, code, purpose, at, player_id)
    stub = logins.make_token(conn, PHONE_STUB, at, LIFE_S, payload={"code": digest(code)})
    response.set_cookie(
        cookie_name(STUB_COOKIE, "/p/"),
        stub,
        max_age=int(LIFE_S),
        path="/p/",
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def _has_stub(conn: sqlite3.Connection, code: str, at: datetime) -> bool:
    """Whether the phone that asks is the one that opened the code."""
    stub = logins.peek(conn, _stub(), PHONE_STUB, at)
    return stub is not None and stub.payload == {"code": digest(code)}


def _stub() -> str:
    return request.cookies.get(cookie_name(STUB_COOKIE, "/p/"), "")


def _tell(told: str) -> str:
    return render_template("phones/told.html", told=told)


def _is(host: str, kind: str) -> bool:
    """Whether a host is an address of that kind; a name is none, save that of the machine itself."""
    try:
        return bool(getattr(ipaddress.ip_address(host), kind))
    except ValueError:
        return kind == "is_loopback" and host == "localhost"
