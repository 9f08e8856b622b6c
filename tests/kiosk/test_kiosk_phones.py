"""Checking in by phone: one tap on one that is connected, a name and the PIN at the screen for any other."""

import re
import threading
from dataclasses import replace

import pytest
from phone_hall import ADDRESS, NAMES, PIN, Device, Hall, connect_by_name
from small_kiosk import HERE, OTHER_PHONE, PHONE

from edge.settings import Kiosk, Settings
from kiosk.box import EXTENSION
from kiosk.player import phones
from kiosk.security import LOGIN_COOKIE


@pytest.mark.parametrize(
    ("listens", "known_as", "expected"),
    [
        (("0.0.0.0", "8080"), ("", "192.168.1.5"), "http://192.168.1.5:8080"),
        (("::", "8080"), ("", "192.168.1.5"), "http://192.168.1.5:8080"),
        (("0.0.0.0", "80"), ("", "192.168.1.5"), "http://192.168.1.5"),
        (("0.0.0.0", "8080"), ("", None), None),
        (("0.0.0.0", "8080"), ("table1.local", None), "http://table1.local:8080"),
        (("0.0.0.0", "8080"), ("fd00::5", None), "http://[fd00::5]:8080"),
        (("192.168.1.7", "9000"), ("", None), "http://192.168.1.7:9000"),
        (("127.0.0.1", "8080"), ("192.168.1.5", "192.168.1.5"), None),
        (("::1", "8080"), ("192.168.1.5", "192.168.1.5"), None),
        (("localhost", "8080"), ("", "192.168.1.5"), None),
    ],
)
def test_the_code_leads_where_phones_find_this_kiosk(
    hall: Hall,
    monkeypatch: pytest.MonkeyPatch,
    listens: tuple[str, str],
    known_as: tuple[str, str | None],
    expected: str | None,
) -> None:
    """By the address in the settings, else by that in the network, at the port where the server listens."""
    app, (address, network) = hall.app, known_as
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], settings=Settings(kiosk=Kiosk(address=address)))
    monkeypatch.setattr(phones, "network_address", lambda: network)
    environ = {"SERVER_NAME": listens[0], "SERVER_PORT": listens[1]}
    with app.test_request_context(environ_overrides={"REMOTE_ADDR": HERE, **environ}):
        assert phones.check_in_address() == expected
    with app.test_request_context(environ_overrides={"REMOTE_ADDR": PHONE, **environ}):
        assert phones.check_in_address() is None


def test_without_a_network_there_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "_PROBE", ("255.255.255.255", 9))  # may not be connected to
    assert phones.network_address() is None


def test_the_screen_shows_a_code_and_a_phone_none(hall: Hall) -> None:
    for path in ("/", "/check-in"):
        assert 'id="by-phone"' in hall.screen().get(path)
    assert 'id="by-phone"' not in hall.phone().get("/")
    assert 'id="by-phone"' not in hall.screen().send("GET", "/check-in", server="127.0.0.1").get_data(as_text=True)
    assert hall.screen().send("POST", "/code", server="127.0.0.1").status_code == 403  # no token
    html = hall.screen().post("/code").get_data(as_text=True)
    assert '<svg viewBox="0 0 41 41" class="qr-code">' in html
    assert "style" not in html


def test_every_page_has_a_code_of_its_own(hall: Hall) -> None:
    screen = hall.screen()
    assert len({token for _ in range(5) for token in screen.code()}) == 10


