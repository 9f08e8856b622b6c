"""The owner's pages: signing in, and the halls."""

import hmac
import logging
import secrets
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from sync.cloud import owners
from sync.cloud.api import cloud
from sync.cloud.owner.bars import bars, day_words, duration_words
from sync.cloud.owner.overview import HallView, look
from sync.cloud.owners import OwnerError

log = logging.getLogger(__name__)

MOST_FORM = 16 << 10
SAME = frozenset({"same-origin", "none"})

blueprint = Blueprint("owner", __name__, template_folder="templates")


def helpers() -> dict[str, Callable[..., Any]]:
    """What the templates may ask."""
    return {"ago": duration_words, "day": lambda text: day_words(date.fromisoformat(text)), "charts": charts}


def charts(hall: HallView) -> list[Any]:
    """The bars of a hall."""
    return [
        bars(title, hall.first_day, [None if one is None else getattr(one, name) for one in hall.days])
        for title, name in (("Shots", "shots"), ("Sessions", "sessions"), ("Players", "players"))
    ]


@blueprint.get("/")
def front() -> ResponseReturnValue:
    here, now = cloud(), cloud().now()
    token = request.cookies.get(_cookie(), "")
    owner = owners.who(here.db, token, now) if token else None
    if owner is None:
        return redirect(url_for("owner.sign_in"), 303)
    page = request.args.get("page", "1")
    with here.db.read() as conn:
        found = look(conn, now, int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1)
    return _private(render_template("halls.html", found=found, owner=owner, now=now, csrf=_csrf(token)))


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    return _sign_in_page()


@blueprint.post("/sign-in")
def signing_in() -> ResponseReturnValue:
    held = request.cookies.get(_cookie("-form"), "")
    if not held or not _is_ours(held):
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
    _set_cookie(answer, _cookie(), verdict.token)
    answer.delete_cookie(_cookie("-form"), **_cookie_options())
    return answer


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    token = request.cookies.get(_cookie(), "")
    if not _is_ours(token):
        return redirect(url_for("owner.front"), 303)
    owners.sign_out(cloud().db, token)
    answer = make_response(redirect(url_for("owner.sign_in"), 303))
    answer.delete_cookie(_cookie(), **_cookie_options())
    return answer


def _sign_in_page(trouble: str = "", status: int = 200, email: str = "") -> Response:
    held = request.cookies.get(_cookie("-form"), "")
    if len(held) != 43:
        held = secrets.token_urlsafe(32)
    answer = _private(
        render_template("sign_in.html", trouble=trouble, email=email[:254], csrf=_csrf(held)), status
    )
    _set_cookie(answer, _cookie("-form"), held)
    return answer


def _is_ours(held: str) -> bool:
    """Whether a form was sent by a page of ours: by its token, and by what the browser says of where it stood."""
    site = cloud().site
    origin, fetched = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != site.address and origin != request.host_url.rstrip("/"):
        return False
    if fetched is not None and fetched not in SAME:
        return False
    wanted = owners.form_token(owners.form_secret(cloud().db), held)
    return hmac.compare_digest(wanted.encode(), request.form.get("csrf", "").encode())


def _csrf(held: str) -> Markup:
    token = owners.form_token(owners.form_secret(cloud().db), held)
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def _cookie(more: str = "") -> str:
    """The name of a cookie; with TLS one that no other host and no plain HTTP can set."""
    return ("__Host-" if cloud().site.secure else "") + "ladder-cloud" + more


def _cookie_options() -> dict[str, Any]:
    return {"path": "/", "secure": cloud().site.secure, "httponly": True, "samesite": "Strict"}


def _set_cookie(answer: Response, name: str, value: str) -> None:
    answer.set_cookie(name, value, **_cookie_options())


def _private(page: str, status: int = 200) -> Response:
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _wait_words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 100 else f"{-(-seconds // 60)} minutes"
