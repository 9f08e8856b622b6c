"""Who may do what: every kind of page for every kind of visitor, and how long a login is one."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from small_kiosk import (
    COUNTER_IDLE_S,
    HERE,
    IDLE_S,
    NOW,
    OTHER_PHONE,
    PHONE,
    Kiosk,
    handle_errors,
    public,
    set_cookies,
    small_kiosk,
)

from edge.clock import stamp
from edge.hall.occasion import Occasion
from edge.hall.players import erase_player
from edge.hall.roles import give_role, take_role
from edge.hall.sessions import begin_session, end_session
from edge.store.database import Store
from edge.store.errors import StoreError
from kiosk import security, who
from kiosk.security import local_path


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    with small_kiosk(tmp_path_factory.mktemp("who")) as kiosk:
        yield kiosk


@pytest.fixture
def kiosk(one: Kiosk) -> Kiosk:
    return one.evening()


NOBODIES = ("nobody", "screen nobody")
# Roles without a PIN on a private line: a phone, a card, and a player's login over HTTPS that lasts for months.
WITHOUT_RIGHTS = {"stan", "olga", "ada", "card stan", "card ada", "secure stan", "secure ada"}
STAFF = {"screen stan", "counter stan", "counter olga", "counter ada"}
MEMBERS = {"anna", "cleo", "screen anna", "counter anna", *STAFF, *WITHOUT_RIGHTS}
GUESTS = {"guest", "screen guest"}
PERSONS = (*NOBODIES, *sorted(GUESTS | MEMBERS))
SCREENS = {person for person in PERSONS if person.startswith(("screen", "card"))}
MAY = {
    "/public": set(PERSONS),
    "/static/nothing.css": set(PERSONS),
    "/screen": SCREENS,
    "/guest": MEMBERS | GUESTS,
    "/player": MEMBERS,
    "/api/mine": MEMBERS,
    "/coach": STAFF | {"cleo"},
    "/staff": STAFF,
    "/work": STAFF,
    "/operator": {"counter olga", "counter ada"},
    "/admin": {"counter ada"},
    "/screen-or-staff": SCREENS | STAFF,
    "/of/{anna}": {"anna", "screen anna", "counter anna"},
    "/of/{anna}/for-staff": STAFF | {"anna", "screen anna", "counter anna"},
    "/of/{ben}": set[str](),
    "/of/nobody": set[str](),
}


@pytest.mark.parametrize("person", PERSONS)
def test_every_page_is_for_those_it_is_for(kiosk: Kiosk, person: str) -> None:
    browser = kiosk.browser(person)
    for page, may in MAY.items():
        answer = browser.get(page.format(**kiosk.ids))
        if person in may:
            assert answer.status_code == (404 if page.startswith("/static/") else 200), page
        elif page == "/work" and (person in NOBODIES or person in WITHOUT_RIGHTS):
            assert (answer.status_code, answer.location) == (303, "/staff/enter?next=/work")
        elif person not in NOBODIES:
            assert answer.status_code == 403, page
        elif page == "/player":
            assert (answer.status_code, answer.location) == (303, "/check-in?next=/player")
        else:
            assert answer.status_code == (403 if page == "/screen" else 401), page


@pytest.mark.parametrize(
    ("person", "table", "ended", "may"),
    [
        ("nobody", "Table 1", False, False),
        ("guest", "Table 1", False, False),
        ("ben", "Table 1", False, False),
        ("cleo", "Table 1", False, False),
        ("anna", "Table 1", False, True),
        ("anna", "Table 1", True, True),
        ("anna", "Table 2", False, True),
        ("stan", "Table 2", True, False),
        ("card stan", "Table 2", True, False),
        ("counter stan", "Table 2", True, True),
        ("screen nobody", "Table 1", False, True),
        ("screen ben", "Table 1", False, True),
        ("screen nobody", "Table 1", True, False),
        ("screen nobody", "Table 2", False, False),
        ("screen ben", "Table 1", True, False),
        ("screen anna", "Table 1", True, True),
    ],
)
def test_a_session_is_its_players_and_the_tables_while_it_goes_on(
    kiosk: Kiosk, person: str, table: str, ended: bool, may: bool
) -> None:
    with kiosk.store.write() as conn:
        here = Occasion(NOW, "2026-04-01", table)
        session = begin_session(conn, kiosk.ids["anna"], "practice", here).id
        if ended:
            end_session(conn, session, NOW, "player")
    browser = kiosk.browser(person)
    assert (browser.get(f"/session/{session}").status_code == 200) == may
    assert (browser.post(f"/session/{session}").status_code == 200) == may


def test_an_app_with_a_view_that_declares_nothing_does_not_start(kiosk: Kiosk) -> None:
    app = Flask(__name__)
    security.protect(app)
    who.guard(app, who.Gate(kiosk.store, "Table 1"))
    app.add_url_rule("/", "fine", public)
    who.require_declared(app)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    with pytest.raises(who.UndeclaredError, match="forgotten"):
        who.require_declared(app)
    handle_errors(app)
    assert app.test_client().get("/forgotten").status_code == 403  # and if it did, nobody would see it


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_the_box_itself_is_the_screen(kiosk: Kiosk, address: str) -> None:
    assert kiosk.browser(address=address).get("/screen").status_code == 200


@pytest.mark.parametrize(
    "address", ["192.168.1.20", "::ffff:192.168.1.20", "fe80::1", "0.0.0.0", "", "localhost", "1"]
)
def test_nobody_else_is_whatever_they_say_of_themselves(kiosk: Kiosk, address: str) -> None:
    headers = dict.fromkeys(
        ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Remote-Addr", "REMOTE-ADDR"), "127.0.0.1"
    )
    headers |= {"Forwarded": "for=127.0.0.1;host=localhost", "X-Forwarded-Host": "localhost"}
    browser = kiosk.browser(address=PHONE)
    browser.address = address
    assert browser.get("/screen", headers=headers).status_code == 403


def test_a_pin_is_asked_for_at_the_table_or_over_https_alone(kiosk: Kiosk) -> None:
    for person, scheme, status in (
        ("screen", "http", 200),
        ("nobody", "http", 403),
        ("anna", "http", 403),
        ("stan", "http", 403),
        ("anna", "https", 200),
    ):
        browser = kiosk.browser(person)
        base = f"{scheme}://localhost"
        assert browser.get("/pin", base_url=base).status_code == status
        assert browser.get("/pin", base_url=base, headers={"X-Forwarded-Proto": "https"}).status_code == status
    answer = kiosk.browser().post("/pin", {"pin": "2846"})
    assert (answer.status_code, answer.text) == (403, "private_line")


def test_a_login_on_a_phone_stays_and_comes_along_with_a_qr_code(kiosk: Kiosk) -> None:
    answer = kiosk.browser().post(f"/log-in/{kiosk.ids['anna']}")
    cookie = set_cookies(answer)["ladder"]
    assert cookie["httponly"] is True
    assert (cookie["samesite"], cookie["path"], cookie["secure"], cookie["domain"]) == ("Lax", "/", "", "")
    assert int(cookie["max-age"]) == 180 * 24 * 3600


def test_a_login_on_the_screen_ends_with_the_browser(kiosk: Kiosk) -> None:
    answer = kiosk.browser("screen").post(f"/log-in/{kiosk.ids['anna']}")
    cookie = set_cookies(answer)["ladder"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert (cookie["max-age"], cookie["expires"]) == ("", "")


def test_a_login_at_the_counter_is_for_https_alone_and_ends_with_the_browser(kiosk: Kiosk) -> None:
    browser = kiosk.browser("counter nobody")
    cookie = set_cookies(browser.post(f"/log-in/{kiosk.ids['stan']}/as-staff"))["__Host-ladder"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Strict")
    assert (cookie["max-age"], cookie["expires"], cookie["path"], cookie["domain"]) == ("", "", "/", "")
    copied = kiosk.browser()
    for name in ("ladder", "__Host-ladder"):  # on the plain line it is nothing under any name
        copied.client.set_cookie(name, browser.cookie("__Host-ladder"))
    assert copied.name() == "nobody"


def test_a_players_login_over_https_is_a_phones_and_secure(kiosk: Kiosk) -> None:
    answer = kiosk.browser("secure nobody").post(f"/log-in/{kiosk.ids['anna']}/by-pin")
    cookie = set_cookies(answer)["__Host-ladder"]
    assert (cookie["secure"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", str(180 * 24 * 3600))


def test_staff_are_let_in_over_a_private_line_alone(kiosk: Kiosk) -> None:
    answer = kiosk.browser().post(f"/log-in/{kiosk.ids['stan']}/as-staff")
    assert (answer.status_code, answer.text) == (403, "private_line")
    assert "ladder" not in set_cookies(answer)


def test_a_copied_phones_login_of_staff_stays_one_over_https(kiosk: Kiosk) -> None:
    copied = kiosk.browser("secure nobody")
    copied.client.set_cookie("__Host-ladder", kiosk.browser("stan").cookie())
    assert copied.name() == "Stan"
    assert copied.get("/staff").text == "staff_pin"


def test_the_two_lines_of_one_host_keep_their_cookies_apart(kiosk: Kiosk) -> None:
    browser = kiosk.browser("anna")
    plain = (browser.cookie(), browser.cookie("ladder_form"))
    browser.scheme = "https"
    assert browser.name() == "nobody"
    assert browser.post(f"/log-in/{kiosk.ids['stan']}/as-staff").status_code == 303
    assert browser.post("/form").text == "done"
    secure = browser.cookie("__Host-ladder")
    browser.scheme = "http"
    assert browser.name() == "Anna"
    assert browser.post("/form").text == "done"
    assert (browser.cookie(), browser.cookie("ladder_form")) == plain
    assert browser.post("/log-out").status_code == 303
    browser.scheme = "https"
    assert (browser.name(), browser.cookie("__Host-ladder")) == ("Stan", secure)
    assert browser.post("/log-out").status_code == 303
    assert browser.client.get_cookie("__Host-ladder") is None


def test_a_page_of_the_plain_line_changes_nothing_on_the_secure_one(kiosk: Kiosk) -> None:
    browser = kiosk.browser("counter stan")
    for headers in ({"Origin": "http://localhost"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post("/form", headers=headers).text == "foreign_page"
    plain = kiosk.browser("stan").token()
    assert browser.send("/form", data={"csrf": plain}).text == "stale_page"


def test_a_login_at_the_counter_ends_when_nobody_touches_it(kiosk: Kiosk) -> None:
    browser = kiosk.browser("counter stan")
    for _ in range(3):
        kiosk.now += timedelta(seconds=COUNTER_IDLE_S - 1)
        assert browser.get("/work").text == "Stan"
    kiosk.now += timedelta(seconds=COUNTER_IDLE_S)
    assert browser.get("/work").status_code == 303


@pytest.mark.parametrize("person", ["stan", "card stan", "screen stan", "counter stan", "secure stan"])
def test_a_new_login_in_place_of_one_gives_the_same_rights(kiosk: Kiosk, person: str) -> None:
    browser = kiosk.browser(person)
    name = "__Host-ladder" if browser.scheme == "https" else "ladder"
    before, may = browser.cookie(name), browser.get("/staff").status_code
    assert browser.post("/log-in-again").status_code == 303
    assert browser.cookie(name) != before
    assert browser.get("/staff").status_code == may
    with kiosk.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM logins").fetchone()[0] == 1


def test_who_lost_the_role_has_lost_the_rights(kiosk: Kiosk) -> None:
    browser = kiosk.browser("counter stan")
    try:
        with kiosk.store.write() as conn:
            take_role(conn, kiosk.ids["stan"], "staff", stamp(NOW))
        assert browser.get("/staff").status_code == 403
    finally:
        with kiosk.store.write() as conn:
            give_role(conn, kiosk.ids["stan"], "staff", stamp(NOW))


def test_a_fragment_for_staff_is_sent_on_to_their_check_in(kiosk: Kiosk) -> None:
    answer = kiosk.browser("stan").get("/work?day=2", headers={"HX-Request": "true", "Accept": "*/*"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (403, "/staff/enter?next=/work?day%3D2")
    answer = kiosk.browser("stan").get("/work", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json) == (403, {"error": "staff_pin"})


def test_a_login_on_the_screen_lasts_while_its_player_does_something(kiosk: Kiosk) -> None:
    browser = kiosk.browser("screen anna")
    for _ in range(4):
        kiosk.now += timedelta(seconds=IDLE_S - 1)
        assert browser.name() == "Anna"
    kiosk.now += timedelta(seconds=IDLE_S)
    assert browser.name() == "nobody"


def test_what_a_page_asks_by_itself_keeps_nobody_logged_in(kiosk: Kiosk) -> None:
    browser = kiosk.browser("screen anna")
    for _ in range(11):
        kiosk.now += timedelta(seconds=10)
        assert browser.get("/beat").text == "True"
    kiosk.now += timedelta(seconds=10)
    assert browser.get("/beat").text == "False"


def test_a_full_disk_logs_nobody_out_at_once(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = kiosk.browser("screen anna")

    def full(self: Store) -> Any:
        raise StoreError("no room left")

    kiosk.now += timedelta(seconds=60)
    monkeypatch.setattr(Store, "write", full)
    assert browser.name() == "Anna"


def test_who_asks_can_be_asked_inside_a_transaction(kiosk: Kiosk) -> None:
    browser = kiosk.browser("screen anna")
    kiosk.now += timedelta(seconds=60)
    assert browser.get("/inside").text == "True True"


def test_a_store_that_fails_is_said_and_closes_only_what_is_private(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = kiosk.browser("screen anna")

    def fail(self: Store) -> Any:
        raise StoreError("the disk fails")

    monkeypatch.setattr(Store, "read", fail)
    answer = browser.get("/player")
    assert (answer.status_code, answer.text) == (503, "store, None")
    assert browser.get("/public").status_code == 200
    assert browser.get("/screen").status_code == 503
    assert kiosk.browser("screen nobody").get("/screen").status_code == 200


def test_a_login_is_worth_nothing_at_another_place(kiosk: Kiosk) -> None:
    at_screen, on_phone = kiosk.browser("screen anna"), kiosk.browser("anna")
    at_screen.address, on_phone.address = PHONE, HERE
    assert at_screen.name() == "nobody"
    assert on_phone.name() == "nobody"
    on_phone.address = OTHER_PHONE  # the phone has a new address
    assert on_phone.name() == "Anna"


def test_logging_in_and_out_ends_the_login_before(kiosk: Kiosk) -> None:
    browser = kiosk.browser("screen anna")
    annas = browser.cookie()
    assert browser.post(f"/log-in/{kiosk.ids['ben']}").status_code == 303
    assert browser.name() == "Ben"
    assert browser.cookie() != annas
    bens = browser.cookie()
    assert browser.post("/log-out").status_code == 303
    assert browser.client.get_cookie("ladder") is None
    for token in (annas, bens):
        browser.client.set_cookie("ladder", token)
        assert browser.name() == "nobody"


def test_who_was_erased_is_nobody(kiosk: Kiosk) -> None:
    kiosk.put("zoe")
    browser = kiosk.browser("zoe")
    with kiosk.store.write() as conn:
        erase_player(conn, kiosk.ids["zoe"], stamp(NOW))
    assert browser.name() == "nobody"


def test_programs_are_refused_in_json_and_fragments_sent_on(kiosk: Kiosk) -> None:
    browser = kiosk.browser()
    answer = browser.get("/api/mine")
    assert (answer.status_code, answer.json) == (401, {"error": "check_in_first"})
    answer = browser.get("/player", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json) == (401, {"error": "check_in_first"})
    answer = browser.get("/player?tab=2", headers={"HX-Request": "true", "Accept": "*/*"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/check-in?next=/player?tab%3D2")
    answer = kiosk.browser("guest").get("/api/mine")
    assert (answer.status_code, answer.json) == (403, {"error": "not_yours"})


def test_after_check_in_it_goes_on_to_a_page_of_ours(kiosk: Kiosk) -> None:
    browser = kiosk.browser()
    answer = browser.get("/player?tab=2")
    assert browser.get(answer.location or "").text == "check in, then /player?tab=2"
    for foreign in (
        "//evil.example",
        "/\\evil.example",
        "http://evil.example",
        "javascript:x",
        "",
        "a",
        "/ b",
        "/\n",
    ):
        assert local_path(foreign) == "/"
    assert local_path(None) == "/"
    assert local_path("/" + "a" * 5000) == "/"
