"""An invoice's life: draft, open, paid or void. A `once` discount is spent by the one that is finalised first."""

from sync.sandbox import customers, discounts, lines
from sync.sandbox.errors import declined, invalid
from sync.sandbox.shown import listed
from sync.sandbox.store import Body
from sync.sandbox.times import DAY, HOUR
from sync.sandbox.turn import Turn

NOTHING = (
    "account_tax_ids", "application", "automatically_finalizes_at", "custom_fields", "customer_account",
    "customer_shipping", "default_payment_method", "default_source", "due_date", "effective_at",
    "ending_balance", "footer", "from_invoice", "hosted_invoice_url", "invoice_pdf",
    "last_finalization_error", "latest_revision", "next_payment_attempt", "number", "on_behalf_of",
    "receipt_number", "rendering", "shipping_cost", "shipping_details", "statement_descriptor",
    "status_details", "threshold_reason", "webhooks_delivered_at",
)  # fmt: skip
RETRY_AFTER_DAYS = (3, 5, 7)  # then the subscription ends


def draft(
    turn: Turn, subscription: Body, found: list[Body], now: int, *, reason: str, period: tuple[int, int]
) -> Body:
    """A draft with what is pending, less the discounts that are to be had. The caller keeps the subscription."""
    found = [*subscription["_pending"], *found]
    subscription["_pending"] = []
    usable = lines.usable(turn, subscription, now)
    invoice = build(turn, subscription, found, now, reason=reason, period=period, usable=usable)
    turn.store.put("invoice", invoice)
    subscription["latest_invoice"] = invoice["id"]
    turn.store.put("subscription", subscription)
    turn.emit("invoice.created", invoice, now)
    return invoice


def build(
    turn: Turn,
    subscription: Body,
    found: list[Body],
    now: int,
    *,
    reason: str,
    period: tuple[int, int],
    usable: list[Body],
) -> Body:
    """An invoice that isn't kept yet. One without anything to pay for takes no discounts."""
    customer = turn.find("customer", subscription["customer"])
    given = usable if any(one["amount"] > 0 for one in found) else []
    lines.take_off(found, given)
    subtotal, by_discount = lines.sums(found)
    total = subtotal - sum(one["amount"] for one in by_discount)
    ident = turn.store.new_id("in_")
    for one in found:
        one["invoice"] = ident
    invoice: Body = {
        "id": ident,
        **_blank(subscription, customer),
        "billing_reason": reason,
        "created": now,
        "discounts": [one["id"] for one in given],
        "lines": {**listed(found, f"/v1/invoices/{ident}/lines"), "total_count": len(found)},
        "period_start": period[0],
        "period_end": period[1],
        "starting_balance": customer.get("balance", 0),
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_discount_amounts": by_discount,
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [
            {**one, "credit_balance_transaction": None, "type": "discount"} for one in by_discount
        ],
    }
    _set_due(invoice, max(0, total + min(0, invoice["starting_balance"])) if total > 0 else 0)
    return invoice


def finalize(turn: Turn, invoice: Body, now: int) -> Body:
    """Draft to open: it has its number, its discounts are spent, credit of the customer is used."""
    if invoice["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.", "invoice")
    customer = turn.find("customer", invoice["customer"])
    balance = int(customer.get("balance") or 0)
    total = invoice["total"]
    _set_due(invoice, max(0, total + balance) if total > 0 else 0)
    ending = min(0, total + balance) if balance < 0 or total < 0 else balance
    invoice.update(
        status="open",
        number=f"{customer.get('invoice_prefix', 'SANDBOX')}-{customer.get('next_invoice_sequence', 1):04}",
        effective_at=now,
        starting_balance=balance,
        ending_balance=ending,
        automatically_finalizes_at=None,
        hosted_invoice_url=f"{turn.address}/invoice/{invoice['id']}",
        invoice_pdf=f"{turn.address}/invoice/{invoice['id']}",
    )
    invoice["status_transitions"]["finalized_at"] = now
    turn.store.stop_timer("finalize", invoice["id"])
    if not customer.get("deleted"):
        customer.update(
            balance=ending,
            next_invoice_sequence=customer["next_invoice_sequence"] + 1,
            currency=customer["currency"] or invoice["currency"],
        )
        turn.store.put("customer", customer)
    turn.store.put("invoice", invoice)
    turn.emit("invoice.finalized", invoice, now)
    _spend(turn, invoice, now)
    return invoice


