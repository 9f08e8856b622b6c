"""A phone and the table's screen, each in a browser of its own: a code is scanned and both go on by themselves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from page_fit import PHONE, SCREENS, SERIOUS, barriers, misfits, resize, too_wide
from pin_pad import press_pin
from waiting import wait_until

PIN = "4826"
OVERLAP = """() => {
    const code = document.querySelector('.by-phone').getBoundingClientRect();
    return [...document.querySelectorAll('h1, .field, .name-button, .key, .ways .button')].filter(e => {
        const r = e.getBoundingClientRect();
        return r.left < code.right && code.left < r.right && r.top < code.bottom && code.top < r.bottom;
    }).map(e => e.outerHTML.slice(0, 80));
}"""
LEAST_CODE_PX = 150
NO_HTTPS = "Cross-Origin-Opener-Policy"  # Chromium says on plain HTTP that it leaves this header out


@pytest.fixture(scope="module")
def served(served: Any) -> Any:
    """The kiosk, listening to the network."""
    from kiosk.player.phones import network_address

    if network_address() is None:
        pytest.skip("this machine has no address but its own: a phone could not reach it")
    served.stop()
    served.box.paths.settings.write_text('[kiosk]\nhost = "0.0.0.0"\n')
    served.start()
    return served


@pytest.fixture(scope="module", autouse=True)
def players(served: Any) -> dict[str, str]:
    """Ana and Ben, who signed up earlier."""
    from edge.clock import now_stamp
    from edge.hall.consents import give_answer
    from edge.hall.keys import load_keys
    from edge.hall.pins import hash_pin, keep_pin
    from edge.hall.players import sign_up

    hashed = hash_pin(load_keys(served.box.paths.secrets).pins, PIN)
    ids = {}
    with served.box.store.write() as conn:
        for name in ("Ana", "Ben"):
            player = sign_up(conn, name, now_stamp())
            keep_pin(conn, player.id, hashed, datetime.now(UTC))
            give_answer(conn, player.id, "no", now_stamp(), player.id)
            ids[name] = player.id
    return ids


@pytest.fixture
def phone(browser: Any) -> Iterator[Any]:
    """A phone's page that must not complain."""
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, is_mobile=True, has_touch=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert [error for error in errors if NO_HTTPS not in error] == []


def scan(page: Any, path: Path) -> str:
    """The address that a camera in front of the screen reads."""
    import cv2

    read = ""

    def is_read() -> bool:  # it fades in
        nonlocal read
        page.screenshot(path=path)
        picture = cv2.imread(str(path))
        assert picture is not None
        for nearer in (1, 2, 3):  # some codes OpenCV can't read from afar
            sight = cv2.resize(picture, None, fx=nearer, fy=nearer, interpolation=cv2.INTER_NEAREST)
            read = read or str(cv2.QRCodeDetector().detectAndDecode(sight)[0])
        return read != ""

    page.wait_for_selector(".code svg")
    wait_until(is_read, lambda: "no camera could read the code")
    return read


def code_on(page: Any) -> str:
    page.wait_for_selector(".code svg")
    return str(page.get_attribute(".code", "data-code"))


def give_name(phone: Any, address: str, name: str) -> str:
    """Types a name on the phone; returns the number it shows then."""
    phone.goto(address)
    phone.fill("#name", name)
    phone.click("button")
    return str(phone.inner_text(".phone-number"))


def connect_phone(served: Any, phone: Any, player_id: str) -> None:
    """Makes it a phone that was connected earlier."""
    from edge.hall.logins import new_login
    from kiosk.player.phones import network_address

    with served.box.store.write() as conn:
        token = new_login(conn, player_id, "phone", datetime.now(UTC), 0)
    phone.context.add_cookies([{"name": "ladder", "value": token, "url": f"http://{network_address()}"}])


def address_of(served: Any, code: str) -> str:
    from kiosk.player.phones import network_address

    return f"http://{network_address()}:{served.port}/p/{code}"


@pytest.mark.slow
def test_first_a_name_and_a_pin_then_one_tap(page: Any, phone: Any, served: Any, tmp_path: Path) -> None:
    page.goto(f"{served.url}/check-in")
    address = scan(page, tmp_path / "check-in.png")
    assert address == address_of(served, code_on(page))
    number = give_name(phone, address, "ana")
    page.wait_for_url("**/number")
    assert "Hello Ana" in page.inner_text("h1")
    page.click(f"button[value='{number}']")
    press_pin(page, PIN)
    page.wait_for_url("**/start")
    phone.wait_for_url("**/me")  # connected, and the player's own page
    page.evaluate("() => document.getElementById('leave-form').submit()")
    page.wait_for_url(f"{served.url}/")
    address = scan(page, tmp_path / "attract.png")  # the small one will do as well
    phone.goto(address)
    assert phone.inner_text("h1") == "Ana?"
    phone.click("button.primary")
    page.wait_for_url("**/start")
    assert "Ana" in page.inner_text("h1")


