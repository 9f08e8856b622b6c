"""Subscriptions and their invoices, by the clock."""

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from stripe_sandbox import START, House


def day_of(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def test_a_subscription_begins_with_a_paid_invoice(house: House) -> None:
    sub = house.subscription(metadata={"player": "p1"})
    item = sub["items"].data[0]
    assert (sub.status, day_of(item.current_period_start), day_of(item.current_period_end)) == (
        "active", "2026-11-01", "2026-12-01",
    )  # fmt: skip
    assert item.price.unit_amount == 2000
    (invoice,) = house.invoices(sub.id)
    assert (invoice.id, invoice.status, invoice.billing_reason) == (
        sub.latest_invoice,
        "paid",
        "subscription_create",
    )
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == sub.id


def test_nobody_subscribes_without_a_card(house: House) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        house.v1.subscriptions.create({"customer": house.customer(card=""), "items": [{"price": house.price()}]})
    assert house.v1.subscriptions.list({"status": "all"}).data == []


def test_a_card_that_fails_leaves_it_incomplete_and_then_expired(house: House) -> None:
    bo = house.customer(card="pm_card_chargeCustomerFail")
    sub = house.v1.subscriptions.create({"customer": bo, "items": [{"price": house.price()}]})
    assert sub.status == "incomplete"
    house.sandbox.advance(days=1)
    assert house.v1.subscriptions.retrieve(sub.id).status == "incomplete_expired"
    assert house.invoices(sub.id)[0].status == "void"


def test_with_error_if_incomplete_nothing_is_there(house: House) -> None:
    bo = house.customer(card="pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as caught:
        house.v1.subscriptions.create(
            {"customer": bo, "items": [{"price": house.price()}], "payment_behavior": "error_if_incomplete"}
        )
    assert caught.value.code == "card_declined"
    assert house.v1.subscriptions.list({"status": "all"}).data == []
    assert house.v1.invoices.list().data == []


def test_a_renewal_is_a_draft_for_an_hour_and_then_paid(house: House) -> None:
    sub = house.subscription()
    house.sandbox.advance(months=1)
    item = house.v1.subscriptions.retrieve(sub.id)["items"].data[0]
    assert (day_of(item.current_period_start), day_of(item.current_period_end)) == ("2026-12-01", "2027-01-01")
    draft = house.invoices(sub.id)[0]
    assert (draft.status, draft.billing_reason, draft.number) == ("draft", "subscription_cycle", None)
    house.sandbox.advance(3599)
    assert house.invoices(sub.id)[0].status == "draft"
    house.sandbox.advance(1)
    paid = house.v1.invoices.retrieve(draft.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 2000, 0)
    assert paid.status_transitions.paid_at == paid.created + 3600


def test_months_in_one_turn_of_the_clock_are_as_months_one_by_one(house: House) -> None:
    one, other = house.subscription(), house.subscription()
    house.sandbox.advance(months=6, seconds=3600)
    for sub in (one, other):
        assert [found.status for found in house.invoices(sub.id)] == ["paid"] * 7
    assert len({found.number for found in house.invoices(one.id)}) == 7


def test_a_year_is_billed_once_a_year(house: House) -> None:
    sub = house.subscription(items=[{"price": house.price(20000, "year")}])
    house.sandbox.advance(months=11)
    assert len(house.invoices(sub.id)) == 1
    house.sandbox.advance(months=1, seconds=3600)
    assert [one.total for one in house.invoices(sub.id)] == [20000, 20000]


def test_a_trial_costs_nothing_and_takes_no_discount(house: House) -> None:
    sub = house.v1.subscriptions.create(
        {"customer": house.customer(), "items": [{"price": house.price()}], "trial_period_days": 14}
    )
    assert (sub.status, sub.trial_end, house.invoices(sub.id)[0].total) == ("trialing", START + 14 * 86400, 0)
    house.coupon()
    house.give(sub.id, "half")
    house.sandbox.advance(days=14, seconds=3600)
    assert house.v1.subscriptions.retrieve(sub.id).status == "active"
    assert house.invoices(sub.id)[0].total == 1000
    assert house.v1.subscriptions.retrieve(sub.id).discounts == []


def test_a_discount_from_the_start_of_a_trial_waits_for_its_end(house: House) -> None:
    house.coupon()
    sub = house.subscription(trial_period_days=14, discounts=[{"coupon": "half"}])
    assert len(sub.discounts) == 1
    house.sandbox.advance(days=14, seconds=3600)
    assert [one.total for one in house.invoices(sub.id)] == [1000, 0]


def test_a_trial_ended_now_is_billed_now(house: House) -> None:
    sub = house.subscription(trial_period_days=14)
    house.sandbox.advance(days=3)
    now = house.v1.subscriptions.update(sub.id, {"trial_end": "now"})
    assert (now.status, now["items"].data[0].current_period_start) == ("active", house.sandbox.now)
    assert [one.total for one in house.invoices(sub.id)] == [2000, 0]


def test_it_ends_with_its_period_or_goes_on_after_all(house: House) -> None:
    ends, stays = house.subscription(), house.subscription()
    for sub in (ends, stays):
        told = house.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
        assert (told.status, told.cancel_at) == ("active", told["items"].data[0].current_period_end)
    house.v1.subscriptions.update(stays.id, {"cancel_at_period_end": False})
    house.renew()
    over = house.v1.subscriptions.retrieve(ends.id)
    assert (over.status, over.ended_at, len(house.invoices(ends.id))) == ("canceled", START + 30 * 86400, 1)
    going = house.v1.subscriptions.retrieve(stays.id)
    assert (going.status, going.cancel_at, going.canceled_at) == ("active", None, None)


def test_what_is_over_takes_no_discount(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    assert house.v1.subscriptions.cancel(sub.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="canceled"):
        house.give(sub.id, "half")
    assert house.v1.coupons.retrieve("half").times_redeemed == 0
    with pytest.raises(stripe.InvalidRequestError) as caught:
        house.v1.subscriptions.cancel(sub.id)
    assert caught.value.code == "resource_missing"
    assert house.v1.subscriptions.list().data == []
    assert [one.id for one in house.v1.subscriptions.list({"status": "all"}).data] == [sub.id]


@pytest.mark.parametrize(
    ("behavior", "status", "left"),
    [("void", "void", 0), ("mark_uncollectible", "uncollectible", 0), ("keep_as_draft", "draft", 1)],
)
def test_a_paused_collection_does_with_invoices_as_it_was_told(
    house: House, behavior: Any, status: str, left: int
) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    house.v1.subscriptions.update(sub.id, {"pause_collection": {"behavior": behavior}})
    house.renew()
    newest = house.invoices(sub.id)[0]
    assert (newest.status, newest.amount_paid) == (status, 0)
    found = house.v1.subscriptions.retrieve(sub.id)
    assert (found.status, len(found.discounts)) == ("active", left)
    house.v1.subscriptions.update(sub.id, {"pause_collection": ""})
    house.renew()
    assert house.invoices(sub.id)[0].status == "paid"


def test_a_paused_collection_goes_on_by_itself(house: House) -> None:
    sub = house.subscription()
    at = house.sandbox.now + 45 * 86400
    house.v1.subscriptions.update(sub.id, {"pause_collection": {"behavior": "void", "resumes_at": at}})
    house.sandbox.advance(days=70)
    assert house.v1.subscriptions.retrieve(sub.id).pause_collection is None
    assert [one.status for one in house.invoices(sub.id)] == ["paid", "void", "paid"]


def test_a_paused_subscription_bills_nothing_until_it_is_resumed(house: House) -> None:
    sub = house.subscription()
    house.sandbox.advance(days=15)
    paused = house.v1.subscriptions.pause(sub.id, {"type": "subscription"})
    assert paused.status == "paused"
    house.sandbox.advance(months=3)
    assert len(house.invoices(sub.id)) == 1
    going = house.v1.subscriptions.resume(sub.id)
    assert going.status == "active"
    assert house.invoices(sub.id)[0].total == 1000  # 20 for the new month, less 10 for what was not had


def test_a_card_that_fails_makes_it_past_due_and_then_ends_it(house: House) -> None:
    sub = house.subscription()
    house.sandbox.set_card(str(sub.customer), works=False)
    house.renew()
    assert house.v1.subscriptions.retrieve(sub.id).status == "past_due"
    open_one = house.invoices(sub.id)[0]
    assert (open_one.status, open_one.attempt_count) == ("open", 1)
    house.sandbox.advance(days=16)
    assert house.v1.subscriptions.retrieve(sub.id).status == "canceled"


def test_a_card_that_works_again_makes_it_active(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    house.sandbox.set_card(str(sub.customer), works=False)
    house.renew()
    assert house.v1.subscriptions.retrieve(sub.id).discounts == []  # spent with the finalised invoice
    house.sandbox.set_card(str(sub.customer), works=True)
    house.sandbox.advance(days=3)
    assert house.v1.subscriptions.retrieve(sub.id).status == "active"
    assert (house.invoices(sub.id)[0].status, house.invoices(sub.id)[0].amount_paid) == ("paid", 1000)


def test_a_declined_payment_by_hand_is_an_error_that_was_counted(house: House) -> None:
    sub = house.subscription()
    house.sandbox.set_card(str(sub.customer), works=False)
    house.renew()
    invoice = house.invoices(sub.id)[0]
    with pytest.raises(stripe.CardError):
        house.v1.invoices.pay(invoice.id)
    assert house.v1.invoices.retrieve(invoice.id).attempt_count == 2
    assert house.v1.invoices.pay(invoice.id, {"paid_out_of_band": True}).status == "paid"
    assert house.v1.invoices.retrieve(invoice.id, {}).amount_remaining == 0


def test_a_change_of_quantity_is_prorated_on_the_next_invoice(house: House) -> None:
    sub = house.subscription()
    house.sandbox.advance(days=15)
    house.v1.subscriptions.update(sub.id, {"items": [{"id": sub["items"].data[0].id, "quantity": 2}]})
    assert len(house.invoices(sub.id)) == 1
    house.sandbox.advance(days=15, seconds=3600)
    newest = house.invoices(sub.id)[0]
    assert sorted(one.amount for one in newest.lines.data) == [-1000, 2000, 4000]
    assert newest.total == 5000


def test_a_change_without_proration_costs_nothing_now(house: House) -> None:
    sub = house.subscription()
    house.sandbox.advance(days=15)
    house.v1.subscriptions.update(
        sub.id, {"items": [{"id": sub["items"].data[0].id, "quantity": 2}], "proration_behavior": "none"}
    )
    house.sandbox.advance(days=15, seconds=3600)
    assert house.invoices(sub.id)[0].total == 4000


def test_from_month_to_year_a_year_begins_and_is_billed_now(house: House) -> None:
    sub = house.subscription()
    house.sandbox.advance(days=15)
    year = house.price(20000, "year")
    now = house.v1.subscriptions.update(sub.id, {"items": [{"id": sub["items"].data[0].id, "price": year}]})
    item = now["items"].data[0]
    assert (day_of(item.current_period_start), day_of(item.current_period_end)) == ("2026-11-16", "2027-11-16")
    assert house.invoices(sub.id)[0].total == 19000


def test_credit_that_is_left_pays_the_next_invoice(house: House) -> None:
    sub = house.subscription(items=[{"price": house.price(2000), "quantity": 3}])
    house.sandbox.advance(days=15)
    house.v1.subscriptions.update(
        sub.id,
        {"items": [{"id": sub["items"].data[0].id, "quantity": 1}], "proration_behavior": "always_invoice"},
    )
    credit = house.invoices(sub.id)[0]
    assert (credit.total, credit.amount_due, credit.status) == (-2000, 0, "paid")
    assert house.v1.customers.retrieve(str(sub.customer)).balance == -2000
    house.sandbox.advance(days=15, seconds=3600)
    newest = house.invoices(sub.id)[0]
    assert (newest.total, newest.amount_due, newest.ending_balance) == (2000, 0, 0)


def test_a_preview_says_what_the_next_invoice_will_be_and_changes_nothing(house: House) -> None:
    sub = house.subscription()
    house.coupon()
    assert house.v1.invoices.create_preview({"subscription": sub.id}).total == 2000
    imagined = house.v1.invoices.create_preview({"subscription": sub.id, "discounts": [{"coupon": "half"}]})
    assert (imagined.total, imagined.status) == (1000, "draft")
    assert house.v1.coupons.retrieve("half").times_redeemed == 0
    (given,) = house.give(sub.id, "half").discounts
    seen = house.v1.invoices.create_preview({"customer": str(sub.customer)})
    assert (seen.total, seen.discounts) == (1000, [given])
    assert house.v1.invoices.create_preview({"subscription": sub.id, "discounts": ""}).total == 2000
    house.renew()
    assert house.invoices(sub.id)[0].total == 1000


def test_a_preview_of_a_change_is_what_the_change_costs(house: House) -> None:
    sub = house.subscription()
    house.sandbox.advance(days=15)
    change: Any = {
        "items": [{"id": sub["items"].data[0].id, "quantity": 3}],
        "proration_behavior": "always_invoice",
    }
    seen = house.v1.invoices.create_preview({"subscription": sub.id, "subscription_details": change})
    assert len(house.invoices(sub.id)) == 1
    house.v1.subscriptions.update(sub.id, change)
    assert house.invoices(sub.id)[0].total == seen.total == 2000


def test_where_no_invoice_comes_there_is_no_preview(house: House) -> None:
    sub = house.subscription()
    house.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        house.v1.invoices.create_preview({"subscription": sub.id})
    assert caught.value.code == "invoice_upcoming_none"


def test_a_schedule_has_a_subscription_until_it_lets_go(house: House) -> None:
    sub = house.subscription()
    schedule = house.v1.subscription_schedules.create({"from_subscription": sub.id})
    assert house.v1.subscriptions.retrieve(sub.id).schedule == schedule.id
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.subscription_schedules.create({"from_subscription": sub.id})
    assert house.v1.subscription_schedules.release(schedule.id).status == "released"
    assert house.v1.subscriptions.retrieve(sub.id).schedule is None


def test_one_customer_has_one_currency(house: House) -> None:
    sub = house.subscription()
    euros = house.price(1500, currency="eur")
    with pytest.raises(stripe.InvalidRequestError, match="currenc"):
        house.v1.subscriptions.create({"customer": str(sub.customer), "items": [{"price": euros}]})


def test_lists_come_in_pages_the_newest_first(house: House) -> None:
    made = [house.customer(name=str(n)) for n in range(7)]
    first = house.v1.customers.list({"limit": 3})
    assert ([one.id for one in first.data], first.has_more) == (made[:3:-1], True)
    rest = house.v1.customers.list({"limit": 100, "starting_after": first.data[-1].id})
    assert ([one.id for one in rest.data], rest.has_more) == (made[3::-1], False)
    back = house.v1.customers.list({"limit": 2, "ending_before": made[0]})
    assert [one.id for one in back.data] == [made[2], made[1]]
    assert [one.id for one in house.v1.customers.list({"limit": 2}).auto_paging_iter()] == made[::-1]
    for wrong in ({"limit": 0}, {"limit": 101}, {"starting_after": "cus_none"}):
        with pytest.raises(stripe.InvalidRequestError):
            house.v1.customers.list(wrong)  # type: ignore[arg-type]


def test_lists_are_by_time_status_and_whose_they_are(house: House) -> None:
    sub, other = house.subscription(), house.subscription()
    house.renew()
    later: Any = {"subscription": sub.id, "created": {"gt": START}}
    assert len(house.v1.invoices.list(later).data) == 1
    assert len(house.v1.invoices.list({"customer": str(other.customer)}).data) == 2
    assert len(house.v1.invoices.list({"created": {"gte": START}, "status": "paid"}).data) == 4
    assert house.v1.invoices.list({"status": "open"}).data == []


@pytest.mark.parametrize("path", ["nothing", "customer.nothing", "discounts.coupon", "latest_invoice.a.b.c.d.e"])
def test_an_expand_that_there_isnt_is_refused(house: House, path: str) -> None:
    sub = house.subscription()
    house.coupon()
    house.give(sub.id, "half")
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.subscriptions.retrieve(sub.id, {"expand": [path]})


def test_expands_open_what_they_name(house: House) -> None:
    sub = house.subscription()
    found = house.v1.subscriptions.retrieve(sub.id, {"expand": ["customer", "latest_invoice.customer"]})
    assert isinstance(found.customer, stripe.Customer)
    assert isinstance(found.latest_invoice, stripe.Invoice)
    assert isinstance(found.latest_invoice.customer, stripe.Customer)
    whole = house.v1.customers.retrieve(str(sub.customer), {"expand": ["subscriptions"]})
    assert whole.subscriptions is not None
    assert [one.id for one in whole.subscriptions.data] == [sub.id]
    assert not hasattr(house.v1.customers.retrieve(str(sub.customer)), "subscriptions")


def test_a_deleted_customer_has_nothing_any_more(house: House) -> None:
    sub = house.subscription()
    assert house.v1.customers.delete(str(sub.customer)).deleted
    assert house.v1.subscriptions.retrieve(sub.id).status == "canceled"
    assert house.v1.customers.retrieve(str(sub.customer)).deleted
    assert house.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        house.v1.customers.update(str(sub.customer), {"name": "x"})


def test_a_test_clock_moves_its_own_customers_alone(house: House) -> None:
    clock = house.v1.test_helpers.test_clocks.create({"frozen_time": START})
    ana = house.customer(test_clock=clock.id)
    sub = house.v1.subscriptions.create({"customer": ana, "items": [{"price": house.price()}]})
    other = house.subscription()
    told = house.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START + 31 * 86400})
    assert told.status == "advancing"
    ready = house.v1.test_helpers.test_clocks.retrieve(clock.id)
    assert (ready.status, ready.frozen_time) == ("ready", START + 31 * 86400)
    assert [one.status for one in house.invoices(sub.id)] == ["paid", "paid"]
    assert len(house.invoices(other.id)) == 1
    assert house.sandbox.now == START
    for wrong in (START, START + 400 * 86400):
        with pytest.raises(stripe.InvalidRequestError):
            house.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": wrong})
    house.v1.test_helpers.test_clocks.delete(clock.id)
    assert house.v1.subscriptions.retrieve(sub.id).status == "canceled"
