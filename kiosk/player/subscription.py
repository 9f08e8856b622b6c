"""A player's own subscription: begun and looked after on Stripe's pages, which a phone opens; here it is shown.

Money is the cloud's affair. This box asks it for the address of a page, and shows that as a code to scan, or on a
phone as a link. No card number is ever typed here.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from edge.hall import rewards
from edge.hall.rewards import HallReward, Offer, Subscription
from edge.store.errors import StoreError
from kiosk import limits
from kiosk.box import box
from kiosk.player.codes import qr_svg
from kiosk.who import access, logged_in
from sync.subscribing import Subscribing, SubscribingError

log = logging.getLogger(__name__)

blueprint = Blueprint("subscription", __name__)

SCAN_S = 180  # so long a code stays on the screen that nobody touches: paying takes longer than reading
CODE_CHARS = 24
NOT_BEGUN = ("none", "canceled")
HTTP_STATUS = {"away": 503, "no-cloud": 503, "too-many": 429, "wrong-code": 400}

Page = str | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Own:
    """What there is of a player's subscription; `offer` is None in a hall where none can be begun any more."""

    offer: Offer | None
    held: Subscription | None
    won: list[HallReward]

    @property
    def had(self) -> bool:
        """Whether there is, or was, one that can be looked after at Stripe."""
        return self.held is not None and self.held.status != "none"

    @property
    def running(self) -> bool:
        """Whether there is one: none is begun beside it."""
        return self.held is not None and self.held.status not in NOT_BEGUN

    @property
    def mark(self) -> str:
        """Changes with how it stands."""
        return hashlib.sha256(repr(self.held).encode()).hexdigest()[:12]

    @property
    def discount(self) -> str | None:
        """Which reward comes off the next invoice: its kind, None where it is not known."""
        if self.held is None:
            return None
        return next((one.kind for one in self.won if one.period == self.held.discount_of), None)


@blueprint.get("/me/subscription")
@access("player", otherwise="check-in")
def index() -> str:
    """How it stands, what it gave so far, and the ways to Stripe's pages; or the price, and a button."""
    return _page(begun="begun" in request.args)


@blueprint.post("/me/subscription/start")
@access("player")
def start() -> AnyResponse | Page:
    """A code for Stripe's page where a subscription is begun; asked twice the same, as long as it is open."""
    own = _own()
    if own.running or own.offer is None:
        return _to_index()
    return _hand_over("start", own, lambda: subscribing().start(logged_in().id))


@blueprint.post("/me/subscription/portal")
@access("player")
def portal() -> AnyResponse | Page:
    """A code for Stripe's page where a subscription is looked after."""
    own = _own()
    if not own.had:
        return _to_index()
    return _hand_over("portal", own, lambda: subscribing().portal(logged_in().id))


@blueprint.get("/me/subscription/state")
@access("player")
def state() -> Response:
    """For the page with the code: goes on by itself once the subscription is other than it was."""
    _hear()
    own = _own()
    response = Response(status=204)
    if own.mark != request.args.get("was"):
        began = own.running and request.args.get("for") == "start"
        response.headers["HX-Redirect"] = url_for("subscription.index", begun=1 if began else None)
    return response


@blueprint.get("/me/subscription/member")
@access("player", otherwise="check-in")
def member() -> AnyResponse | str:
    """Asks for the code of who subscribed in another hall."""
    if _own().running:
        return _to_index()
    return render_template("subscription/member.html", code="")


@blueprint.post("/me/subscription/member")
@access("player")
def link() -> AnyResponse | Page:
    """The player is the member of that code."""
    limits.spend("claim")
    if _own().running:
        return _to_index()
    typed = request.form.get("code", "").strip()[:CODE_CHARS]
    try:
        subscribing().link(logged_in().id, typed)
    except SubscribingError as error:
        said = box().t(f"subscription.trouble.{error.why}")
        return render_template("subscription/member.html", code=typed, trouble=said), HTTP_STATUS.get(
            error.why, 409
        )
    _hear()
    return redirect(url_for("subscription.index", begun=1), 303)


def subscribing() -> Subscribing:
    """The cloud, for the players of this hall."""
    return Subscribing(box().paths)


def _hand_over(what: str, own: Own, ask: Callable[[], str]) -> AnyResponse | Page:
    """The page that hands somebody over to Stripe's, by a code or a link; or why there is none now."""
    try:
        address = ask()
    except SubscribingError as error:
        if error.why == "subscribed":  # it is through, and had not come here yet
            _hear()
            return _to_index()
        return _page(error.why), HTTP_STATUS.get(error.why, 409)
    if urlsplit(address).scheme not in ("https", "http"):
        log.error("the cloud gave an address that is none")
        return _page("refused"), 409
    return render_template(
        "subscription/hand_over.html", what=what, own=own, address=address, qr=qr_svg(address), scan_s=SCAN_S
    )


def _page(trouble: str | None = None, *, begun: bool = False) -> str:
    own = _own()
    said = None if trouble is None else box().t(f"subscription.trouble.{trouble}")
    return render_template("subscription/page.html", own=own, trouble=said, begun=begun and own.running)


def _own() -> Own:
    """What there is of the visitor's. Where none can be had and none was, there is no such page."""
    player = logged_in()
    with box().store.read() as conn:
        offer, held = rewards.offer(conn), rewards.subscription_of(conn, player.id)
        own = Own(offer, held, rewards.of_player(conn, player.id))
    if own.offer is None and not own.had:
        abort(404)
    return own


def _hear() -> None:
    """Asks the cloud how it stands, sooner than by itself; what can't be had now comes later."""
    try:
        subscribing().hear(box().store)
    except (SubscribingError, StoreError) as error:
        log.debug("the cloud says nothing new: %s", error)


def _to_index() -> AnyResponse:
    return redirect(url_for("subscription.index"), 303)
