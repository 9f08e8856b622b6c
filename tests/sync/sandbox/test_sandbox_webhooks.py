"""Webhooks: signed as the SDK verifies, told as things happen, and led astray on purpose."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe
from stripe_sandbox import House
from waiting import wait_until

from sync.sandbox.webhooks import Sender

EVERYTHING: Any = ["*"]


class Ear:
    """An endpoint that takes what comes, or refuses."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, Mapping[str, str]]] = []
        self.status = 200

    def __call__(self, _url: str, payload: bytes, headers: Mapping[str, str]) -> int:
        self.heard.append((payload, headers))
        return self.status

    @property
    def kinds(self) -> list[str]:
        return [json.loads(payload)["type"] for payload, _ in self.heard]


@pytest.fixture
def ear() -> Ear:
    return Ear()


def listen(house: House, url: str = "https://cloud.example/stripe", events: Any = EVERYTHING) -> str:
    secret = house.v1.webhook_endpoints.create({"url": url, "enabled_events": events}).secret
    assert secret is not None
    return secret


def test_the_sdk_verifies_what_is_sent(house: House, ear: Ear) -> None:
    secret = listen(house)
    sub = house.subscription()
    house.sandbox.deliver(ear)
    for payload, headers in ear.heard:
        event = stripe.Webhook.construct_event(payload, headers["Stripe-Signature"], secret)
        assert event.api_version == stripe.api_version
    assert any(json.loads(payload)["data"]["object"].get("id") == sub.id for payload, _ in ear.heard)


def test_another_secret_or_an_old_stamp_doesnt_verify(house: House, ear: Ear) -> None:
    secret = listen(house)
    house.customer()
    house.sandbox.deliver(ear, stamp=1_700_000_000)
    payload, headers = ear.heard[0]
    for key in (secret, "whsec_of_somebody"):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(payload, headers["Stripe-Signature"], key)


def test_a_secret_is_told_once(house: House) -> None:
    made = house.v1.webhook_endpoints.create({"url": "https://a.example/", "enabled_events": EVERYTHING})
    assert str(made.secret).startswith("whsec_")
    assert not hasattr(house.v1.webhook_endpoints.retrieve(made.id), "secret")
    assert not hasattr(house.v1.webhook_endpoints.list().data[0], "secret")


def test_a_month_is_told_in_its_order(house: House, ear: Ear) -> None:
    listen(house)
    house.coupon()
    sub = house.subscription()
    house.give(sub.id, "half")
    house.sandbox.deliver(ear)
    begun = ear.kinds
    for kind in ("coupon.created", "customer.created", "customer.subscription.created", "invoice.created",
                 "invoice.finalized", "invoice.paid", "customer.discount.created"):  # fmt: skip
        assert kind in begun
    ear.heard.clear()
    house.renew()
    house.sandbox.deliver(ear)
    told = ear.kinds
    order = [told.index(kind) for kind in ("invoice.created", "invoice.finalized", "customer.discount.deleted",
                                           "invoice.paid")]  # fmt: skip
    assert order == sorted(order)
    house.v1.coupons.delete("half"), house.v1.subscriptions.cancel(sub.id)
    ear.heard.clear()
    house.sandbox.deliver(ear)
    assert ear.kinds == ["coupon.deleted", "customer.subscription.deleted"]


def test_a_change_is_told_with_what_was_before(house: House, ear: Ear) -> None:
    sub = house.subscription()
    listen(house)
    house.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    house.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True, "metadata": {}})
    house.sandbox.deliver(ear)
    (payload, _) = ear.heard[0]
    data = json.loads(payload)["data"]
    assert data["previous_attributes"]["cancel_at_period_end"] is False
    assert data["object"]["cancel_at_period_end"] is True
    assert len(ear.heard) == 1  # nothing changed the second time


def test_a_discount_that_is_replaced_is_told_as_gone(house: House, ear: Ear) -> None:
    sub = house.subscription()
    house.coupon("a"), house.coupon("b")
    house.give(sub.id, "a")
    listen(house, events=["customer.discount.created", "customer.discount.deleted"])
    house.give(sub.id, "b")
    house.sandbox.deliver(ear)
    told = [json.loads(payload) for payload, _ in ear.heard]
    assert [(one["type"], one["data"]["object"]["source"]["coupon"]) for one in told] == [
        ("customer.discount.deleted", "a"),
        ("customer.discount.created", "b"),
    ]


def test_a_failed_payment_and_a_void_invoice_are_told(house: House, ear: Ear) -> None:
    sub = house.subscription()
    listen(house, events=["invoice.payment_failed", "invoice.voided"])
    house.sandbox.set_card(str(sub.customer), works=False)
    house.renew()
    house.v1.invoices.void_invoice(house.invoices(sub.id)[0].id)
    house.sandbox.deliver(ear)
    assert ear.kinds == ["invoice.payment_failed", "invoice.voided"]


def test_what_isnt_taken_comes_again_and_what_is_doesnt(house: House, ear: Ear) -> None:
    listen(house)
    house.customer()
    ear.status = 503
    assert house.sandbox.deliver(ear) == 1
    assert house.sandbox.deliver(ear) == 1
    ear.status = 200
    assert house.sandbox.deliver(ear) == 1
    assert house.sandbox.deliver(ear) == 0
    assert len({payload for payload, _ in ear.heard}) == 1


def test_with_a_seed_they_come_twice_not_at_all_and_in_any_order(house: House) -> None:
    listen(house, events=["customer.created"])
    made = [house.customer(name=str(n)) for n in range(40)]
    one = Ear()
    house.sandbox.deliver(one, seed=3, twice=0.3, lost=0.2, shuffled=True)
    heard = [json.loads(payload)["data"]["object"]["id"] for payload, _ in one.heard]
    assert len(set(heard)) < 40
    assert len(heard) > len(set(heard))
    assert heard != [ident for ident in made if ident in heard]
    assert house.sandbox.deliver(Ear()) == 0


def test_events_can_be_read_afterwards(house: House) -> None:
    sub = house.subscription()
    found = house.v1.events.list({"type": "customer.subscription.created"}).data
    assert [one.data.object["id"] for one in found] == [sub.id]
    assert house.v1.events.retrieve(found[0].id).type == "customer.subscription.created"
    assert house.v1.events.list({"types": ["invoice.*"], "limit": 100}).data != []
    assert {one.type.split(".")[0] for one in house.v1.events.list({"types": ["invoice.*"]}).data} == {"invoice"}


def test_what_was_refused_has_told_nothing(house: House) -> None:
    before = len(house.v1.events.list({"limit": 100}).data)
    bo = house.customer(card="pm_card_chargeCustomerFail")
    after = len(house.v1.events.list({"limit": 100}).data)
    with pytest.raises(stripe.CardError):
        house.v1.subscriptions.create(
            {"customer": bo, "items": [{"price": house.price()}], "payment_behavior": "error_if_incomplete"}
        )
    told = house.v1.events.list({"limit": 100}).data
    assert before < after
    assert [one.type for one in told[: len(told) - after]] == ["price.created"]


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[bytes]]]:
    heard: list[bytes] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/stripe", heard
    server.shutdown()
    server.server_close()
    thread.join()


def test_in_the_background_they_come_by_themselves(house: House, endpoint: tuple[str, list[bytes]]) -> None:
    url, heard = endpoint
    listen(house, url)
    sender = Sender(house.sandbox.outbox)
    sender.start()
    try:
        house.customer()
        wait_until(lambda: len(heard) == 1)
    finally:
        sender.stop()
    assert json.loads(heard[0])["type"] == "customer.created"
