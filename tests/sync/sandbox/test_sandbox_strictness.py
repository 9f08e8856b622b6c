"""As strict as Stripe: what it doesn't know it refuses, and says so as Stripe says it."""

import json
from typing import Any

import pytest
import requests
import stripe
from stripe_sandbox import StripeSandbox

from sync.sandbox.forms import read_form
from sync.sandbox.params import check, fields_of
from sync.sandbox.routes import ROUTES
from sync.sandbox.turn import VERSION


def ask(box: StripeSandbox, method: str, path: str, body: str = "", **headers: str) -> requests.Response:
    head = {"Authorization": f"Bearer {box.key}", "Content-Type": "application/x-www-form-urlencoded", **headers}
    return requests.request(method, box.address + path, data=body, headers=head, timeout=5)


def error(answer: requests.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


@pytest.mark.parametrize(
    "key", ["", "Basic abc", "Bearer sk_live_abcdefghijklmnop", "Bearer sk_test_somebody_else"]
)
def test_only_its_own_test_key_is_taken(box: StripeSandbox, key: str) -> None:
    answer = ask(box, "GET", "/v1/customers", Authorization=key)
    assert answer.status_code == 401
    assert error(answer)["type"] == "invalid_request_error"
    assert "sk_test_somebody_else" not in answer.text
    assert box.sandbox.calls[-1].status == 401


def test_the_sdk_sees_an_authentication_error(box: StripeSandbox) -> None:
    other = stripe.StripeClient("sk_test_of_somebody", base_addresses={"api": box.address})
    with pytest.raises(stripe.AuthenticationError):
        other.v1.customers.list()


def test_another_version_of_the_api_is_refused(box: StripeSandbox) -> None:
    answer = ask(box, "GET", "/v1/customers", **{"Stripe-Version": "2019-05-16"})
    assert (answer.status_code, "2019-05-16" in error(answer)["message"]) == (400, True)
    assert ask(box, "GET", "/v1/customers", **{"Stripe-Version": VERSION}).status_code == 200


def test_the_version_is_that_of_the_sdk() -> None:
    assert stripe.api_version == VERSION


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("/v1/subscriptions/sub_x", "coupon=half", "parameter_unknown", "coupon"),
        ("/v1/subscriptions/sub_x", "discounts[0][cupon]=half", "parameter_unknown", "discounts[0][cupon]"),
        ("/v1/coupons", "percent_off=50&colour=red", "parameter_unknown", "colour"),
        ("/v1/prices", "unit_amount=5", "parameter_missing", "currency"),
        ("/v1/prices", "currency=usd&unit_amount=ten", "parameter_invalid_integer", "unit_amount"),
        ("/v1/prices", "currency=usd&unit_amount=10.5", "parameter_invalid_integer", "unit_amount"),
        ("/v1/customers", "email=", "parameter_invalid_empty", "email"),
        ("/v1/coupons", "percent_off=50&duration=sometimes", None, "duration"),
        ("/v1/subscriptions/sub_x", "cancel_at_period_end=yes", None, "cancel_at_period_end"),
        ("/v1/subscriptions/sub_x", "items=all", None, "items"),
        ("/v1/subscriptions/sub_x", "description[a]=b", None, "description"),
        ("/v1/checkout/sessions", "mode=subscription&line_items[0][price][id]=p", None, "line_items[0][price]"),
        (
            "/v1/subscriptions/sub_x",
            "pause_collection[resumes_at]=5",
            "parameter_missing",
            "pause_collection[behavior]",
        ),
    ],
)
def test_wrong_parameters_are_named(
    box: StripeSandbox, path: str, body: str, code: str | None, param: str
) -> None:
    answer = ask(box, "POST", path, body)
    assert answer.status_code == 400
    found = error(answer)
    assert (found["type"], found.get("code"), found["param"]) == ("invalid_request_error", code, param)
    if code is not None:
        assert found["doc_url"] == f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"


def test_a_list_takes_no_parameter_that_it_doesnt_know(box: StripeSandbox) -> None:
    assert error(ask(box, "GET", "/v1/invoices?subscripton=sub_1"))["code"] == "parameter_unknown"
    assert error(ask(box, "GET", "/v1/invoices?created[since]=5"))["param"] == "created[since]"


def test_every_route_has_the_parameters_of_the_sdk() -> None:
    for route in ROUTES:
        fields, required = fields_of(route.params)
        assert required <= fields.keys()
        assert "stripe_version" not in fields
        assert "api_key" not in fields


