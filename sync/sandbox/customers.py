"""Customers, and the cards they pay with: test cards that work, and one that works no more."""

from typing import Any

from sync.sandbox.errors import declined, invalid, lacking, missing
from sync.sandbox.shown import PAGING, page, within
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn, merged, only, write

DOES = (
    "balance", "description", "email", "invoice_prefix", "invoice_settings", "metadata", "name",
    "payment_method", "phone", "preferred_locales", "tax_exempt", "test_clock", "address",
)  # fmt: skip
TEXTS = ("description", "email", "name", "phone")
CARDS = {"pm_card_visa": "4242", "pm_card_mastercard": "4444", "pm_card_chargeCustomerFail": "0341"}
FAILING = frozenset({"pm_card_chargeCustomerFail"})
REFUSED = frozenset({"pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"})


def create(turn: Turn, given: Body) -> Body:
    only(given, DOES)
    clock = given.get("test_clock")
    if clock is not None:
        turn.find("test_helpers.test_clock", clock, noun="test clock", param="test_clock", status=400)
    email = given.get("email")
    if email is not None and ("@" not in email[1:-1] or " " in email):
        raise invalid(f"Invalid email address: {email}", "email", "email_invalid")
    ident = turn.store.new_id("cus_", 14)
    customer: Body = {
        "id": ident,
        "object": "customer",
        "address": given.get("address") or None,
        "balance": given.get("balance", 0),
        "business_name": None,
        "created": turn.now_by(clock or ""),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": given.get("description"),
        "discount": None,
        "email": email,
        "individual_name": None,
        "invoice_prefix": given.get("invoice_prefix") or ident[4:12].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": merged({}, given.get("metadata")),
        "name": given.get("name"),
        "next_invoice_sequence": 1,
        "phone": given.get("phone"),
        "preferred_locales": given.get("preferred_locales", []),
        "shipping": None,
        "tax_exempt": given.get("tax_exempt") or "none",
        "test_clock": clock,
    }
    turn.store.put("customer", customer)
    card = _cards(turn, customer, given)
    if card is not None:
        customer["invoice_settings"]["default_payment_method"] = card
        turn.store.put("customer", customer)
    turn.emit("customer.created", customer, customer["created"])
    return customer


def update(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("balance", *TEXTS, "invoice_settings", "metadata", "preferred_locales", "tax_exempt", "address"))
    customer = find(turn, ident)
    before = {**customer, "invoice_settings": dict(customer["invoice_settings"])}
    write(customer, given, (*TEXTS, "address", "balance", "preferred_locales"))
    customer["metadata"] = merged(customer["metadata"], given.get("metadata"))
    card = _cards(turn, customer, given)
    if card is not None:
        customer["invoice_settings"]["default_payment_method"] = card
    turn.store.put("customer", customer)
    turn.emit("customer.updated", customer, turn.now_of(ident), before)
    return customer


def find(turn: Turn, ident: str, param: str = "id", status: int = 404) -> Body:
    """A customer who is not deleted. Raises ApiError."""
    customer = turn.store.get("customer", ident)
    if customer is None or customer.get("deleted"):
        raise missing("customer", ident, param, status)
    return customer


def delete(turn: Turn, _given: Body, ident: str) -> Body:
    """The caller has ended the subscriptions."""
    customer = find(turn, ident)
    now = turn.now_of(ident)
    stub = {"id": ident, "object": "customer", "deleted": True}
    turn.store.put("customer", stub)
    turn.emit("customer.deleted", customer, now)
    return stub


def find_all(turn: Turn, given: Body) -> Body:
    """Customers of a test clock are only listed for that clock, as Stripe does."""
    only(given, ("created", "email", "test_clock", *PAGING))
    found = (
        one
        for one in turn.store.all("customer")
        if not one.get("deleted")
        and one["test_clock"] == given.get("test_clock")
        and within(one["created"], given.get("created"))
        and given.get("email") in (None, one["email"])
    )
    return page(found, given, "/v1/customers", "customer")


def attach(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("customer",))
    if "customer" not in given:
        raise lacking("customer")
    customer = find(turn, given["customer"], "customer", 400)
    return _attached(turn, customer, ident, "payment_method")


def find_cards(turn: Turn, given: Body) -> Body:
    only(given, ("customer", "type", *PAGING))
    return page(
        turn.store.all("payment_method", customer=given.get("customer")),
        given,
        "/v1/payment_methods",
        "PaymentMethod",
    )


def card_of(turn: Turn, customer: Body, own: str | None = None) -> Body | None:
    """The card of that id, else the one that all of theirs is paid with."""
    ident = own or (customer.get("invoice_settings") or {}).get("default_payment_method")
    return turn.store.get("payment_method", ident) if ident else None


def card_for(turn: Turn, subscription: Body) -> Body | None:
    """What a subscription is paid with: its own card, else its customer's."""
    return card_of(turn, turn.find("customer", subscription["customer"]), subscription["default_payment_method"])


def set_card(turn: Turn, ident: str, works: bool) -> None:
    """For the sandbox's pages and tests: their card works, or is declined from now on. Raises ApiError."""
    customer = find(turn, ident)
    card = card_of(turn, customer)
    if card is None:
        customer["invoice_settings"]["default_payment_method"] = _attached(turn, customer, "pm_card_visa", "id")[
            "id"
        ]
        turn.store.put("customer", customer)
    for one in list(turn.store.all("payment_method", customer=ident)):
        turn.store.put("payment_method", {**one, "_works": works})


def require_card(turn: Turn, customer: Body, ident: str, param: str) -> str:
    """The id of one of their cards, for a test card's name too. Raises ApiError."""
    return str(_attached(turn, customer, ident, param)["id"])


def _cards(turn: Turn, customer: Body, given: Body) -> str | None:
    """Takes in the cards that are named; returns which is to be the default."""
    settings: Any = given.get("invoice_settings") or {}
    only(settings, ("default_payment_method", "footer"), "invoice_settings")
    named = settings.get("default_payment_method")
    first = given.get("payment_method")
    attached = _attached(turn, customer, first, "payment_method")["id"] if first else None
    if named and named == first:
        return str(attached)
    return require_card(turn, customer, named, "invoice_settings[default_payment_method]") if named else None


def _attached(turn: Turn, customer: Body, ident: str, param: str) -> Body:
    if ident in REFUSED:
        raise declined()
    if ident not in CARDS:
        card = turn.find("payment_method", ident, noun="PaymentMethod", param=param, status=400)
        if card["customer"] != customer["id"]:
            raise invalid("The payment method doesn't belong to this customer.", param)
        return card
    return turn.store.put(
        "payment_method",
        {
            "id": turn.store.new_id("pm_"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
                "email": customer["email"],
                "name": customer["name"],
                "phone": None,
                "tax_id": None,
            },
            "card": {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2040, "funding": "credit",
                     "last4": CARDS[ident]},
            "created": turn.now_of(customer["id"]),
            "customer": customer["id"],
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_works": ident not in FAILING,
        },
    )  # fmt: skip
