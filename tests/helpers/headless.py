"""A browser without a screen, and what every page of it is asked: whether it fits, can be read, and complains."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
SIZES = [(390, 844), (1280, 800), (1920, 1080)]  # a phone, a laptop, a wall


def need_chromium() -> None:
    """Skips the test where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: apt install chromium")


@contextmanager
def headless_chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    need_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        yield browser
        browser.close()


@contextmanager
def watched_page(browser: Any, size: tuple[int, int], scheme: str) -> Iterator[tuple[Any, list[str]]]:
    """A page of that size and colour scheme, and what its console complains of."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield context.new_page(), complaints
    context.close()


def barriers(page: Any) -> list[str]:
    """What keeps somebody from reading or using a page, as axe-core names it."""
    from axe_playwright_python.sync_playwright import Axe

    return [found["id"] for found in Axe().run(page).response["violations"]]
