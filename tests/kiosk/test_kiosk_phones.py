"""Checking in by phone: one code, one use, one phone; no PIN and no name given away on the hall's network."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient
from small_kiosk import HERE, HOSTILE, OTHER_PHONE, PHONE
from werkzeug.test import TestResponse

from edge.clock import stamp
from edge.hall import logins, pins
from edge.hall.consents import give_answer
from edge.hall.keys import load_keys
from edge.hall.players import new_guest, sign_up
from edge.hall.sitting import at_table
from edge.settings import Kiosk, Settings
from kiosk import limits
from kiosk.app import create_app
from kiosk.box import EXTENSION
from kiosk.player import codes, phones
from kiosk.security import FORM_COOKIE, LOGIN_COOKIE, csrf_token

PIN = "4826"
ADDRESS = "192.168.1.5"
NAMES = ("Ana", "Ben", "Cleo")


@dataclass
class Hall:
    """A kiosk that phones can reach, its players, and its clock."""

    app: Flask
    box: FakeBox
    ids: dict[str, str] = field(default_factory=dict)
    later: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def screen(self) -> "Device":
        return Device(self, self.app.test_client(), HERE, "localhost")

    def phone(self, address: str = PHONE, of: str = "") -> "Device":
        """A phone, connected to that player."""
        phone = Device(self, self.app.test_client(), address, ADDRESS)
        if of:
            with self.box.store.write() as conn:
                token = logins.new_login(conn, self.ids[of], "phone", self.now(), 0)
            phone.client.set_cookie(LOGIN_COOKIE, token, domain=ADDRESS)
        return phone

    def stage(self, code: str) -> str:
        with self.box.store.read() as conn:
            return phones.find_code(conn, code, self.now()).found.stage


@dataclass
class Device:
    """A browser at an address of the network, with the cookies of the host it asks."""

    hall: Hall
    client: FlaskClient
    address: str
    host: str

    def send(self, method: str, path: str, data: Any = None, server: str = "0.0.0.0") -> TestResponse:
        return self.client.open(
            path,
            method=method,
            data=data,
            base_url=f"http://{self.host}:8080",
            environ_overrides={"REMOTE_ADDR": self.address, "SERVER_NAME": server},
        )

    def get(self, path: str) -> str:
        answer = self.send("GET", path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, path: str, **data: Any) -> TestResponse:
        self.client.set_cookie(FORM_COOKIE, "f" * 22, domain=self.host)
        cookies = f"{FORM_COOKIE}={'f' * 22}; {LOGIN_COOKIE}={self.login()}"
        with self.hall.app.test_request_context(headers={"Cookie": cookies}):
            token = csrf_token()
        return self.send("POST", path, {"csrf": token, **data})

    def login(self) -> str:
        cookie = self.client.get_cookie(LOGIN_COOKIE, domain=self.host)
        return "" if cookie is None else cookie.value

    def player_id(self) -> str | None:
        """Who is logged in here."""
        with self.hall.box.store.read() as conn:
            return logins.who_is(conn, self.login(), self.hall.now())

    def code(self, **wanted: Any) -> tuple[str, str]:
        """A new code on this screen, and its stub."""
        answer = self.post("/code", **wanted)
        assert answer.status_code == 200
        found = re.search(r'data-code="([^"]+)" data-stub="([^"]+)"', answer.get_data(as_text=True))
        assert found is not None
        return found[1], found[2]

    def stage(self, code: str) -> str:
        """What this phone hears that waits."""
        answer = self.send("GET", f"/p/{code}/state").json
        assert answer is not None
        return str(answer["stage"])

    def number(self, code: str) -> str:
        """The number that this phone shows."""
        found = re.search(r'class="phone-number">(\d\d)<', self.get(f"/p/{code}"))
        assert found is not None
        return found[1]


@pytest.fixture
def hall(fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    settings = Settings(kiosk=Kiosk(host="0.0.0.0", address=ADDRESS))
    hall = Hall(create_app(fake_box.paths, settings), fake_box)
    for module in (phones, codes):
        monkeypatch.setattr(module, "now", hall.now)
    hashed = pins.hash_pin(load_keys(fake_box.paths.secrets).pins, PIN)
    with fake_box.store.write() as conn:
        for name in NAMES:
            player = sign_up(conn, name, stamp(hall.now()))
            pins.keep_pin(conn, player.id, hashed, hall.now())
            if name != "Cleo":
                give_answer(conn, player.id, "no", stamp(hall.now()), player.id)
            hall.ids[name] = player.id
    yield hall
    box = hall.app.extensions[EXTENSION]
    box.hub.close()
    box.hub.join()
    box.records.close()


def log_in_here(hall: Hall, name: str) -> Device:
    """The screen after that player's PIN."""
    screen = hall.screen()
    assert screen.post("/check-in/pin", name=name, pin=PIN).status_code == 303
    assert screen.player_id() == hall.ids[name]
    return screen


