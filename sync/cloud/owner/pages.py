"""The owner's pages: signing in, and the halls."""

import logging
import secrets
from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.cloud import owners
from sync.cloud.api import cloud
from sync.cloud.owner import guard, reward_pages, rules_pages, training_pages, words
from sync.cloud.owner.bars import bars, day_words, duration_words
from sync.cloud.owner.overview import HallView, Memory, look
from sync.cloud.owners import OwnerError

log = logging.getLogger(__name__)

MOST_FORM = 16 << 10

blueprint = Blueprint("owner", __name__, template_folder="templates")
blueprint.add_app_template_filter(words.capitalize_first)
AREAS = (blueprint, training_pages.blueprint, reward_pages.blueprint, rules_pages.blueprint)


def helpers() -> dict[str, Any]:
    """What the templates may ask."""
    return {
        "ago": duration_words,
        "day": lambda text: day_words(date.fromisoformat(text)),
        "charts": charts,
        **words.helpers(),
    }


def charts(hall: HallView) -> list[Any]:
    """The bars of a hall."""
    return [
        bars(title, hall.first_day, [None if one is None else getattr(one, name) for one in hall.days])
        for title, name in (("Shots", "shots"), ("Sessions", "sessions"), ("Players", "players"))
    ]


@blueprint.get("/")
@guard.owners_only
def front() -> ResponseReturnValue:
    here, now = cloud(), cloud().now()
    with here.db.read() as conn:
        found = look(conn, now, _memory(), guard.page_asked())
    return guard.page("halls.html", found=found)


def _memory() -> Memory:
    """This application's own, for it is of its database."""
    found: Memory = current_app.extensions.setdefault("owner_memory", Memory())
    return found


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    return _sign_in_page()


@blueprint.post("/sign-in")
def signing_in() -> ResponseReturnValue:
    held = request.cookies.get(guard.cookie("-form"), "")
    if not held or not guard.is_ours(held):
        return _sign_in_page("The page had been open for too long: try again.", 403)
    here, email = cloud(), request.form.get("email", "")
    try:
        email = owners.clean_email(email)
        verdict = owners.sign_in(here.db, email, request.form.get("password", ""), here.now())
    except OwnerError:
        return _sign_in_page("This address and this password don't go together.", 401, email)
    if verdict.outcome == "locked":
        wait = max(1, round(verdict.wait_s))
        log.warning("sign-in from %s is held off for %d s", request.remote_addr, wait)
        answer = _sign_in_page(f"Too many wrong tries: wait {_wait_words(wait)}.", 429, email)
        answer.headers["Retry-After"] = str(wait)
        return answer
    if verdict.outcome == "wrong":
        log.warning("a wrong sign-in from %s", request.remote_addr)
        return _sign_in_page("This address and this password don't go together.", 401, email)
    answer = make_response(redirect(url_for("owner.front"), 303))
    guard.set_cookie(answer, guard.cookie(), verdict.token)
    answer.delete_cookie(guard.cookie("-form"), **guard.cookie_options())
    return answer


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    token = request.cookies.get(guard.cookie(), "")
    if not guard.is_ours(token):
        return redirect(url_for("owner.front"), 303)
    owners.sign_out(cloud().db, token)
    answer = make_response(redirect(url_for("owner.sign_in"), 303))
    answer.delete_cookie(guard.cookie(), **guard.cookie_options())
    return answer


def _sign_in_page(trouble: str = "", status: int = 200, email: str = "") -> Response:
    held = request.cookies.get(guard.cookie("-form"), "")
    if len(held) != 43:
        held = secrets.token_urlsafe(32)
    answer = guard.private(
        render_template("sign_in.html", trouble=trouble, email=email[:254], csrf=guard.csrf(held)), status
    )
    guard.set_cookie(answer, guard.cookie("-form"), held)
    return answer


def _wait_words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 100 else f"{-(-seconds // 60)} minutes"
