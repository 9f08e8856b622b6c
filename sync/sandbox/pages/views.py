"""The sandbox's pages."""

import ipaddress
from typing import Any
from urllib.parse import quote, urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from sync.sandbox import changes, customers
from sync.sandbox.errors import ApiError
from sync.sandbox.pages import look
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.store import Body
from sync.sandbox.times import HOUR

EXTENSION = "ladder.sandbox"
SAME = frozenset({"same-origin", "none"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
CARDS = {"works": "pm_card_visa", "declined": "pm_card_chargeCustomerFail"}

blueprint = Blueprint("pages", __name__, template_folder="templates")


def sandbox() -> Sandbox:
    """The one that is served."""
    found: Sandbox = current_app.extensions[EXTENSION]
    return found


def is_here() -> bool:
    """Whether the request comes from this machine itself: not from behind a proxy, not for another name."""
    try:
        near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        near = False
    return near and "X-Forwarded-For" not in request.headers and _known_host()


def is_ours() -> bool:
    """Whether a form was sent by a page of ours, by what the browser says of where it stood."""
    origin, fetched = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != request.host_url.rstrip("/"):
        return False
    return fetched is None or fetched in SAME


def _known_host() -> bool:
    name = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    return name in LOOPBACK or request.host == urlsplit(sandbox().address).netloc


@blueprint.before_request
def guard() -> ResponseReturnValue | None:
    if request.method == "POST" and not is_ours():
        return trouble("This form was not sent by a page of the sandbox.", 403)
    if (request.content_length or 0) > 16 << 10:
        return trouble("No form here is as long as that.", 413)
    return None


def trouble(words: str, status: int) -> Response:
    """A page that says what went wrong."""
    return page("trouble.html", status, words=words)


def page(template: str, status: int = 200, **shown: Any) -> Response:
    answer = make_response(render_template(template, **shown), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _only_here() -> None:
    if not is_here():
        abort(trouble("This page is for the machine that the sandbox runs on: open it there.", 403))


@blueprint.get("/")
def front() -> ResponseReturnValue:
    _only_here()
    here = sandbox()
    with here.doing() as turn:
        found = look.whole(turn, stands=here.clock.stands, waiting=len(here.outbox.waiting()))
    return page("front.html", found=found)


@blueprint.post("/clock")
def clock() -> ResponseReturnValue:
    """Turns the sandbox's own clock."""
    _only_here()
    here, by = sandbox(), request.form.get("by")
    if by == "day":
        here.advance(days=1)
    elif by == "month":
        here.advance(months=1)
    elif by == "renewal":
        with here.doing() as turn:
            due = look.next_renewal(turn)
        if due is not None:
            here.advance(to=max(here.now, due + HOUR))
    else:
        return trouble("The clock isn't turned so.", 400)
    return redirect(url_for("pages.front"), 303)


@blueprint.post("/card/<customer>")
def card(customer: str) -> ResponseReturnValue:
    """A customer's card works, or is declined from now on."""
    _only_here()
    try:
        sandbox().set_card(customer, works=request.form.get("works") == "yes")
    except ApiError as error:
        return trouble(error.message, error.status)
    return redirect(url_for("pages.front"), 303)


@blueprint.get("/invoice/<ident>")
def invoice(ident: str) -> ResponseReturnValue:
    with sandbox().doing() as turn:
        found = turn.store.get("invoice", ident)
        given = {one: turn.store.get("discount", one) or {} for one in (found or {}).get("discounts", [])}
    if found is None:
        return trouble("There is no such invoice.", 404)
    return page("invoice.html", invoice=found, discounts=given)


@blueprint.get("/c/pay/<ident>")
def pay(ident: str) -> ResponseReturnValue:
    return _pay_page(ident)


@blueprint.post("/c/pay/<ident>")
def paying(ident: str) -> ResponseReturnValue:
    """The person pays, or the page says why not."""
    chosen = CARDS.get(request.form.get("card", "works"), "pm_card_visa")
    email, name = request.form.get("email", "").strip()[:254], request.form.get("name", "").strip()[:100]
    with sandbox().store.lock:
        session = sandbox().store.get("checkout.session", ident)
    if session is None:
        return trouble("There is no such page.", 404)
    if session["customer"] is None and session["customer_email"] is None and "@" not in email[1:-1]:
        return _pay_page(ident, "Type an e-mail address.", 400, email, name)
    try:
        done = sandbox().complete(ident, email, name, chosen)
    except ApiError as error:
        words = "The card was declined. Nothing has begun." if error.status == 402 else error.message
        return _pay_page(ident, words, 402 if error.status == 402 else 400, email, name)
    return redirect(_back(done), 303)


def _back(session: Body) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))


def _pay_page(ident: str, words: str = "", status: int = 200, email: str = "", name: str = "") -> Response:
    with sandbox().doing() as turn:
        session = turn.store.get("checkout.session", ident)
        if session is None:
            return trouble("There is no such page.", 404)
        coupons = [turn.store.get("coupon", one["coupon"]) for one in session["discounts"]]
        customer = turn.store.get("customer", session["customer"] or "")
    if session["status"] != "open":
        return page(
            "done.html", 200 if session["status"] == "complete" else 410, session=session, back=_back(session)
        )
    g.form_goes_to = [_origin(session["success_url"])]
    known = (customer or {}).get("email") or session["customer_email"]
    return page(
        "pay.html", status, session=session, coupons=coupons, known=known, trouble=words, email=email, name=name,
        trial=session["_data"].get("trial_period_days"),
    )  # fmt: skip


@blueprint.get("/p/session/<key>")
def portal(key: str) -> ResponseReturnValue:
    with sandbox().doing() as turn:
        session = look.portal(turn, key)
        if session is None:
            return trouble("There is no such page.", 404)
        customer = turn.store.get("customer", session["customer"]) or {}
        plans = look.plans_of(turn, session["customer"])
        invoices = look.invoices_of(turn, session["customer"])
        works = (customers.card_of(turn, customer) or {}).get("_works", True)
    return page(
        "portal.html", session=session, customer=customer, plans=plans, invoices=invoices, works=works, key=key
    )


@blueprint.post("/p/session/<key>/<what>")
def at_portal(key: str, what: str) -> ResponseReturnValue:
    """Cancels at the period's end, goes on after all, or changes the card."""
    if what not in ("cancel", "resume", "card"):
        return trouble("There is nothing at this address.", 404)
    try:
        with sandbox().doing() as turn:
            session = look.portal(turn, key)
            if session is None:
                return trouble("There is no such page.", 404)
            if what == "card":
                customers.set_card(turn, session["customer"], works=request.form.get("works") == "yes")
            else:
                subscription = turn.find("subscription", request.form.get("subscription", ""))
                if subscription["customer"] != session["customer"]:
                    return trouble("There is no such subscription.", 404)
                changes.update(turn, _change(subscription, what), subscription["id"])
    except ApiError as error:
        return trouble(error.message, error.status)
    return redirect(url_for("pages.portal", key=key), 303)


def _change(subscription: Body, what: str) -> Body:
    if what == "cancel":
        return {"cancel_at_period_end": True}
    return {"cancel_at_period_end": False} if subscription["cancel_at_period_end"] else {"cancel_at": ""}


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
