"""What is changed of a subscription that runs: items, discounts, trial, pauses, its end."""

from copy import deepcopy
from typing import Any

from sync.sandbox import catalog, customers, discounts, invoicing, lines, subscriptions
from sync.sandbox.errors import invalid, missing, unsupported
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn, merged, only, write

UPDATE_DOES = (
    "billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "cancellation_details",
    "default_payment_method", "description", "discounts", "items", "metadata", "off_session",
    "pause_collection", "payment_behavior", "payment_settings", "proration_behavior", "trial_end",
    "trial_settings",
)  # fmt: skip
# What may still be written of a subscription that is over.
CLOSED_DOES = ("cancellation_details", "metadata")


def update(turn: Turn, given: Body, ident: str) -> Body:
    """Raises ApiError; then nothing of it has happened."""
    only(given, UPDATE_DOES)
    if given.get("payment_behavior") == "pending_if_incomplete":
        raise unsupported("payment_behavior", "pending updates")
    subscription = turn.find("subscription", ident)
    is_closed = subscription["status"] in subscriptions.CLOSED
    if is_closed and any(name not in (*CLOSED_DOES, "expand") for name in given):
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.", code=None)
    now = turn.now_of(subscription["customer"])
    before = deepcopy(subscription)
    _plain_fields(turn, subscription, given)
    if "discounts" in given and given["discounts"] != []:
        discounts.replace(turn, subscription, discounts.entries(given["discounts"]), now)
    _ending(turn, subscription, given, now)
    _pausing(turn, subscription, given)
    due = _items(turn, subscription, given, now) | _trial(turn, subscription, given, now)
    turn.store.put("subscription", subscription)
    turn.emit("customer.subscription.updated", subscription, now, before)
    if due or (subscription["_pending"] and given.get("proration_behavior") == "always_invoice"):
        _invoice(turn, subscription, now, whole=due, behavior=given.get("payment_behavior", "allow_incomplete"))
    return turn.find("subscription", ident)


def _plain_fields(turn: Turn, subscription: Body, given: Body) -> None:
    subscription["metadata"] = merged(subscription["metadata"], given.get("metadata"))
    write(subscription, given, ("description",))
    if "cancellation_details" in given:
        wanted = {name: value or None for name, value in given["cancellation_details"].items()}
        subscription["cancellation_details"] = {**subscription["cancellation_details"], **wanted}
    settings: Body = given.get("payment_settings") or {}
    only(settings, ("save_default_payment_method",), "payment_settings")
    saved = settings.get("save_default_payment_method")
    if saved is not None:
        subscription["payment_settings"] = {
            **subscription["payment_settings"],
            "save_default_payment_method": saved,
        }
    if "trial_settings" in given:
        subscription["trial_settings"] = subscriptions.trial_settings(given)
    if "default_payment_method" in given:
        customer = customers.find(turn, subscription["customer"])
        subscription["default_payment_method"] = customers.require_card(
            turn, customer, given["default_payment_method"], "default_payment_method"
        )


def _ending(turn: Turn, subscription: Body, given: Body, now: int) -> None:
    if given.get("cancel_at_period_end") and given.get("cancel_at"):
        raise invalid("You can only pass one of cancel_at and cancel_at_period_end.", "cancel_at")
    clock, ident = turn.clock_of(subscription["customer"]), subscription["id"]
    if "cancel_at_period_end" in given:
        wanted = given["cancel_at_period_end"]
        _set_end(
            subscription, subscriptions.period_of(subscription)[1] if wanted else None, now, at_period_end=wanted
        )
        turn.store.stop_timer("cancel", ident)
    if "cancel_at" not in given:
        return
    at = given["cancel_at"]
    if at in ("min_period_end", "max_period_end"):
        at = subscriptions.period_of(subscription)[1]
    if at == "max_billed_until":
        raise unsupported("cancel_at", "max_billed_until")
    if at == "":
        _set_end(subscription, None, now, at_period_end=False)
        turn.store.stop_timer("cancel", ident)
        return
    if at <= now:
        raise invalid("The cancel_at timestamp must be in the future.", "cancel_at")
    _set_end(subscription, at, now, at_period_end=False)
    turn.store.set_timer(clock, at, "cancel", ident)


