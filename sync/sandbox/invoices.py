"""What may be asked and done of invoices; and what the next one would be."""

from typing import Any

from sync.sandbox import changes, discounts, invoicing, lines, subscriptions
from sync.sandbox.errors import declined, invalid, missing
from sync.sandbox.shown import PAGING, page, within
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn, merged, only, write

PREVIEW_DOES = ("customer", "subscription", "subscription_details", "discounts", "preview_mode", "currency")
DETAILS_DO = ("items", "proration_behavior", "cancel_at_period_end", "billing_cycle_anchor", "trial_end")


def find_all(turn: Turn, given: Body) -> Body:
    does = ("created", "customer", "subscription", "status", "collection_method", *PAGING)  # fmt: skip
    only(given, does)
    for name in ("customer", "subscription"):
        if name in given:
            turn.find(name, given[name], param=name, status=400)
    found = (
        one
        for one in turn.store.all(
            "invoice", customer=given.get("customer"), subscription=given.get("subscription")
        )
        if given.get("status") in (None, one["status"]) and within(one["created"], given.get("created"))
    )
    return page(found, given, "/v1/invoices", "invoice")


def find_lines(turn: Turn, given: Body, ident: str) -> Body:
    invoice = turn.find("invoice", ident, param="invoice")
    return page(invoice["lines"]["data"], given, f"/v1/invoices/{ident}/lines", "line_item")


def update(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("metadata", "description", "auto_advance"))
    invoice = turn.find("invoice", ident, param="invoice")
    before = dict(invoice)
    invoice["metadata"] = merged(invoice["metadata"], given.get("metadata"))
    write(invoice, given, ("description",))
    now = turn.now_of(invoice["customer"])
    if "auto_advance" in given and invoice["status"] in ("draft", "open"):
        invoice["auto_advance"] = given["auto_advance"]
        turn.store.stop_timers(ident)
        if given["auto_advance"] and invoice["status"] == "draft":
            invoicing.later(turn, invoice, now)
    turn.store.put("invoice", invoice)
    turn.emit("invoice.updated", invoice, now, before)
    return invoice


def finalize(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("auto_advance",))
    invoice = turn.find("invoice", ident, param="invoice")
    now = turn.now_of(invoice["customer"])
    invoicing.finalize(turn, invoice, now)
    if invoicing.by_its_pause(turn, invoice, now) and invoice["amount_due"] == 0:
        invoicing.settle(turn, invoice, now)
    return turn.find("invoice", ident)


def pay(turn: Turn, given: Body, ident: str) -> Body:
    """Raises ApiError where the card is declined; that it was tried stays."""
    only(given, ("off_session", "paid_out_of_band"))
    invoice = turn.find("invoice", ident, param="invoice")
    now = turn.now_of(invoice["customer"])
    if invoice["status"] == "draft":
        invoicing.finalize(turn, invoice, now)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"This invoice is {invoice['status']}: it can't be paid.")
    if given.get("paid_out_of_band"):
        invoicing.settle(turn, invoice, now)
    elif not invoicing.collect(turn, invoice, now):
        raise declined(keeps=True)
    return turn.find("invoice", ident)


def void(turn: Turn, _given: Body, ident: str) -> Body:
    invoice = turn.find("invoice", ident, param="invoice")
    return invoicing.void(turn, invoice, turn.now_of(invoice["customer"]))


def mark_uncollectible(turn: Turn, _given: Body, ident: str) -> Body:
    invoice = turn.find("invoice", ident, param="invoice")
    return invoicing.uncollectible(turn, invoice, turn.now_of(invoice["customer"]))


def delete(turn: Turn, _given: Body, ident: str) -> Body:
    """Drafts alone; a discount that it held is free for the next."""
    invoice = turn.find("invoice", ident, param="invoice")
    if invoice["status"] != "draft" or invoice["billing_reason"] != "manual":
        raise invalid("You can only delete draft invoices that were not made by a subscription.", "invoice")
    turn.store.remove("invoice", ident)
    return {"id": ident, "object": "invoice", "deleted": True}


def create_preview(turn: Turn, given: Body) -> Body:
    """The next invoice as it would be now, perhaps after changes that are only imagined."""
    only(given, PREVIEW_DOES)
    subscription = _meant(turn, given)
    details: dict[str, Any] = given.get("subscription_details") or {}
    only(details, DETAILS_DO, "subscription_details")
    with turn.store.imagined():
        if details:
            changed = changes.update(turn, details, subscription["id"])
            if changed["latest_invoice"] != subscription["latest_invoice"]:
                return _as_preview(turn.find("invoice", changed["latest_invoice"]))
            subscription = changed
        return _next(turn, subscription, given)


def _meant(turn: Turn, given: Body) -> Body:
    if "subscription" in given:
        found = turn.find("subscription", given["subscription"], param="subscription", status=400)
        if given.get("customer") not in (None, found["customer"]):
            raise missing("subscription", given["subscription"], "subscription", 400)
        return found
    if "customer" not in given:
        raise invalid("You must pass either `customer` or `subscription`.", "customer", "parameter_missing")
    turn.find("customer", given["customer"], param="customer", status=400)
    for one in turn.store.all("subscription", customer=given["customer"]):
        if one["status"] in subscriptions.RENEWED:
            return one
    raise _none(given["customer"])


def _next(turn: Turn, subscription: Body, given: Body) -> Body:
    start, end = subscriptions.period_of(subscription)
    over = subscriptions.ends_by(subscription, end)
    if subscription["status"] not in subscriptions.RENEWED or (over and not subscription["_pending"]):
        raise _none(subscription["customer"])
    period = subscriptions.period_at(subscription, end)
    now = turn.now_of(subscription["customer"])
    if "discounts" in given:
        discounts.replace(turn, subscription, discounts.entries(given["discounts"]), now)
    found = [*subscription["_pending"], *(lines.whole_period(turn, subscription, period) if not over else [])]
    usable = lines.usable(turn, subscription, end)
    invoice = invoicing.build(
        turn, subscription, found, end, reason="upcoming", period=(start, end), usable=usable
    )
    return _as_preview(invoice)


def _as_preview(invoice: Body) -> Body:
    ident = invoice["id"].replace("in_", "upcoming_in_", 1)
    never = {"amount_paid": 0, "amount_remaining": invoice["amount_due"], "attempt_count": 0, "attempted": False}
    return {
        **invoice,
        **never,
        "id": ident,
        "status": "draft",
        "number": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "status_transitions": dict.fromkeys(invoice["status_transitions"]),
        "lines": {**invoice["lines"], "url": f"/v1/invoices/{ident}/lines"},
    }


def _none(customer: str) -> Exception:
    return invalid(f"No upcoming invoices for customer: {customer}", code="invoice_upcoming_none", status=404)
