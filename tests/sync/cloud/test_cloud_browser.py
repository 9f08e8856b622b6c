"""The owner's page in a real browser: signed in without a script, fitting a phone and a wall, dark and light."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cloud_process import CloudProcess
from headless import headless_chromium, need_chromium, watched_page
from owner_scene import put_owner, sign_in_at
from page_fit import SIZES, barriers, misfits
from telling_hub import Clock, day_fact, enrolled, small_cloud

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud.db import opened
from sync.cloud.schema import migrate

TOUCHED = "button, input:not([type=hidden])"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud with a hall that is well, one with trouble, and one that is not heard of yet."""
    need_chromium()
    address, now = str(tmp_path_factory.mktemp("cloud") / "cloud.db"), datetime.now(UTC)
    with opened(address) as db:
        migrate(db)
        client = small_cloud(db, Clock(now)).test_client()
        put_owner(db, now)
        enrolled(db, "Bank Shot Hall", Clock(now))
        for name, worst in (
            ("Chalk City", "ok"),
            ("Rail & Rack, the one with a long name by the river", "bad"),
        ):
            hub = enrolled(db, name, Clock(now))
            days = [(now - timedelta(days=ago)).date().isoformat() for ago in range(12)]
            hub.write(*(day_fact(day, 100 * n, created=stamp(now)) for n, day in enumerate(days)))
            hub.told(client)
            text = "The disk is full: 212 MB are free, and new clips are not kept."
            findings = [{"state": worst, "text": text, "advice": "Make room."}]
            boxes = [
                {"device": uuid7(), "label": f"Table {n}", "seen_at": stamp(now), "worst": worst, "unsent": 1234,
                 "findings": findings}
                for n in range(3)
            ]  # fmt: skip
            hub.say(client, time=stamp(now), boxes=boxes)
    process = CloudProcess(address)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def browser(cloud: CloudProcess) -> Iterator[Any]:
    with headless_chromium() as made:
        yield made


def sign_in(page: Any, cloud: CloudProcess) -> None:
    sign_in_at(page, cloud.url)
    page.wait_for_selector(".hall")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_it_fits_and_everybody_can_read_it(
    browser: Any, cloud: CloudProcess, size: tuple[int, int], scheme: str
) -> None:
    with watched_page(browser, size, scheme) as (page, complaints):
        sign_in(page, cloud)
        for path in ("/", "/nothing"):
            page.goto(cloud.url + path)
            assert misfits(page, TOUCHED, hidden_too=True) == []
            assert barriers(page) == []
        assert [one for one in complaints if "404" not in one] == []


def test_without_scripts_the_owner_signs_in_looks_and_signs_out(browser: Any, cloud: CloudProcess) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, cloud)
    names = page.locator("h2").all_inner_texts()
    assert names[0].startswith("Rail & Rack")
    assert names[1:] == ["Chalk City", "Bank Shot Hall"]
    assert "The disk is full" in page.locator(".hall").first.inner_text()
    page.click("text=Sign out")
    page.wait_for_selector("#password")
    page.goto(cloud.url)
    assert page.locator(".hall").count() == 0
    context.close()


def test_a_wrong_password_is_said_and_the_address_is_kept(browser: Any, cloud: CloudProcess) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(cloud.url)
    page.fill("#email", "nobody@example.com")
    page.fill("#password", "not this one")
    page.click("text=Sign in")
    assert "go together" in page.locator("[role=alert]").inner_text()
    assert page.input_value("#email") == "nobody@example.com"
    assert page.input_value("#password") == ""
    context.close()
