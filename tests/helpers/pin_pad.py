"""The pad on which a PIN is typed at the screen, in a real browser."""

from typing import Any


def press_pin(page: Any, pin: str) -> None:
    """A PIN on the pad, digit by digit, and OK."""
    page.wait_for_selector(".pad .key")
    for digit in pin:
        page.locator(".pad .key", has_text=digit).first.click()
    page.locator(".pad [type=submit]").click()
