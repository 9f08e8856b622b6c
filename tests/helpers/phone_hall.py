"""A hall that phones can reach: its screen, phones with their cookies, and a clock that the test sets."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient
from hall_visitor import close_app
from small_kiosk import HERE, PHONE
from werkzeug.test import TestResponse

from edge.clock import stamp
from edge.hall import logins, pins
from edge.hall.consents import give_answer
from edge.hall.keys import load_keys
from edge.hall.players import sign_up
from edge.settings import Kiosk, Settings
from kiosk.app import create_app
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


@contextmanager
def open_hall(fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    """Ana and Ben, who were asked about clips, and Cleo, who was not."""
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
    close_app(hall.app)


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
