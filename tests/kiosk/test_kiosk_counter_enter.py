"""Where staff check in: by PIN, at a screen or over HTTPS, and nobody else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from fake_box import FakeBox
from flask import Flask
from hall_visitor import close_app
from small_kiosk import HERE, HOSTILE, set_cookies
from werkzeug.test import TestResponse

from edge.clock import now_stamp
from edge.hall import logins, pins
from edge.hall.keys import load_keys
from edge.hall.players import sign_up
from edge.hall.roles import give_role
from edge.settings import Counter, Kiosk, Settings
from kiosk import lines
from kiosk.app import create_app
from kiosk.lines import Lines
from kiosk.player.phones import check_in_address

PIN, ADDRESS, FINGERPRINT = "4826", "192.168.1.5", "3F:0A:77"
COUNTER = "192.168.1.30"


@dataclass
class Counters:
    """A kiosk, and one request after another of one browser."""

    app: Flask
    box: FakeBox
    ids: dict[str, str]

    def at(self, line: str) -> "Visit":
        """A browser at the `screen`, at the counter's computer over `https`, or there over `http`."""
        return Visit(self, self.app.test_client(), line)


@dataclass
class Visit:
    counters: Counters
    client: Any
    line: str

    def send(self, method: str, path: str, data: Any = None, server: str = "0.0.0.0") -> TestResponse:
        bases = {
            "screen": "http://localhost:8080",
            "http": f"http://{ADDRESS}:8080",
            "https": f"https://{ADDRESS}:8443",
        }
        peer = {"REMOTE_ADDR": HERE if self.line == "screen" else COUNTER, "SERVER_NAME": server}
        answer: TestResponse = self.client.open(
            path, method=method, data=data, base_url=bases[self.line], environ_overrides=peer
        )
        return answer

    def html(self, path: str = "/counter/enter") -> str:
        answer = self.send("GET", path)
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    def post(self, path: str, **data: Any) -> TestResponse:
        page = "/counter/enter?name=A" if self.line != "http" else "/"
        found = re.search(r'name="csrf" value="([^"]+)"|"X-CSRF-Token": "([^"]+)"', self.html(page))
        token = "" if found is None else found[1] or found[2]
        return self.send("POST", path, {"csrf": token, **data})

    def enter(self, name: str = "Tess", pin: str = PIN, **more: Any) -> TestResponse:
        return self.post("/counter/enter", name=name, pin=pin, **more)


@pytest.fixture
def counters(fake_box: FakeBox) -> Iterator[Counters]:
    settings = Settings(kiosk=Kiosk(host="0.0.0.0", address=ADDRESS), counter=Counter(idle_min=5))
    app = create_app(fake_box.paths, settings)
    lines.install(app, Lines(8080, 8443, FINGERPRINT))
    hashed = pins.hash_pin(load_keys(fake_box.paths.secrets).pins, PIN)
    ids = {}
    with fake_box.store.write() as conn:
        for name in ("Tess", "Ana"):
            ids[name] = sign_up(conn, name, now_stamp()).id
            pins.keep_pin(conn, ids[name], hashed, datetime.now(UTC))
        give_role(conn, ids["Tess"], "staff", now_stamp())
    yield Counters(app, fake_box, ids)
    close_app(app)


def login(counters: Counters, token: str) -> logins.Login | None:
    with counters.box.store.read() as conn:
        return logins.find_login(conn, token, datetime.now(UTC))


@pytest.mark.parametrize(
    ("line", "cookie", "device", "lasts_s"),
    [("https", "__Host-ladder", "counter", 300), ("screen", "ladder", "screen", 120)],
)
def test_staff_come_in_by_pin_for_as_long_as_the_settings_say(
    counters: Counters, line: str, cookie: str, device: str, lasts_s: float
) -> None:
    answer = counters.at(line).enter()
    assert (answer.status_code, answer.location) == (303, "/counter")
    morsel = set_cookies(answer)[cookie]
    assert (morsel["samesite"], morsel["max-age"], bool(morsel["secure"])) == ("Strict", "", line == "https")
    found = login(counters, morsel.value)
    assert found is not None
    assert (found.player_id, found.device, found.by_pin) == (counters.ids["Tess"], device, True)
    assert (found.expires_at - found.seen_at).total_seconds() == lasts_s


