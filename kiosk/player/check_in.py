"""Checking in, by name and PIN or by card; signing up; playing as a guest; consent; and leaving the screen."""

from dataclasses import dataclass, field

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.hall import claims, consents, pins, players
from edge.hall.pins import Verdict
from edge.hall.players import PlayerError
from kiosk import limits, pin_check, who
from kiosk.box import box
from kiosk.security import local_path
from kiosk.who import access, current_visitor, logged_in, require_private_line

blueprint = Blueprint("check_in", __name__)

NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class AskPage:
    """Where the pages that ask for a name and a PIN lead, since an opponent checks in by the same ones."""

    title: str
    name_action: str
    pin_action: str
    hidden: dict[str, str] = field(default_factory=dict)
    alone: bool = True  # a player's own check-in, with all its other ways


def own_page() -> AskPage:
    """A player's own check-in, on to where it was asked for."""
    on = local_path(request.values.get("next"))
    hidden = {} if on == "/" else {"next": on}
    return AskPage("own", url_for("check_in.pin"), url_for("check_in.enter"), hidden)


def opponent_page(game: str, race_to: int, ladder_id: str = "") -> AskPage:
    """The check-in of who plays against somebody, for a ladder where one is named."""
    hidden = {"game": game, "race": str(race_to)} | ({"ladder": ladder_id} if ladder_id else {})
    actions = url_for("start.opponent_pin"), url_for("start.opponent_checks_in")
    return AskPage("opponent", *actions, hidden, alone=False)


def asked_name() -> str:
    """The name that was picked from those offered, or typed."""
    return (request.args.get("pick") or request.args.get("name", ""))[:60]


def pin_page(page: AskPage, name: str, verdict: Verdict | None = None) -> str:
    """The page that asks for a PIN; `verdict` is what came of the last one.

    A right one is asked for again only where it was that of the player who waits for an opponent.
    """
    if verdict is None:
        return render_template("check_in/pin.html", page=page, name=name)
    trouble = "self" if verdict.player_id is not None else trouble_of(verdict)
    return render_template("check_in/pin.html", page=page, name=name, trouble=trouble, wait_s=verdict.wait_s)


def trouble_of(verdict: Verdict) -> str:
    """The name of the text that says why a PIN did not let somebody in."""
    return "locked" if verdict.outcome == "locked" or verdict.wait_s > 0 else "wrong"


@blueprint.get("/check-in")
@access("public")
def name() -> str:
    """Who are you? By name, by phone, by card, or new here."""
    require_private_line()
    return render_template("check_in/name.html", page=own_page())


@blueprint.get("/check-in/names")
@access("screen", by_itself=True)
def names() -> str:
    """Names that begin as typed, as buttons."""
    begin = request.args.get("name", "")[:40]
    with box().store.read() as conn:
        found = players.names_like(conn, begin, NAMES_SHOWN)
    return render_template("check_in/_names.html", names=[player.name for player in found])


@blueprint.get("/check-in/pin")
@access("public")
def pin() -> str:
    """The PIN, for the name."""
    require_private_line()
    return pin_page(own_page(), asked_name())


@blueprint.post("/check-in/pin")
@access("public")
def enter() -> Response | str:
    """Lets a player in whose PIN is right."""
    require_private_line()
    limits.spend("pin")
    name = request.form.get("name", "")
    verdict = pin_check.verify_name(name, request.form.get("pin", ""))
    if verdict.player_id is None:
        return pin_page(own_page(), name, verdict)
    return let_in(verdict.player_id, by_pin=True)


@blueprint.post("/check-in/card")
@access("screen")
def card() -> Response | str:
    """A card was held to the reader, which typed its number."""
    limits.spend("card")
    player_id = pin_check.find_card(request.form.get("number", ""))
    if player_id is None:
        return render_template("check_in/name.html", page=own_page(), trouble="card")
    return let_in(player_id)


@blueprint.post("/guest")
@access("screen")
def guest() -> Response:
    """Plays at once; the session can be claimed later."""
    limits.spend("sign-up")
    with box().store.write() as conn:
        player = players.new_guest(conn, box().here().stamp)
        response = redirect(url_for("start.choose"), 303)
        who.log_in(conn, response, player.id)
    return response


@blueprint.get("/sign-up")
@access("public")
def sign_up() -> str:
    """A name to be known by."""
    require_private_line()
    return render_template("check_in/sign_up.html", name=request.args.get("name", ""))


@blueprint.post("/sign-up")
@access("public")
def sign_up_name() -> Response | tuple[str, int]:
    """Whether the name can be had; then a PIN is asked for."""
    require_private_line()
    typed = request.form.get("name", "")
    try:
        with box().store.read() as conn:
            clean = players.free_name(conn, typed)
    except PlayerError as error:
        return render_template("check_in/sign_up.html", name=typed, error=error), 400
    return redirect(url_for("check_in.sign_up_pin", name=clean), 303)


@blueprint.get("/sign-up/pin")
@access("public")
def sign_up_pin() -> str:
    """A PIN of one's own, typed twice."""
    require_private_line()
    return render_template("check_in/new_pin.html", name=request.args.get("name", ""))


@blueprint.post("/sign-up/pin")
@access("public")
def sign_up_done() -> Response | tuple[str, int]:
    """Makes the player, or gives a guest a name, and lets them in."""
    require_private_line()
    limits.spend("sign-up")
    typed = request.form.get("name", "")
    visitor = current_visitor()
    here = box().here()
    try:
        hashed = pins.hash_pin(box().keys().pins, pins.clean_pin(request.form.get("pin", "")))
        with box().store.write() as conn:
            if visitor.player is not None and visitor.player.guest:
                player = players.name_guest(conn, visitor.player, typed)
                claims.signed_up(conn, player.id, here.now)
            else:
                player = players.sign_up(conn, typed, here.stamp)
            pins.keep_pin(conn, player.id, hashed, here.now)
    except PlayerError as error:
        page = "check_in/new_pin.html" if error.key.startswith("pin") else "check_in/sign_up.html"
        return render_template(page, name=typed, error=error), 400
    return let_in(player.id, by_pin=True)


@blueprint.get("/consent")
@access("player", otherwise="check-in")
def consent() -> str:
    """May the camera keep clips of you? Asked once."""
    return render_template("check_in/consent.html", next=local_path(request.args.get("next")))


@blueprint.post("/consent")
@access("player")
def answer_consent() -> Response:
    """Keeps the answer; "no" is a full one."""
    answer: consents.Answer = "yes" if request.form.get("answer") == "yes" else "no"
    player = logged_in()
    with box().store.write() as conn:
        consents.give_answer(conn, player.id, answer, box().here().stamp, player.id)
    return redirect(local_path(request.form.get("next")), 303)


@blueprint.post("/leave")
@access("public")
def leave() -> Response:
    """Leaves the screen: what is private is closed, the session at the table goes on."""
    response = redirect("/", 303)
    with box().store.write() as conn:
        who.log_out(conn, response)
    return response


def let_in(player_id: str, *, by_pin: bool = False) -> Response:
    """Logs a player in and sends them on: to consent when it was never asked, to where they wanted, or to
    start. `by_pin` says that they typed the PIN just now."""
    on = local_path(request.values.get("next"))
    with box().store.write() as conn:
        asks = consents.needs_asking(conn, player_id)
        plays = box().sitting(conn).session_of(player_id) is not None
        if on == "/" and not plays:
            on = url_for("start.choose")
        response = redirect(url_for("check_in.consent", next=on) if asks else on, 303)
        who.log_in(conn, response, player_id, by_pin=by_pin)
    return response
