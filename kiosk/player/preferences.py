"""How a player wants to be known, seen and told; PIN, cards and phones."""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge.clock import from_stamp
from edge.hall import audit, consents, logins, pins
from edge.hall.errors import HallError
from edge.hall.occasion import hall_day
from edge.hall.players import GAMES, Handedness, Player, PlayerError, clean_name, get_player, save_player
from edge.hall.words import nowhere_word
from kiosk import limits, pin_check, who
from kiosk.box import box
from kiosk.player import check_in
from kiosk.security import Refusal
from kiosk.who import access, logged_in, require_private_line

blueprint = Blueprint("preferences", __name__)

NOTICES = ("month", "award", "draw", "group", "reminder")
HANDS: tuple[Handedness, ...] = get_args(Handedness)
THEMES: dict[str, Literal["dark", "light"] | None] = {"dark": "dark", "light": "light", "hall": None}
CUES_CHARS = 80
EMAIL_CHARS = 254
PASS_S = 300.0  # from the right PIN to the tap that it allows

_EMAIL = re.compile(r"[^@\s<>\"',;]{1,64}@[^@\s<>\"',;]+\.[^@\s<>\"',;.]{2,}")

Page = str | tuple[str, int]


def trouble(error: HallError) -> str:
    """Why something could not be, in a sentence."""
    t = box().t
    if error.key.startswith(("name", "pin")):
        return t(f"sign_up.{error.key}", **error.fields)
    return t(f"me.trouble.{error.key}", **error.fields)


@blueprint.get("/me/settings")
@access("player", otherwise="check-in")
def index() -> str:
    """Everything that can be set, each with how it stands."""
    player = logged_in()
    with box().store.read() as conn:
        consent = consents.consent_of(conn, player.id)
        cards = len(logins.cards_of(conn, player.id))
    clips = consent is not None and consent.answer == "yes"
    saved = "saved" in request.args
    return render_template("me/settings.html", player=player, clips=clips, cards=cards, saved=saved)


@blueprint.post("/me/settings/theme")
@access("player")
def theme() -> Response:
    """Dark, light, or as the hall has it."""
    asked = request.form.get("theme", "")
    if asked not in THEMES:
        abort(400)
    _save(lambda player: replace(player, theme=THEMES[asked]))
    return _saved()


@blueprint.post("/me/settings/visible")
@access("player")
def visible() -> Response:
    """Whether one stands on boards."""
    _save(lambda player: replace(player, visible=_yes("visible")))
    return _saved()


@blueprint.post("/me/settings/clips")
@access("player")
def clips() -> Response:
    """Whether the camera may keep clips; the new answer is kept beside the earlier ones."""
    player = logged_in()
    answer: consents.Answer = "yes" if _yes("answer") else "no"
    with box().store.write() as conn:
        consents.give_answer(conn, player.id, answer, box().here().stamp, player.id)
    return _saved()


@blueprint.get("/me/settings/name")
@access("player", otherwise="check-in")
def name() -> str:
    """The name that others see."""
    return render_template("me/name.html", name=logged_in().name)


@blueprint.post("/me/settings/name")
@access("player")
def rename() -> Response | Page:
    typed = request.form.get("name", "")
    try:
        clean = clean_name(typed)
        _save(lambda player: replace(player, name=clean), "player.renamed")
    except PlayerError as error:
        return render_template("me/name.html", name=typed, trouble=trouble(error)), 400
    return _saved()


@blueprint.get("/me/settings/play")
@access("player", otherwise="check-in")
def play() -> str:
    """The hand, the games and the cues."""
    return _play_page(logged_in())


@blueprint.post("/me/settings/play")
@access("player")
def save_play() -> Response | Page:
    hand = next((one for one in HANDS if one == request.form.get("handedness")), None)
    games = tuple(game for game in GAMES if game in request.form.getlist("games"))
    cues = " ".join(request.form.get("cues", "").split())
    player = replace(logged_in(), handedness=hand, games=games, cues=cues)
    if len(cues) > CUES_CHARS or not cues.isprintable() or nowhere_word(cues):
        return _play_page(player, trouble(PlayerError("cues", most=CUES_CHARS))), 400
    _save(lambda player: replace(player, handedness=hand, games=games, cues=cues))
    return _saved()


@blueprint.get("/me/settings/notices")
@access("player", otherwise="check-in")
def notices() -> str:
    """The e-mail address, and what one wants to be told."""
    player = logged_in()
    return render_template("me/notices.html", email=player.email or "", wished=player.notify, notices=NOTICES)


@blueprint.post("/me/settings/notices")
@access("player")
def save_notices() -> Response | Page:
    email = request.form.get("email", "").strip()
    wished = tuple(one for one in NOTICES if one in request.form.getlist("notify"))
    if email and (len(email) > EMAIL_CHARS or not email.isprintable() or not _EMAIL.fullmatch(email)):
        said = trouble(PlayerError("email"))
        values = {"email": email, "wished": wished, "notices": NOTICES, "trouble": said}
        return render_template("me/notices.html", **values), 400
    _save(lambda player: replace(player, email=email or None, notify=wished))
    return _saved()


@blueprint.get("/me/settings/cards")
@access("player", otherwise="check-in")
def cards() -> str:
    """The cards by which one checks in."""
    return _cards_page()


