"""A player's subscription at the kiosk: begun by a code, shown as it stands; nothing breaks without the cloud."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import PHONE
from month_hall import words
from training_house import TrainingHouse, training_house

from edge.hall.players import Player
from sync.subscribing import SubscribingError, Why

PAGE, START, PORTAL = "/me/subscription", "/me/subscription/start", "/me/subscription/portal"
MEMBER, STATE = "/me/subscription/member", "/me/subscription/state"
CHECKOUT = "https://checkout.stripe.test/c/pay/cs_1"


@dataclass
class FakeCloud:
    """The cloud, as far as the kiosk asks it. `why` has it refuse; `then` happens when it is asked for news."""

    why: Why | None = None
    address: str = CHECKOUT
    asked: list[tuple[str, ...]] = field(default_factory=list)
    then: Any = None

    def start(self, player_id: str) -> str:
        return self._ask("start", player_id)

    def portal(self, player_id: str) -> str:
        return self._ask("portal", player_id)

    def link(self, player_id: str, code: str) -> None:
        self._ask("link", player_id, code)

    def hear(self, store: Any) -> bool:  # noqa: ARG002
        if self.then is not None:
            self.then()
        self._ask("hear")
        return False

    def _ask(self, *what: str) -> str:
        self.asked.append(what)
        if self.why is not None:
            raise SubscribingError(self.why)
        return self.address


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingHouse]:
    with training_house(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    fake = FakeCloud()
    monkeypatch.setattr("kiosk.player.subscription.subscribing", lambda: fake)
    return fake


@pytest.fixture
def ana(house: TrainingHouse) -> Player:
    return house.evening.player("Ana")


def state_of(html: str) -> str:
    """What a page with a code asks for, again and again."""
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_where_none_can_be_had_the_pages_are_absent(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    browser = house.browser(ana)
    for path in (PAGE, MEMBER, STATE):
        browser.get(path, 404)
    for path in (START, PORTAL, MEMBER):
        browser.post(path, 404)
    assert PAGE not in browser.html("/me")
    assert ("start", ana.id) not in cloud.asked
    house.offers()
    assert f'href="{PAGE}"' in browser.html("/me")
    browser.get(PAGE)


def test_who_has_one_looks_after_it_although_no_more_are_begun(house: TrainingHouse, ana: Player) -> None:
    house.subscribed(ana, "ending", ends_at="2025-11-20T12:00:00.000Z")
    browser = house.browser(ana)
    assert "Ends on Nov 20" in browser.html(PAGE)
    assert f'href="{PAGE}"' in browser.html("/me")


def test_it_is_the_player_s_alone(house: TrainingHouse) -> None:
    house.offers()
    assert "/check-in?next=/me/subscription" in house.browser().get(PAGE, 303).location
    house.browser(house.evening.guest()).get(PAGE, 403)
    house.browser().post(START, 401)


def test_the_price_and_one_button(house: TrainingHouse, ana: Player) -> None:
    house.offers()
    html = house.browser(ana).html(PAGE)
    assert "$29.00 a month" in html
    assert html.count("button primary huge") == 1
    assert "Sandbox: no money moves" in html
    house.offers(sandbox=False, test=True)
    assert "Test mode: no money moves" in house.browser(ana).html(PAGE)
    house.offers(sandbox=False, test=False)
    assert "no money moves" not in house.browser(ana).html(PAGE)


@pytest.mark.parametrize(
    ("price", "told"),
    [
        ((29900, "eur", 12), "€299.00 a year"),
        ((3000, "jpy", 1), "¥3000 a month"),
        ((7500, "chf", 3), "75.00 CHF every 3"),
    ],
)
def test_prices_are_written_as_people_write_them(
    house: TrainingHouse, ana: Player, price: tuple[int, str, int], told: str
) -> None:
    cents, currency, months = price
    house.offers(plan={"name": "Gold", "cents": cents, "currency": currency, "months": months})
    assert told in house.browser(ana).html(PAGE)


def test_the_screen_shows_a_code_and_a_phone_a_link(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers(sandbox=False, test=False)
    screen = house.browser(ana).post(START, 200).get_data(as_text=True)
    assert 'class="qr-code"' in screen
    assert CHECKOUT not in screen
    assert 'data-idle-s="180"' in screen  # whoever pays on a phone does not touch the screen meanwhile
    assert "It can be scanned for 3 minutes" in screen
    assert f'href="{PAGE}"' in screen
    phone = house.browser(ana, PHONE).post(START, 200).get_data(as_text=True)
    assert f'href="{CHECKOUT}"' in phone
    assert "qr-code" not in phone
    assert cloud.asked == [("start", ana.id)] * 2


def test_in_the_sandbox_the_screen_can_go_there_itself(
    house: TrainingHouse, ana: Player, cloud: FakeCloud
) -> None:
    house.offers()  # who tries it out on one machine has no phone that could scan
    html = house.browser(ana).post(START, 200).get_data(as_text=True)
    assert f'href="{cloud.address}" target="_blank"' in html


def test_an_address_that_is_none_is_not_handed_on(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers()
    cloud.address = "javascript:alert(1)"
    html = house.browser(ana, PHONE).post(START, 409).get_data(as_text=True)
    assert "javascript" not in html
    assert "Nothing was charged" in html


def test_the_page_with_the_code_goes_on_by_itself(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers()
    browser = house.browser(ana)
    html = browser.post(START, 200).get_data(as_text=True)
    path = state_of(html)
    assert "HX-Redirect" not in browser.get(path, 204).headers
    cloud.then = lambda: house.subscribed(ana)
    go_on = browser.get(path, 204).headers["HX-Redirect"]
    assert go_on == f"{PAGE}?begun=1"
    page = words(browser.html(go_on))
    assert "Welcome. You are subscribed." in page
    assert "Active" in page


def test_the_page_of_who_looks_after_it_goes_on_when_something_was_changed(
    house: TrainingHouse, ana: Player, cloud: FakeCloud
) -> None:
    house.subscribed(ana)
    browser = house.browser(ana)
    path = state_of(browser.post(PORTAL, 200).get_data(as_text=True))
    assert "HX-Redirect" not in browser.get(path, 204).headers
    cloud.then = lambda: house.subscribed(ana, "ending", ends_at="2025-11-20T12:00:00.000Z")
    assert browser.get(path, 204).headers["HX-Redirect"] == PAGE


def test_with_the_cloud_away_the_page_stays_as_it_is(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers()
    browser = house.browser(ana)
    path = state_of(browser.post(START, 200).get_data(as_text=True))
    cloud.why = "away"
    assert "HX-Redirect" not in browser.get(path, 204).headers
    html = browser.post(START, 503).get_data(as_text=True)
    assert "The internet is away. Nothing was done." in html
    assert "$29.00 a month" in html
    house.subscribed(ana)
    assert "The internet is away" in browser.post(PORTAL, 503).get_data(as_text=True)
    assert "Active" in browser.html(PAGE)


def test_who_is_subscribed_is_not_sold_another(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers()
    browser = house.browser(ana)
    cloud.why = "subscribed"  # it is through, and this box has not heard of it
    assert browser.post(START).location == PAGE
    assert ("hear",) in cloud.asked
    house.subscribed(ana)
    cloud.asked.clear()
    assert browser.post(START).location == PAGE
    assert browser.post(MEMBER, code="ABCD-2345").location == PAGE
    assert browser.get(MEMBER, 303).location == PAGE
    assert cloud.asked == []


@pytest.mark.parametrize(
    ("status", "more", "told"),
    [
        ("active", {}, "Active"),
        ("trialing", {"trial_ends_at": "2025-11-20T12:00:00.000Z"}, "On trial until Nov 20"),
        ("trialing", {"trial_ends_at": "2026-01-02T12:00:00.000Z"}, "On trial until Jan 2, 2026"),
        ("past_due", {}, "The last payment failed"),
        ("unpaid", {}, "Not paid"),
        ("incomplete", {}, "Not paid yet"),
        ("paused", {}, "Paused"),
        ("ending", {"ends_at": "2025-11-20T12:00:00.000Z"}, "Ends on Nov 20"),
        ("of a later cloud", {}, "One moment"),
    ],
)
def test_how_it_stands_is_told_in_words(
    house: TrainingHouse, ana: Player, status: str, more: dict[str, Any], told: str
) -> None:
    house.offers()
    house.subscribed(ana, status, **more)
    html = house.browser(ana).html(PAGE)
    assert f'class="sub-word">{told}</p>' in html
    assert "ABCD-2345" in html
    assert f'action="{PORTAL}"' in html
    assert f'action="{START}"' not in html


def test_one_that_has_ended_can_be_begun_again(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers()
    house.subscribed(ana, "canceled", ends_at="2025-10-20T12:00:00.000Z")
    browser = house.browser(ana)
    page = words(browser.html(PAGE))
    assert "Ended on Oct 20" in page
    assert "Subscribe again" in page
    browser.post(START, 200)
    browser.post(PORTAL, 200)
    assert cloud.asked == [("start", ana.id), ("portal", ana.id)]


def test_the_next_invoice_and_what_comes_off_it(house: TrainingHouse, ana: Player) -> None:
    house.offers()
    house.won(ana, "2025-10", state="applied")
    house.won(ana, "2025-09", kind="free", state="consumed", saved_cents=2900, currency="usd")
    house.subscribed(ana, discount_of="2025-10")
    page = words(house.browser(ana).html(PAGE))
    assert "Next invoice Nov 20" in page
    assert "Half of one month: reward of October 2025" in page
    assert "Half off next month October 2025 Comes off your next invoice" in page
    assert "A free month September 2025 $29.00 saved" in page


def test_who_subscribed_in_another_hall_types_the_member_code(
    house: TrainingHouse, ana: Player, cloud: FakeCloud
) -> None:
    house.offers()
    browser = house.browser(ana)
    assert f'href="{MEMBER}"' in browser.html(PAGE)
    cloud.why = "wrong-code"
    html = browser.post(MEMBER, 400, code="<b>nope").get_data(as_text=True)
    assert "No member has this code" in html
    assert 'value="&lt;b&gt;nope"' in html
    cloud.why = None
    cloud.then = lambda: house.subscribed(ana)
    assert browser.post(MEMBER, code="  ABCD-2345 ").location == f"{PAGE}?begun=1"
    assert ("link", ana.id, "ABCD-2345") in cloud.asked


def test_codes_are_not_tried_without_end(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers()
    cloud.why = "wrong-code"
    browser = house.browser(ana, PHONE)
    answers = [browser.client.get(PAGE, environ_overrides={"REMOTE_ADDR": PHONE}).status_code]
    for _ in range(10):
        browser.post(MEMBER, 400, code="nope")
    browser.post(MEMBER, 429, code="nope")
    assert answers == [200]


def test_a_form_of_a_foreign_page_begins_nothing(house: TrainingHouse, ana: Player, cloud: FakeCloud) -> None:
    house.offers()
    client = house.browser(ana).client
    for path in (START, PORTAL, MEMBER):
        answer = client.post(path, data={"code": "x"}, environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
        assert answer.status_code == 403
    assert cloud.asked == []
