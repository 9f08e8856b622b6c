"""What a page in a browser is asked about its looks: whether it fits, can be touched, and can be read by all."""

from typing import Any

SCREENS = [(1280, 800), (1920, 1080)]  # at a table, on a wall
PHONE = (390, 844)
LYING_PHONE = PHONE[::-1]
SIZES = [*SCREENS, PHONE]
TOUCHED = "a, button, input:not([type=hidden], .pin-field, .option)"
FINGER_PX = 56  # the least that a finger meets at a screen on the wall; at a desk less will do
SERIOUS = ("serious", "critical")

_TOO_WIDE = "() => document.documentElement.scrollWidth > window.innerWidth"
_SMALL = """([which, least, hiddenToo]) => [...document.querySelectorAll(which)]
    .filter(e => hiddenToo || e.offsetParent !== null)
    .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
    .filter(([_, r]) => r.width < least || r.height < least).map(([html]) => html)"""


def resize(page: Any, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def too_wide(page: Any) -> bool:
    return bool(page.evaluate(_TOO_WIDE))


def small_targets(
    page: Any, which: str = TOUCHED, *, least_px: int = FINGER_PX, hidden_too: bool = False
) -> list[str]:
    """What is to be touched and can be missed; with `hidden_too` whatever is not shown at all counts as well."""
    return list(page.evaluate(_SMALL, [which, least_px, hidden_too]))


def misfits(page: Any, which: str = TOUCHED, **more: Any) -> list[str]:
    """Why the page does not fit a screen as large as it is now: it is too wide, or targets are too small."""
    return ["too wide"] * too_wide(page) + small_targets(page, which, **more)


def barriers(page: Any, impacts: tuple[str, ...] = ()) -> list[tuple[str, list[str]]]:
    """What keeps somebody from reading or using the page, as axe-core names it, with the first places of each.

    Of whatever impact, or of those asked for.
    """
    from axe_playwright_python.sync_playwright import Axe

    return [
        (found["id"], [node["html"][:120] for node in found["nodes"][:3]])
        for found in Axe().run(page).response["violations"]
        if not impacts or found["impact"] in impacts
    ]
