"""Checkout and the portal: pages that say they are a sandbox, on which a subscription begins and ends."""

import re
from typing import Any

import pytest
import requests
import stripe
from stripe_sandbox import House

HERE: Any = {
    "success_url": "http://127.0.0.1:9/done?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://127.0.0.1:9/no",
}
FORM = {"email": "ana@example.com", "name": "Ana"}


def session(house: House, **more: Any) -> stripe.checkout.Session:
    given: Any = {"mode": "subscription", "line_items": [{"price": house.price(), "quantity": 1}], **HERE, **more}
    return house.v1.checkout.sessions.create(given)


def post(url: str, data: dict[str, str] | None = None, **headers: str) -> requests.Response:
    return requests.post(url, data=data or {}, headers=headers, allow_redirects=False, timeout=5)


def test_a_person_pays_at_the_page_and_is_sent_back(house: House) -> None:
    made = session(house, client_reference_id="player-7", subscription_data={"metadata": {"player": "p7"}})
    assert (made.status, made.payment_status, made.amount_total) == ("open", "unpaid", 2000)
    assert made.url is not None
    page = requests.get(made.url, timeout=5)
    assert "SANDBOX" in page.text
    assert "No money moves" in page.text
    back = post(made.url, FORM)
    assert (back.status_code, back.headers["Location"]) == (303, f"http://127.0.0.1:9/done?session={made.id}")
    done = house.v1.checkout.sessions.retrieve(made.id, {"expand": ["subscription", "customer", "line_items"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert isinstance(done.subscription, stripe.Subscription)
    assert isinstance(done.customer, stripe.Customer)
    assert done.client_reference_id == "player-7"
    assert (done.subscription.status, done.subscription.metadata.to_dict()) == ("active", {"player": "p7"})
    assert (done.customer.email, done.customer.name) == ("ana@example.com", "Ana")
    assert house.v1.events.list({"type": "checkout.session.completed"}).data[0].data.object["id"] == made.id


def test_twice_sent_it_begins_once(house: House) -> None:
    made = session(house)
    assert made.url is not None
    assert post(made.url, FORM).status_code == 303
    assert "done" in post(made.url, FORM).text
    assert len(house.v1.subscriptions.list().data) == 1
    assert "This is done" in requests.get(made.url, timeout=5).text


def test_a_declined_card_begins_nothing_and_can_be_tried_again(house: House) -> None:
    made = session(house)
    assert made.url is not None
    refused = post(made.url, {**FORM, "card": "declined"})
    assert (refused.status_code, "declined" in refused.text) == (402, True)
    assert house.v1.customers.list().data == []
    assert house.v1.checkout.sessions.retrieve(made.id).status == "open"
    assert post(made.url, FORM).status_code == 303


def test_an_email_is_asked_for_where_none_is_known(house: House) -> None:
    made = session(house)
    assert made.url is not None
    assert post(made.url, {"email": "nobody"}).status_code == 400
    known = session(house, customer_email="bo@example.com")
    assert known.url is not None
    assert 'name="email"' not in requests.get(known.url, timeout=5).text
    assert post(known.url, {"email": "eve@example.com"}).status_code == 303
    assert house.v1.customers.list().data[0].email == "bo@example.com"


def test_a_customer_who_is_known_stays_the_same(house: House) -> None:
    ana = house.customer(card="")
    made = session(house, customer=ana)
    house.sandbox.complete(made.id)
    assert house.v1.checkout.sessions.retrieve(made.id).customer == ana
    assert len(house.v1.subscriptions.list({"customer": ana}).data) == 1


def test_a_trial_and_a_discount_are_said_and_done(house: House) -> None:
    house.coupon()
    half = session(house, discounts=[{"coupon": "half"}])
    assert (half.amount_total, half.amount_subtotal) == (1000, 2000)
    house.sandbox.complete(half.id)
    assert house.v1.invoices.list().data[0].total == 1000
    trial = session(house, subscription_data={"trial_period_days": 7})
    assert trial.url is not None
    assert "7 days free" in requests.get(trial.url, timeout=5).text
    done = house.sandbox.complete(trial.id)
    assert done["payment_status"] == "no_payment_required"
    assert house.v1.subscriptions.retrieve(done["subscription"]).status == "trialing"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"allow_promotion_codes": True, "discounts": [{"coupon": "half"}]}, "discounts"),
        ({"customer": "cus_1", "customer_email": "a@example.com"}, "customer"),
        ({"success_url": "done"}, "success_url"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"discounts": [{"coupon": "none"}]}, "discounts[0][coupon]"),
        ({"line_items": []}, "line_items"),
        ({"expires_at": 5}, "expires_at"),
        ({"customer": "cus_nobody"}, "customer"),
    ],
)
def test_a_session_that_makes_no_sense_isnt_made(house: House, more: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        session(house, **more)
    assert caught.value.param == param


def test_a_session_is_over_after_a_day_or_when_it_is_told(house: House) -> None:
    old, told = session(house), session(house)
    assert told.url is not None
    assert house.v1.checkout.sessions.expire(told.id).status == "expired"
    assert post(told.url, FORM).status_code in (400, 410)
    assert requests.get(told.url, timeout=5).status_code == 410
    house.sandbox.advance(days=1)
    assert house.v1.checkout.sessions.retrieve(old.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        house.v1.checkout.sessions.expire(old.id)
    assert [one.type for one in house.v1.events.list({"types": ["checkout.*"]}).data] == [
        "checkout.session.expired"
    ] * 2
    assert house.v1.subscriptions.list().data == []


def portal(house: House, customer: str) -> str:
    return house.v1.billing_portal.sessions.create({"customer": customer, "return_url": "https://a.example/"}).url


def test_at_the_portal_one_sees_what_comes_ends_it_and_goes_on(house: House) -> None:
    sub = house.subscription()
    house.coupon(name="Best trainer")
    house.give(sub.id, "half")
    url = portal(house, str(sub.customer))
    page = requests.get(url, timeout=5).text
    assert "SANDBOX" in page
    assert "Best trainer" in page
    assert "$10.00" in re.sub(r"\s+", " ", page)
    ask = {"subscription": sub.id}
    assert post(f"{url}/cancel", ask).status_code == 303
    assert house.v1.subscriptions.retrieve(sub.id).cancel_at_period_end
    assert "Ends on 1 December 2026" in requests.get(url, timeout=5).text
    assert post(f"{url}/resume", ask).status_code == 303
    assert not house.v1.subscriptions.retrieve(sub.id).cancel_at_period_end


def test_the_portal_is_for_ones_own_subscription(house: House) -> None:
    ana, bo = house.subscription(), house.subscription()
    url = portal(house, str(ana.customer))
    assert post(f"{url}/cancel", {"subscription": bo.id}).status_code == 404
    assert not house.v1.subscriptions.retrieve(bo.id).cancel_at_period_end
    assert requests.get(url[:-4] + "abcd", timeout=5).status_code == 404


def test_forms_of_other_sites_are_not_taken(house: House) -> None:
    sub = house.subscription()
    url, made = portal(house, str(sub.customer)), session(house)
    assert made.url is not None
    for bad in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert post(f"{url}/cancel", {"subscription": sub.id}, **bad).status_code == 403
        assert post(made.url, FORM, **bad).status_code == 403
        assert post(f"{house.box.address}/clock", {"by": "month"}, **bad).status_code == 403
    assert not house.v1.subscriptions.retrieve(sub.id).cancel_at_period_end
    assert house.sandbox.now == 1_793_491_200


def test_the_front_page_shows_all_and_turns_the_clock(house: House) -> None:
    sub = house.subscription()
    house.sandbox.set_card(str(sub.customer), works=True)
    page = requests.get(house.box.address, timeout=5)
    assert page.status_code == 200
    for words in ("SANDBOX", "ana@example.com", "Sunday 1 November 2026", "$20.00"):
        assert words in page.text
    assert post(f"{house.box.address}/clock", {"by": "renewal"}).status_code == 303
    assert [one.status for one in house.invoices(sub.id)] == ["paid", "paid"]
    post(f"{house.box.address}/card/{sub.customer}", {"works": "no"})
    post(f"{house.box.address}/clock", {"by": "month"})
    assert house.v1.subscriptions.retrieve(sub.id).status == "past_due"
    assert post(f"{house.box.address}/clock", {"by": "year"}).status_code == 400


def test_the_front_page_and_the_control_are_for_this_machine_alone(house: House) -> None:
    for path in ("/", "/_sandbox/state"):
        for head in ({"X-Forwarded-For": "203.0.113.9"}, {"Host": "evil.example"}):
            assert requests.get(house.box.address + path, headers=head, timeout=5).status_code == 403


def test_no_page_has_a_script_or_a_style_of_its_own(house: House) -> None:
    sub = house.subscription()
    made = session(house)
    assert made.url is not None
    for url in (house.box.address, made.url, portal(house, str(sub.customer)),
                f"{house.box.address}/invoice/{sub.latest_invoice}", f"{house.box.address}/nothing"):  # fmt: skip
        page = requests.get(url, timeout=5)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", page.text)
        assert "SANDBOX" in page.text
    assert (
        "form-action 'self' http://127.0.0.1:9"
        in requests.get(made.url, timeout=5).headers["Content-Security-Policy"]
    )


def test_what_people_type_is_shown_as_text(house: House) -> None:
    house.v1.products.update(house.product, {"name": "<b>Gold</b>"})
    made = session(house)
    assert made.url is not None
    assert "<b>Gold" not in requests.get(made.url, timeout=5).text
    page = post(made.url, {"email": '"><i>', "name": "<i>x"}).text
    assert "<i>" not in page.replace("<i></i>", "")