def test_types_come_out_as_types() -> None:
    found = check(
        "SubscriptionUpdateParams", read_form("cancel_at_period_end=true&items[0][quantity]=3&discounts=")
    )
    assert found == {"cancel_at_period_end": True, "items": [{"quantity": 3}], "discounts": ""}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a[b][0][c]=1&a[b][1][c]=2", {"a": {"b": [{"c": "1"}, {"c": "2"}]}}),
        ("expand[]=x&expand[]=y", {"expand": ["x", "y"]}),
        ("e[10]=k&e[9]=j", {"e": ["j", "k"]}),
        ("name=%C3%85sa+B", {"name": "Åsa B"}),
        ("", {}),
    ],
)
def test_forms_are_read_as_stripe_reads_them(text: str, tree: dict[str, Any]) -> None:
    assert read_form(text) == tree


@pytest.mark.parametrize("body", ["a[b=1", "a=1&a[b]=2", "[x]=1", "a" + "[b]" * 40 + "=1"])
def test_a_form_that_cant_be_read_is_refused(box: StripeSandbox, body: str) -> None:
    assert ask(box, "POST", "/v1/customers", body).status_code == 400


def test_json_is_no_form(box: StripeSandbox) -> None:
    assert ask(box, "POST", "/v1/customers", "{}", **{"Content-Type": "application/json"}).status_code == 400


@pytest.mark.parametrize(
    ("metadata", "fits"),
    [
        ({"k" * 40: "v" * 500}, True),
        ({"k" * 41: "v"}, False),
        ({"k": "v" * 501}, False),
        ({str(n) + "x": "v" for n in range(50)}, True),
        ({str(n) + "x": "v" for n in range(51)}, False),
    ],
)
def test_metadata_has_stripes_limits(box: StripeSandbox, metadata: dict[str, str], fits: bool) -> None:
    body = "&".join(f"metadata[{name}]={value}" for name, value in metadata.items())
    assert ask(box, "POST", "/v1/customers", body).status_code == (200 if fits else 400)


def test_metadata_is_merged_and_unset(box: StripeSandbox) -> None:
    v1 = box.client().v1
    made = v1.customers.create({"metadata": {"player": "p1", "hall": "h1"}})
    changed = v1.customers.update(made.id, {"metadata": {"hall": "", "zone": "z"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"player": "p1", "zone": "z"}
    assert v1.customers.update(made.id, {"metadata": ""}).to_dict()["metadata"] == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/customers/cus_x"),
        ("POST", "/v1/subscriptions/sub_x"),
        ("DELETE", "/v1/coupons/none"),
        ("POST", "/v1/invoices/in_x/pay"),
    ],
)
def test_what_isnt_there_is_404(box: StripeSandbox, method: str, path: str) -> None:
    answer = ask(box, method, path)
    assert (answer.status_code, error(answer)["code"]) == (404, "resource_missing")


def test_what_a_parameter_names_and_isnt_there_is_400(box: StripeSandbox) -> None:
    found = ask(box, "POST", "/v1/subscriptions", "customer=cus_x&items[0][price]=price_x")
    assert (found.status_code, error(found)["code"], error(found)["param"]) == (
        400,
        "resource_missing",
        "customer",
    )


@pytest.mark.parametrize("path", ["/v1/charges", "/v1/customers/cus_1/more", "/v1/"])
def test_addresses_that_it_doesnt_have_are_404(box: StripeSandbox, path: str) -> None:
    answer = ask(box, "GET", path)
    assert answer.status_code == 404
    assert "error" in answer.json()


def test_what_stripe_can_and_it_cant_is_said_plainly(box: StripeSandbox) -> None:
    answer = ask(box, "POST", "/v1/customers", "tax_id_data[0][type]=eu_vat&tax_id_data[0][value]=DE1")
    assert (answer.status_code, error(answer)["code"]) == (400, "sandbox_not_supported")


def test_answers_name_their_request(box: StripeSandbox) -> None:
    answer = ask(box, "GET", "/v1/customers")
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == VERSION
    assert json.loads(answer.text)["object"] == "list"


@pytest.mark.parametrize("text", ["%ff=1", "a=%", "\x00", "limit=999999999999999999999", "expand[]=" + "a." * 30])
def test_rubbish_is_answered_not_fallen_over(box: StripeSandbox, text: str) -> None:
    assert ask(box, "GET", f"/v1/customers?{text}").status_code in (200, 400)
    assert ask(box, "POST", "/v1/customers", text).status_code in (200, 400)
