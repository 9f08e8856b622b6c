"""What goes wrong on purpose: for whom, when, and whether the thing was done."""

from contextlib import suppress
from typing import Any

import pytest
import stripe
from stripe_sandbox import House, StripeSandbox, stripe_sandbox

from sync.sandbox import faults

LOOK: Any = {"timeout_s": 0.25}


def outcome(house: House, *, direct: bool) -> tuple[str, int | None]:
    """What the client meets, and its status."""
    try:
        house.box.client(**LOOK, direct=direct).v1.customers.create({"name": "Ana"}, {"idempotency_key": "k"})
    except stripe.StripeError as error:
        return type(error).__name__, error.http_status
    return "done", 200


@pytest.mark.parametrize("direct", [False, True], ids=["http", "direct"])
@pytest.mark.parametrize(
    ("kind", "met", "done", "again"),
    [
        ("conflict", ("APIError", 409), False, ("done", 200)),
        ("rate_limit", ("RateLimitError", 429), False, ("done", 200)),
        ("error", ("APIError", 500), False, ("done", 200)),
        ("error_kept", ("APIError", 500), False, ("APIError", 500)),
        ("lost_before", ("APIConnectionError", None), False, ("done", 200)),
        ("timeout_before", ("APIConnectionError", None), False, ("done", 200)),
        ("refused", ("APIConnectionError", None), False, ("done", 200)),
        ("error_after", ("APIError", 500), True, ("APIError", 500)),
        ("lost", ("APIConnectionError", None), True, ("done", 200)),
        ("timeout", ("APIConnectionError", None), True, ("done", 200)),
    ],
)
def test_each_fault_does_or_does_not_and_says_or_does_not(
    house: House,
    *,
    direct: bool,
    kind: str,
    met: tuple[str, int | None],
    done: bool,
    again: tuple[str, int | None],
) -> None:
    house.sandbox.faults.add(kind, method="POST", path="/v1/customers")
    assert outcome(house, direct=direct) == met
    assert len(house.v1.customers.list().data) == int(done)
    (call,) = [one for one in house.sandbox.calls if one.fault == kind]
    assert call.done == done
    assert outcome(house, direct=direct) == again
    assert len(house.v1.customers.list().data) == (0 if kind == "error_kept" else 1)


def test_all_kinds_are_tried() -> None:
    tried = {"conflict", "rate_limit", "error", "error_kept", "lost_before", "timeout_before", "refused",
             "error_after", "lost", "timeout"}  # fmt: skip
    assert tried == set(faults.KINDS)


def test_429_says_how_long_to_wait(house: House) -> None:
    house.sandbox.faults.add("rate_limit", retry_after_s=7)
    with pytest.raises(stripe.RateLimitError) as caught:
        house.v1.customers.list()
    assert caught.value.headers is not None
    assert dict(caught.value.headers)["Retry-After"] == "7"


def test_the_client_that_tries_again_gets_through(house: House) -> None:
    house.sandbox.faults.add("error", times=2)
    patient = stripe.StripeClient(house.box.key, base_addresses={"api": house.box.address}, max_network_retries=3)
    http = patient._requestor._get_http_client()
    http._sleep_time_seconds = lambda *_args, **_more: 0.0  # type: ignore[method-assign]
    patient.v1.customers.create({"name": "Ana"})
    posts = [one for one in house.sandbox.calls if one.path == "/v1/customers"]
    assert [one.status for one in posts] == [500, 500, 200]
    assert len({one.key for one in posts}) == 1


def test_the_third_matching_call_and_one_more(house: House) -> None:
    house.sandbox.faults.add("error", method="GET", path="^/v1/coupons", nth=3, times=2)
    met = []
    for _ in range(6):
        house.v1.customers.list()
        try:
            house.v1.coupons.list()
            met.append(200)
        except stripe.APIError:
            met.append(500)
    assert met == [200, 200, 500, 500, 200, 200]


def test_the_same_seed_gives_the_same_faults() -> None:
    def run(seed: int) -> list[str | None]:
        with stripe_sandbox() as box:
            box.sandbox.faults.by_seed(seed, 0.5, ("error", "lost", "conflict"))
            for _ in range(30):
                with suppress(stripe.StripeError):
                    box.client().v1.coupons.list()
            return [one.fault for one in box.sandbox.calls]

    first = run(7)
    assert first == run(7)
    assert first != run(8)
    assert 5 < sum(one is not None for one in first) < 25


def test_faults_can_be_cleared_and_unknown_ones_are_refused(house: House) -> None:
    house.sandbox.faults.by_seed(1, 1.0, ("error",))
    house.sandbox.faults.clear()
    house.v1.customers.list()
    with pytest.raises(ValueError, match="no fault is called"):
        house.sandbox.faults.add("flood")


def test_a_shut_door_refuses_and_opens_again(box: StripeSandbox) -> None:
    v1 = box.client().v1
    v1.customers.create({"name": "Ana"})
    box.served.shut()
    with pytest.raises(stripe.APIConnectionError):
        v1.customers.list()
    with pytest.raises(stripe.APIConnectionError):
        box.client().v1.customers.list()
    box.served.open()
    assert len(v1.customers.list().data) == 1


def test_what_fails_within_leaves_nothing_half_done(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from sync.sandbox import invoicing

    sub = house.subscription()
    house.coupon()
    before = house.sandbox.dump()

    def breaks(*_args: Any, **_more: Any) -> Any:
        raise RuntimeError("the power goes")

    monkeypatch.setattr(invoicing, "_spend", breaks)
    change: Any = {
        "discounts": [{"coupon": "half"}],
        "items": [{"id": sub["items"].data[0].id, "quantity": 2}],
        "proration_behavior": "always_invoice",
    }
    house.sandbox.advance(days=3)
    with pytest.raises(stripe.APIError):
        house.v1.subscriptions.update(sub.id, change)
    assert house.sandbox.dump() == before
