"""Subscriptions: begun, found, ended."""

from typing import Any

from sync.sandbox import catalog, customers, discounts, invoicing, lines, times
from sync.sandbox.errors import invalid, missing, unsupported
from sync.sandbox.shown import page, within
from sync.sandbox.store import Body
from sync.sandbox.times import DAY, HOUR
from sync.sandbox.turn import Turn, merged, only

CREATE_DOES = (
    "billing_mode", "cancel_at_period_end", "collection_method", "currency", "customer",
    "default_payment_method", "description", "discounts", "items", "metadata", "off_session",
    "payment_behavior", "payment_settings", "proration_behavior", "trial_end", "trial_period_days",
    "trial_settings",
)  # fmt: skip
ITEM_DOES = ("id", "metadata", "price", "quantity", "deleted")
LIVE = ("active", "trialing", "past_due", "unpaid", "incomplete", "paused")
INCOMPLETE_S = 23 * HOUR
MOST_ITEMS = 20
LONGEST_TRIAL_DAYS = 730


def create(turn: Turn, given: Body, session: str | None = None) -> Body:
    """Raises ApiError; then nothing of it has happened."""
    only(given, CREATE_DOES)
    if "customer" not in given:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = customers.find(turn, given["customer"], "customer", 400)
    if not given.get("items"):
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    if given.get("collection_method", "charge_automatically") != "charge_automatically":
        raise unsupported("collection_method", "only charge_automatically")
    now = turn.now_of(customer["id"])
    subscription = _blank(turn, customer, given, now)
    items = [read_item(turn, subscription, one, f"items[{i}]") for i, one in enumerate(given["items"])]
    require_alike(items)
    subscription["currency"] = items[0]["price"]["currency"]
    subscription["items"]["data"] = items
    if given.get("currency", subscription["currency"]) != subscription["currency"]:
        raise invalid(f"The price specified doesn't support `{given['currency']}`.", "currency")
    if customer["currency"] not in (None, subscription["currency"]):
        raise invalid(
            "You cannot combine currencies on a single customer. This customer has an active subscription, "
            "subscription "
            f"schedule, discount, quote, or invoice item with currency {customer['currency']}."
        )
    if given.get("default_payment_method"):
        subscription["default_payment_method"] = customers.require_card(
            turn, customer, given["default_payment_method"], "default_payment_method"
        )
    asked = discounts.entries(given.get("discounts", ""))
    trial_end = _trial_end(given, now)
    _begin(subscription, now, trial_end)
    turn.store.put("subscription", subscription)
    for one in asked:
        if one.discount is not None:
            raise missing("discount", one.discount, one.param, 400)
        made = discounts.give(turn, subscription, str(one.coupon), now, param=one.param, session=session)
        subscription["discounts"].append(made["id"])
    _first_invoice(turn, subscription, given, now, free=trial_end is not None)
    return turn.find("subscription", subscription["id"])


def _begin(subscription: Body, now: int, trial_end: int | None) -> None:
    anchor = now if trial_end is None else trial_end
    every = subscription["items"]["data"][0]["price"]["recurring"]
    until = (
        times.period_start(now, every["interval"], every["interval_count"], 1) if trial_end is None else trial_end
    )
    subscription.update(
        billing_cycle_anchor=anchor,
        status="active" if trial_end is None else "trialing",
        trial_start=None if trial_end is None else now,
        trial_end=trial_end,
    )
    set_period(subscription, now, until)
    if subscription["cancel_at_period_end"]:
        subscription.update(cancel_at=until, canceled_at=now)


