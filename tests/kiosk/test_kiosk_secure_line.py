"""HTTPS beside HTTP in a kiosk that runs: who comes by it, and what neither strangers nor the slow can do."""

import hashlib
import re
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fake_box import FakeBox
from ports import free_port

from edge.bench.kiosk_process import kiosk_process
from edge.clock import now_stamp
from edge.hall import logins, pins
from edge.hall.keys import load_keys
from edge.hall.players import sign_up
from edge.hall.roles import give_role
from kiosk.player.phones import network_address
from kiosk.worker import AT_ONCE

PIN = "4826"
WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Running:
    """A kiosk process on all addresses of this machine."""

    box: FakeBox
    port: int
    secure_port: int
    tess: str


@dataclass
class Visit:
    """A browser that keeps the cookies it would: those of HTTPS are not sent on the plain line."""

    kiosk: Running
    secure: bool
    host: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **form: str) -> tuple[int, str, str]:
        """The status, where it leads, and the page."""
        connection = self._connect()
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        for line in answer.msg.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name], self.flags[name] = morsel.value, line
        page = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer.status, answer.getheader("Location", ""), page

    def post(self, path: str, **form: str) -> tuple[int, str, str]:
        found = re.search(r'name="csrf" value="([^"]+)"', self.ask("GET", "/counter/enter?name=Tess")[2])
        return self.ask("POST", path, csrf="" if found is None else found[1], **form)

    def _connect(self) -> HTTPConnection:
        if not self.secure:
            return HTTPConnection(self.host, self.kiosk.port, timeout=WAIT_S)
        context = ssl.create_default_context(cafile=self.kiosk.box.paths.certificate)
        return HTTPSConnection(self.host, self.kiosk.secure_port, timeout=WAIT_S, context=context)


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    box = FakeBox(tmp_path_factory.mktemp("secure"))
    secure_port = free_port()
    box.paths.settings.write_text(f'[kiosk]\nhost = "0.0.0.0"\nsecure_port = {secure_port}\n')
    hashed = pins.hash_pin(load_keys(box.paths.secrets).pins, PIN)
    with box.store.write() as conn:
        tess = sign_up(conn, "Tess", now_stamp()).id
        pins.keep_pin(conn, tess, hashed, datetime.now(UTC))
        give_role(conn, tess, "staff", now_stamp())
    with kiosk_process(box.paths) as address:
        yield Running(box, int(address.rpartition(":")[2]), secure_port, tess)
    box.close()
    shutil.rmtree(box.paths.run, ignore_errors=True)


@pytest.fixture
def network() -> str:
    """An address of this machine that is no loopback one: who comes by it is not the screen."""
    address = network_address()
    if address is None:
        pytest.skip("this machine is in no network")
    return address


def test_staff_check_in_over_https_and_their_cookie_stays_there(kiosk: Running, network: str) -> None:
    counter = Visit(kiosk, secure=True, host=network)
    assert counter.ask("GET", "/live.jpg")[0] == 401
    assert counter.post("/counter/enter", name="Tess", pin=PIN)[:2] == (303, "/counter")
    flags = counter.flags["__Host-ladder"]
    assert all(flag in flags for flag in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"))
    assert "Max-Age" not in flags
    assert counter.ask("GET", "/live.jpg")[0] == 404  # no camera here, but staff may ask
    copied = Visit(kiosk, secure=False, host=network, cookies={"ladder": counter.cookies["__Host-ladder"]})
    assert copied.ask("GET", "/live.jpg")[0] == 401


def test_a_phones_login_of_staff_does_nothing_of_staffs_on_either_line(kiosk: Running, network: str) -> None:
    with kiosk.box.store.write() as conn:
        token = logins.new_login(conn, kiosk.tess, "phone", datetime.now(UTC), 0)
    for secure, name in ((False, "ladder"), (True, "__Host-ladder")):
        phone = Visit(kiosk, secure, network, {name: token})
        assert phone.ask("GET", "/me")[0] == 200
        assert phone.ask("GET", "/live.jpg")[0] == 403


def test_the_scheme_is_told_by_the_socket_and_by_no_header(kiosk: Running, network: str) -> None:
    connection = HTTPConnection(network, kiosk.port, timeout=WAIT_S)
    told = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Protocol": "ssl",
        "X-Forwarded-Ssl": "on",
        "Forwarded": "proto=https",
    }
    connection.request("GET", "/check-in", headers=told)
    assert connection.getresponse().status == 403
    connection.close()
    assert Visit(kiosk, secure=True, host=network).ask("GET", "/check-in")[0] == 200