def test_they_go_on_to_the_page_they_came_for_and_to_no_other_site(counters: Counters) -> None:
    for asked, goes_on in (("/live.jpg?a=1", "/live.jpg?a=1"), ("//evil.example", "/counter"), ("", "/counter")):
        visit = counters.at("https")
        assert f'name="next" value="{goes_on}"' in visit.html(f"/counter/enter?next={asked.replace('?', '%3F')}")
        assert visit.enter(next=asked).location == goes_on


@pytest.mark.parametrize("line", ["https", "screen"])
def test_a_player_with_the_right_pin_is_told_whom_it_is_for(counters: Counters, line: str) -> None:
    answer = counters.at(line).enter("Ana")
    assert answer.status_code == 200
    assert "This is for the hall&#39;s people." in answer.text
    assert not {"ladder", "__Host-ladder"} & set(set_cookies(answer))


def test_a_wrong_pin_and_nobodys_name_get_the_same_answer(counters: Counters) -> None:
    pages = [counters.at("https").enter(name, "9182").text for name in ("Tess", "Nobody")]
    assert all("That did not fit. Try again." in page for page in pages)
    assert len({re.sub(r'value="[^"]*"', "", page) for page in pages}) == 1


def test_too_many_tries_are_refused(counters: Counters) -> None:
    visit = counters.at("https")
    codes = [visit.enter(f"Nobody {n}").status_code for n in range(11)]
    assert codes == [200] * 10 + [429]
    assert counters.at("screen").enter().status_code == 303  # which has tries of its own


def test_after_three_wrong_pins_the_right_one_has_to_wait(counters: Counters) -> None:
    visit = counters.at("https")
    for _ in range(4):
        visit.enter(pin="9182")
    assert "Wait 30 seconds" in visit.enter().text


def test_the_plain_line_takes_no_pin_and_tells_where_to_go(counters: Counters) -> None:
    visit = counters.at("http")
    html = visit.html("/counter/enter?next=/live.jpg")
    assert 'href="https://192.168.1.5:8443/counter/enter?next=%2Flive.jpg"' in html
    assert FINGERPRINT in html
    assert "<input" not in html
    answer = visit.enter()
    assert answer.status_code == 403
    assert "ladder" not in set_cookies(answer)


def test_the_screen_tells_the_counters_computer_where_to_go(counters: Counters) -> None:
    html = counters.at("screen").html()
    assert "https://192.168.1.5:8443/counter/enter<" in html
    assert FINGERPRINT in html
    assert FINGERPRINT not in counters.at("https").html()


def test_without_https_nobody_is_sent_there(counters: Counters) -> None:
    lines.install(counters.app, Lines(8080))
    assert "https:" not in counters.at("screen").html()
    assert "https:" not in counters.at("http").html()
    lines.install(counters.app, Lines(8080, 8443, FINGERPRINT))
    answer = counters.at("screen").send("GET", "/counter/enter", server="127.0.0.1")
    assert "https:" not in answer.get_data(as_text=True)  # a box that nobody else reaches


def test_a_screen_that_came_by_https_sends_phones_to_the_plain_port(counters: Counters) -> None:
    peer = {"REMOTE_ADDR": HERE, "SERVER_NAME": "0.0.0.0", "SERVER_PORT": "8443"}
    with counters.app.test_request_context("/", base_url="https://localhost:8443", environ_overrides=peer):
        assert check_in_address() == f"http://{ADDRESS}:8080"