def _first_invoice(turn: Turn, subscription: Body, given: Body, now: int, *, free: bool) -> None:
    """Made, finalised and asked for at once."""
    period = period_of(subscription)
    found = lines.whole_period(turn, subscription, period, free=free)
    behavior = given.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise invalid("You cannot use `pending_if_incomplete` when creating a subscription.", "payment_behavior")
    invoice = invoicing.draft(turn, subscription, found, now, reason="subscription_create", period=(now, now))
    if invoice["total"] > 0:
        if behavior != "default_incomplete":
            invoicing.require_card(turn, subscription)
        subscription["status"] = "incomplete"  # until it is paid
        turn.store.put("subscription", subscription)
    turn.emit("customer.subscription.created", subscription, now)
    for ident in subscription["discounts"]:
        turn.emit("customer.discount.created", turn.find("discount", ident), now)
    invoicing.finalize(turn, invoice, now)
    if invoice["total"] <= 0 or behavior != "default_incomplete":
        paid = invoicing.collect(turn, invoice, now)
        if behavior == "error_if_incomplete":
            invoicing.refuse_unpaid(paid)
    subscription = turn.find("subscription", subscription["id"])
    clock = turn.clock_of(subscription["customer"])
    if subscription["status"] == "incomplete":
        turn.store.set_timer(clock, now + INCOMPLETE_S, "incomplete_over", subscription["id"])
    turn.store.set_timer(clock, period[1], "renew", subscription["id"])


def retrieve(turn: Turn, _given: Body, ident: str) -> Body:
    return turn.find("subscription", ident)


def find_all(turn: Turn, given: Body) -> Body:
    """Without a status: all that aren't canceled."""
    does = ("created", "customer", "price", "status", "current_period_end", "current_period_start", "test_clock",
            "limit", "starting_after", "ending_before", "collection_method")  # fmt: skip
    only(given, does)
    if "customer" in given:
        turn.find("customer", given["customer"], param="customer", status=400)
    found = (
        one for one in turn.store.all("subscription", customer=given.get("customer")) if _is_asked(one, given)
    )
    return page(found, given, "/v1/subscriptions", "subscription")


def _is_asked(one: Body, given: Body) -> bool:
    status, item = given.get("status"), one["items"]["data"][0]
    by_status = (
        one["status"] != "canceled"
        if status is None
        else status == "all"
        or one["status"] == status
        or (status == "ended" and one["status"] in ("canceled", "incomplete_expired"))
    )
    by_clock = one["test_clock"] == given.get("test_clock") or ("test_clock" not in given and "customer" in given)
    return (
        by_status
        and by_clock
        and within(one["created"], given.get("created"))
        and within(item["current_period_end"], given.get("current_period_end"))
        and within(item["current_period_start"], given.get("current_period_start"))
        and given.get("price") in (None, *(each["price"]["id"] for each in one["items"]["data"]))
    )


def cancel(turn: Turn, given: Body, ident: str) -> Body:
    """Now, not at the period's end."""
    only(given, ("cancellation_details", "invoice_now", "prorate"))
    for name in ("invoice_now", "prorate"):
        if given.get(name):
            raise unsupported(name)
    subscription = turn.find("subscription", ident)
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise missing("subscription", ident)
    subscription["cancellation_details"].update(given.get("cancellation_details", {}))
    now = turn.now_of(subscription["customer"])
    release_schedule(turn, subscription, now, "canceled")
    return invoicing.cancelled(turn, subscription, now)


def release_schedule(turn: Turn, subscription: Body, now: int, status: str) -> None:
    """Its schedule has it no more."""
    schedule = turn.store.get("subscription_schedule", subscription["schedule"] or "")
    if schedule is not None:
        stamped = "released_at" if status == "released" else "canceled_at"
        turn.store.put(
            "subscription_schedule",
            {
                **schedule,
                "status": status,
                stamped: now,
                "current_phase": None,
                **(
                    {"subscription": None, "released_subscription": subscription["id"]}
                    if status == "released"
                    else {}
                ),
            },
        )
    subscription["schedule"] = None


def read_item(turn: Turn, subscription: Body, given: Body, param: str) -> Body:
    """A new item. Raises ApiError for a price that a subscription can't have."""
    only(given, ITEM_DOES, param)
    if "price" not in given:
        raise invalid(f"Missing required param: {param}[price].", f"{param}[price]", "parameter_missing")
    price = price_for(turn, given["price"], f"{param}[price]")
    return {
        "id": turn.store.new_id("si_", 14),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": subscription["created"],
        "current_period_end": 0,
        "current_period_start": 0,
        "current_trial": None,
        "discounts": [],
        "metadata": merged({}, given.get("metadata")),
        "plan": catalog.plan_of(price),
        "price": price,
        "quantity": quantity(given.get("quantity", 1), param),
        "subscription": subscription["id"],
        "tax_rates": [],
    }


