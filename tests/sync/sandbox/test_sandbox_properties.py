"""Whatever is done to subscriptions in whatever order: cents add up, and a `once` discount is spent once."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stripe_sandbox import START

from sync.sandbox import catalog, changes, coupons, customers, invoices, subscriptions
from sync.sandbox.errors import ApiError
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.store import Body

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.integers(0, 5)),
        st.tuples(st.just("add"), st.integers(0, 5)),
        st.tuples(st.just("clear"), st.just(0)),
        st.tuples(st.just("quantity"), st.integers(0, 4)),
        st.tuples(st.just("quantity_now"), st.integers(0, 4)),
        st.tuples(st.just("hours"), st.integers(1, 900)),
        st.tuples(st.just("hours"), st.sampled_from([24 * 30, 24 * 31, 24 * 30 + 1])),
        st.tuples(st.just("card"), st.integers(0, 1)),
        st.tuples(st.just("collect"), st.sampled_from(["", "void", "keep_as_draft", "mark_uncollectible"])),
        st.tuples(st.just("ends"), st.integers(0, 1)),
        st.tuples(st.just("trial_now"), st.just(0)),
        st.tuples(st.just("pause"), st.integers(0, 1)),
        st.tuples(st.just("pay"), st.just(0)),
    ),
    max_size=25,
)
COUPONS: list[Body] = [
    {"id": "half", "percent_off": 50.0, "duration": "once", "max_redemptions": 2},
    {"id": "free", "percent_off": 100.0, "duration": "once", "max_redemptions": 1},
    {"id": "five", "amount_off": 500, "currency": "usd", "duration": "once"},
    {"id": "odd", "percent_off": 33.33, "duration": "repeating", "duration_in_months": 2},
    {"id": "tenth", "percent_off": 10.0, "duration": "forever"},
    {"id": "much", "amount_off": 99999, "currency": "usd", "duration": "once"},
]


def begun(trial: bool, cents: int) -> tuple[Sandbox, str]:
    box = Sandbox(start=START, seed=1)
    with box.doing() as turn:
        every = {"interval": "month"}
        price = catalog.create_price(
            turn, {"currency": "usd", "unit_amount": cents, "recurring": every, "product_data": {"name": "Gold"}}
        )["id"]
        card = "pm_card_visa"
        ana = customers.create(
            turn, {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
        )
        for one in COUPONS:
            coupons.create(turn, dict(one))
        more: Body = {"trial_period_days": 10} if trial else {}
        sub = subscriptions.create(turn, {"customer": ana["id"], "items": [{"price": price}], **more})["id"]
    return box, sub


def step(box: Sandbox, sub: str, what: str, value: Any) -> None:
    if what == "hours":
        box.advance(value * 3600)
        return
    with box.doing() as turn:
        found = turn.find("subscription", sub)
        item = found["items"]["data"][0]["id"]
        kept = [{"discount": ident} for ident in found["discounts"]]
        coupon: Body = {"coupon": COUPONS[value]["id"]} if what in ("give", "add") else {}
        now = {"proration_behavior": "always_invoice"} if what == "quantity_now" else {}
        updates: dict[str, Body] = {
            "give": {"discounts": [coupon]},
            "add": {"discounts": [*kept, coupon]},
            "clear": {"discounts": ""},
            "quantity": {"items": [{"id": item, "quantity": value}]},
            "quantity_now": {"items": [{"id": item, "quantity": value}], **now},
            "collect": {"pause_collection": {"behavior": value} if value else ""},
            "ends": {"cancel_at_period_end": bool(value)},
            "trial_now": {"trial_end": "now"},
        }
        if what in updates:
            changes.update(turn, updates[what], sub)
        elif what == "card":
            customers.set_card(turn, found["customer"], works=bool(value))
        elif what == "pause":
            (changes.pause if value else changes.resume)(turn, {}, sub)
        else:
            invoices.pay(turn, {}, found["latest_invoice"])


def check(box: Sandbox) -> None:
    spent: dict[str, int] = {}
    for invoice in box.all("invoice"):
        found = invoice["lines"]["data"]
        assert sum(one["amount"] for one in found) == invoice["subtotal"]
        off = sum(entry["amount"] for one in found for entry in one["discount_amounts"])
        assert off == sum(one["amount"] for one in invoice["total_discount_amounts"])
        assert invoice["subtotal"] - off == invoice["total"]
        for one in found:
            taken = [entry["amount"] for entry in one["discount_amounts"]]
            assert 0 <= sum(taken) <= one["amount"] or 0 >= sum(taken) >= one["amount"]
        assert 0 <= invoice["amount_due"] <= max(0, invoice["total"])
        assert invoice["amount_paid"] in (0, invoice["amount_due"])
        if invoice["status"] != "draft":
            for ident in invoice["discounts"]:
                spent[ident] = spent.get(ident, 0) + 1
    held = {ident for one in box.all("subscription") for ident in one["discounts"]}
    redeemed: dict[str, int] = {}
    for discount in box.all("discount"):
        coupon = discount["source"]["_coupon"]
        redeemed[coupon["id"]] = redeemed.get(coupon["id"], 0) + 1
        assert (discount["_ended"] is None) == (discount["id"] in held)
        if coupon["duration"] == "once":
            assert spent.get(discount["id"], 0) <= 1
            assert not (discount["id"] in held and discount["id"] in spent)
    for coupon in box.all("coupon"):
        assert coupon["times_redeemed"] == redeemed.get(coupon["id"], 0)
        assert coupon["max_redemptions"] is None or coupon["times_redeemed"] <= coupon["max_redemptions"]


@pytest.mark.slow
@settings(max_examples=60)
@example(False, 1, [("give", 0), ("quantity_now", 3), ("quantity", 1), ("quantity", 0)])
@given(st.booleans(), st.integers(1, 100_000), STEPS)
def test_cents_add_up_and_once_is_once(trial: bool, cents: int, steps: list[tuple[str, Any]]) -> None:
    box, sub = begun(trial, cents)
    for what, value in steps:
        before = box.dump()
        try:
            step(box, sub, what, value)
        except ApiError:
            assert box.dump() == before, "what is refused leaves nothing"
        check(box)
    with suppress(ApiError):
        box.change(sub, pause_collection="", cancel_at_period_end=False)
    box.advance(months=3)
    check(box)
    box.close()
