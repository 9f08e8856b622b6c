"""Training and rewards in a real browser, against the sandbox: a month looked at, confirmed, paid, and too late to
be taken back; and every page on a phone, a laptop and a wall, dark and light."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from headless import headless_chromium, need_chromium, watched_page
from owner_scene import (
    MONTH,
    NAMES,
    START,
    HallOf,
    Paying,
    hash_fast,
    put_everything,
    sign_in_at,
    spoil_one,
)
from page_fit import SIZES, barriers, misfits
from stripe_sandbox import stripe_sandbox

from sync.cloud import members, rewards
from sync.cloud.db import opened
from sync.cloud.plans import plan_of
from sync.cloud.schema import migrate
from sync.sandbox.serve import Served

TOUCHED = "a, button, select, summary, label.option, input:not([type=hidden], [type=radio], [type=checkbox])"


@dataclass(frozen=True, slots=True)
class Scene:
    paying: Paying
    halls: dict[str, HallOf]
    url: str

    def reward(self, month: str, hall: str = "Chalk City") -> rewards.Reward:
        with self.paying.db.read() as conn:
            found = rewards.of_hall(conn, self.halls[hall].id, month)
        return next(one for one in found if one.period == month)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    need_chromium()
    address = str(tmp_path_factory.mktemp("cloud") / "cloud.db")
    with pytest.MonkeyPatch.context() as patch, opened(address) as db:
        hash_fast(patch)
        migrate(db)
        with stripe_sandbox(start=int(START.timestamp())) as box:
            paying = Paying(db, box)
            halls = put_everything(db, box, paying.gateway, START)
            spoil_one(db, START)
            served = Served(paying.client.application)
            yield Scene(paying, halls, f"http://localhost:{served.port}")
            served.shut()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with headless_chromium() as made:
        yield made


def sign_in(page: Any, scene: Scene) -> None:
    sign_in_at(page, f"{scene.url}/sign-in")
    page.wait_for_selector("h1:text('Halls')")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_every_page_fits_and_everybody_can_read_it(
    browser: Any, scene: Scene, size: tuple[int, int], scheme: str
) -> None:
    with watched_page(browser, size, scheme) as (page, complaints):
        sign_in(page, scene)
        hall, reward = scene.halls["Chalk City"].id, scene.reward("2026-08").id
        for path in (
            f"/halls/{hall}?month={MONTH}",
            f"/halls/{hall}?month=2026-08",
            f"/rewards?month={MONTH}",
            f"/rewards?month={MONTH}&show=grace",
            "/rewards?month=2026-08",
            "/rewards/list?month=2026-07&state=consumed",
            f"/rewards/{reward}",
            f"/rewards/{reward}/take-back",
            "/rules",
            f"/halls/{hall}/rules",
            "/subscribed",
            "/not-subscribed",
            "/back-to-the-hall",
        ):
            page.goto(scene.url + path)
            for details in page.locator("summary").all():
                details.click()
            assert misfits(page, TOUCHED, least_px=44) == [], path
            assert barriers(page) == [], path
        assert complaints == []


def test_a_month_is_looked_at_confirmed_paid_and_then_too_late_to_be_taken_back(
    browser: Any, scene: Scene
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, scene)
    page.click("h2 >> text=Chalk City")
    page.select_option("#month", MONTH)
    page.click("text=Show")
    assert page.locator(".board tbody tr").count() == 10
    page.click("text=Look at who wins, and confirm")
    card = page.locator(".hall.month")
    assert card.count() == 1
    would = card.locator(".winner").inner_text()
    assert NAMES[0] in would
    assert "50 % off the invoice of 2 Dec, $10.00." in would
    card.locator("text=Confirm").click()
    assert "Chalk City: confirmed" in page.locator("[role=status]").inner_text()

    scene.paying.turn()
    page.goto(f"{scene.url}/rewards?month={MONTH}&show=decided")
    page.click(".winner >> text=On the next invoice")
    assert page.locator(".lead .pill").inner_text() == "on the next invoice"
    page.click("text=Take back")
    page.fill("#why", "too late for that")

    scene.paying.box.sandbox.advance(to=int(datetime(2026, 12, 2, 12, tzinfo=UTC).timestamp()))
    scene.paying.turn()
    sign_in(page, scene)  # a month later
    page.goto(f"{scene.url}/rewards/{scene.reward(MONTH).id}")
    assert page.locator(".lead .pill").inner_text() == "used on an invoice"
    assert "$10.00" in page.locator(".facts").first.inner_text()
    assert page.locator("text=Take back").count() == 0
    page.goto(f"{scene.url}/rewards/{scene.reward(MONTH).id}/take-back")
    assert "An invoice has it already" in page.locator("main").inner_text()
    assert page.locator("#why").count() == 0
    context.close()


def test_who_has_subscribed_is_shown_the_member_code(browser: Any, scene: Scene) -> None:
    hall, player = scene.halls["Corner Pocket"].id, scene.halls["Corner Pocket"].players[7]
    with scene.paying.db.read() as conn:
        plan = plan_of(conn, hall)
    assert plan is not None
    made = scene.paying.gateway.start_checkout(
        plan.price_id,
        hall=hall,
        player=player,
        customer=None,
        success_url=f"{scene.url}/subscribed?checkout={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{scene.url}/not-subscribed",
        key="checkout-of-a-test",
    )
    page = browser.new_page()
    page.goto(f"{scene.url}/subscribed?checkout={made.id}")
    assert "Stripe has not told us yet" in page.locator("main").inner_text()
    scene.paying.box.sandbox.complete(made.id)
    page.goto(f"{scene.url}/subscribed?checkout={made.id}")
    shown = page.locator(".code").inner_text()
    with scene.paying.db.read() as conn:
        member = members.of_code(conn, shown)
    assert member is not None
    assert member.status == "active"
    page.close()
