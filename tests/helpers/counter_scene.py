"""Staff at the counter in a real browser, and the sixteen who come to an evening."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pin_pad import press_pin

from edge.clock import stamp
from edge.hall.game_sessions import attend, begin_evening
from edge.hall.keys import load_keys
from edge.hall.occasion import occasion
from edge.hall.pins import hash_pin, keep_pin
from edge.hall.players import sign_up
from edge.settings import Settings

PIN = "4826"
NAMES = ["Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jana", "Karl", "Lena", "Mia", "Nils"]
NAMES += ["Olga", "Pavel"]


def sixteen_and_stan(served: Any) -> list[str]:
    """Sixteen members who were here a week ago, by name, and Stan of the staff; returns the members' ids."""
    hashed = hash_pin(load_keys(served.box.paths.secrets).pins, PIN)
    week_ago = datetime.now(UTC) - timedelta(days=7)
    with served.box.store.write() as conn:
        stan = sign_up(conn, "Stan", stamp(week_ago), frozenset({"player", "staff"}))
        keep_pin(conn, stan.id, hashed, datetime.now(UTC))
        ids = [sign_up(conn, name, stamp(week_ago)).id for name in NAMES]
        evening = begin_evening(conn, occasion(Settings().hall.zone, "", week_ago), stan.id)
        attend(conn, evening, ids, stan.id, week_ago)
    return ids


class Staff:
    """Stan at the counter, who taps and counts."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url, self.taps = page, url, 0
        self.enter("/counter/evening")

    def enter(self, path: str) -> None:
        """Name and PIN, and on to a page."""
        page, url = self.page, self.url
        page.goto(f"{url}/counter/enter?name=Stan&next={path}")
        if url.startswith("https:"):  # a computer with keys; else the screen, with its pad
            page.fill("#name", "Stan")
            page.fill("#pin", PIN)
            page.press("#pin", "Enter")
        else:
            press_pin(page, PIN)
        page.wait_for_url(f"{url}{path}")

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def tap(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.taps += 1

    def go(self, selector: str) -> None:
        """A tap that leads to another page."""
        with self.page.expect_navigation():
            self.tap(selector)