def _set_end(subscription: Body, at: int | None, now: int, *, at_period_end: bool) -> None:
    subscription.update(cancel_at=at, cancel_at_period_end=at_period_end, canceled_at=None if at is None else now)
    subscription["cancellation_details"] = {
        **subscription["cancellation_details"],
        "reason": None if at is None else "cancellation_requested",
    }


def _pausing(turn: Turn, subscription: Body, given: Body) -> None:
    if "pause_collection" not in given:
        return
    pause: Any = given["pause_collection"]
    turn.store.stop_timer("collect_again", subscription["id"])
    if pause == "":
        subscription["pause_collection"] = None
        return
    until = pause.get("resumes_at") or None
    subscription["pause_collection"] = {"behavior": pause["behavior"], "resumes_at": until}
    if until is not None:
        clock = turn.clock_of(subscription["customer"])
        turn.store.set_timer(clock, until, "collect_again", subscription["id"])


def _items(turn: Turn, subscription: Body, given: Body, now: int) -> bool:
    """Changes the items; whether a whole period is to be billed at once, since it begins anew."""
    anew = (given.get("billing_cycle_anchor") or {}).get("type") == "now"
    if not given.get("items") and not anew:
        return False
    billed = subscription["status"] != "trialing"
    had, period = subscription["items"]["data"], subscriptions.period_of(subscription)
    items = _changed_items(turn, subscription, given.get("items", []))
    subscription["items"].update(data=items, total_count=len(items))
    subscriptions.set_period(subscription, *period)
    anew = billed and (anew or subscriptions.every(items[0]) != subscriptions.every(had[0]))
    if billed and given.get("proration_behavior") != "none":
        old, new = ({one["id"]: one for one in each} for each in (had, items))
        gone = [one for one in had if anew or _differs(one, new.get(one["id"]))]
        come = [one for one in items if not anew and _differs(one, old.get(one["id"]))]
        subscription["_pending"] = [
            *subscription["_pending"],
            *(lines.unused(turn, subscription, one, now) for one in gone if lines.worth(one)),
            *(lines.remaining(turn, subscription, one, now) for one in come if lines.worth(one)),
        ]
    if anew:
        _begin_anew(turn, subscription, now)
    return anew


def _changed_items(turn: Turn, subscription: Body, given: list[Body]) -> list[Body]:
    items = [deepcopy(one) for one in subscription["items"]["data"]]
    for place, one in enumerate(given):
        param = f"items[{place}]"
        only(one, subscriptions.ITEM_DOES, param)
        if "id" not in one:
            items.append(subscriptions.read_item(turn, subscription, one, param))
            continue
        item = next((each for each in items if each["id"] == one["id"]), None)
        if item is None:
            raise missing("subscription_item", one["id"], f"{param}[id]", 400)
        if one.get("deleted"):
            items.remove(item)
            continue
        if "price" in one:
            item["price"] = subscriptions.price_for(turn, one["price"], f"{param}[price]")
            item["plan"] = catalog.plan_of(item["price"])
        if "quantity" in one:
            item["quantity"] = subscriptions.quantity(one["quantity"], param)
        item["metadata"] = merged(item["metadata"], one.get("metadata"))
    subscriptions.require_alike(items)
    if items[0]["price"]["currency"] != subscription["currency"]:
        raise invalid("The currency of a subscription can't be changed.", "items")
    return items


def _differs(one: Body, other: Body | None) -> bool:
    return other is None or (one["price"]["id"], one["quantity"]) != (other["price"]["id"], other["quantity"])


def _trial(turn: Turn, subscription: Body, given: Body, now: int) -> bool:
    """Ends a trial, or gives one; whether a whole period is to be billed at once."""
    end = given.get("trial_end")
    if end is None:
        return False
    if end == "now":
        if subscription["status"] != "trialing":
            return False
        subscription.update(trial_end=now, status="active")
        _begin_anew(turn, subscription, now)
        return True
    subscriptions.require_trial_end(end, now)
    subscription.update(
        trial_end=end,
        trial_start=subscription["trial_start"] if subscription["status"] == "trialing" else now,
        billing_cycle_anchor=end,
        status="trialing",
    )
    subscriptions.set_period(subscription, now, end)
    turn.store.set_timer(turn.clock_of(subscription["customer"]), end, "renew", subscription["id"])
    return False