def price_for(turn: Turn, ident: str, param: str) -> Body:
    """Raises ApiError."""
    price = turn.find("price", ident, param=param, status=400)
    if price["recurring"] is None:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with "
            "`type=recurring`. "
            f"({ident})",
            param,
        )
    if not price["active"]:
        raise invalid(f"The price specified is inactive. This field only accepts active prices. ({ident})", param)
    return price


def quantity(number: int, param: str) -> int:
    if number < 0:
        raise invalid("Invalid non-negative integer", f"{param}[quantity]", "parameter_invalid_integer")
    return number


def require_alike(items: list[Body]) -> None:
    """Raises ApiError where the items are not of one currency and one interval."""
    if not items or len(items) > MOST_ITEMS:
        raise invalid(f"A subscription has between 1 and {MOST_ITEMS} items.", "items")
    if len({one["price"]["currency"] for one in items}) > 1:
        raise invalid("All prices on a subscription must have the same currency.", "items")
    if len({one["price"]["id"] for one in items}) < len(items):
        raise invalid("Cannot add multiple subscription items with the same price.", "items")
    every = {(one["price"]["recurring"]["interval"], one["price"]["recurring"]["interval_count"]) for one in items}
    if len(every) > 1:
        raise unsupported("items", "prices of different intervals on one subscription")


def set_period(subscription: Body, start: int, end: int) -> None:
    for item in subscription["items"]["data"]:
        item.update(current_period_start=start, current_period_end=end)


def period_of(subscription: Body) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def _trial_end(given: Body, now: int) -> int | None:
    if "trial_end" in given and "trial_period_days" in given:
        raise invalid("You cannot specify both trial_end and trial_period_days.", "trial_period_days")
    days, end = given.get("trial_period_days"), given.get("trial_end")
    if days is not None:
        if not 0 <= days <= LONGEST_TRIAL_DAYS:
            raise invalid(f"trial_period_days must be between 0 and {LONGEST_TRIAL_DAYS}.", "trial_period_days")
        return now + days * DAY if days else None
    if end in (None, "now"):
        return None
    require_trial_end(end, now)
    return int(end)


def require_trial_end(end: int, now: int) -> None:
    if end <= now or end > now + LONGEST_TRIAL_DAYS * DAY:
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future, within 730 days.", "trial_end"
        )


def trial_settings(given: Body) -> Body:
    """What happens when a trial ends; without a card an invoice is made that nobody pays."""
    end: Body = (given.get("trial_settings") or {}).get("end_behavior") or {}
    if end.get("billing_cycle_anchor") not in (None, "now"):
        raise unsupported("trial_settings[end_behavior][billing_cycle_anchor]", "only now")
    return {"end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice", **end}}


def _blank(turn: Turn, customer: Body, given: Body, now: int) -> Body:
    ident = turn.store.new_id("sub_1")
    only(given.get("payment_settings") or {}, ("save_default_payment_method",), "payment_settings")
    mode: dict[str, Any] = given.get("billing_mode") or {"type": "flexible"}
    if mode["type"] != "flexible":
        raise unsupported("billing_mode[type]", "only flexible, where discounts are itemized")
    return {
        "id": ident,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "itemized"}, "type": "flexible", "updated_at": None},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": given.get("cancel_at_period_end", False),
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": "",
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": given.get("description") or None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"account": None, "type": "self"},
        },
        "items": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": len(given["items"]),
            "url": f"/v1/subscription_items?subscription={ident}",
        },
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": merged({}, given.get("metadata")),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": (given.get("payment_settings") or {}).get(
                "save_default_payment_method", "off"
            ),
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "presentment_details": None,
        "schedule": None,
        "start_date": now,
        "status": "active",
        "status_details": None,
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": trial_settings(given),
        "trial_start": None,
        "_pending": [],
    }
