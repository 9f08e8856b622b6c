"""What a player takes along or away: a guest's sessions by their code, the shots as a file, all of it for good."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from edge.hall import claims, erasure, logins
from edge.hall.pins import Verdict
from edge.hall.players import Player, PlayerError
from edge.hall.sessions import Session
from edge.stats import export
from edge.store.errors import StoreError
from kiosk import limits, who
from kiosk.box import box
from kiosk.files import csv_file, unnamed
from kiosk.player.preferences import Page, check_pin, new_pass, pin_page, trouble, use_pass
from kiosk.who import access, logged_in, require_private_line

blueprint = Blueprint("belongings", __name__)

ERASED_AT_ONCE_S = 1.5  # what takes longer goes on behind the page


@blueprint.get("/me/claim")
@access("player", otherwise="check-in")
def claim() -> str:
    """Asks for a guest's code."""
    return render_template("me/claim.html", code=request.args.get("code", ""))


@blueprint.post("/me/claim")
@access("player")
def take_over() -> AnyResponse | Page:
    """Makes the guest's sessions the player's."""
    limits.spend("claim")
    typed = request.form.get("code", "")
    try:
        with box().store.write() as conn:
            claimed = claims.claim(conn, typed, logged_in().id, box().here().now)
    except PlayerError as error:
        return render_template("me/claim.html", code=typed, trouble=trouble(error)), 400
    box().claim_codes.clear()
    return redirect(url_for("belongings.claimed", shots=claimed.shots, sessions=claimed.sessions), 303)


@blueprint.get("/me/claimed")
@access("player", otherwise="check-in")
def claimed() -> str:
    """What was taken over."""
    sessions, shots = (request.args.get(name, 0, type=int) for name in ("sessions", "shots"))
    return render_template("me/claimed.html", sessions=sessions, shots=shots)


@blueprint.get("/me/shots.csv")
@access("player", otherwise="check-in")
def shots_csv() -> Response:
    """All of one's shots, sent as they are read."""
    lines = export.shots_csv(box().store, logged_in().id, box().settings.hall.zone, unnamed())
    return csv_file(lines, f"shots-{box().here().day}")


@blueprint.get("/me/delete")
@access("player", otherwise="check-in")
def delete() -> str:
    """What goes and what stays, before anything is asked."""
    return render_template("me/delete.html")


@blueprint.get("/me/delete/pin")
@access("player", otherwise="check-in")
def delete_pin() -> str:
    require_private_line()
    return _delete_pin_page()


@blueprint.post("/me/delete/pin")
@access("player")
def delete_sure() -> str:
    """The last question, once the PIN is right."""
    verdict = check_pin()
    if verdict is not None:
        return _delete_pin_page(verdict)
    return render_template("me/delete_sure.html", granted=new_pass("erase"))


@blueprint.post("/me/delete")
@access("player")
def erase() -> AnyResponse:
    """Deletes everything of the player's."""
    require_private_line()
    response = redirect(url_for("belongings.gone"), 303)
    player_id, now = logged_in().id, box().here().now
    box().books.book()  # shots that are not booked yet could not be told from nobody's
    with box().store.write() as conn:
        use_pass(conn, "erase")
        erasure.erase(conn, player_id, now, role="player", who=player_id)
        who.log_out(conn, response)
    erasure.go_on(box().store, ERASED_AT_ONCE_S)
    return response


@blueprint.get("/gone")
@access("public")
def gone() -> str:
    """It is done."""
    return render_template("me/gone.html")


def code_of(player: Player | None, session: Session) -> str | None:
    """The code by which a guest's sessions are claimed later; None for who needs none, or when none can be had."""
    if player is None or not player.guest or session.shots == 0:
        return None
    try:
        return box().claim_codes.get(player.id, lambda: _new_code(player.id))
    except StoreError:  # a full disk: the page is shown all the same
        return None


def _new_code(guest_id: str) -> str:
    with box().store.write() as conn:
        return logins.make_claim_code(conn, guest_id, box().here().now)


def _delete_pin_page(verdict: Verdict | None = None) -> str:
    action, back = url_for("belongings.delete_sure"), url_for("belongings.delete")
    return pin_page(box().t("me.delete.pin"), action, back, verdict)
