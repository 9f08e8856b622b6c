"""A hall for the tests of players' own pages: an evening told shot by shot, and browsers of those who were there.

Of a form's token any page's will do: it is bound to the browser and its login.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evening import ZONE, Evening
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from edge.clock import stamp
from edge.hall import logins, pins
from edge.hall.keys import load_keys
from edge.hall.players import Player, Role, find_player, sign_up
from edge.settings import Hall, Settings
from kiosk.app import create_app
from kiosk.box import EXTENSION, Box
from kiosk.security import LOGIN_COOKIE

SCREEN, PHONE = "127.0.0.1", "192.168.1.20"
PIN = "4826"
CHICAGO = Settings(hall=Hall(timezone=str(ZONE)))
RACK = tuple(str(n) for n in range(1, 10))
_FIELD = re.compile(r'name="csrf" value="([^"]+)"')


def close_app(app: Flask) -> None:
    """Ends what a kiosk's application has running beside its requests."""
    box: Box = app.extensions[EXTENSION]
    box.hub.close()
    box.hub.join()
    box.records.close()


class House:
    """A kiosk in Chicago with an evening's store; the evening is today's."""

    def __init__(self, folder: Path, settings: Settings = CHICAGO) -> None:
        self.box = FakeBox(folder)
        self.evening = Evening(self.box.paths.data)
        self.evening.now = datetime.now(UTC) - timedelta(hours=1)
        self.app: Flask = create_app(self.box.paths, settings)

    def close(self) -> None:
        close_app(self.app)
        self.evening.close()
        self.box.close()

    def browser(self, player: Player | None = None, address: str = SCREEN) -> "Browser":
        """A browser in which that player is logged in."""
        client = self.app.test_client()
        if player is not None:
            device: logins.Device = "screen" if address == SCREEN else "phone"
            with self.evening.store.write() as conn:
                token = logins.new_login(conn, player.id, device, datetime.now(UTC), 600.0)
            client.set_cookie(LOGIN_COOKIE, token)
        return Browser(client, address)

    def counter(self, *roles: Role) -> "Browser":
        """Stan's browser at the counter, or that of somebody with these roles: let in at the screen by PIN."""
        with self.evening.store.write() as conn:
            stan = find_player(conn, "Stan") or sign_up(
                conn, "Stan", stamp(self.evening.now), frozenset({"player", *(roles or ("staff",))})
            )
            token = logins.new_login(conn, stan.id, "screen", datetime.now(UTC), 600.0, by_pin=True)
        client = self.app.test_client()
        client.set_cookie(LOGIN_COOKIE, token)
        return Browser(client, SCREEN)

    def set_pin(self, player: Player, pin: str = PIN) -> None:
        hashed = pins.hash_pin(load_keys(self.box.paths.secrets).pins, pin)
        with self.evening.store.write() as conn:
            pins.keep_pin(conn, player.id, hashed, datetime.now(UTC))

    def play_a_match(self, loser: Player, winner: Player) -> None:
        """Nine-ball to one: the first breaks, pots two and misses, the other runs out."""
        self.evening.match(loser, winner, race_to=1)
        self.run_out()
        self.evening.leave()

    def run_out(self) -> None:
        """Of the match that has begun: one rack, in which who breaks pots two and misses."""
        evening = self.evening
        evening.shoot("1", kind="break", on_table=RACK, book=False)
        evening.shoot("2", first="2", on_table=RACK[1:], book=False)
        evening.shoot(first="3", on_table=RACK[2:], book=False)
        for i, ball in enumerate(RACK[2:], start=2):
            evening.shoot(ball, first=ball, on_table=RACK[i:], book=False)
        evening.books.book()

    def practise(self, player: Player, makes: int = 2, misses: int = 1) -> str:
        """A practice; returns the session's id."""
        session = self.evening.practise(player)
        for number in range(makes + misses):
            self.evening.shoot(*(["1"] if number < makes else []), book=False)
        self.evening.books.book()
        self.evening.leave()
        return session.id


class Browser:
    """A client at an address that posts forms with the token of a page it opened."""

    def __init__(self, client: FlaskClient, address: str) -> None:
        self.client = client
        self.address = address

    def get(self, path: str, status: int = 200, **more: Any) -> TestResponse:
        answer = self.client.get(path, environ_overrides={"REMOTE_ADDR": self.address}, **more)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[-400:])
        return answer

    def html(self, path: str, status: int = 200) -> str:
        return self.get(path, status).get_data(as_text=True)

    def post(self, path: str, status: int = 303, **data: Any) -> TestResponse:
        """Posts with the token of a page that everybody sees."""
        token = _FIELD.search(self.html("/sign-up") if self.address == SCREEN else self.html("/"))
        if token is None:
            token = _FIELD.search(self.html("/me/settings"))
        assert token is not None
        answer = self.client.post(
            path, data={"csrf": token[1], **data}, environ_overrides={"REMOTE_ADDR": self.address}
        )
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[-400:])
        return answer


@contextmanager
def a_house(folder: Path) -> Iterator[House]:
    house = House(folder)
    try:
        yield house
    finally:
        house.close()


def hidden(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]
