"""Checkout sessions: a page on which a subscription is begun."""

from typing import Any
from urllib.parse import urlsplit

from sync.sandbox import coupons, customers, discounts, money, subscriptions
from sync.sandbox.errors import invalid, lacking, missing, unsupported
from sync.sandbox.shown import PAGING, listed, page, within
from sync.sandbox.store import Body
from sync.sandbox.times import DAY
from sync.sandbox.turn import Turn, merged, only

DOES = (
    "allow_promotion_codes", "billing_address_collection", "cancel_url", "client_reference_id", "currency",
    "customer", "customer_email", "discounts", "expires_at", "line_items", "locale", "metadata", "mode",
    "payment_method_collection", "subscription_data", "success_url", "ui_mode",
)  # fmt: skip
DATA_DOES = ("metadata", "trial_period_days", "trial_end", "description", "trial_settings")
SHORTEST_S, LONGEST_S = 30 * 60, DAY


def create(turn: Turn, given: Body) -> Body:
    only(given, DOES)
    _require(turn, given)
    data: dict[str, Any] = given.get("subscription_data") or {}
    only(data, DATA_DOES, "subscription_data")
    found = [_line(turn, one, f"line_items[{i}]") for i, one in enumerate(given["line_items"])]
    currency = found[0]["currency"]
    if len({one["currency"] for one in found}) > 1:
        raise invalid("All line items must have the same currency.", "line_items")
    now = turn.now_of(given.get("customer"))
    coupon = _coupon(turn, given, currency, now)
    subtotal = sum(one["amount_subtotal"] for one in found)
    free = bool(data.get("trial_period_days") or data.get("trial_end"))
    off = _taken_off(found, coupon) if coupon is not None and not free else 0
    ident = turn.store.new_id("cs_test_", 58)
    expires = given.get("expires_at", now + DAY)
    if not now + SHORTEST_S <= expires <= now + LONGEST_S:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            "expires_at",
        )
    session: Body = {
        **_blank(),
        "id": ident,
        "allow_promotion_codes": given.get("allow_promotion_codes"),
        "amount_subtotal": 0 if free else subtotal,
        "amount_total": 0 if free else subtotal - off,
        "billing_address_collection": given.get("billing_address_collection"),
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "customer": given.get("customer"),
        "customer_email": given.get("customer_email"),
        "discounts": [] if coupon is None else [{"coupon": coupon["id"], "promotion_code": None}],
        "expires_at": expires,
        "locale": given.get("locale"),
        "metadata": merged({}, given.get("metadata")),
        "mode": "subscription",
        "payment_method_collection": given.get("payment_method_collection", "always"),
        "status": "open",
        "success_url": given["success_url"],
        "total_details": {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0},
        "url": f"{turn.address}/c/pay/{ident}",
        "_line_items": listed(found, f"/v1/checkout/sessions/{ident}/line_items"),
        "_items": [{"price": one["price"]["id"], "quantity": one["quantity"]} for one in found],
        "_data": data,
    }
    turn.store.put("checkout.session", session)
    turn.store.set_timer(turn.clock_of(session["customer"]), session["expires_at"], "session_over", ident)
    return session


def find_all(turn: Turn, given: Body) -> Body:
    only(given, ("created", "customer", "subscription", "status", *PAGING))
    found = (
        one
        for one in turn.store.all(
            "checkout.session", customer=given.get("customer"), subscription=given.get("subscription")
        )
        if given.get("status") in (None, one["status"]) and within(one["created"], given.get("created"))
    )
    return page(found, given, "/v1/checkout/sessions", "checkout.session")


def find_lines(turn: Turn, given: Body, ident: str) -> Body:
    session = turn.find("checkout.session", ident, param="session")
    return page(session["_line_items"]["data"], given, session["_line_items"]["url"], "item")


def update(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("metadata",))
    session = turn.find("checkout.session", ident)
    session["metadata"] = merged(session["metadata"], given.get("metadata"))
    return turn.store.put("checkout.session", session)


def expire(turn: Turn, _given: Body, ident: str) -> Body:
    session = turn.find("checkout.session", ident)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status '
            f"of `{session['status']}`."
        )
    return _expired(turn, session, turn.now_of(session["customer"]))


def over(turn: Turn, ident: str, now: int) -> None:
    """Its time has passed."""
    session = turn.store.get("checkout.session", ident)
    if session is not None and session["status"] == "open":
        _expired(turn, session, now)