@blueprint.post("/me/settings/cards")
@access("player")
def add_card() -> Response | Page:
    """A card was held to the reader, which typed its number."""
    if not who.is_screen():
        raise Refusal(403, "at_table_only")
    limits.spend("card")
    player, here = logged_in(), box().here()
    try:
        with box().store.write() as conn:
            logins.add_card(conn, box().keys().cards, request.form.get("number", ""), player.id, here.now)
            _note(conn, "player.card_added")
    except PlayerError as error:
        return _cards_page(trouble(error)), 400
    return redirect(url_for("preferences.cards"), 303)


@blueprint.post("/me/settings/cards/remove")
@access("player")
def remove_card() -> Response:
    """One card, or a lost one, no longer checks anybody in."""
    with box().store.write() as conn:
        logins.remove_card(conn, logged_in().id, request.form.get("card", ""))
        _note(conn, "player.card_removed")
    return redirect(url_for("preferences.cards"), 303)


@blueprint.post("/me/settings/phones")
@access("player")
def log_out_everywhere() -> Response:
    """Ends every login but this one: for a phone that was lost."""
    response = _saved()
    with box().store.write() as conn:
        logins.log_out_everywhere(conn, logged_in().id)
        who.log_in_again(conn, response)
        _note(conn, "player.logged_out_everywhere")
    return response


@blueprint.get("/me/settings/pin")
@access("player", otherwise="check-in")
def pin() -> str:
    """The old PIN, before a new one."""
    require_private_line()
    return _old_pin_page()


@blueprint.post("/me/settings/pin")
@access("player")
def old_pin() -> str:
    """Asks for the new PIN when the old one is right."""
    verdict = check_pin()
    if verdict is not None:
        return _old_pin_page(verdict)
    return render_template("me/new_pin.html", granted=new_pass("new-pin"))


@blueprint.post("/me/settings/pin/new")
@access("player")
def new_pin() -> Response | Page:
    """Keeps the new PIN; whoever was logged in by the old one is no more, but here."""
    require_private_line()
    limits.spend("pin")
    response = _saved()
    try:
        hashed = pins.hash_pin(box().keys().pins, request.form.get("pin", ""))
    except PlayerError as error:
        page = render_template("me/new_pin.html", granted=request.form.get("granted", ""), trouble=trouble(error))
        return page, 400
    player, here = logged_in(), box().here()
    with box().store.write() as conn:
        use_pass(conn, "new-pin")
        pins.keep_pin(conn, player.id, hashed, here.now)
        logins.log_out_everywhere(conn, player.id)
        who.log_in_again(conn, response)
        _note(conn, "player.pin_changed")
    return response


def pin_page(title: str, action: str, back: str, verdict: pins.Verdict | None = None) -> str:
    """Asks a player who is logged in for the PIN; `verdict` is what came of the last one."""
    said = "" if verdict is None else check_in.trouble_of(verdict)
    wait_s = 0.0 if verdict is None else verdict.wait_s
    return render_template("me/pin.html", title=title, action=action, back=back, said=said, wait_s=wait_s)


def check_pin() -> pins.Verdict | None:
    """Looks at the PIN that was sent; None when it is right, else what came of it."""
    require_private_line()
    limits.spend("pin")
    verdict = pin_check.verify_player(logged_in().id, request.form.get("pin", ""))
    return None if verdict.outcome == "right" else verdict


def new_pass(purpose: str) -> str:
    """What the next page needs to show that the PIN was right just now."""
    with box().store.write() as conn:
        return logins.make_token(conn, purpose, box().here().now, PASS_S, player_id=logged_in().id)


def use_pass(conn: sqlite3.Connection, purpose: str) -> None:
    """Takes the pass that the form holds. Raises Refusal for none, an old one, or another's."""
    found = logins.take(conn, request.form.get("granted", ""), purpose, box().here().now)
    if found is None or found.player_id != logged_in().id:
        raise Refusal(403, "stale_page")


def _old_pin_page(verdict: pins.Verdict | None = None) -> str:
    return pin_page(box().t("me.pin.old"), url_for("preferences.old_pin"), url_for("preferences.index"), verdict)


def _play_page(player: Player, said: str = "") -> str:
    return render_template(
        "me/play.html", player=player, hands=HANDS, games=GAMES, cues_chars=CUES_CHARS, trouble=said
    )


def _cards_page(said: str = "") -> str:
    zone = box().settings.hall.zone
    with box().store.read() as conn:
        found = logins.cards_of(conn, logged_in().id)
    cards = [{"hash": card.hash, "day": hall_day(from_stamp(card.added), zone)} for card in found]
    return render_template("me/cards.html", cards=cards, trouble=said)


def _save(changed: Callable[[Player], Player], deed: str = "") -> None:
    """Keeps a change of the player as it stands now: two pages that are open must not undo each other."""
    with box().store.write() as conn:
        player = get_player(conn, logged_in().id)
        assert player is not None  # players are never deleted, only emptied
        if player.erased:
            raise Refusal(403, "not_yours")
        save_player(conn, changed(player))
        if deed:
            _note(conn, deed)


def _note(conn: sqlite3.Connection, what: str) -> None:
    player = logged_in()
    audit.note(conn, box().here().stamp, what, f"player:{player.id}", role="player", who=player.id)


def _saved() -> Response:
    return redirect(url_for("preferences.index", saved=""), 303)


def _yes(name: str) -> bool:
    answer = request.form.get(name)
    if answer not in ("yes", "no"):
        abort(400)
    return answer == "yes"
