"""Coupons and discounts: what is sent replaces what is there, and `once` is once."""

from typing import Any

import pytest
import stripe
from stripe_sandbox import House


def test_a_discount_that_is_sent_replaces_what_is_there(house: House) -> None:
    sub = house.subscription()
    house.coupon("a"), house.coupon("b")
    (first,) = house.give(sub.id, "a").discounts
    (second,) = house.give(sub.id, "b").discounts
    assert first != second
    assert house.v1.subscriptions.retrieve(sub.id).discounts == [second]


def test_an_existing_discount_is_kept_by_its_id_and_not_redeemed_again(house: House) -> None:
    sub = house.subscription()
    house.coupon("a"), house.coupon("b")
    (first,) = house.give(sub.id, "a").discounts
    both = house.v1.subscriptions.update(sub.id, {"discounts": [{"discount": str(first)}, {"coupon": "b"}]})
    assert both.discounts[0] == first
    assert len(both.discounts) == 2
    assert house.v1.coupons.retrieve("a").times_redeemed == 1


def test_an_empty_list_is_not_sent_and_changes_nothing_an_empty_text_clears(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    assert len(house.v1.subscriptions.update(sub.id, {"discounts": []}).discounts) == 1
    assert house.sandbox.calls[-1].params == {}
    assert house.v1.subscriptions.update(sub.id, {"discounts": ""}).discounts == []


def test_a_change_of_something_else_leaves_the_discounts(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    assert len(house.v1.subscriptions.update(sub.id, {"metadata": {"a": "b"}}).discounts) == 1


def test_the_coupon_is_seen_where_it_is_asked_for(house: House) -> None:
    sub = house.subscription()
    house.coupon(metadata={"period": "2026-10"})
    house.give(sub.id, "half")
    plain = house.v1.subscriptions.retrieve(sub.id, {"expand": ["discounts"]}).discounts[0]
    assert isinstance(plain, stripe.Discount)
    assert (plain.source.type, plain.source.coupon, plain.subscription) == ("coupon", "half", sub.id)
    whole = house.v1.subscriptions.retrieve(sub.id, {"expand": ["discounts.source.coupon"]}).discounts[0]
    assert isinstance(whole, stripe.Discount)
    assert isinstance(whole.source.coupon, stripe.Coupon)
    assert (whole.source.coupon.times_redeemed, whole.source.coupon.percent_off) == (1, 50)


def test_once_is_spent_by_the_next_invoice_and_gone(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    (given,) = house.give(sub.id, "half").discounts
    house.renew()
    newest, first = house.invoices(sub.id)
    assert (newest.status, newest.subtotal, newest.total, newest.amount_paid) == ("paid", 2000, 1000, 1000)
    assert newest.discounts == [given]
    assert newest.total_discount_amounts is not None
    assert [(one.amount, one.discount) for one in newest.total_discount_amounts] == [(1000, given)]
    assert (first.total, first.discounts) == (2000, [])
    assert house.v1.subscriptions.retrieve(sub.id).discounts == []
    house.renew()
    assert [one.total for one in house.invoices(sub.id)] == [2000, 1000, 2000]


def test_what_is_spent_is_still_told_by_its_invoice(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    house.renew()
    found = house.v1.invoices.list({"subscription": sub.id, "expand": ["data.discounts.source.coupon"]}).data[0]
    (discount,) = found.discounts
    assert isinstance(discount, stripe.Discount)
    assert isinstance(discount.source.coupon, stripe.Coupon)
    assert discount.source.coupon.id == "half"


def test_once_is_spent_by_an_invoice_of_a_proration_too(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    house.sandbox.advance(days=15)
    house.v1.subscriptions.update(
        sub.id,
        {"items": [{"id": sub["items"].data[0].id, "quantity": 3}], "proration_behavior": "always_invoice"},
    )
    newest = house.invoices(sub.id)[0]
    assert newest.billing_reason == "subscription_update"
    assert (newest.subtotal, newest.total) == (2000, 500)  # -1000 back, +3000 less half
    assert house.v1.subscriptions.retrieve(sub.id).discounts == []


def test_a_credit_gives_back_what_was_paid_not_the_price(house: House) -> None:
    house.coupon()
    sub = house.subscription(discounts=[{"coupon": "half"}])
    assert house.invoices(sub.id)[0].total == 1000
    house.sandbox.advance(days=15)
    house.v1.subscriptions.update(
        sub.id,
        {"items": [{"id": sub["items"].data[0].id, "quantity": 2}], "proration_behavior": "always_invoice"},
    )
    assert house.invoices(sub.id)[0].total == 2000 - 500


def test_a_discount_given_while_a_draft_waits_is_for_the_next_invoice(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    house.sandbox.advance(months=1)
    house.give(sub.id, "half")
    house.sandbox.advance(3600)
    assert house.invoices(sub.id)[0].total == 2000
    assert len(house.v1.subscriptions.retrieve(sub.id).discounts) == 1
    house.renew()
    assert house.invoices(sub.id)[0].total == 1000


def test_a_draft_that_holds_it_is_the_only_one_that_takes_it(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    house.sandbox.advance(months=1)
    assert house.v1.subscriptions.retrieve(sub.id).discounts != []
    house.v1.subscriptions.update(
        sub.id,
        {"items": [{"id": sub["items"].data[0].id, "quantity": 2}], "proration_behavior": "always_invoice"},
    )
    house.sandbox.advance(3600)
    proration, cycle, _ = house.invoices(sub.id)
    assert (cycle.total, cycle.status) == (1000, "paid")
    assert proration.discounts == []
    assert house.v1.subscriptions.retrieve(sub.id).discounts == []


def test_repeating_ends_with_its_months_and_for_ever_does_not(house: House) -> None:
    sub = house.subscription()
    house.coupon("two", duration="repeating", duration_in_months=2), house.coupon("always", duration="forever")
    other = house.subscription()
    house.give(sub.id, "two"), house.give(other.id, "always")
    for _ in range(4):
        house.renew()
    assert [one.total for one in house.invoices(sub.id)] == [2000, 2000, 2000, 1000, 2000]
    assert [one.total for one in house.invoices(other.id)] == [1000, 1000, 1000, 1000, 2000]
    assert house.v1.subscriptions.retrieve(sub.id).discounts == []


def test_two_halves_are_three_quarters(house: House) -> None:
    sub = house.subscription()
    house.coupon("a"), house.coupon("b")
    house.give(sub.id, "a", "b")
    house.renew()
    assert house.invoices(sub.id)[0].total == 500


def test_an_amount_takes_no_more_than_there_is(house: House) -> None:
    sub = house.subscription()
    house.coupon("much", amount_off=5000, currency="usd")
    house.give(sub.id, "much")
    house.renew()
    newest = house.invoices(sub.id)[0]
    assert (newest.total, newest.amount_due, newest.status) == (0, 0, "paid")


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"max_redemptions": 1}, "coupon_expired"),
        ({"redeem_by": 1_793_491_200 + 86_400}, "coupon_expired"),
        ({"amount_off": 500, "currency": "eur"}, None),
    ],
)
def test_a_coupon_that_cant_be_given_is_refused_and_nothing_changes(
    house: House, how: dict[str, Any], code: str | None
) -> None:
    first, second = house.subscription(), house.subscription()
    house.coupon("c", **how)
    if "max_redemptions" in how:
        house.give(first.id, "c")
    house.sandbox.advance(days=2)
    redeemed = house.v1.coupons.retrieve("c").times_redeemed
    with pytest.raises(stripe.InvalidRequestError) as caught:
        house.give(second.id, "c")
    assert (caught.value.http_status, caught.value.code) == (400, code)
    assert caught.value.param == "discounts[0][coupon]"
    assert house.v1.subscriptions.retrieve(second.id).discounts == []
    assert house.v1.coupons.retrieve("c").times_redeemed == redeemed


def test_a_coupon_used_up_isnt_valid_any_more(house: House) -> None:
    house.coupon("c", max_redemptions=1)
    assert house.v1.coupons.retrieve("c").valid
    house.give(house.subscription().id, "c")
    assert not house.v1.coupons.retrieve("c").valid


def test_a_deleted_coupon_is_kept_by_who_has_it_and_given_to_nobody(house: House) -> None:
    sub, other = house.subscription(), house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    assert house.v1.coupons.delete("half").deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        house.give(other.id, "half")
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        house.v1.coupons.retrieve("half")
    house.renew()
    assert house.invoices(sub.id)[0].total == 1000


def test_a_coupons_id_is_taken_once(house: House) -> None:
    house.coupon()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        house.coupon()
    assert (caught.value.http_status, caught.value.code) == (400, "resource_already_exists")


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"coupon": "half", "discount": "di_1"},
        {"discount": "di_of_nobody"},
        {"coupon": "none"},
    ],
)
def test_an_entry_names_one_thing_that_is_there(house: House, entry: Any) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.subscriptions.update(sub.id, {"discounts": [entry] if entry else [{"coupon": ""}]})
    assert len(house.v1.subscriptions.retrieve(sub.id).discounts) == 1


