"""The health page in a real browser: it fits, can be touched, can be read by everybody, and keeps up to date."""

from typing import Any

import pytest
from page_fit import LYING_PHONE, SIZES, barriers, misfits, resize

STORE, SETTINGS = ("[data-check=store]", "[data-check=settings]")


def open_health(page: Any, served: Any) -> None:
    page.goto(f"{served.url}/health")
    page.wait_for_selector(STORE)


@pytest.fixture(scope="module", params=["dark", "light"])
def themed(served: Any, request: pytest.FixtureRequest) -> None:
    """The kiosk in one of its themes."""
    (served.data / "settings.toml").write_text(f'[kiosk]\ntheme = "{request.param}"\n')
    served.stop()
    served.start()


@pytest.mark.slow
@pytest.mark.parametrize("size", [*SIZES, LYING_PHONE], ids=str)
def test_it_fits_can_be_touched_and_read_by_everybody(
    page: Any, served: Any, themed: None, size: tuple[int, int]
) -> None:
    resize(page, size)
    open_health(page, served)
    assert misfits(page) == []
    assert barriers(page) == []


@pytest.mark.slow
def test_what_goes_wrong_comes_to_the_top_by_itself_and_goes_again(page: Any, served: Any) -> None:
    open_health(page, served)
    page.evaluate("() => { window.stayed = true; }")
    settings = served.data / "settings.toml"
    settings.write_text("[kiosk]\nprot = 1\n")
    page.wait_for_selector(f".calling-findings .finding.bad:first-child{SETTINGS}")
    assert "did you mean port?" in page.locator(SETTINGS).inner_text()
    assert page.locator(".verdict.bad").count() == 1
    settings.unlink()
    page.wait_for_selector(f".finding.ok{SETTINGS}")
    assert page.evaluate("() => window.stayed")


def test_the_way_there_and_back(page: Any, served: Any) -> None:
    page.goto(f"{served.url}/condition")
    page.locator('a[href="/health"]').click()
    page.wait_for_selector("#health")
    page.locator('a[href="/condition"]').click()
    page.wait_for_selector("#condition")