def test_one_tap_on_a_connected_phone_checks_in_at_the_screen(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, stub = screen.code()
    assert "Ana?" in phone.get(f"/p/{code}")
    assert screen.send("GET", f"/code/state?code={code}").json == {"stage": "waiting"}
    assert phone.post(f"/p/{code}/in").status_code == 303
    assert screen.send("GET", f"/code/state?code={code}").json == {"stage": "done", "code": code}
    answer = screen.post("/code/in", code=code, stub=stub)
    assert (answer.status_code, answer.location) == (303, "/start")
    assert screen.player_id() == hall.ids["Ana"]
    assert "You are in" in phone.get(f"/p/{code}")


def test_it_goes_on_as_after_a_pin(hall: Hall) -> None:
    """To consent, for whom it was never asked; and to where it was asked for."""
    screen, phone = hall.screen(), hall.phone(of="Cleo")
    code, stub = screen.code(next="/start/match")
    phone.post(f"/p/{code}/in")
    answer = screen.post("/code/in", code=code, stub=stub, next="/start/match")
    assert answer.location == "/consent?next=/start/match"


def test_the_one_before_counts_while_the_next_is_shown(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    before, after = screen.code()[0], screen.code()[0]
    phone.post(f"/p/{before}/in")
    answer = screen.send("GET", f"/code/state?code={after}&code={before}")
    assert answer.json == {"stage": "done", "code": before}


def test_each_check_in_ends_the_phones_login_before_it(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    copy = hall.phone(OTHER_PHONE)
    copy.client.set_cookie(LOGIN_COOKIE, phone.login(), domain=ADDRESS)
    phone.post(f"/p/{screen.code()[0]}/in")
    assert phone.player_id() == hall.ids["Ana"]
    assert copy.player_id() is None


def test_a_code_is_used_once(hall: Hall) -> None:
    screen, ana, ben = hall.screen(), hall.phone(of="Ana"), hall.phone(OTHER_PHONE, of="Ben")
    code, stub = screen.code()
    ana.post(f"/p/{code}/in")
    for again in (ben, ana):
        again.post(f"/p/{code}/in")
        again.post(f"/p/{code}/name", name="Ben")
    assert "This code is over" in ben.get(f"/p/{code}")
    screen.post("/code/in", code=code, stub=stub)
    assert screen.player_id() == hall.ids["Ana"]
    other = hall.screen()
    assert "That code is over" in other.post("/code/in", code=code, stub=stub).get_data(as_text=True)
    assert other.player_id() is None


def test_only_the_page_that_showed_a_code_checks_in_by_it(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, other = screen.code()[0], screen.code()
    phone.post(f"/p/{code}/in")
    for stub in (other[1], other[0], code, "", "x"):
        screen.post("/code/in", code=code, stub=stub)
    screen.post("/code/in", code=other[0], stub=other[1])
    assert screen.player_id() is None


def test_of_many_phones_at_once_one_is_first(hall: Hall) -> None:
    screen = hall.screen()
    people = [hall.phone(f"192.168.1.{30 + i}", of=NAMES[i % 3]) for i in range(6)]
    people += [hall.phone(f"192.168.1.{40 + i}") for i in range(6)]
    for _ in range(3):
        code = screen.code()[0]
        barrier = threading.Barrier(len(people))

        def go(phone: Device, code: str = code, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            if phone.login():
                phone.post(f"/p/{code}/in")
            else:
                phone.post(f"/p/{code}/name", name="Ana")

        threads = [threading.Thread(target=go, args=[phone]) for phone in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        waiting = [phone for phone in people if phone.stage(code) == "waiting"]
        assert (hall.stage(code), len(waiting)) in {("done", 0), ("opened", 1)}


def test_a_name_on_the_phone_and_the_pin_at_the_screen_connect_it(hall: Hall) -> None:
    screen, phone, pin_page = connect_by_name(hall, "  ana ")
    assert "Hello Ana" in screen.get(pin_page)
    code = pin_page.split("/")[2]
    assert phone.stage(code) == "waiting"
    answer = screen.post(pin_page, pin=PIN)
    assert (answer.status_code, answer.location) == (303, "/start")
    assert screen.player_id() == hall.ids["Ana"]
    assert phone.stage(code) == "ready"
    assert phone.player_id() is None
    assert phone.post(f"/p/{code}/pair").status_code == 303
    assert phone.player_id() == hall.ids["Ana"]
    cookie = phone.client.get_cookie(LOGIN_COOKIE, domain=ADDRESS)
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    second = screen.code()
    assert "Ana?" in phone.get(f"/p/{second[0]}")


def test_the_screen_is_told_and_shows_the_phones_number_among_others(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone()
    code = screen.code()[0]
    phone.post(f"/p/{code}/name", name="Ana")
    go = f"/code/{code}/number"
    assert screen.send("GET", f"/code/state?code={code}").json == {"stage": "opened", "code": code, "go": go}
    shown = re.findall(r'name="number" value="(\d\d)"', screen.get(go))
    assert phone.number(code) in shown
    assert len(set(shown)) == 3
    assert shown == sorted(shown)  # their order tells nothing


def test_a_wrong_pin_leaves_the_phone_waiting(hall: Hall) -> None:
    screen, phone, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    for wrong in ("0000", "12", "", "x" * 50):
        assert "did not fit" in screen.post(pin_page, pin=wrong).get_data(as_text=True)
        assert phone.stage(code) == "waiting"
    assert screen.player_id() is None
    assert phone.post(f"/p/{code}/pair").status_code == 303
    assert phone.player_id() is None
    screen.post(pin_page, pin=PIN)
    assert screen.player_id() == hall.ids["Ana"]


def test_wrong_pins_lock_as_ever(hall: Hall) -> None:
    screen, _, pin_page = connect_by_name(hall, "Ana")
    for _ in range(4):
        screen.post(pin_page, pin="0000")
    assert "Wait 30 seconds" in screen.post(pin_page, pin=PIN).get_data(as_text=True)
    assert screen.player_id() is None


@pytest.mark.parametrize("chosen", ["wrong", "none", "", "1000"])
def test_without_the_right_number_no_pin_is_asked(hall: Hall, chosen: str) -> None:
    screen, phone = hall.screen(), hall.phone()
    code = screen.code()[0]
    phone.post(f"/p/{code}/name", name="Ana")
    number = phone.number(code)
    wrong = next(n for n in re.findall(r'value="(\d\d)"', screen.get(f"/code/{code}/number")) if n != number)
    for path in (f"/code/{code}/pin", f"/code/{code}/pin?number={wrong}"):
        assert "That code is over" in screen.get(path)
        screen.post(path, pin=PIN)
        assert screen.player_id() is None
    answer = screen.post(f"/code/{code}/number", number=wrong if chosen == "wrong" else chosen)
    assert "another phone" in answer.get_data(as_text=True) or answer.location == "/check-in"
    assert phone.stage(code) == "gone"
    assert "This code is over" in phone.get(f"/p/{code}")
    screen.post(f"/code/{code}/pin?number={number}", pin=PIN)
    assert screen.player_id() is None


def test_the_phone_learns_nothing_of_who_plays_here(hall: Hall) -> None:
    screen = hall.screen()
    told = []
    for name in ("Ana", "Nobody", "Guest", "<b>", "ana' --", "\0", "é" * 60):
        phone, code = hall.phone(), screen.code()[0]
        said = []
        for _ in range(2):
            answer = phone.post(f"/p/{code}/name", name=name)
            said.append((answer.status_code, answer.get_data(as_text=True), answer.headers.get("Location", "")))
            said.append((200, phone.get(f"/p/{code}"), phone.stage(code)))
        # The screen asks the known for a number and says of others that it does not know them: still no word.
        page = screen.get(f"/code/{code}/number")
        assert ("Hello Ana" in page) == (name == "Ana")
        assert ("not known here" in page) == (name != "Ana")
        assert name == "Ana" or name not in page  # nothing that was typed on a phone is shown
        said.append((200, phone.get(f"/p/{code}"), phone.stage(code)))
        its_own = rf'{code}|name="csrf" value="[^"]+"|phone-number">\d\d<'
        told.append(re.sub(its_own, "", str(said)))
    assert len(set(told)) == 1


def test_a_name_that_is_not_known_leads_to_signing_up(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone()
    code = screen.code()[0]
    phone.post(f"/p/{code}/name", name="Newcomer")
    assert 'href="/sign-up"' in screen.get(f"/code/{code}/number")
    screen.post(f"/code/{code}/pin?number={phone.number(code)}", pin=PIN)
    assert screen.player_id() is None
    assert screen.post(f"/code/{code}/number", number="none").location == "/check-in"
    assert phone.stage(code) == "gone"


def test_no_page_on_a_phone_asks_for_a_pin(hall: Hall) -> None:
    screen, phone, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    fresh = screen.code()[0]
    pages = [phone.get(f"/p/{one}") for one in (code, fresh, "x")] + [hall.phone(of="Ana").get(f"/p/{fresh}")]
    for page in pages:
        assert "password" not in page
        assert not re.search(r'<input[^>]*name="pin"', page)
    assert phone.send("GET", "/check-in").status_code == 403
    assert phone.send("GET", pin_page).status_code == 403
    assert phone.post(pin_page, pin=PIN).status_code == 403
