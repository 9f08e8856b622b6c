"""The smaller resources: schedules, the customer portal's sessions, events, endpoints, test clocks."""

from sync.sandbox import checkout, customers, invoicing, renewals, subscriptions
from sync.sandbox.errors import invalid, lacking, missing, unsupported
from sync.sandbox.shown import PAGING, page, within
from sync.sandbox.store import Body
from sync.sandbox.times import DAY
from sync.sandbox.turn import VERSION, Turn, merged, only

PORTAL = "bpc_sandbox"
KEPT_DAYS = 30


def create_schedule(turn: Turn, given: Body) -> Body:
    """From a subscription only: enough to have one that is on a schedule."""
    only(given, ("from_subscription", "metadata"))
    if "from_subscription" not in given:
        raise unsupported("phases", "a schedule is only made with from_subscription")
    subscription = turn.find("subscription", given["from_subscription"], param="from_subscription", status=400)
    if subscription["schedule"] is not None:
        raise invalid(
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"`{subscription['schedule']}`.",
            "from_subscription",
        )
    now = turn.now_of(subscription["customer"])
    start, end = subscriptions.period_of(subscription)
    schedule: Body = {
        "id": turn.store.new_id("sub_sched_1"),
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": subscription["billing_mode"],
        "canceled_at": None,
        "completed_at": None,
        "created": now,
        "current_phase": {"start_date": start, "end_date": end},
        "customer": subscription["customer"],
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {**subscription["invoice_settings"], "days_until_due": None},
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": "release",
        "livemode": False,
        "metadata": merged({}, given.get("metadata")),
        "pause_schedules": [],
        "phases": [_phase(subscription, start, end)],
        "released_at": None,
        "released_subscription": None,
        "status": "active",
        "subscription": subscription["id"],
        "test_clock": subscription["test_clock"],
    }
    before = dict(subscription)
    subscription["schedule"] = schedule["id"]
    turn.store.put("subscription", subscription)
    turn.store.put("subscription_schedule", schedule)
    turn.emit("subscription_schedule.created", schedule, now)
    turn.emit("customer.subscription.updated", subscription, now, before)
    return schedule


def release_schedule(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("preserve_cancel_date",))
    schedule = turn.find("subscription_schedule", ident, param="schedule")
    if schedule["status"] != "active":
        raise invalid(
            f"You cannot release a subscription schedule that is currently in the `{schedule['status']}` status."
        )
    subscription = turn.find("subscription", schedule["subscription"])
    now, before = turn.now_of(schedule["customer"]), dict(subscription)
    subscriptions.release_schedule(turn, subscription, now, "released")
    turn.store.put("subscription", subscription)
    schedule = turn.find("subscription_schedule", ident)
    turn.emit("subscription_schedule.released", schedule, now)
    turn.emit("customer.subscription.updated", subscription, now, before)
    return schedule


def create_portal(turn: Turn, given: Body) -> Body:
    """A page of the customer's own; its address is the key to it."""
    only(given, ("customer", "return_url", "configuration", "locale"))
    if "customer" not in given:
        raise lacking("customer")
    customers.find(turn, given["customer"], "customer", 400)
    if given.get("configuration", PORTAL) != PORTAL:
        raise missing("billing_portal.configuration", given["configuration"], "configuration", 400)
    if "return_url" in given:
        checkout.require_address(given["return_url"], "return_url")
    ident = turn.store.new_id("bps_1")
    key = turn.store.new_id("test_", 48)
    return turn.store.put(
        "billing_portal.session",
        {
            "id": ident,
            "object": "billing_portal.session",
            "after_expiration": None,
            "configuration": PORTAL,
            "created": turn.now_of(given["customer"]),
            "customer": given["customer"],
            "customer_account": None,
            "flow": None,
            "livemode": False,
            "locale": given.get("locale"),
            "on_behalf_of": None,
            "return_url": given.get("return_url"),
            "url": f"{turn.address}/p/session/{key}",
            "_key": key,
        },
    )


def find_events(turn: Turn, given: Body) -> Body:
    only(given, ("created", "type", "types", *PAGING))
    if "type" in given and "types" in given:
        raise invalid("You may only specify one of these parameters: type, types.", "types")
    found = (one for one in turn.store.all("event") if _is_asked(one, given))
    return page(found, given, "/v1/events", "event")


def _is_asked(event: Body, given: Body) -> bool:
    kind = event["type"]
    wanted = given.get("types", [given["type"]] if "type" in given else ["*"])
    named = any(one in ("*", kind) or (one.endswith(".*") and kind.startswith(one[:-1])) for one in wanted)
    return named and within(event["created"], given.get("created"))


def create_endpoint(turn: Turn, given: Body) -> Body:
    """The secret is told this once."""
    only(given, ("url", "enabled_events", "api_version", "description", "metadata"))
    checkout.require_address(given["url"], "url")
    if given.get("api_version", VERSION) != VERSION:
        raise unsupported("api_version", f"only {VERSION}")
    if not given["enabled_events"]:
        raise lacking("enabled_events")
    secret = turn.store.new_id("whsec_", 32)
    endpoint = {
        "id": turn.store.new_id("we_1"),
        "object": "webhook_endpoint",
        "api_version": given.get("api_version"),
        "application": None,
        "created": turn.at,
        "description": given.get("description") or None,
        "enabled_events": given["enabled_events"],
        "livemode": False,
        "metadata": merged({}, given.get("metadata")),
        "status": "enabled",
        "url": given["url"],
        "_secret": secret,
    }
    turn.store.put("webhook_endpoint", endpoint)
    return {**endpoint, "secret": secret}