@pytest.mark.slow
def test_whoever_types_at_the_screen_is_not_interrupted(
    page: Any, phone: Any, served: Any, players: dict[str, str]
) -> None:
    connect_phone(served, phone, players["Ben"])
    page.goto(f"{served.url}/check-in")
    code = code_on(page)
    page.locator(".keyboard .key").get_by_text("A", exact=True).click()
    phone.goto(address_of(served, code))
    phone.click("button.primary")
    phone.wait_for_selector(".well")
    page.locator(".keyboard .key").get_by_text("N", exact=True).click()
    page.wait_for_timeout(1500)
    assert page.url.endswith("/check-in")
    for _ in range(2):
        page.locator(".keyboard .back").click()
    page.wait_for_url("**/start")


def test_a_code_is_followed_by_another_and_still_good(
    page: Any, phone: Any, served: Any, players: dict[str, str]
) -> None:
    connect_phone(served, phone, players["Ben"])
    page.clock.install()
    page.goto(f"{served.url}/check-in")
    first = code_on(page)
    phone.goto(address_of(served, first))
    for minute in range(5):
        page.mouse.move(minute, 10)  # else the page left alone goes home
        page.clock.run_for(50_000)
    page.wait_for_function("first => document.querySelector('.code').dataset.code !== first", arg=first)
    phone.click("button.primary")
    page.clock.run_for(2_000)
    page.wait_for_url("**/start")


def test_a_page_that_is_left_takes_its_code_with_it(page: Any, phone: Any, served: Any) -> None:
    page.goto(f"{served.url}/check-in")
    address = address_of(served, code_on(page))
    page.goto(f"{served.url}/shots")

    def is_over() -> bool:
        phone.goto(address)
        return "over" in phone.inner_text("h1")

    wait_until(is_over)


def test_a_player_connects_a_phone_from_the_screen(
    page: Any, phone: Any, served: Any, players: dict[str, str]
) -> None:
    page.goto(f"{served.url}/check-in/pin?name=Ana")
    press_pin(page, PIN)
    page.wait_for_url("**/start")
    page.goto(f"{served.url}/phone")
    phone.goto(address_of(served, code_on(page)))
    phone.click("button")
    number = phone.inner_text(".phone-number")
    page.wait_for_url("**/number")
    page.click(f"button[value='{number}']")
    assert page.inner_text("h1") == "Phone connected"
    phone.wait_for_url("**/me")


@pytest.mark.slow
def test_an_opponent_comes_by_phone(page: Any, phone: Any, served: Any, players: dict[str, str]) -> None:
    connect_phone(served, phone, players["Ben"])
    page.goto(f"{served.url}/check-in/pin?name=Ana")
    press_pin(page, PIN)
    page.wait_for_url("**/start")
    page.goto(f"{served.url}/start/opponent?game=9-ball&race=5")
    phone.goto(address_of(served, code_on(page)))
    phone.click("button.primary")
    page.wait_for_selector(".score")
    page.click("button.end")
    page.wait_for_url("**/session/**")


@pytest.mark.slow
def test_a_code_is_large_and_covers_nothing(page: Any, served: Any) -> None:
    for size in SCREENS:
        resize(page, size)
        for path in ("/", "/check-in"):
            page.goto(served.url + path)
            code_on(page)
            if path != "/":
                page.keyboard.type("A")
                page.wait_for_selector(".name-button")
            assert page.locator(".code").bounding_box()["width"] >= LEAST_CODE_PX
            assert page.evaluate(OVERLAP) == []
            assert not too_wide(page)


@pytest.mark.slow
def test_everything_can_be_read_and_tapped(page: Any, phone: Any, served: Any) -> None:
    wrong: dict[str, Any] = {}

    def look(one: Any, what: str) -> None:
        found = [*misfits(one), *barriers(one, SERIOUS)]
        if found:
            wrong[what] = found

    page.goto(f"{served.url}/check-in")
    address = address_of(served, code_on(page))
    look(page, "check in")
    phone.goto(address)
    look(phone, "name")
    give_name(phone, address, "Ana")
    look(phone, "wait")
    page.wait_for_url("**/number")
    look(page, "number")
    page.click("button[value=none]")
    phone.wait_for_selector("text=over")
    look(phone, "over")
    assert wrong == {}, json.dumps(wrong, indent=1)