def connect_by_name(hall: Hall, name: str) -> tuple[Device, Device, str]:
    """A phone and the screen up to the PIN: the code is opened, the number is tapped."""
    screen, phone = hall.screen(), hall.phone()
    code = screen.code()[0]
    assert phone.post(f"/p/{code}/name", name=name).status_code == 303
    answer = screen.post(f"/code/{code}/number", number=phone.number(code))
    assert answer.status_code == 303
    assert answer.location.startswith(f"/code/{code}/pin?number=")
    return screen, phone, answer.location


# The address.


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


# A phone that is connected.


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


# A phone that nobody knows yet.


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


# Other phones.


def test_what_one_phone_opened_no_other_takes(hall: Hall) -> None:
    screen, first = hall.screen(), hall.phone()
    code = screen.code()[0]
    first.post(f"/p/{code}/name", name="Ana")
    number = first.number(code)
    others = [hall.phone(OTHER_PHONE), hall.phone(OTHER_PHONE, of="Ben"), hall.phone(OTHER_PHONE, of="Ana")]
    for other in others:
        assert "Another phone was first" in other.get(f"/p/{code}")
        other.post(f"/p/{code}/name", name="Ana")
        other.post(f"/p/{code}/in")
        other.post(f"/p/{code}/connect")
        assert "phone-number" not in other.get(f"/p/{code}")
        assert other.stage(code) == "gone"
    assert hall.stage(code) == "opened"
    screen.post(f"/code/{code}/pin?number={number}", pin=PIN)
    before = [other.login() for other in others]
    for other in others:
        other.post(f"/p/{code}/pair")
    assert [other.login() for other in others] == before
    first.post(f"/p/{code}/pair")
    assert first.player_id() == hall.ids["Ana"]


def test_the_stub_of_another_code_connects_nothing(hall: Hall) -> None:
    screen, _, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    screen.post(pin_page, pin=PIN)
    thief, own = hall.phone(OTHER_PHONE), screen.code()[0]
    thief.post(f"/p/{own}/name", name="Ben")
    thief.post(f"/p/{code}/pair")
    assert thief.player_id() is None
    for stub in (code, own, "x", *(text for text in HOSTILE if text.isascii() and len(text) < 100)):
        thief.client.set_cookie(phones.STUB_COOKIE, stub, domain=ADDRESS, path="/p/")
        thief.post(f"/p/{code}/pair")
        assert thief.player_id() is None


def test_a_phone_is_connected_once_by_one_code(hall: Hall) -> None:
    screen, phone, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    screen.post(pin_page, pin=PIN)
    copied = phone.client.get_cookie(phones.STUB_COOKIE, domain=ADDRESS, path="/p/")
    assert copied is not None
    phone.post(f"/p/{code}/pair")
    late = hall.phone(OTHER_PHONE)
    late.client.set_cookie(phones.STUB_COOKIE, copied.value, domain=ADDRESS, path="/p/")
    late.post(f"/p/{code}/pair")
    assert late.player_id() is None
    assert "password" not in late.get(f"/p/{code}")


