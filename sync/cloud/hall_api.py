"""What a hub asks for its hall: how its months, rewards and subscriptions stand, and what its players want of
Stripe."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify

from edge.clock import month_before, stamp
from edge.facts import canonical, content_hash, is_uuid
from sync.cloud import codes, members, names, periods, plans, rewards, rules
from sync.cloud.api import Cloud, Money, asked, believed, cloud
from sync.cloud.db import Conn
from sync.cloud.discounting import MARK, month_in
from sync.cloud.halls import get as get_hall
from sync.cloud.members import Member
from sync.cloud.paying import Treasurer
from sync.cloud.payouts import wake
from sync.cloud.rewards import Reward
from sync.cloud.stripe_gateway import Gateway, GatewayError, LaterError, UnsureError
from sync.protocol import ProblemError

log = logging.getLogger(__name__)

MONTHS = 24  # that a hub is told of

T = TypeVar("T")
blueprint = Blueprint("hall_api", __name__)


@blueprint.post("/v1/hall")
def hall() -> Response:
    """How the hall stands, where that is other than what the hub knows."""
    here, device, now = cloud(), believed(), cloud().now()
    known = asked().get("known")
    with here.db.read() as conn:
        found = standing_of(conn, device.hall_id, here.money, now)
    own = content_hash(canonical(found))
    if known == own:
        return jsonify({"same": True, "time": stamp(now)})
    return jsonify({"same": False, "hash": own, "time": stamp(now), **found})


@blueprint.post("/v1/names")
def told_names() -> Response:
    """The names of all players whom the hall shows, in place of those told before; and whose account became
    whose."""
    here, device, now = cloud(), believed(), cloud().now()
    said = asked()
    found, merged = names.read_names(said), names.read_merged(said)
    with here.db.write() as conn:
        names.replace(conn, device.hall_id, found)
        for from_id, to_id in merged.items():
            members.merge(conn, device.hall_id, from_id, to_id, now)
    return jsonify({"time": stamp(now)})


@blueprint.post("/v1/checkout")
def checkout() -> Response:
    """A page at Stripe where a player starts a subscription; asked again while it is open, the same page."""
    here, device, now = cloud(), believed(), cloud().now()
    treasurer, gateway = _money(here)
    player = _player(asked())
    with here.db.read() as conn:
        plan = plans.plan_of(conn, device.hall_id)
        member = members.of_player(conn, device.hall_id, player)
        open_one = members.open_checkout(conn, device.hall_id, player, now)
    if plan is None:
        raise ProblemError(
            409, "no-plan", "No subscription is offered in this hall: its owner sets a price first."
        )
    if member is not None and member.subscribed:
        raise ProblemError(409, "subscribed", "This player has a subscription already.")
    if open_one is not None:
        known_id, url, expires_at = open_one
        if (
            _asking(lambda: treasurer.take_checkout(known_id)) is not None
        ):  # it is through, and nobody has told us yet
            raise ProblemError(409, "subscribed", "This player has a subscription already.")
        with here.db.read() as conn:
            still = members.open_checkout(conn, device.hall_id, player, now)
        if still is not None:
            return jsonify({"url": url, "expires_at": expires_at})
    made = _asking(
        lambda: gateway.start_checkout(
            plan.price_id,
            hall=device.hall_id,
            player=player,
            customer=None if member is None else member.customer_id,
            success_url=f"{here.site.address}/subscribed?checkout={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{here.site.address}/not-subscribed",
            # Asked twice at once, Stripe gives both the same page.
            key=f"checkout-{device.hall_id}-{player}-{int(now.timestamp()) // 600}",
        )
    )
    with here.db.write() as conn:
        members.note_checkout(conn, made, device.hall_id, player)
    return jsonify({"url": made.url, "expires_at": stamp(made.expires_at)})


@blueprint.post("/v1/portal")
def portal() -> Response:
    """Stripe's page where a player looks after the subscription."""
    here, device = cloud(), believed()
    _, gateway = _money(here)
    player = _player(asked())
    with here.db.read() as conn:
        member = members.of_player(conn, device.hall_id, player)
    if member is None:
        raise ProblemError(404, "no-subscription", "This player has no subscription.")
    url = _asking(lambda: gateway.portal(member.customer_id, f"{here.site.address}/back-to-the-hall"))
    return jsonify({"url": url})


