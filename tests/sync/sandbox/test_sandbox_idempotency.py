"""A key gives the first answer again, for a day; and stands for one request alone."""

import threading
from typing import Any

import pytest
import stripe
from stripe_sandbox import House, stripe_sandbox


def keyed(key: str) -> Any:
    return {"idempotency_key": key}


def headers(made: stripe.StripeObject) -> Any:
    assert made.last_response is not None
    return made.last_response.headers


def test_the_same_request_with_the_same_key_is_done_once(house: House) -> None:
    first = house.v1.customers.create({"name": "Ana"}, keyed("k1"))
    again = house.v1.customers.create({"name": "Ana"}, keyed("k1"))
    assert again.id == first.id
    assert "Idempotent-Replayed" not in headers(first)
    assert headers(again)["Idempotent-Replayed"] == "true"
    assert headers(again)["Original-Request"] == headers(first)["Request-Id"]
    assert len(house.v1.customers.list().data) == 1
    assert [one.replayed for one in house.sandbox.calls if one.method == "POST"][-2:] == [False, True]


def test_a_key_stands_for_its_parameters(house: House) -> None:
    house.v1.customers.create({"name": "Ana"}, keyed("k1"))
    with pytest.raises(stripe.IdempotencyError) as caught:
        house.v1.customers.create({"name": "Bo"}, keyed("k1"))
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        house.v1.coupons.create({"percent_off": 5}, keyed("k1"))
    assert len(house.v1.customers.list().data) == 1


def test_a_key_is_forgotten_after_a_day_of_the_clock(house: House) -> None:
    first = house.v1.customers.create({"name": "Ana"}, keyed("k1"))
    house.sandbox.advance(86_399)
    assert house.v1.customers.create({"name": "Ana"}, keyed("k1")).id == first.id
    house.sandbox.advance(1)
    assert house.v1.customers.create({"name": "Ana"}, keyed("k1")).id != first.id
    assert house.v1.customers.create({"name": "Bo"}, keyed("k2")).name == "Bo"


def test_what_was_wrong_before_anything_was_done_is_not_kept(house: House) -> None:
    wrong: Any = {"nom": "Ana"}
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.customers.create(wrong, keyed("k1"))
    assert house.v1.customers.create({"name": "Ana"}, keyed("k1")).name == "Ana"


def test_a_refusal_while_it_was_done_is_kept(house: House) -> None:
    house.coupon("c", max_redemptions=1)
    house.give(house.subscription().id, "c")
    sub = house.subscription()
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="used up"):
            house.v1.subscriptions.update(sub.id, {"discounts": [{"coupon": "c"}]}, keyed("k1"))
    assert house.sandbox.calls[-1].replayed


def test_a_stored_500_is_given_again(house: House) -> None:
    house.sandbox.faults.add("error_kept", method="POST")
    for _ in range(3):
        with pytest.raises(stripe.APIError) as caught:
            house.v1.customers.create({"name": "Ana"}, keyed("k1"))
        assert caught.value.http_status == 500
    assert house.v1.customers.list().data == []
    assert house.v1.customers.create({"name": "Ana"}, keyed("k2")).name == "Ana"


def test_reading_takes_no_key(house: House) -> None:
    house.v1.customers.list({}, keyed("k1"))
    assert house.v1.customers.create({"name": "Ana"}, keyed("k1")).name == "Ana"


def test_a_key_that_is_too_long_is_refused(house: House) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.customers.create({"name": "Ana"}, keyed("k" * 256))


def test_many_at_once_with_one_key_are_one(house: House) -> None:
    outcomes: list[str] = []
    refusals: list[int | None] = []

    def ask() -> None:
        try:
            outcomes.append(house.box.client().v1.customers.create({"name": "Ana"}, keyed("k1")).id)
        except stripe.APIError as error:
            refusals.append(error.http_status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(outcomes)) == 1
    assert set(refusals) <= {409}
    assert len(outcomes) + len(refusals) == 8
    assert len(house.v1.customers.list().data) == 1


def test_a_key_in_use_is_409(house: House) -> None:
    keys = house.sandbox.api._keys
    with keys.held("k1"):
        with pytest.raises(stripe.APIError) as caught:
            house.v1.customers.create({"name": "Ana"}, keyed("k1"))
        assert caught.value.http_status == 409
        assert caught.value.headers is not None
        assert dict(caught.value.headers)["Stripe-Should-Retry"] == "true"
    assert house.v1.customers.create({"name": "Ana"}, keyed("k1")).name == "Ana"


def test_keys_outlive_a_restart(tmp_path: Any) -> None:
    with stripe_sandbox(tmp_path / "s.db") as box:
        first = box.client().v1.customers.create({"name": "Ana"}, keyed("k1")).id
        box.sandbox.advance(5)
    with stripe_sandbox(tmp_path / "s.db", seed=2) as box:
        assert box.client().v1.customers.create({"name": "Ana"}, keyed("k1")).id == first
        assert box.sandbox.now == 1_793_491_205
