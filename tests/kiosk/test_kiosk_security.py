"""No foreign page acts in a visitor's name, no foreign name leads here, and nothing that is sent is an error."""

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from small_kiosk import HERE, HOSTILE, KEY, PHONE, Kiosk, set_cookies, small_kiosk
from werkzeug.test import Client

from kiosk import security
from kiosk.security import csrf_token, is_known_host


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    with small_kiosk(tmp_path_factory.mktemp("security")) as kiosk:
        yield kiosk


@pytest.fixture
def kiosk(one: Kiosk) -> Kiosk:
    return one.evening()


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://localhost"},
    {"Origin": "http://localhost:8081"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": ""},
    {"Origin": "é\x80"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("person", ["nobody", "screen", "anna"])
def test_a_page_of_another_site_changes_nothing_even_with_a_token(
    kiosk: Kiosk, person: str, headers: dict[str, str]
) -> None:
    browser = kiosk.browser(person)
    answer = browser.post("/form", headers=headers)
    assert (answer.status_code, answer.text) == (403, "foreign_page")
    answer = browser.send("/program", headers=headers)
    assert (answer.status_code, answer.text) == (403, "foreign_page")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
@pytest.mark.parametrize("person", ["nobody", "screen", "anna", "screen anna"])
def test_a_page_of_ours_changes_things_by_form_and_by_header(
    kiosk: Kiosk, person: str, headers: dict[str, str]
) -> None:
    browser = kiosk.browser(person)
    assert browser.post("/form", headers=headers).text == "done"
    headers = {**headers, "X-CSRF-Token": browser.token()}
    assert browser.send("/api/form", json={"a": 1}, headers=headers).json == {"done": True}
    for method in ("PUT", "PATCH", "DELETE"):
        assert browser.send("/form", method, headers=headers).text == "done"


def test_an_origin_with_a_port_or_an_address_is_ours_too(kiosk: Kiosk) -> None:
    for host in ("192.168.1.5:8080", "[fd00::5]:8080", "pool.example"):
        browser = kiosk.browser()
        page = browser.get("/form", base_url=f"http://{host}")
        token = re.findall(r'value="([^"]+)"', page.text)[0]
        cookie = set_cookies(page)["ladder_form"].value
        answer = kiosk.app.test_client(use_cookies=False).post(
            "/form",
            base_url=f"http://{host}",
            data={"csrf": token},
            headers={"Origin": f"http://{host}", "Cookie": f"ladder_form={cookie}"},
        )
        assert answer.text == "done"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_changed_without_the_token(kiosk: Kiosk, method: str) -> None:
    for person in ("nobody", "screen", "anna", "screen anna"):
        browser = kiosk.browser(person)
        token = browser.token()
        for data in (
            {},
            {"csrf": ""},
            {"csrf": token[:-1]},
            {"csrf": token + "="},
            {"csrf": token.swapcase()},
            {"token": token},
            *({"csrf": text} for text in HOSTILE),
        ):
            answer = browser.send("/form", method, data=data)
            assert (answer.status_code, answer.text) == (403, "stale_page"), data
    answer = kiosk.browser("anna").send("/api/form", json={"csrf": token})
    assert (answer.status_code, answer.json) == (403, {"error": "stale_page"})


def test_a_token_of_somebody_else_is_none(kiosk: Kiosk) -> None:
    anna, ben = kiosk.browser("anna"), kiosk.browser("ben")
    assert anna.send("/form", data={"csrf": ben.token()}).status_code == 403
    stranger = kiosk.browser()
    stolen = anna.token()
    stranger.client.set_cookie("ladder_form", anna.cookie("ladder_form"))
    assert stranger.send("/form", data={"csrf": stolen}).status_code == 403  # bound to the login too


def test_a_page_from_before_a_login_is_stale_after_it(kiosk: Kiosk) -> None:
    browser = kiosk.browser()
    before = browser.token()
    assert browser.post(f"/log-in/{kiosk.ids['anna']}").status_code == 303
    answer = browser.send("/form", data={"csrf": before})
    assert (answer.text, answer.headers["HX-Refresh"]) == ("stale_page", "true")
    assert browser.post("/form").text == "done"


def test_the_forms_cookie_is_set_once_and_not_shown_to_scripts(kiosk: Kiosk) -> None:
    browser = kiosk.browser()
    cookie = set_cookies(browser.get("/form"))["ladder_form"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert set_cookies(browser.get("/form")) == {}
    assert set_cookies(kiosk.browser().get("/public")) == {}  # a page without a form needs none


def test_forms_outlive_a_restart(kiosk: Kiosk) -> None:
    browser = kiosk.browser()
    token = browser.token()
    for key, same in ((KEY, True), (bytes(32), False)):
        app = Flask(__name__)
        security.protect(app, lambda key=key: key)  # type: ignore[misc]
        with app.test_request_context(headers={"Cookie": f"ladder_form={browser.cookie('ladder_form')}"}):
            assert (csrf_token() == token) == same


def test_a_program_may_post_where_nothing_is_done_in_a_visitors_name(kiosk: Kiosk) -> None:
    assert kiosk.browser().send("/program", json={}).text == "done"


def test_a_page_that_is_not_there_is_not_there(kiosk: Kiosk) -> None:
    for person in ("nobody", "screen", "anna"):
        browser = kiosk.browser(person)
        assert browser.get("/nothing").status_code == 404
        assert browser.send("/nothing").status_code == 404
        assert browser.send("/public").status_code == 405


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "LOCALHOST",
        "127.0.0.1",
        "127.0.0.1:8080",
        "192.168.1.5:8080",
        "[::1]",
        "[::1]:8080",
        "[fd00::5]:8080",
        "pool.example",
        "Pool.Example:8080",
        "localhost.",
        "HOSTNAME",
        "HOSTNAME.local:8080",
    ],
)
def test_the_box_answers_to_its_addresses_and_names(kiosk: Kiosk, host: str) -> None:
    host = host.replace("HOSTNAME", socket.gethostname().partition(".")[0])
    for address in (HERE, PHONE):
        answer = kiosk.app.test_client().get(
            "/public", environ_overrides={"REMOTE_ADDR": address, "HTTP_HOST": host}
        )
        assert answer.status_code == 200


REBOUND = [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "127.1",
    "::1",
    "[::1",
    "[evil.example]",
    "localhost:8080:8080",
    "localhost:port",
    "localhost@evil.example",
    "localhost/evil.example",
    "localhost evil.example",
    "localhost\x00",
    "xlocalhost",
    "local",
    ".",
    "..",
    ":8080",
    "",
    "é.example",
    "x" * 5000,
    "localhost,evil.example",
]


@pytest.mark.parametrize("host", REBOUND)
def test_a_name_that_somebody_else_points_here_gets_nothing(kiosk: Kiosk, host: str) -> None:
    raw = host.encode().decode("latin-1")
    client = kiosk.app.test_client()
    for path in ("/screen", "/public", "/static/x.css", "/nothing"):
        answer = client.get(path, environ_overrides={"REMOTE_ADDR": HERE, "HTTP_HOST": raw})
        assert answer.status_code in (400, 421)
        assert "screen" not in answer.text
    assert client.post("/program", environ_overrides={"HTTP_HOST": raw}).status_code in (400, 421)


def test_a_request_that_names_no_host_is_refused(kiosk: Kiosk) -> None:
    def drop_host(environ: Any, start: Any) -> Any:
        environ.pop("HTTP_HOST")
        return kiosk.app.wsgi_app(environ, start)

    assert Client(drop_host).get("/public").status_code == 421
    assert not is_known_host("", frozenset({""}))
    assert not is_known_host(".", frozenset({""}))


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["ladder", "ladder_form"])
def test_whatever_a_cookie_holds_is_only_nobodys(kiosk: Kiosk, name: str, value: str) -> None:
    raw = value.encode().decode("latin-1")
    client = kiosk.app.test_client(use_cookies=False)
    overrides = {"REMOTE_ADDR": HERE, "HTTP_COOKIE": f"{name}={raw}; {name}={raw}"}
    page = client.get("/form", environ_overrides=overrides)
    assert page.status_code == 200
    assert "nobody" in page.text
    token = re.findall(r'value="([^"]+)"', page.text)[0]
    assert client.post("/form", data={"csrf": token}, environ_overrides=overrides).status_code == 403


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "header", ["X-CSRF-Token", "Origin", "Sec-Fetch-Site", "Accept", "HX-Request", "X-Forwarded-For", "Referer"]
)
def test_whatever_a_header_holds_is_no_error(kiosk: Kiosk, header: str, value: str) -> None:
    raw = value.encode().decode("latin-1")
    name = "HTTP_" + header.upper().replace("-", "_")
    for method, path in (("GET", "/player"), ("POST", "/form")):
        answer = kiosk.app.test_client().open(path, method=method, environ_overrides={name: raw})
        assert answer.status_code in (303, 401, 403)


