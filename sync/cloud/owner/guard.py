"""Who may look and who may act: signed-in owners, from forms of our own."""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from sync.cloud import deeds, owners, standings
from sync.cloud.api import cloud
from sync.cloud.db import Conn
from sync.cloud.owners import Owner
from sync.protocol import ProblemError

SAME = frozenset({"same-origin", "none"})
MOST_PAGES = 100_000

View = Callable[..., ResponseReturnValue]


def owners_only(view: View) -> View:
    """Who is not signed in is led to the door."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        here, token = cloud(), request.cookies.get(cookie(), "")
        owner = owners.who(here.db, token, here.now()) if token else None
        if owner is None:
            return redirect(url_for("owner.sign_in"), 303)
        g.owner, g.token, g.csrf = owner, token, csrf(token)
        return view(*args, **kwargs)

    return guarded


def deed(view: View) -> View:
    """The same for what changes something: it must come from a form that this owner was shown."""

    @owners_only
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if not is_ours(g.token):
            raise ProblemError(
                403, "no-form", "The page had been open for too long: go back, load it again, and try once more."
            )
        return view(*args, **kwargs)

    return guarded


def owner() -> Owner:
    """Who is signed in."""
    found: Owner = g.owner
    return found


def write_down(
    conn: Conn, what: str, hall_id: str, period: str = "", *, subject: str = "", said: str = ""
) -> None:
    """Notes what the owner who is signed in does, in the deed's own transaction."""
    deeds.note(
        conn, cloud().now(), owner().email, what, hall_id=hall_id, period=period, subject=subject, said=said
    )


def page(template: str, status: int = 200, **more: Any) -> Response:
    """A page for the owner who is signed in."""
    now = cloud().now()
    return private(
        render_template(template, owner=owner(), now=now, csrf=g.csrf, done=request.args.get("done", ""), **more),
        status,
    )


def private(rendered: str, status: int = 200) -> Response:
    answer = make_response(rendered, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def is_ours(held: str) -> bool:
    """Whether a form was sent by a page of ours: by its token, and by what the browser says of where it stood."""
    site = cloud().site
    origin, fetched = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != site.address and origin != request.host_url.rstrip("/"):
        return False
    if fetched is not None and fetched not in SAME:
        return False
    wanted = owners.form_token(owners.form_secret(cloud().db), held)
    return hmac.compare_digest(wanted.encode(), request.form.get("csrf", "").encode())


def csrf(held: str) -> Markup:
    token = owners.form_token(owners.form_secret(cloud().db), held)
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def cookie(more: str = "") -> str:
    """The name of a cookie; with TLS one that no other host and no plain HTTP can set."""
    return ("__Host-" if cloud().site.secure else "") + "ladder-cloud" + more


def cookie_options() -> dict[str, Any]:
    return {"path": "/", "secure": cloud().site.secure, "httponly": True, "samesite": "Strict"}


def set_cookie(answer: Response, name: str, value: str) -> None:
    answer.set_cookie(name, value, **cookie_options())


# What an address or a form names.


def month_asked(usual: str) -> str:
    """The month in the address or the form. Raises ProblemError for what is none."""
    month = request.values.get("month", "") or usual
    if not standings.is_period(month):
        raise ProblemError(400, "no-month", "A month is written like 2026-10.")
    return month


def page_asked() -> int:
    return page_number(request.args.get("page", "1"))


def page_number(page: str) -> int:
    return min(max(1, int(page)), MOST_PAGES) if page.isascii() and page.isdigit() and len(page) < 7 else 1


def typed(name: str, most: int) -> str:
    """What was typed into a field, in one line. Raises ProblemError for what is too long, or can't be shown."""
    text = " ".join(request.form.get(name, "").split())
    if len(text) > most or not text.isprintable():
        raise ProblemError(400, "malformed", f"At most {most} characters can stand there, on one line.")
    return text