def update_endpoint(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("url", "enabled_events", "disabled", "description", "metadata"))
    endpoint = turn.find("webhook_endpoint", ident)
    if "url" in given:
        checkout.require_address(given["url"], "url")
    for name in ("url", "enabled_events", "description"):
        if name in given:
            endpoint[name] = given[name]
    if "disabled" in given:
        endpoint["status"] = "disabled" if given["disabled"] else "enabled"
    endpoint["metadata"] = merged(endpoint["metadata"], given.get("metadata"))
    return turn.store.put("webhook_endpoint", endpoint)


def delete_endpoint(turn: Turn, _given: Body, ident: str) -> Body:
    turn.find("webhook_endpoint", ident)
    turn.store.remove("webhook_endpoint", ident)
    turn.store.rows("DELETE FROM deliveries WHERE endpoint=? AND state='waiting'", (ident,))
    return {"id": ident, "object": "webhook_endpoint", "deleted": True}


def find_endpoints(turn: Turn, given: Body) -> Body:
    return page(turn.store.all("webhook_endpoint"), given, "/v1/webhook_endpoints", "webhook_endpoint")


def create_clock(turn: Turn, given: Body) -> Body:
    only(given, ("frozen_time", "name"))
    clock: Body = {
        "id": turn.store.new_id("clock_1"),
        "object": "test_helpers.test_clock",
        "created": turn.at,
        "deletes_after": turn.at + KEPT_DAYS * DAY,
        "frozen_time": given["frozen_time"],
        "livemode": False,
        "name": given.get("name"),
        "status": "ready",
        "status_details": {"advancing": None},
        "_now": given["frozen_time"],
    }
    turn.store.put("test_helpers.test_clock", clock)
    turn.emit("test_helpers.test_clock.created", clock, clock["_now"])
    return clock


def advance_clock(turn: Turn, given: Body, ident: str) -> Body:
    """All is done when this answers, but the answer says `advancing`, as Stripe's: ask again for `ready`."""
    only(given, ("frozen_time",))
    clock = turn.find("test_helpers.test_clock", ident, noun="test clock", param="test_clock")
    to = given["frozen_time"]
    if to <= clock["_now"]:
        raise invalid(
            "The frozen_time must be in the future of the test clock's current frozen_time.", "frozen_time"
        )
    _forbid_far(turn, ident, clock["_now"], to)
    renewals.run(turn, ident, to)
    clock = turn.find("test_helpers.test_clock", ident)
    turn.emit("test_helpers.test_clock.ready", clock, to)
    return {**clock, "status": "advancing", "status_details": {"advancing": {"target_frozen_time": to}}}


def _forbid_far(turn: Turn, ident: str, now: int, to: int) -> None:
    """Two intervals of the shortest subscription at most, as Stripe."""
    spans = [
        (subscriptions.period_of(one)[1] - subscriptions.period_of(one)[0])
        for one in turn.store.all("subscription")
        if one["test_clock"] == ident and one["status"] in subscriptions.LIVE
    ]
    if spans and to - now > 2 * min(spans) + 3 * DAY:
        raise invalid(
            "You can only advance a test clock by up to two intervals of the shortest subscription on it at a "
            "time.",
            "frozen_time",
        )


def delete_clock(turn: Turn, _given: Body, ident: str) -> Body:
    """Its customers go with it."""
    turn.find("test_helpers.test_clock", ident, noun="test clock", param="test_clock")
    for customer in list(turn.store.all("customer")):
        if customer.get("test_clock") == ident:
            delete_customer(turn, {}, customer["id"])
    turn.store.remove("test_helpers.test_clock", ident)
    turn.store.rows("DELETE FROM timers WHERE clock=?", (ident,))
    return {"id": ident, "object": "test_helpers.test_clock", "deleted": True}


def find_clocks(turn: Turn, given: Body) -> Body:
    return page(turn.store.all("test_helpers.test_clock"), given, "/v1/test_helpers/test_clocks", "test clock")


def delete_customer(turn: Turn, given: Body, ident: str) -> Body:
    """And ends what they have."""
    customers.find(turn, ident)
    now = turn.now_of(ident)
    for subscription in list(turn.store.all("subscription", customer=ident)):
        if subscription["status"] in subscriptions.LIVE:
            invoicing.cancelled(turn, subscription, now)
    return customers.delete(turn, given, ident)


def find_items(turn: Turn, given: Body) -> Body:
    if "subscription" not in given:
        raise lacking("subscription")
    subscription = turn.find("subscription", given["subscription"], param="subscription", status=400)
    return page(subscription["items"]["data"], given, "/v1/subscription_items", "subscription_item")


def _phase(subscription: Body, start: int, end: int) -> Body:
    nothing = (
        "application_fee_percent", "automatic_tax", "billing_cycle_anchor", "billing_thresholds",
        "collection_method", "default_payment_method", "description", "invoice_settings", "on_behalf_of",
        "transfer_data", "trial", "trial_end",
    )  # fmt: skip
    return {
        **dict.fromkeys(nothing),
        "add_invoice_items": [],
        "currency": subscription["currency"],
        "default_tax_rates": [],
        "discounts": [
            {"coupon": None, "discount": ident, "promotion_code": None} for ident in subscription["discounts"]
        ],
        "end_date": end,
        "items": [
            {
                "billing_thresholds": None,
                "discounts": [],
                "metadata": item["metadata"],
                "plan": item["price"]["id"],
                "price": item["price"]["id"],
                "quantity": item["quantity"],
                "tax_rates": [],
            }
            for item in subscription["items"]["data"]
        ],
        "metadata": {},
        "proration_behavior": "create_prorations",
        "start_date": start,
    }