def collect(turn: Turn, invoice: Body, now: int) -> bool:
    """Tries to be paid: whether it is. What follows for the subscription is done."""
    subscription = _subscription_of(turn, invoice)
    before = dict(invoice)
    if invoice["amount_due"] > 0:
        card = customers.card_for(turn, subscription)
        invoice["attempted"] = True
        invoice["attempt_count"] += 1
        if card is None or not card["_works"]:
            _refused(turn, invoice, subscription, now, before)
            return False
    settle(turn, invoice, now)
    return True


def settle(turn: Turn, invoice: Body, now: int) -> None:
    """Open to paid."""
    before = dict(invoice)
    invoice.update(
        status="paid",
        attempted=True,
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        auto_advance=False,
        next_payment_attempt=None,
    )
    invoice["status_transitions"] = {**invoice["status_transitions"], "paid_at": now}
    turn.store.stop_timer("retry", invoice["id"])
    turn.store.put("invoice", invoice)
    turn.emit("invoice.updated", invoice, now, before)
    turn.emit("invoice.paid", invoice, now)
    turn.emit("invoice.payment_succeeded", invoice, now)
    subscription = _subscription_of(turn, invoice)
    if subscription["status"] in ("past_due", "incomplete", "unpaid"):
        others = (
            one
            for one in turn.store.all("invoice", subscription=subscription["id"], status="open")
            if one["id"] != invoice["id"]
        )
        if next(others, None) is None:
            change_status(turn, subscription, "active", now)


def void(turn: Turn, invoice: Body, now: int) -> Body:
    """What it has spent stays spent."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(
            f"You can only pass in open invoices or uncollectible invoices. This invoice is {invoice['status']}.",
            "invoice",
        )
    invoice["amount_remaining"] = 0
    return _closed(turn, invoice, now, "void", "voided")


def uncollectible(turn: Turn, invoice: Body, now: int) -> Body:
    if invoice["status"] != "open":
        raise invalid(f"You can only pass in open invoices. This invoice is {invoice['status']}.", "invoice")
    return _closed(turn, invoice, now, "uncollectible", "marked_uncollectible")


def at_once(turn: Turn, invoice: Body, now: int) -> bool:
    """Finalised and asked for without the hour's wait: whether it is paid."""
    finalize(turn, invoice, now)
    return by_its_pause(turn, invoice, now) and collect(turn, invoice, now)


def by_its_pause(turn: Turn, invoice: Body, now: int) -> bool:
    """Whether an invoice just finalised is to be paid; where collection is paused it is closed."""
    pause = _subscription_of(turn, invoice)["pause_collection"]
    if pause is None or invoice["amount_due"] == 0:
        return True
    if pause["behavior"] == "void":
        void(turn, invoice, now)
    elif pause["behavior"] == "mark_uncollectible":
        uncollectible(turn, invoice, now)
    return False


def later(turn: Turn, invoice: Body, now: int) -> None:
    """Finalised in an hour; not at all where drafts are to be kept."""
    pause = _subscription_of(turn, invoice)["pause_collection"]
    if pause is not None and pause["behavior"] == "keep_as_draft":
        invoice["auto_advance"] = False
    else:
        invoice["automatically_finalizes_at"] = now + HOUR
        turn.store.set_timer(turn.clock_of(invoice["customer"]), now + HOUR, "finalize", invoice["id"])
    turn.store.put("invoice", invoice)


def change_status(turn: Turn, subscription: Body, status: str, now: int) -> None:
    """Told and kept."""
    before = dict(subscription)
    subscription["status"] = status
    turn.store.stop_timer("incomplete_over", subscription["id"])
    turn.store.put("subscription", subscription)
    turn.emit("customer.subscription.updated", subscription, now, before)


