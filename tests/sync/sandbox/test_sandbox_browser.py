"""The sandbox's pages in a real browser: without a script, on a phone and a wall, dark and light."""

from collections.abc import Iterator
from typing import Any

import pytest
from headless import headless_chromium, watched_page
from page_fit import PHONE, SCREENS, barriers, misfits
from stripe_sandbox import House, stripe_sandbox

TOUCHED = "a, button, .choice, input:not([type=hidden], [type=radio])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with headless_chromium() as made:
        yield made


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another site, where a person is sent back to."""
    with stripe_sandbox(start=0) as other:
        yield other.address


def pay_page(house: House, back: str) -> str:
    given: Any = {
        "mode": "subscription",
        "line_items": [{"price": house.price(), "quantity": 1}],
        "success_url": f"{back}/healthz?paid={{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{back}/healthz",
    }
    return str(house.v1.checkout.sessions.create(given).url)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [PHONE, SCREENS[0]], ids=lambda size: f"{size[0]}")
def test_every_page_fits_says_what_it_is_and_can_be_read(
    browser: Any, house: House, size: tuple[int, int], scheme: str
) -> None:
    house.coupon(name="Best trainer of the month of October in the hall with a long name")
    sub = house.subscription()
    house.give(sub.id, "half")
    house.renew()
    house.sandbox.set_card(str(sub.customer), works=False)
    house.v1.subscriptions.create({"customer": house.customer(), "items": [{"price": house.price()}]})
    portal = house.v1.billing_portal.sessions.create(
        {"customer": str(sub.customer), "return_url": "https://a.example/"}
    ).url
    invoice = f"{house.box.address}/invoice/{house.invoices(sub.id)[0].id}"
    with watched_page(browser, size, scheme) as (page, complaints):
        for url in (house.box.address, portal, pay_page(house, "http://127.0.0.1:9"), invoice):
            page.goto(url)
            assert "SANDBOX" in page.locator(".band").inner_text()
            assert page.locator(".band").is_visible()
            assert misfits(page, TOUCHED, hidden_too=True) == []
            assert barriers(page) == []
        assert complaints == []


def test_without_scripts_one_pays_is_sent_back_and_ends_it(browser: Any, house: House, elsewhere: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(pay_page(house, elsewhere))
    page.fill("#email", "ana@example.com")
    page.click("text=Test card that is declined")
    page.click("text=Subscribe")
    assert "declined" in page.locator("[role=alert]").inner_text()
    page.click("text=Test card that works")
    page.click("text=Subscribe")
    page.wait_for_url(f"{elsewhere}/healthz?paid=cs_test_*")
    (sub,) = house.v1.subscriptions.list().data
    page.goto(house.v1.billing_portal.sessions.create({"customer": str(sub.customer)}).url)
    page.click("text=End it with this period")
    page.click("text=Don't end it")
    page.click("text=End it with this period")
    assert "Ends on 1 December 2026" in page.locator(".pill").first.inner_text()
    page.goto(house.box.address)
    page.click("text=+1 month")
    assert house.v1.subscriptions.retrieve(sub.id).status == "canceled"
    assert "Ended" in page.locator(".card .pill").first.inner_text()
    context.close()
