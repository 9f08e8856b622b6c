"""How often: one address, all of them together, and the screen that nobody keeps from anything."""

from collections.abc import Iterator

import pytest
from small_kiosk import OTHER_PHONE, PHONE, Browser, Kiosk, small_kiosk

from kiosk import limits
from kiosk.limits import Limiter, Rule


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    with small_kiosk(tmp_path_factory.mktemp("limits")) as kiosk:
        yield kiosk


@pytest.fixture
def kiosk(one: Kiosk) -> Kiosk:
    return one.evening()


def guesses(browser: Browser, count: int) -> list[int]:
    token = browser.token()
    return [browser.send("/guess", data={"csrf": token}).status_code for _ in range(count)]


def test_one_address_may_only_so_often(kiosk: Kiosk) -> None:
    browser = kiosk.browser()
    assert guesses(browser, 4) == [200, 200, 429, 429]
    answer = browser.post("/guess")
    assert (answer.text, answer.headers["Retry-After"]) == ("too_often", "30")
    kiosk.up_s += 29
    assert browser.post("/guess").headers["Retry-After"] == "1"
    kiosk.up_s += 1
    assert guesses(browser, 2) == [200, 429]
    kiosk.up_s += 60
    assert guesses(browser, 3) == [200, 200, 429]


def test_all_addresses_together_may_only_so_often(kiosk: Kiosk) -> None:
    assert guesses(kiosk.browser(address=PHONE), 2) == [200, 200]
    assert guesses(kiosk.browser(address=OTHER_PHONE), 2) == [200, 429]
    assert guesses(kiosk.browser(address="192.168.1.99"), 1) == [429]


def test_nobody_on_the_network_keeps_the_screen_from_anything(kiosk: Kiosk) -> None:
    for number in range(20):
        guesses(kiosk.browser(address=f"192.168.1.{number}"), 1)
    assert guesses(kiosk.browser("screen"), 5) == [200, 200, 200, 200, 429]


def test_an_address_cannot_be_told_by_a_header_nor_changed_within_a_network(kiosk: Kiosk) -> None:
    browser = kiosk.browser(address="fd00::1")
    assert guesses(browser, 2) == [200, 200]
    browser.address = "fd00::2"
    assert guesses(browser, 1) == [429]
    token = browser.token()
    answer = browser.send("/guess", data={"csrf": token}, headers={"X-Forwarded-For": "10.0.0.1"})
    assert answer.status_code == 429


def test_buckets_do_not_pile_up() -> None:
    now_s = 0.0
    limiter = Limiter({"guess": Rule(each=1, screen=1, total=10**9, per_s=1)}, lambda: now_s)
    for number in range(3 * limits.SWEPT_AT):
        now_s += 0.01
        assert limiter.spend("guess", f"10.0.{number // 250}.{number % 250}", False) == 0
    assert len(limiter._empty_at) <= limits.SWEPT_AT


def test_every_rule_lets_the_screen_do_more_than_a_phone() -> None:
    for rule in limits.RULES.values():
        assert 0 < rule.each < rule.screen
        assert rule.each < rule.total