def require_card(turn: Turn, subscription: Body) -> None:
    """Raises ApiError where nothing is there to pay with."""
    if customers.card_for(turn, subscription) is None:
        raise invalid(
            "This customer has no attached payment source or default payment method. Please consider adding a "
            "default "
            "payment method.",
            code="resource_missing",
        )


def _spend(turn: Turn, invoice: Body, now: int) -> None:
    subscription = _subscription_of(turn, invoice)
    spent = [
        ident
        for ident in invoice["discounts"]
        if ident in subscription["discounts"] and _is_once(turn.find("discount", ident))
    ]
    if spent:
        discounts.take_from(turn, subscription, spent, now)


def _is_once(discount: Body) -> bool:
    return bool(discounts.coupon_of(discount)["duration"] == "once")


def _refused(turn: Turn, invoice: Body, subscription: Body, now: int, before: Body) -> None:
    tries = invoice["attempt_count"]
    again = now + RETRY_AFTER_DAYS[tries - 1] * DAY if tries <= len(RETRY_AFTER_DAYS) else None
    if subscription["status"] == "incomplete":
        again = None
    invoice["next_payment_attempt"] = again
    if again is not None:
        turn.store.set_timer(turn.clock_of(invoice["customer"]), again, "retry", invoice["id"])
    turn.store.put("invoice", invoice)
    turn.emit("invoice.updated", invoice, now, before)
    turn.emit("invoice.payment_failed", invoice, now)
    if subscription["status"] in ("active", "trialing"):
        change_status(turn, subscription, "past_due", now)
    if again is None and subscription["status"] == "past_due":
        cancelled(turn, subscription, now, "payment_failed")


def cancelled(turn: Turn, subscription: Body, now: int, reason: str = "cancellation_requested") -> Body:
    """The subscription is over."""
    subscription.update(
        status="canceled",
        canceled_at=subscription["canceled_at"] or now,
        ended_at=now,
        _pending=[],
    )
    subscription["cancellation_details"] = {**subscription["cancellation_details"], "reason": reason}
    turn.store.stop_timers(subscription["id"])
    for status in ("draft", "open"):
        for invoice in list(turn.store.all("invoice", subscription=subscription["id"], status=status)):
            turn.store.stop_timers(invoice["id"])  # nothing of it is asked for any more
            turn.store.put("invoice", {**invoice, "auto_advance": False, "next_payment_attempt": None})
    turn.store.put("subscription", subscription)
    turn.emit("customer.subscription.deleted", subscription, now)
    return subscription


def refuse_unpaid(paid: bool) -> None:
    """Raises ApiError, which takes all of the request back."""
    if not paid:
        raise declined()


def _subscription_of(turn: Turn, invoice: Body) -> Body:
    return turn.find("subscription", invoice["parent"]["subscription_details"]["subscription"])


def _closed(turn: Turn, invoice: Body, now: int, status: str, told: str) -> Body:
    invoice.update(status=status, auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"] = {**invoice["status_transitions"], f"{told}_at": now}
    turn.store.stop_timers(invoice["id"])
    turn.store.put("invoice", invoice)
    turn.emit(f"invoice.{told}", invoice, now)
    return invoice


def _set_due(invoice: Body, due: int) -> None:
    invoice.update(amount_due=due, amount_remaining=due)


def _blank(subscription: Body, customer: Body) -> Body:
    return {
        "object": "invoice",
        **dict.fromkeys(NOTHING),
        "account_country": "US",
        "account_name": "Sandbox",
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "collection_method": subscription["collection_method"],
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "customer_address": customer.get("address"),
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "customer_phone": customer.get("phone"),
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "description": subscription["description"],
        "issuer": {"account": None, "type": "self"},
        "livemode": False,
        "metadata": {},
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
                "subscription_proration_date": None,
            },
            "type": "subscription_details",
        },
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        "test_clock": customer.get("test_clock"),
        "total_taxes": [],
    }