def test_leaving_ends_the_login(counters: Counters) -> None:
    visit = counters.at("https")
    token = set_cookies(visit.enter())["__Host-ladder"].value
    assert visit.send("GET", "/live.jpg").status_code != 403
    answer = visit.post("/counter/leave")
    assert (answer.status_code, answer.location) == (303, "/counter/enter")
    assert login(counters, token) is None
    assert visit.post("/counter/leave").status_code == 303  # twice does no harm


def test_a_phone_that_staff_connected_by_code_does_not_do_what_staff_do(counters: Counters) -> None:
    with counters.box.store.write() as conn:
        token = logins.new_login(conn, counters.ids["Tess"], "phone", datetime.now(UTC), 0)
    for line, cookie in (("http", "ladder"), ("https", "__Host-ladder")):
        visit = counters.at(line)
        visit.client.set_cookie(cookie, token, domain=ADDRESS)
        assert visit.send("GET", "/me").status_code == 200
        assert visit.send("GET", "/live.jpg").status_code == 403


def test_a_pin_at_the_tables_screen_makes_staff_and_a_card_does_not(counters: Counters) -> None:
    with counters.box.store.write() as conn:
        key = load_keys(counters.box.paths.secrets).cards
        logins.add_card(conn, key, "04A3B2C1", counters.ids["Tess"], datetime.now(UTC))
    for path, data, by_pin in (
        ("/check-in/pin", {"name": "Tess", "pin": PIN}, True),
        ("/check-in/card", {"number": "04A3B2C1"}, False),
    ):
        answer = counters.at("screen").post(path, **data)
        found = login(counters, set_cookies(answer)["ladder"].value)
        assert found is not None
        assert (found.device, found.by_pin) == ("screen", by_pin)


def test_a_players_check_in_over_https_gives_staff_no_rights(counters: Counters) -> None:
    visit = counters.at("https")
    assert visit.post("/check-in/pin", name="Tess", pin=PIN).status_code == 303
    assert visit.send("GET", "/me").status_code == 200
    assert visit.send("GET", "/live.jpg").status_code == 403


def test_a_tables_screen_leads_to_the_counter_without_an_address_to_type(counters: Counters) -> None:
    visit = counters.at("screen")
    assert 'href="/counter/enter"' in visit.html("/check-in")
    visit.post("/check-in/pin", name="Ana", pin=PIN)
    refused = visit.send("GET", "/counter")
    assert refused.status_code == 403
    assert 'href="/counter/enter"' in refused.text  # and not to the page that was just refused
    assert 'href="/counter"' not in refused.text
    assert "name and PIN" in refused.text
    assert visit.html("/me").count('href="/counter"') == 0
    visit.enter("Tess")
    assert visit.html("/me").count('href="/counter"') == 1


def test_the_opponents_name_is_asked_for_without_a_way_to_the_counter(counters: Counters) -> None:
    visit = counters.at("screen")
    visit.post("/check-in/pin", name="Ana", pin=PIN)
    assert 'href="/counter/enter"' not in visit.html("/start/opponent?game=8-ball&race=3")


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_typed_is_no_error(counters: Counters, text: str) -> None:
    visit = counters.at("https")
    assert visit.enter(text, text, next=text).status_code == 200
    assert counters.at("screen").send("GET", "/counter/enter", {"name": text}).status_code == 200


@pytest.mark.parametrize("piece", ["/counter/waiting", "/counter/tables/live"])
def test_a_page_whose_login_has_ended_closes_and_is_come_back_to(counters: Counters, piece: str) -> None:
    visit = counters.at("https")
    headers = {"HX-Request": "true", "HX-Current-URL": f"https://{ADDRESS}:8443/counter/people?name=Ana#list"}
    answer = visit.client.get(
        piece, base_url=f"https://{ADDRESS}:8443", headers=headers, environ_overrides={"REMOTE_ADDR": COUNTER}
    )
    assert answer.headers["HX-Redirect"] == "/counter/enter?next=/counter/people?name%3DAna"
    assert visit.enter(next="/counter/people?name=Ana").location == "/counter/people?name=Ana"