def complete(turn: Turn, ident: str, email: str, name: str, card: str = "pm_card_visa") -> Body:
    """The person at the page has paid. Raises ApiError, with nothing done, when the card is declined or the
    session isn't open any more."""
    session = turn.find("checkout.session", ident)
    if session["status"] != "open":
        raise invalid(f"This page has done its work: the session is {session['status']}.")
    if session["customer"] is None:
        found = customers.create(turn, {"email": session["customer_email"] or email, "name": name or None})
    else:
        found = customers.find(turn, session["customer"])
    method = customers.require_card(turn, found, card, "payment_method")
    subscription = subscriptions.create(
        turn,
        {
            **session["_data"],
            "customer": found["id"],
            "items": session["_items"],
            "default_payment_method": method,
            "payment_behavior": "error_if_incomplete",
            "discounts": [{"coupon": one["coupon"]} for one in session["discounts"]],
        },
        session["id"],
    )
    invoice = turn.find("invoice", subscription["latest_invoice"])
    session.update(
        customer=found["id"],
        customer_details={
            "address": None,
            "business_name": None,
            "email": found["email"] or email,
            "individual_name": None,
            "name": found["name"] or name or None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        invoice=invoice["id"],
        payment_status="paid" if invoice["amount_paid"] > 0 else "no_payment_required",
        status="complete",
        subscription=subscription["id"],
        url=None,
    )
    turn.store.stop_timers(ident)
    turn.store.put("checkout.session", session)
    turn.emit("checkout.session.completed", session, turn.now_of(found["id"]))
    return session


def _expired(turn: Turn, session: Body, now: int) -> Body:
    session.update(status="expired", url=None)
    turn.store.stop_timers(session["id"])
    turn.store.put("checkout.session", session)
    turn.emit("checkout.session.expired", session, now)
    return session


def _require(turn: Turn, given: Body) -> None:
    if given.get("mode") != "subscription":
        raise unsupported("mode", "only subscription")
    if given.get("ui_mode", "hosted_page") != "hosted_page":
        raise unsupported("ui_mode", "only hosted_page")
    if not given.get("line_items"):
        raise lacking("line_items")
    if "success_url" not in given:
        raise lacking("success_url")
    for name in ("success_url", "cancel_url"):
        if name in given:
            require_address(given[name], name)
    if "customer" in given and "customer_email" in given:
        raise invalid("You may only specify one of these parameters: customer, customer_email.", "customer")
    if "allow_promotion_codes" in given and "discounts" in given:
        raise invalid(
            "You may only specify one of these parameters: allow_promotion_codes, discounts.", "discounts"
        )
    if "customer" in given:
        customers.find(turn, given["customer"], "customer", 400)


def require_address(text: str, param: str) -> None:
    """Raises ApiError for what is no web address."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or any(one <= " " for one in text):
        raise invalid("Not a valid URL", param, "url_invalid")


def _coupon(turn: Turn, given: Body, currency: str, now: int) -> Body | None:
    asked = discounts.entries(given.get("discounts", []))
    if not asked:
        return None
    if len(asked) > 1:
        raise invalid("discounts can have up to 1 entry.", "discounts")
    coupon = turn.store.get("coupon", str(asked[0].coupon))
    if coupon is None:
        raise missing("coupon", str(asked[0].coupon), asked[0].param, 400)
    coupons.require_usable(coupon, currency, now, asked[0].param)
    return coupon


def _taken_off(found: list[Body], coupon: Body) -> int:
    cut = discounts.cut({"source": {"_coupon": coupon}}, [one["price"]["product"] for one in found])
    (parts,) = money.take_off([one["amount_subtotal"] for one in found], [cut])
    for one, part in zip(found, parts, strict=True):
        one.update(amount_discount=part, amount_total=one["amount_subtotal"] - part)
    return sum(parts)


def _line(turn: Turn, given: Body, param: str) -> Body:
    only(given, ("price", "quantity"), param)
    if "price" not in given:
        raise lacking(f"{param}[price]")
    if "quantity" not in given:
        raise lacking(f"{param}[quantity]")
    price = subscriptions.price_for(turn, given["price"], f"{param}[price]")
    number = subscriptions.quantity(given["quantity"], param)
    amount = price["unit_amount"] * number
    return {
        "id": turn.store.new_id("li_"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": (turn.store.get("product", price["product"]) or {}).get("name"),
        "metadata": {},
        "price": price,
        "quantity": number,
    }


def _blank() -> Body:
    nothing = (
        "adaptive_pricing", "after_expiration", "allowed_payment_method_types", "branding_settings",
        "client_secret", "collected_information", "consent", "consent_collection", "currency_conversion",
        "customer_account", "customer_creation", "customer_details", "excluded_payment_method_types",
        "integration_identifier", "invoice", "invoice_creation", "managed_payments", "name_collection",
        "optional_items", "origin_context", "payment_intent", "payment_link",
        "payment_method_configuration_details", "payment_method_options", "permissions",
        "phone_number_collection", "presentment_details", "recovered_from", "redirect_on_completion",
        "return_url", "saved_payment_method_options", "setup_intent", "shipping_address_collection",
        "shipping_cost", "submit_type", "subscription", "tax_id_collection", "wallet_options",
    )  # fmt: skip
    return {
        "id": "",
        "object": "checkout.session",
        **dict.fromkeys(nothing),
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "livemode": False,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "shipping_options": [],
        "ui_mode": "hosted_page",
    }
