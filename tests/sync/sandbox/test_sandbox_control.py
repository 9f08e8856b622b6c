"""The control over HTTP: what a test in another process does to a sandbox."""

from typing import Any

import pytest
import requests
import stripe
from stripe_sandbox import House

from sync.sandbox.control import token_of


def ask(house: House, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    return requests.request(method, f"{house.box.address}/_sandbox{path}", json=body, headers=headers, timeout=5)


def test_faults_clock_and_calls_are_reached(house: House) -> None:
    sub = house.subscription()
    assert ask(house, "POST", "/faults", {"kind": "error_after", "method": "POST"}).status_code == 200
    with pytest.raises(stripe.APIError):
        house.v1.customers.create({"name": "Bo"})
    last = ask(house, "GET", "/calls").json()[-1]
    assert (last["path"], last["params"], last["status"], last["fault"], last["done"]) == (
        "/v1/customers", {"name": "Bo"}, 500, "error_after", True,
    )  # fmt: skip
    assert ask(house, "POST", "/clock", {"months": 1, "seconds": 3600}).json()["now"] == house.sandbox.now
    state = ask(house, "GET", "/state").json()
    assert [one["status"] for one in state["objects"]["invoice"]] == ["paid", "paid"]
    assert ask(house, "POST", f"/cards/{sub.customer}", {"works": False}).status_code == 200
    ask(house, "DELETE", "/calls")
    assert ask(house, "GET", "/calls").json() == []


def test_seeded_faults_are_set_and_cleared(house: House) -> None:
    ask(house, "POST", "/faults/seeded", {"seed": 1, "rate": 1, "kinds": ["conflict"]})
    with pytest.raises(stripe.APIError):
        house.v1.customers.list()
    ask(house, "DELETE", "/faults")
    house.v1.customers.list()


def test_webhooks_are_sent_when_it_is_told(house: House) -> None:
    house.v1.webhook_endpoints.create({"url": f"{house.box.address}/healthz", "enabled_events": ["*"]})
    house.customer()
    assert ask(house, "POST", "/webhooks/deliver", {}).json() == {"sent": 1}
    assert ask(house, "POST", "/webhooks/mischief", {"seed": 1, "lost": 1.0}).status_code == 200
    house.customer()
    assert ask(house, "POST", "/webhooks/deliver", {}).json()["sent"] in (0, 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {}),
        ("/faults", {"kind": "flood"}),
        ("/faults", {"kind": "error", "nth": 0}),
        ("/faults", {"kind": "error", "colour": "red"}),
        ("/faults/seeded", {"seed": 1}),
        ("/clock", {"days": "many"}),
        ("/clock", {"to": 5}),
        ("/clock", ["days"]),
        ("/cards/cus_nobody", {"works": False}),
        ("/checkout/cs_none", {}),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(house: House, path: str, body: Any) -> None:
    before = house.sandbox.now
    answer = ask(house, "POST", path, body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]
    assert house.sandbox.now == before
    house.v1.customers.list()


def test_from_elsewhere_it_takes_the_token(house: House) -> None:
    far = {"X-Forwarded-For": "203.0.113.9"}
    assert ask(house, "GET", "/state", **far).status_code == 403
    assert ask(house, "GET", "/state", Authorization="Bearer ctl_guess", **far).status_code == 403
    token = token_of(house.sandbox)
    assert ask(house, "GET", "/state", Authorization=f"Bearer {token}", **far).status_code == 200
    assert token_of(house.sandbox) == token


def test_a_page_elsewhere_cant_turn_the_clock(house: House) -> None:
    before = house.sandbox.now
    assert ask(house, "POST", "/clock", {"days": 1}, Origin="https://evil.example").status_code == 403
    assert house.sandbox.now == before
