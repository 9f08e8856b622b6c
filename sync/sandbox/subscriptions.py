"""Subscriptions: begun, found, ended."""

from sync.sandbox import catalog, customers, discounts, invoicing, lines, times
from sync.sandbox.errors import invalid, lacking, missing, unsupported
from sync.sandbox.shown import PAGING, listed, page, within
from sync.sandbox.store import Body
from sync.sandbox.times import DAY, HOUR
from sync.sandbox.turn import Turn, merged, only

CREATE_DOES = (
    "billing_mode", "cancel_at_period_end", "collection_method", "currency", "customer",
    "default_payment_method", "description", "discounts", "items", "metadata", "off_session",
    "payment_behavior", "payment_settings", "proration_behavior", "trial_end", "trial_period_days",
    "trial_settings",
)  # fmt: skip
NOTHING = (
    "application", "application_fee_percent", "billing_cycle_anchor_config", "billing_thresholds",
    "cancel_at", "canceled_at", "customer_account", "days_until_due", "default_payment_method",
    "default_source", "ended_at", "latest_invoice", "next_pending_invoice_item_invoice", "on_behalf_of",
    "pause_collection", "pending_invoice_item_interval", "pending_setup_intent", "pending_update",
    "presentment_details", "schedule", "status_details", "transfer_data",
)  # fmt: skip
ITEM_DOES = ("id", "metadata", "price", "quantity", "deleted")
RENEWED = ("active", "trialing", "past_due")  # when their period ends, the next begins
CLOSED = ("canceled", "incomplete_expired")
LIVE = (*RENEWED, "unpaid", "incomplete", "paused")
INCOMPLETE_S = 23 * HOUR
MOST_ITEMS = 20
LONGEST_TRIAL_DAYS = 730


def create(turn: Turn, given: Body, session: str | None = None) -> Body:
    """Raises ApiError; then nothing of it has happened."""
    only(given, CREATE_DOES)
    if "customer" not in given:
        raise lacking("customer")
    customer = customers.find(turn, given["customer"], "customer", 400)
    if not given.get("items"):
        raise lacking("items")
    if given.get("collection_method", "charge_automatically") != "charge_automatically":
        raise unsupported("collection_method", "only charge_automatically")
    if (given.get("billing_mode") or {"type": "flexible"})["type"] != "flexible":
        raise unsupported("billing_mode[type]", "only flexible, where discounts are itemized")
    only(given.get("payment_settings") or {}, ("save_default_payment_method",), "payment_settings")
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
    subscription.update(
        billing_cycle_anchor=now if trial_end is None else trial_end,
        status="active" if trial_end is None else "trialing",
        trial_start=None if trial_end is None else now,
        trial_end=trial_end,
    )
    until = period_at(subscription, now)[1] if trial_end is None else trial_end
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


def find_all(turn: Turn, given: Body) -> Body:
    """Without a status: all that aren't canceled."""
    does = ("created", "customer", "price", "status", "current_period_end", "current_period_start", "test_clock",
            *PAGING, "collection_method")  # fmt: skip
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
        else status == "all" or one["status"] == status or (status == "ended" and one["status"] in CLOSED)
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
    if subscription["status"] in CLOSED:
        raise missing("subscription", ident)
    subscription["cancellation_details"].update(given.get("cancellation_details", {}))
    now = turn.now_of(subscription["customer"])
    release_schedule(turn, subscription, now, "canceled")
    return invoicing.cancelled(turn, subscription, now)


def release_schedule(turn: Turn, subscription: Body, now: int, status: str) -> None:
    """Its schedule has it no more."""
    schedule = turn.store.get("subscription_schedule", subscription["schedule"] or "")
    if schedule is not None:
        schedule.update({"status": status, f"{status}_at": now, "current_phase": None})
        if status == "released":
            schedule.update(subscription=None, released_subscription=subscription["id"])
        turn.store.put("subscription_schedule", schedule)
    subscription["schedule"] = None


def read_item(turn: Turn, subscription: Body, given: Body, param: str) -> Body:
    """A new item. Raises ApiError for a price that a subscription can't have."""
    only(given, ITEM_DOES, param)
    if "price" not in given:
        raise lacking(f"{param}[price]")
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
    if len({every(one) for one in items}) > 1:
        raise unsupported("items", "prices of different intervals on one subscription")


def every(item: Body) -> tuple[str, int]:
    """The interval of an item's price, and how many of them a period has."""
    recurring = item["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def period_at(subscription: Body, moment: int) -> tuple[int, int]:
    """The period, counted from its anchor, that a moment is in."""
    return times.period_at(subscription["billing_cycle_anchor"], *every(subscription["items"]["data"][0]), moment)


def ends_by(subscription: Body, moment: int) -> bool:
    """Whether it is over with a period that ends then."""
    at = subscription["cancel_at"]
    return bool(subscription["cancel_at_period_end"] or (at is not None and at <= moment))


def paused(why: str, now: int) -> Body:
    """`status_details` of one that is paused."""
    return {"paused": {"subscription": {"type": why}, "transitioned_at": now, "type": "subscription"}}


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
    return {
        "id": ident,
        "object": "subscription",
        **dict.fromkeys(NOTHING),
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_mode": {"flexible": {"proration_discounts": "itemized"}, "type": "flexible", "updated_at": None},
        "billing_schedules": [],
        "cancel_at_period_end": given.get("cancel_at_period_end", False),
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": "",
        "customer": customer["id"],
        "default_tax_rates": [],
        "description": given.get("description") or None,
        "discounts": [],
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"account": None, "type": "self"},
        },
        "items": {
            **listed([], f"/v1/subscription_items?subscription={ident}"),
            "total_count": len(given["items"]),
        },
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": merged({}, given.get("metadata")),
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": (given.get("payment_settings") or {}).get(
                "save_default_payment_method", "off"
            ),
        },
        "start_date": now,
        "test_clock": customer["test_clock"],
        "trial_settings": trial_settings(given),
        "_pending": [],
    }
