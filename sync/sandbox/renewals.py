"""What happens by itself when its time comes."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from sync.sandbox import checkout, coupons, customers, discounts, invoicing, lines, subscriptions
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn

MOST_STROKES = 200_000  # of one turn of the clock: a mistake of ours, not a year of any demo


def run(turn: Turn, clock: str, until: int) -> int:
    """All that is due by `until` on that clock, each at its own time and in order; how much that was."""
    done = 0
    while (due := turn.store.next_timer(clock, until)) is not None:
        at, what, ref = due
        turn.store.stop_timer(what, ref)
        if clock:
            _set_clock(turn, clock, at)
        STROKES[what](replace(turn, at=at) if not clock else turn, ref, at)
        done += 1
        if done > MOST_STROKES:
            raise RuntimeError("the sandbox's clock doesn't come to an end")
    if clock:
        _set_clock(turn, clock, until)
    return done


def _set_clock(turn: Turn, clock: str, now: int) -> None:
    body = turn.find("test_helpers.test_clock", clock)
    if now > body["_now"]:
        turn.store.put("test_helpers.test_clock", {**body, "_now": now, "frozen_time": now})


def renew(turn: Turn, ident: str, now: int) -> None:
    """A period ends: it is over with it, or the next begins and is billed."""
    subscription = turn.store.get("subscription", ident)
    if subscription is None or subscription["status"] not in subscriptions.RENEWED:
        return
    if subscriptions.ends_by(subscription, now):
        invoicing.cancelled(turn, subscription, now)
        return
    before = deepcopy(subscription)
    was = subscriptions.period_of(subscription)
    if subscription["status"] == "trialing" and not _leaves_trial(turn, subscription, now):
        return
    period = subscriptions.period_at(subscription, now)
    subscriptions.set_period(subscription, *period)
    found = lines.whole_period(turn, subscription, period)
    invoice = invoicing.draft(turn, subscription, found, now, reason="subscription_cycle", period=was)
    turn.emit("customer.subscription.updated", subscription, now, before)
    turn.store.set_timer(turn.clock_of(subscription["customer"]), period[1], "renew", ident)
    invoicing.later(turn, invoice, now)


def _leaves_trial(turn: Turn, subscription: Body, now: int) -> bool:
    """Whether it goes on after its trial."""
    without = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if without == "create_invoice" or customers.card_for(turn, subscription) is not None:
        subscription["status"] = "active"
        return True
    if without == "cancel":
        invoicing.cancelled(turn, subscription, now)
    else:
        subscription["status_details"] = subscriptions.paused("trial_end_without_payment_method", now)
        invoicing.change_status(turn, subscription, "paused", now)
    return False


def finalize(turn: Turn, ident: str, now: int) -> None:
    """The hour that a draft waits is over."""
    invoice = turn.store.get("invoice", ident)
    if invoice is not None and invoice["status"] == "draft":
        invoicing.at_once(turn, invoice, now)


def retry(turn: Turn, ident: str, now: int) -> None:
    """The card is asked again."""
    invoice = turn.store.get("invoice", ident)
    if invoice is not None and invoice["status"] == "open":
        invoicing.collect(turn, invoice, now)


def cancel(turn: Turn, ident: str, now: int) -> None:
    subscription = turn.store.get("subscription", ident)
    if subscription is not None and subscription["status"] not in subscriptions.CLOSED:
        invoicing.cancelled(turn, subscription, now)


def collect_again(turn: Turn, ident: str, now: int) -> None:
    """`resumes_at` of a paused collection."""
    subscription = turn.store.get("subscription", ident)
    if subscription is not None and subscription["pause_collection"] is not None:
        before = dict(subscription)
        subscription["pause_collection"] = None
        turn.store.put("subscription", subscription)
        turn.emit("customer.subscription.updated", subscription, now, before)


def incomplete_over(turn: Turn, ident: str, now: int) -> None:
    """The first payment was not made within 23 hours."""
    subscription = turn.store.get("subscription", ident)
    if subscription is None or subscription["status"] != "incomplete":
        return
    subscription["ended_at"] = now
    turn.store.stop_timers(ident)
    invoicing.change_status(turn, subscription, "incomplete_expired", now)
    invoice = turn.store.get("invoice", subscription["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoicing.void(turn, invoice, now)


STROKES: dict[str, Callable[[Turn, str, int], None]] = {
    "renew": renew,
    "finalize": finalize,
    "retry": retry,
    "cancel": cancel,
    "collect_again": collect_again,
    "incomplete_over": incomplete_over,
    "discount_over": discounts.over,
    "coupon_over": coupons.over,
    "session_over": checkout.over,
}