@blueprint.post("/v1/member")
def link() -> Response:
    """A player is the member of that code, who subscribed in another hall."""
    here, device, now = cloud(), believed(), cloud().now()
    said = asked()
    player = _player(said)
    if not here.links.allow(now):
        raise ProblemError(429, "too-many-tries", "Too many codes are tried: wait a minute.")
    with here.db.write() as conn:
        member = members.of_code(conn, str(said.get("code", ""))[:60])
        if member is None:
            raise ProblemError(404, "wrong-code", "No member has that code.")
        current = members.of_player(conn, device.hall_id, player)
        if current is not None and current.id != member.id and current.subscribed:
            raise ProblemError(409, "subscribed", "This player has a subscription of their own already.")
        members.link(conn, device.hall_id, player, member.id, now)
        wake(conn, member, now)
    here.kick()
    return jsonify({"status": member.status, "time": stamp(now)})


def standing_of(conn: Conn, hall_id: str, money: Money | None, now: datetime) -> dict[str, Any]:
    """What a hub is told of its hall."""
    hall_, plan = get_hall(conn, hall_id), plans.plan_of(conn, hall_id)
    since = periods.month_of(now, hall_.zone_info)
    for _ in range(MONTHS):
        since = month_before(since)
    gateway = None if money is None else money.treasurer.gateway
    return {
        "hall": hall_.name,
        "sandbox": gateway is not None and gateway.is_sandbox,
        "test": gateway is not None and not gateway.is_live,
        "rules": rules.rules_of(conn, hall_id).to_json(),
        "plan": None
        if plan is None or gateway is None
        else {"name": plan.name, "cents": plan.cents, "currency": plan.currency, "months": plan.months},
        "periods": [
            {
                "period": one.period,
                "state": one.state,
                "rev": one.rev or None,
                "frozen_at": one.frozen_at,
                "decided_at": one.decided_at,
                "nobody": one.nobody,
            }
            for one in periods.of_hall(conn, hall_id, MONTHS)
        ],
        "rewards": [_reward(one) for one in rewards.of_hall(conn, hall_id, since)],
        "subscriptions": [
            _subscription(player, member) for player, member in sorted(members.of_hall(conn, hall_id).items())
        ],
    }


def _reward(one: Reward) -> dict[str, Any]:
    return {
        "id": one.id,
        "period": one.period,
        "player": one.player_id,
        "ladder": one.ladder_id or None,
        "ladder_name": one.ladder_name or None,
        "kind": one.kind,
        "state": one.state,
        "total": one.total,
        "hours": one.hours,
        "coach_avg": one.coach_avg,
        "decided_at": one.decided_at,
        "applied_at": one.applied_at,
        "consumed_at": one.consumed_at,
        "saved_cents": one.saved_cents,
        "currency": one.currency,
    }


def _subscription(player: str, member: Member) -> dict[str, Any]:
    says = member.says
    own = next((coupon for coupon in says.get("coupons", ()) if coupon.startswith(MARK)), None)
    return {
        "player": player,
        "code": codes.shown_code(member.code),
        "status": member.status,
        "price_cents": says.get("price_cents"),
        "currency": says.get("currency"),
        "months": says.get("months"),
        "renews_at": says.get("renews_at"),
        "ends_at": says.get("ends_at"),
        "trial_ends_at": says.get("trial_ends_at"),
        "discount_of": None if own is None else month_in(own),
    }


def _money(here: Cloud) -> tuple[Treasurer, Gateway]:
    if here.money is None or here.money.treasurer.gateway is None:
        raise ProblemError(409, "no-stripe", "This cloud is not set up with Stripe yet.")
    return here.money.treasurer, here.money.treasurer.gateway


def _player(said: dict[str, Any]) -> str:
    player = said.get("player")
    if not isinstance(player, str) or not is_uuid(player):
        raise ProblemError(400, "malformed", "That names no player.")
    return player


def _asking(ask: Callable[[], T]) -> T:
    """What Stripe answers. Raises ProblemError."""
    try:
        return ask()
    except (UnsureError, LaterError) as error:
        log.warning("%s", error)
        raise ProblemError(503, "stripe-away", "Stripe does not answer just now: try again.") from error
    except GatewayError as error:
        log.warning("%s", error)
        raise ProblemError(502, "stripe-refused", "Stripe does not do that: the cloud's log says why.") from error