def test_the_box_itself_is_the_screen_by_https_too_and_nobody_else_is(kiosk: Running, network: str) -> None:
    assert Visit(kiosk, secure=True).ask("GET", "/check-in/names?name=T")[0] == 200
    assert Visit(kiosk, secure=True, host=network).ask("GET", "/check-in/names?name=T")[0] == 403


def test_the_screen_shows_the_fingerprint_of_the_certificate_in_use(kiosk: Running) -> None:
    shown = re.search(
        r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", Visit(kiosk, secure=False).ask("GET", "/counter/enter")[2]
    )
    if network_address() is None:
        pytest.skip("this machine is in no network, so no address is shown")
    assert shown is not None
    context = ssl.create_default_context(cafile=kiosk.box.paths.certificate)
    with (
        socket.create_connection(("127.0.0.1", kiosk.secure_port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        der = line.getpeercert(binary_form=True)
    assert der is not None
    assert hashlib.sha256(der).hexdigest() == shown[0].replace(":", "").lower()


def test_a_connection_serves_many_requests_and_large_files_whole(kiosk: Running) -> None:
    visit = Visit(kiosk, secure=True)
    connection = visit._connect()
    page = ""
    for _ in range(3):
        connection.request("GET", "/counter/enter")
        page = connection.getresponse().read().decode()
    font = re.search(r'href="(/static/[^"]+woff2)"', page)
    assert font is not None
    bodies = set()
    for one in (connection, Visit(kiosk, secure=False)._connect()):
        one.request("GET", font[1])
        bodies.add(one.getresponse().read())
        one.close()
    assert len(bodies) == 1
    assert len(bodies.pop()) > 20_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 600, b"\0", b"x" * 9000, b""],
)
def test_what_is_no_tls_is_dropped_and_hurts_nobody(kiosk: Running, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", kiosk.secure_port), timeout=WAIT_S) as scanner:
        scanner.sendall(garbage)
        if not garbage:
            scanner.shutdown(socket.SHUT_WR)
        try:
            answered = scanner.recv(4096)
        except ConnectionResetError:
            answered = b""
    assert b"HTTP/" not in answered
    assert Visit(kiosk, secure=True).ask("GET", "/healthz")[0] in (200, 503)


@pytest.mark.slow
def test_those_who_never_finish_a_handshake_keep_nobody_waiting_and_are_shown_out(kiosk: Running) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # the beginning of one
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", kiosk.secure_port), timeout=WAIT_S))
            for _ in range(2 * AT_ONCE)
        ]
        for number, one in enumerate(slow):
            one.sendall(hello if number % 2 else b"\x16")
        for secure in (True, False):
            assert Visit(kiosk, secure).ask("GET", "/healthz")[0] in (200, 503)
        for one in slow:
            one.settimeout(WAIT_S)
            with suppress(ConnectionResetError):
                assert one.recv(1) == b""


def test_a_box_whose_port_of_https_is_taken_runs_without_and_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8443))
            taken.listen()
        except OSError:
            pass  # somebody else has it, which does as well
        box = FakeBox(tmp_path)
        with kiosk_process(box.paths) as address:
            connection = HTTPConnection("127.0.0.1", int(address.rpartition(":")[2]), timeout=WAIT_S)
            connection.request("GET", "/counter/enter")
            assert connection.getresponse().status == 200
            connection.close()
        box.close()
        shutil.rmtree(box.paths.run, ignore_errors=True)
    assert "no HTTPS, which the counter needs: port 8443 is in use" in capfd.readouterr().err
    assert not box.paths.certificate.exists()