def test_showing_a_link_beforehand_uses_nothing_up(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code = screen.code()[0]
    for path in (f"/p/{code}", f"/p/{code}?other=1", f"/p/{code}/state"):
        for device in (phone, hall.phone(OTHER_PHONE)):
            device.send("GET", path)
            device.send("HEAD", path)
        for method in ("in", "name", "connect", "pair"):
            assert phone.send("GET", f"/p/{code}/{method}").status_code == 405
    assert hall.stage(code) == "waiting"


def test_nothing_happens_without_the_forms_token(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code = screen.code()[0]
    for step in ("in", "name", "connect", "pair"):
        assert phone.send("POST", f"/p/{code}/{step}", {"name": "Ana"}).status_code == 403
    assert hall.stage(code) == "waiting"


# The end of a code.


def test_a_code_lives_for_minutes(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, stub = screen.code()
    hall.later = timedelta(seconds=phones.LIFE_S - 5)
    assert "Ana?" in phone.get(f"/p/{code}")
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    assert "This code is over" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    hall.phone().post(f"/p/{code}/name", name="Ana")
    assert screen.send("GET", f"/code/state?code={code}").json == {"stage": "gone"}
    screen.post("/code/in", code=code, stub=stub)
    assert screen.player_id() is None


def test_who_waits_too_long_waits_in_vain(hall: Hall) -> None:
    screen, phone, pin_page = connect_by_name(hall, "Ana")
    code = pin_page.split("/")[2]
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    assert phone.stage(code) == "gone"
    assert "This code is over" in phone.get(f"/p/{code}")
    assert "That code is over" in screen.get(pin_page)
    assert "That code is over" in screen.post(pin_page, pin=PIN).get_data(as_text=True)
    hall.later = timedelta()
    screen.post(pin_page, pin=PIN)
    assert phone.stage(code) == "ready"
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() is None


def test_what_was_used_at_the_phone_but_not_at_the_screen_ends_too(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, stub = screen.code()
    phone.post(f"/p/{code}/in")
    hall.later = timedelta(seconds=phones.LIFE_S + 1)
    assert "That code is over" in screen.post("/code/in", code=code, stub=stub).get_data(as_text=True)
    assert screen.player_id() is None


def test_a_page_that_is_left_takes_its_codes_with_it(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code, stub = screen.code()
    assert screen.post("/code/drop", token=[code, stub]).status_code == 204
    assert "This code is over" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    with hall.box.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM one_time_tokens").fetchone()[0] == 0


def test_trying_on_and_on_is_refused(hall: Hall) -> None:
    phone, screen = hall.phone(), hall.screen()
    codes_there = [phone.post("/p/x/name", name="Ana").status_code for _ in range(limits.RULES["token"].each + 1)]
    assert set(codes_there[:-1]) == {303}
    assert codes_there[-1] == 429
    assert hall.phone(OTHER_PHONE).post("/p/x/name", name="Ana").status_code == 303
    assert screen.post("/code").status_code == 200


def test_whatever_is_sent_is_no_error(hall: Hall) -> None:
    screen = hall.screen()
    code = screen.code()[0]
    for number, text in enumerate(HOSTILE):
        phone = hall.phone(f"192.168.2.{number}")
        assert phone.post(f"/p/{code}/name", name="").location == f"/p/{code}"
        assert hall.stage(code) == "waiting"
        assert phone.post("/p/%00/name", name=text).status_code == 303
        assert phone.send("GET", f"/code/state?code={code}").status_code == 403
        assert screen.send("GET", "/code/state", {"code": text}).status_code == 200
        assert screen.post("/code/in", code=text, stub=text).status_code == 200
        assert screen.post("/code/drop", token=text).status_code == 204
        assert screen.post("/code", kind="opponent", game=text, race=text).status_code == 400


def test_the_screen_is_no_phone_and_a_phone_no_screen(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ana")
    code = screen.code()[0]
    assert screen.send("GET", f"/p/{code}").location == "/"
    for step in ("in", "name", "connect", "pair"):
        screen.post(f"/p/{code}/{step}", name="Ana")
    assert (hall.stage(code), screen.player_id()) == ("waiting", None)
    for path in ("/code", "/code/in", "/code/drop", f"/code/{code}/number", f"/code/{code}/pin"):
        assert phone.post(path).status_code == 403
    for path in ("/phone", "/code/state", f"/code/{code}/number", f"/code/{code}/pin"):
        assert phone.send("GET", path).status_code == 403


# From a player's page at the screen.


def test_a_player_at_the_screen_connects_a_phone(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    assert 'value="phone"' in screen.get("/phone")
    code = screen.code(kind="phone")[0]
    assert "Ana&#39;s phone?" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/connect")
    number = phone.number(code)
    assert "Hello Ana" in screen.get(f"/code/{code}/number")
    assert "Phone connected" in screen.post(f"/code/{code}/number", number=number).get_data(as_text=True)
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() == hall.ids["Ana"]
    assert screen.player_id() == hall.ids["Ana"]


def test_a_code_to_connect_checks_nobody_in_and_asks_for_no_pin(hall: Hall) -> None:
    screen, phone, ben = log_in_here(hall, "Ana"), hall.phone(), hall.phone(OTHER_PHONE, of="Ben")
    code, stub = screen.code(kind="phone")
    ben.post(f"/p/{code}/in")
    ben.post(f"/p/{code}/name", name="Ben")
    assert hall.stage(code) == "waiting"
    phone.post(f"/p/{code}/connect")
    number = phone.number(code)
    assert "over" in screen.get(f"/code/{code}/pin?number={number}")
    assert "over" in screen.post("/code/in", code=code, stub=stub).get_data(as_text=True)
    other = log_in_here(hall, "Ben")
    assert other.post(f"/code/{code}/number", number=number).status_code == 403
    assert hall.screen().post(f"/code/{code}/number", number=number).status_code == 403
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() is None


def test_a_wrong_number_connects_no_phone(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    code = screen.code(kind="phone")[0]
    phone.post(f"/p/{code}/connect")
    assert "another phone" in screen.post(f"/code/{code}/number", number="99").get_data(as_text=True)
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() is None


def test_logging_out_everywhere_ends_a_code_to_connect(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    code = screen.code(kind="phone")[0]
    with hall.box.store.write() as conn:
        logins.log_out_everywhere(conn, hall.ids["Ana"])
    phone.post(f"/p/{code}/connect")
    assert "This code is over" in phone.get(f"/p/{code}")


def test_a_guest_connects_no_phone(hall: Hall) -> None:
    screen = hall.screen()
    assert screen.send("GET", "/phone").location == "/check-in?next=/phone"
    assert screen.post("/code", kind="phone").status_code == 400
    screen.post("/guest")
    assert screen.send("GET", "/phone").status_code == 403
    assert screen.post("/code", kind="phone").status_code == 400


def test_a_guests_phone_is_nobodys(hall: Hall) -> None:
    with hall.box.store.write() as conn:
        hall.ids["guest"] = new_guest(conn, stamp(hall.now())).id
    phone = hall.phone(of="guest")
    code = hall.screen().code()[0]
    phone.post(f"/p/{code}/in")
    assert hall.stage(code) == "waiting"
    assert 'name="name"' in phone.get(f"/p/{code}")


def test_a_phone_changes_hands(hall: Hall) -> None:
    screen, phone = hall.screen(), hall.phone(of="Ben")
    code = screen.code()[0]
    assert f"/p/{code}?other=1" in phone.get(f"/p/{code}")
    assert 'name="name"' in phone.get(f"/p/{code}?other=1")
    phone.post(f"/p/{code}/name", name="Ana")
    screen.post(f"/code/{code}/pin?number={phone.number(code)}", pin=PIN)
    before = phone.login()
    phone.post(f"/p/{code}/pair")
    assert phone.player_id() == hall.ids["Ana"]
    with hall.box.store.read() as conn:
        assert logins.who_is(conn, before, hall.now()) is None


# The opponent.


def match_of(hall: Hall) -> tuple[str, ...]:
    with hall.box.store.read() as conn:
        sitting = at_table(conn)
    return (
        () if sitting.match is None else (sitting.match.game, str(sitting.match.race_to), *sitting.match.players)
    )


def test_an_opponent_checks_in_by_phone(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone(of="Ben")
    assert 'value="opponent"' in screen.get("/start/opponent?game=9-ball&race=5")
    code, stub = screen.code(kind="opponent", game="9-ball", race=5)
    assert "Ana waits for you: 9-ball, race to 5" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    assert screen.post("/code/in", code=code, stub=stub).location == "/"
    assert match_of(hall) == ("9-ball", "5", hall.ids["Ana"], hall.ids["Ben"])
    assert screen.player_id() == hall.ids["Ana"]
    assert phone.player_id() == hall.ids["Ben"]


def test_an_opponent_gives_a_name_and_types_the_pin_at_the_screen(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone()
    code = screen.code(kind="opponent", game="straight pool", race=50)[0]
    assert "Ana waits for you: Straight pool, to 50" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/name", name="Ben")
    pin_page = screen.post(f"/code/{code}/number", number=phone.number(code)).location
    assert "Hello Ben" in screen.get(pin_page)
    assert "did not fit" in screen.post(pin_page, pin="0000").get_data(as_text=True)
    assert match_of(hall) == ()
    assert screen.post(pin_page, pin=PIN).location == "/"
    assert match_of(hall) == ("straight pool", "50", hall.ids["Ana"], hall.ids["Ben"])
    phone.post(f"/p/{code}/pair")
    assert (screen.player_id(), phone.player_id()) == (hall.ids["Ana"], hall.ids["Ben"])


def test_nobody_plays_against_themselves(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone(of="Ana")
    code = screen.code(kind="opponent", game="9-ball", race=5)[0]
    assert "That is you" in phone.get(f"/p/{code}")
    phone.post(f"/p/{code}/in")
    assert hall.stage(code) == "waiting"
    other = hall.phone(OTHER_PHONE)
    other.post(f"/p/{code}/name", name="Ana")
    answer = screen.post(f"/code/{code}/pin?number={other.number(code)}", pin=PIN)
    assert "That is you" in answer.get_data(as_text=True)
    assert match_of(hall) == ()


def test_no_match_starts_for_somebody_who_has_left(hall: Hall) -> None:
    screen, phone = log_in_here(hall, "Ana"), hall.phone(of="Ben")
    code, stub = screen.code(kind="opponent", game="9-ball", race=5)
    phone.post(f"/p/{code}/in")
    screen.post("/leave")
    assert "That code is over" in screen.post("/code/in", code=code, stub=stub).get_data(as_text=True)
    assert screen.post("/code", kind="opponent", game="9-ball", race=5).status_code == 400
    assert match_of(hall) == ()