def test_the_same_coupon_isnt_given_twice(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    with pytest.raises(stripe.InvalidRequestError):
        house.give(sub.id, "half", "half")
    (kept,) = house.give(sub.id, "half").discounts
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.subscriptions.update(sub.id, {"discounts": [{"discount": str(kept)}, {"coupon": "half"}]})
    assert house.v1.coupons.retrieve("half").times_redeemed == 1


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"percent_off": 50, "amount_off": 5, "currency": "usd"},
        {"percent_off": 0},
        {"percent_off": 101},
        {"amount_off": 500},
        {"percent_off": 50, "duration": "repeating"},
        {"percent_off": 50, "duration": "once", "duration_in_months": 3},
        {"percent_off": 50, "redeem_by": 5},
        {"percent_off": 50, "max_redemptions": 0},
    ],
)
def test_a_coupon_that_makes_no_sense_isnt_made(house: House, given: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.coupons.create(given)
    assert house.v1.coupons.list().data == []


def test_a_coupon_for_one_product_leaves_the_others(house: House) -> None:
    other = house.v1.products.create({"name": "Lessons"}).id
    lessons = house.v1.prices.create(
        {"currency": "usd", "unit_amount": 700, "recurring": {"interval": "month"}, "product": other}
    ).id
    sub = house.subscription(items=[{"price": house.price()}, {"price": lessons}])
    house.coupon(applies_to={"products": [other]})
    house.give(sub.id, "half")
    house.renew()
    assert house.invoices(sub.id)[0].total == 2350