def _begin_anew(turn: Turn, subscription: Body, now: int) -> None:
    subscription["billing_cycle_anchor"] = now
    _, until = subscriptions.period_at(subscription, now)
    subscriptions.set_period(subscription, now, until)
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = until
    turn.store.set_timer(turn.clock_of(subscription["customer"]), until, "renew", subscription["id"])


def _invoice(turn: Turn, subscription: Body, now: int, *, whole: bool, behavior: str) -> None:
    period = subscriptions.period_of(subscription)
    found = lines.whole_period(turn, subscription, period) if whole else []
    invoice = invoicing.draft(turn, subscription, found, now, reason="subscription_update", period=(now, now))
    if invoice["total"] > 0 and subscription["pause_collection"] is None:
        invoicing.require_card(turn, subscription)
    paid = invoicing.at_once(turn, invoice, now)
    if behavior == "error_if_incomplete":
        invoicing.refuse_unpaid(paid)


def pause(turn: Turn, given: Body, ident: str) -> Body:
    """Nothing is billed until it is resumed; unused time is given back as credit of a later invoice."""
    only(given, ("type", "bill_for", "invoicing_behavior"))
    if given.get("invoicing_behavior", "pending_invoice_item") != "pending_invoice_item":
        raise unsupported("invoicing_behavior", "only pending_invoice_item")
    unused = (given.get("bill_for") or {}).get("unused_time_from", {"type": "now"})["type"]
    if unused == "item_current_period_start":
        raise unsupported("bill_for[unused_time_from][type]", "only now and none")
    subscription = turn.find("subscription", ident)
    if subscription["status"] != "active":
        raise invalid(f"A subscription that is {subscription['status']} can't be paused; it must be active.")
    now, before = turn.now_of(subscription["customer"]), deepcopy(subscription)
    if unused == "now":
        subscription["_pending"] = [
            *subscription["_pending"],
            *(
                lines.unused(turn, subscription, one, now)
                for one in subscription["items"]["data"]
                if lines.worth(one)
            ),
        ]
    subscription["status"] = "paused"
    subscription["status_details"] = subscriptions.paused("pause_requested", now)
    turn.store.stop_timer("renew", ident)
    turn.store.put("subscription", subscription)
    turn.emit("customer.subscription.updated", subscription, now, before)
    turn.emit("customer.subscription.paused", subscription, now)
    return subscription


def resume(turn: Turn, given: Body, ident: str) -> Body:
    """A period begins now, and is billed at once."""
    only(given, ("billing_cycle_anchor", "payment_behavior", "proration_behavior"))
    if (given.get("billing_cycle_anchor") or {"type": "now"})["type"] != "now":
        raise unsupported("billing_cycle_anchor[type]", "only now")
    subscription = turn.find("subscription", ident)
    if subscription["status"] != "paused":
        raise invalid(f"A subscription that is {subscription['status']} can't be resumed; it must be paused.")
    now, before = turn.now_of(subscription["customer"]), deepcopy(subscription)
    subscription.update(status="active", status_details=None)
    _begin_anew(turn, subscription, now)
    turn.store.put("subscription", subscription)
    turn.emit("customer.subscription.updated", subscription, now, before)
    turn.emit("customer.subscription.resumed", subscription, now)
    _invoice(turn, subscription, now, whole=True, behavior="allow_incomplete")
    return turn.find("subscription", ident)


def update_item(turn: Turn, given: Body, ident: str) -> Body:
    """An item alone, which is the subscription's change all the same."""
    only(given, ("metadata", "price", "quantity", "proration_behavior", "payment_behavior", "off_session"))
    item = find_item(turn, {}, ident)
    inner = {name: given[name] for name in ("metadata", "price", "quantity") if name in given}
    outer = {name: value for name, value in given.items() if name not in inner and name != "expand"}
    update(turn, {**outer, "items": [{**inner, "id": ident}]}, item["subscription"])
    return find_item(turn, {}, ident)


def find_item(turn: Turn, _given: Body, ident: str) -> Body:
    for subscription in turn.store.all("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == ident:
                found: Body = item
                return found
    raise missing("subscription_item", ident, "item")
