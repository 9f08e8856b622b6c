"""How the pages say amounts, times and states."""

from datetime import UTC, datetime
from typing import Any

from sync.sandbox.store import Body
from sync.sandbox.subscriptions import RENEWED

SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}
WITHOUT_CENTS = frozenset({"jpy", "krw", "clp", "vnd", "xaf", "xof", "isk"})
STATES = {
    "active": "Active",
    "trialing": "Trial",
    "past_due": "Payment failed",
    "canceled": "Ended",
    "incomplete": "Waiting for the first payment",
    "incomplete_expired": "Never paid",
    "paused": "Paused",
    "unpaid": "Unpaid",
}


def money(cents: int, currency: str) -> str:
    """`$20.00`, `−€4.50`, `¥1,200` is `1,200 JPY`."""
    text = f"{abs(cents):,}" if currency in WITHOUT_CENTS else f"{abs(cents) / 100:,.2f}"
    minus = "−" if cents < 0 else ""
    sign = SIGNS.get(currency)
    return f"{minus}{sign}{text}" if sign else f"{minus}{text} {currency.upper()}"


def day(moment: int | None) -> str:
    """`3 November 2026`."""
    if moment is None:
        return "–"
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when.day} {when:%B %Y}"


def minute(moment: int) -> str:
    """`Tuesday 3 November 2026, 14:05 UTC`."""
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when:%A} {when.day} {when:%B %Y, %H:%M} UTC"


def every(price: Body) -> str:
    """`$20.00 a month`."""
    recurring = price["recurring"]
    count, interval = recurring["interval_count"], recurring["interval"]
    often = f"a {interval}" if count == 1 else f"every {count} {interval}s"
    return f"{money(price['unit_amount'], price['currency'])} {often}"


def off(coupon: Body) -> str:
    """`50 % off once`."""
    if coupon["amount_off"] is not None:
        much = money(coupon["amount_off"], coupon["currency"])
    else:
        much = f"{coupon['percent_off']:g} %"
    months = coupon["duration_in_months"]
    long = {"once": "once", "forever": "for ever", "repeating": f"for {months} months"}[coupon["duration"]]
    return f"{much} off {long}"


def state(subscription: Body) -> str:
    """In a word or two: `Ends on 3 November 2026` before `Active`."""
    status = subscription["status"]
    if status in RENEWED and subscription["cancel_at"]:
        return f"Ends on {day(subscription['cancel_at'])}"
    if subscription["pause_collection"] is not None and status == "active":
        return "Payments are paused"
    return STATES[status]


def mood(subscription: Body) -> str:
    """The colour of the state's dot."""
    status = subscription["status"]
    if status in ("past_due", "incomplete", "unpaid"):
        return "silent"
    return "live" if status in ("active", "trialing") and not subscription["cancel_at"] else ""


def helpers() -> dict[str, Any]:
    """What the templates may ask."""
    return {"money": money, "day": day, "minute": minute, "every": every, "off": off, "state": state, "mood": mood}
