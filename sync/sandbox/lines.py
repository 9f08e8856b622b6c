"""The lines of invoices: what a period costs, what is given back of one, and what discounts take off."""

from collections.abc import Sequence
from typing import Any

from sync.sandbox import discounts, money, times
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn


def line(
    turn: Turn,
    subscription: Body,
    item: Body,
    amount: int,
    period: tuple[int, int],
    *,
    text: str,
    proration: bool = False,
    given_off: Sequence[tuple[str, int]] = (),
) -> Body:
    """A line for an item. `given_off` are discounts that a credit gives back, as negative amounts."""
    price = item["price"]
    return {
        "id": turn.store.new_id("il_"),
        "object": "line_item",
        "amount": amount,
        "currency": subscription["currency"],
        "description": text,
        "discount_amounts": [{"amount": off, "discount": ident} for ident, off in given_off],
        "discountable": amount > 0,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": dict(subscription["metadata"]),
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": proration,
                "proration_details": {"credited_items": None} if proration else None,
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "subscription": subscription["id"],
        "subtotal": amount,
        "taxes": [],
    }


def whole_period(turn: Turn, subscription: Body, period: tuple[int, int], *, free: bool = False) -> list[Body]:
    """What its items cost for a period; a trial costs nothing."""
    found = []
    for item in subscription["items"]["data"]:
        name = _name(turn, item)
        amount = 0 if free else worth(item)
        text = f"Trial period for {name}" if free else f"{item['quantity']} × {name} (at {_per(item['price'])})"
        found.append(line(turn, subscription, item, amount, period, text=text))
    return found


def unused(turn: Turn, subscription: Body, item: Body, now: int) -> Body:
    """What is given back of an item's period from now on: its price, and what discounts had taken off it."""
    start, end = item["current_period_start"], item["current_period_end"]
    text = f"Unused time on {item['quantity']} × {_name(turn, item)} after {times.words(now)}"
    amount = -money.share(worth(item), end - now, end - start)
    return line(
        turn,
        subscription,
        item,
        amount,
        (now, end),
        text=text,
        proration=True,
        given_off=_given_off(turn, subscription, item, amount, now),
    )


def remaining(turn: Turn, subscription: Body, item: Body, now: int) -> Body:
    """What an item costs from now to its period's end."""
    start, end = item["current_period_start"], item["current_period_end"]
    text = f"Remaining time on {item['quantity']} × {_name(turn, item)} after {times.words(now)}"
    return line(
        turn,
        subscription,
        item,
        money.share(worth(item), end - now, end - start),
        (now, end),
        text=text,
        proration=True,
    )


def worth(item: Body) -> int:
    """A whole period of the item, in cents."""
    return int(item["price"]["unit_amount"]) * int(item["quantity"])


def usable(turn: Turn, subscription: Body, now: int) -> list[Body]:
    """The discounts of the subscription that an invoice made now has: not those `once` that a draft holds
    already."""
    held = {
        ident
        for invoice in turn.store.all("invoice", subscription=subscription["id"], status="draft")
        for ident in invoice["discounts"]
    }
    found = []
    for ident in subscription["discounts"]:
        discount = turn.store.get("discount", ident)
        if discount is None or (discount["end"] is not None and discount["end"] <= now):
            continue
        if discounts.coupon_of(discount)["duration"] != "once" or ident not in held:
            found.append(discount)
    return found


def take_off(found: list[Body], given: list[Body]) -> None:
    """Writes into the lines what the discounts take off them."""
    products = [one["pricing"]["price_details"]["product"] for one in found]
    taken = money.take_off([one["amount"] for one in found], [discounts.cut(one, products) for one in given])
    for place, one in enumerate(found):
        if one["discountable"]:
            one["discount_amounts"] = [
                {"amount": parts[place], "discount": discount["id"]}
                for discount, parts in zip(given, taken, strict=True)
            ]


def sums(found: list[Body]) -> tuple[int, list[dict[str, Any]]]:
    """The lines' total before discounts, and what each discount takes off them all."""
    by_discount: dict[str, int] = {}
    for one in found:
        for entry in one["discount_amounts"]:
            by_discount[entry["discount"]] = by_discount.get(entry["discount"], 0) + entry["amount"]
    return sum(one["amount"] for one in found), [
        {"amount": amount, "discount": ident} for ident, amount in by_discount.items()
    ]


def _given_off(turn: Turn, subscription: Body, item: Body, amount: int, now: int) -> list[tuple[str, int]]:
    """The discounts' part of a credit of that amount: as on the line that is credited, never more than it."""
    charged = _charged(turn, subscription, item, now)
    if charged is None:
        return []
    start, end = charged["period"]["start"], charged["period"]["end"]
    found, left = [], -amount
    for entry in charged["discount_amounts"]:
        part = min(left, money.share(entry["amount"], end - now, end - start))
        left -= part
        if part:
            found.append((entry["discount"], -part))
    return found


def _charged(turn: Turn, subscription: Body, item: Body, now: int) -> Body | None:
    """The line by which an item's time was charged last; one that is still pending has no discounts."""
    if any(_charges(one, item, now) for one in subscription["_pending"]):
        return None
    for invoice in turn.store.all("invoice", subscription=subscription["id"]):
        if invoice["status"] != "void":
            for one in reversed(invoice["lines"]["data"]):
                if _charges(one, item, now):
                    found: Body = one
                    return found
    return None


def _charges(one: Body, item: Body, now: int) -> bool:
    about = one["parent"]["subscription_item_details"]["subscription_item"] == item["id"]
    return bool(about and one["amount"] > 0 and one["period"]["start"] <= now < one["period"]["end"])


def _name(turn: Turn, item: Body) -> str:
    return str((turn.store.get("product", item["price"]["product"]) or {}).get("name", "Plan"))


def _per(price: Body) -> str:
    every = price["recurring"]
    count, interval = every["interval_count"], every["interval"]
    often = interval if count == 1 else f"{count} {interval}s"
    return f"{price['unit_amount'] / 100:.2f} {price['currency'].upper()} / {often}"
