"""What it answers has the fields that the SDK says are there."""

import importlib
import inspect
from typing import Any

import pytest
import stripe
from stripe_sandbox import House

# What Stripe only puts in when it is asked to, or on what is deleted.
LEFT_OUT = {
    "deleted",
    "amount_paid_off_stripe",
    "previous_attributes",
    "breakdown",
    *("applies_to", "currency_options", "tiers", "sources", "subscriptions", "tax", "tax_ids", "cash_balance"),
    *("invoice_credit_balance", "payments", "confirmation_secret", "line_items", "secret"),
}


def fields_of(kind: Any) -> set[str]:
    return {name for name in inspect.get_annotations(kind) if not name.startswith("_") and name != "OBJECT_NAME"}


def missing(body: Any, kind: Any, path: str = "") -> list[str]:
    """The fields of the SDK's class that an answer hasn't got, in the objects within it too."""
    found = [f"{path}{name}" for name in fields_of(kind) - LEFT_OUT - body.keys()]
    for name, inner in getattr(kind, "_inner_class_types", {}).items():
        value = body.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                found += missing(one, inner, f"{path}{name}.")
    return found


@pytest.fixture
def everything(house: House) -> House:
    house.coupon(), house.coupon("b", duration="forever")
    sub = house.subscription(discounts=[{"coupon": "b"}], trial_period_days=3)
    house.v1.subscription_schedules.create({"from_subscription": sub.id})
    house.give(sub.id, "half")
    house.sandbox.advance(days=10)
    house.v1.subscriptions.update(sub.id, {"pause_collection": {"behavior": "void"}})
    house.v1.test_helpers.test_clocks.create({"frozen_time": 1_800_000_000})
    house.v1.webhook_endpoints.create({"url": "https://a.example/", "enabled_events": ["*"]})
    house.v1.billing_portal.sessions.create({"customer": str(sub.customer)})
    session: Any = {
        "mode": "subscription",
        "line_items": [{"price": house.price(), "quantity": 2}],
        "success_url": "https://a.example/",
    }
    made = house.v1.checkout.sessions.create(session)
    house.sandbox.complete(made.id)
    return house


KINDS = {
    "subscription": stripe.Subscription,
    "subscription_schedule": stripe.SubscriptionSchedule,
    "invoice": stripe.Invoice,
    "coupon": stripe.Coupon,
    "discount": stripe.Discount,
    "customer": stripe.Customer,
    "product": stripe.Product,
    "price": stripe.Price,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "checkout.session": stripe.checkout.Session,
    "billing_portal.session": stripe.billing_portal.Session,
    "test_helpers.test_clock": stripe.test_helpers.TestClock,
}


def test_every_object_has_the_fields_of_its_class(everything: House) -> None:
    held = everything.sandbox.dump()
    assert set(KINDS) | {"payment_method"} == set(held)
    for name, kind in KINDS.items():
        for body in held[name]:
            assert missing(body, kind) == [], name
            assert set(body) - fields_of(kind) == set(), name


def test_what_is_within_them_has_its_fields_too(everything: House) -> None:
    held = everything.sandbox.dump()
    plan = importlib.import_module("stripe").Plan
    for sub in held["subscription"]:
        for item in sub["items"]["data"]:
            assert missing(item, stripe.SubscriptionItem) == []
            assert missing(item["plan"], plan) == []
            assert missing(item["price"], stripe.Price) == []
    for invoice in held["invoice"]:
        for line in invoice["lines"]["data"]:
            assert missing(line, stripe.InvoiceLineItem) == []
    session = everything.v1.checkout.sessions.list({"expand": ["data.line_items"]}).data[0].to_dict()
    for line in session["line_items"]["data"]:
        assert set(missing(line, stripe.LineItem)) <= {"taxes", "discounts"}  # only where they are asked for


def test_nothing_of_its_own_gets_out(everything: House) -> None:
    def own(value: Any) -> bool:
        if isinstance(value, dict):
            return any(name.startswith("_") or own(one) for name, one in value.items())
        return isinstance(value, list) and any(own(one) for one in value)

    for bodies in everything.sandbox.dump().values():
        assert not any(own(body) for body in bodies)
