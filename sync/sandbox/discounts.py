"""Discounts: coupons as they are given to subscriptions. A list that is sent replaces what is there."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sync.sandbox import coupons
from sync.sandbox.errors import invalid, missing, unsupported
from sync.sandbox.money import Cut
from sync.sandbox.store import Body
from sync.sandbox.times import add_months
from sync.sandbox.turn import Turn

MOST = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of `discounts`: a coupon to be given, or a discount to be kept."""

    coupon: str | None
    discount: str | None
    param: str


def entries(given: Any, param: str = "discounts") -> list[Entry]:
    """What `discounts` asks for; an empty text is an empty list. Raises ApiError."""
    if given == "":
        return []
    if len(given) > MOST:
        raise invalid(f"You can have up to {MOST} discounts.", param)
    asked = [_entry(one, f"{param}[{place}]") for place, one in enumerate(given)]
    for names in ([one.coupon for one in asked], [one.discount for one in asked]):
        there = [name for name in names if name is not None]
        if len(there) != len(set(there)):
            raise invalid("You cannot apply the same coupon or discount more than once.", param)
    return asked


def _entry(one: Body, param: str) -> Entry:
    named = [name for name in ("coupon", "discount", "promotion_code") if name in one]
    if len(named) != 1:
        raise invalid(
            "You must specify exactly one of `coupon`, `discount`, or `promotion_code` for each discount.", param
        )
    if named == ["promotion_code"]:
        raise unsupported(f"{param}[promotion_code]")
    return Entry(one.get("coupon"), one.get("discount"), f"{param}[{named[0]}]")


def replace(turn: Turn, subscription: Body, asked: list[Entry], now: int) -> None:
    """Gives the subscription just these. The caller keeps the subscription, and tells of the change of it."""
    held: list[str] = subscription["discounts"]
    kept, new = [], []
    for one in asked:
        if one.discount is not None:
            if one.discount not in held:
                raise missing("discount", one.discount, one.param, 400)
            kept.append(one.discount)
        else:
            new.append(give(turn, subscription, str(one.coupon), now, param=one.param))
            kept.append(new[-1]["id"])
    _forbid_twice(turn, kept)
    for ident in held:
        if ident not in kept:
            end(turn, ident, now)
    subscription["discounts"] = kept
    for discount in new:
        turn.emit("customer.discount.created", discount, now)


def give(
    turn: Turn, subscription: Body, coupon_id: str, now: int, *, param: str, session: str | None = None
) -> Body:
    """A new discount of the coupon, counted as redeemed. Raises ApiError."""
    coupon = coupons.redeem(turn, coupon_id, subscription["currency"], now, param)
    months = coupon["duration_in_months"]
    discount: Body = {
        "id": turn.store.new_id("di_"),
        "object": "discount",
        "checkout_session": session,
        "customer": subscription["customer"],
        "customer_account": None,
        "end": add_months(now, months) if coupon["duration"] == "repeating" else None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": coupon["id"], "type": "coupon", "_coupon": coupon},
        "start": now,
        "subscription": subscription["id"],
        "subscription_item": None,
        "_ended": None,
    }
    if discount["end"] is not None:
        turn.store.set_timer(
            turn.clock_of(subscription["customer"]), discount["end"], "discount_over", discount["id"]
        )
    return turn.store.put("discount", discount)


def end(turn: Turn, ident: str, now: int) -> None:
    """It is on its subscription no more; invoices that had it still name it."""
    discount = turn.store.get("discount", ident)
    if discount is not None and discount["_ended"] is None:
        discount["_ended"] = now
        turn.store.stop_timers(ident)
        turn.store.put("discount", discount)
        turn.emit("customer.discount.deleted", discount, now)


def over(turn: Turn, ident: str, now: int) -> None:
    """The months of a repeating coupon have passed."""
    discount = turn.store.get("discount", ident)
    subscription = turn.store.get("subscription", discount["subscription"]) if discount else None
    if subscription is not None and ident in subscription["discounts"]:
        take_from(turn, subscription, [ident], now)


def take_from(turn: Turn, subscription: Body, idents: list[str], now: int) -> None:
    """These go from the subscription; told and kept."""
    before = dict(subscription)
    subscription["discounts"] = [one for one in subscription["discounts"] if one not in idents]
    for ident in idents:
        end(turn, ident, now)
    turn.store.put("subscription", subscription)
    turn.emit("customer.subscription.updated", subscription, now, before)


def coupon_of(discount: Body) -> Body:
    """The coupon as it was when it was given."""
    coupon: Body = discount["source"]["_coupon"]
    return coupon


def cut(discount: Body, products: list[str]) -> Cut:
    """What it takes off lines of those products."""
    coupon = coupon_of(discount)
    chosen = (coupon["_applies_to"] or {}).get("products")
    lines = None if chosen is None else frozenset(i for i, one in enumerate(products) if one in chosen)
    if coupon["amount_off"] is not None:
        return Cut(amount=coupon["amount_off"], lines=lines)
    return Cut(percent=Decimal(str(coupon["percent_off"])), lines=lines)


def _forbid_twice(turn: Turn, idents: list[str]) -> None:
    names = [(turn.store.get("discount", ident) or {})["source"]["coupon"] for ident in idents]
    if len(names) != len(set(names)):
        raise invalid("You cannot apply the same coupon more than once to a subscription.", "discounts")