@pytest.mark.parametrize("body", [b"csrf=%ff%fe", b"csrf=\xff\xfe", b"csrf=%00", b"csrf", b"=&=&" * 9, b"\0" * 99])
def test_whatever_a_form_holds_is_no_error(kiosk: Kiosk, body: bytes) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "é"):
        assert kiosk.browser("screen").send("/form", data=body, content_type=kind).status_code == 403


@pytest.mark.parametrize(
    "path", ["/of/%00", "/of/%ff%fe", "/of/" + "x" * 5000, "/of/%F0%9F%8E%B1", "/player?%ff=%00"]
)
def test_whatever_an_address_holds_is_no_error(kiosk: Kiosk, path: str) -> None:
    assert kiosk.browser("anna").get(path).status_code in (200, 403)
    assert kiosk.browser().get(path).status_code in (303, 401)


def test_a_body_that_is_too_large_is_not_read(kiosk: Kiosk) -> None:
    browser = kiosk.browser()
    assert browser.post("/form", {"text": "x" * security.MAX_BODY_BYTES}).status_code == 413
    assert browser.post("/form", {f"field{number}": "x" for number in range(20)}).status_code == 200
    parts = {f"field{number}": "x" for number in range(security.MAX_FORM_PARTS + 1)}
    assert browser.post("/form", parts, content_type="multipart/form-data").status_code == 413


@pytest.mark.parametrize("path", ["/public", "/screen", "/player", "/nothing", "/form"])
def test_every_answer_has_the_headers(kiosk: Kiosk, path: str) -> None:
    for answer in (kiosk.browser().get(path), kiosk.browser().send(path)):
        assert answer.headers["Content-Security-Policy"] == security.POLICY
        assert answer.headers["Cache-Control"] == "no-store"
        # With no-referrer, browsers would say `Origin: null` of our own forms.
        assert answer.headers["Referrer-Policy"] == "same-origin"
