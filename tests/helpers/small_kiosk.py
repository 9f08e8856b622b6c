"""A small kiosk for the tests of who may do what: views of every kind, players of every role, their browsers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, current_app, jsonify, redirect, render_template_string, request
from flask.testing import FlaskClient
from hall_facts import make_store
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from edge.clock import stamp
from edge.hall import logins
from edge.hall.players import Role, new_guest, sign_up
from edge.hall.sessions import get_session
from edge.store.database import Store
from edge.store.errors import StoreError
from kiosk import limits, security, who
from kiosk.limits import Limiter, Rule, spend
from kiosk.security import Refusal, local_path, takes_posts_of_programs
from kiosk.who import access, current_visitor, require_at_table, require_private_line, require_self

NOW = datetime(2026, 4, 1, 20, 0, tzinfo=UTC)
HERE = "127.0.0.1"
PHONE, OTHER_PHONE = "192.168.1.20", "192.168.1.21"
IDLE_S = 120.0
COUNTER_IDLE_S = 1800.0
KEY = bytes(range(32))
NAME = "pool.example"
RULE = Rule(each=2, screen=4, total=3, per_s=60)
HOSTILE = ["\0", "x" * 5000, "é" * 40, "🎱", "\x80\xff", "' OR 1=1 --", "../../etc/passwd", '"; ladder="']

WAYS_IN = {"screen": "/by-pin", "card": "", "counter": "/as-staff", "secure": "/by-pin"}

FORM = """<main {{ csrf_headers() }}><form method="post">{{ csrf_field() }}
<p>{{ visitor().player.name if visitor().player else "nobody" }}</p></form></main>"""

pages = Blueprint("pages", __name__)


@pages.get("/public")
@access("public")
def public() -> str:
    return "public"


@pages.get("/screen")
@access("screen")
def screen() -> str:
    return "screen"


@pages.get("/guest")
@access("guest")
def guest() -> str:
    return "guest"


@pages.get("/player")
@access("player", otherwise="check-in")
def player() -> str:
    return "player"


@pages.get("/coach")
@access("coach")
def coach() -> str:
    return "coach"


@pages.get("/staff")
@access("staff")
def staff() -> str:
    return "staff"


@pages.get("/operator")
@access("operator")
def operator() -> str:
    return "operator"


@pages.get("/admin")
@access("admin")
def admin() -> str:
    return "admin"


@pages.get("/work")
@access("staff", otherwise="check-in")
def work() -> str:
    return who.hall_staff().name


@pages.get("/staff/enter")
@access("public")
def staff_enter() -> str:
    return "staff check in, then " + local_path(request.args.get("next"))


@pages.get("/screen-or-staff")
@access("screen", "staff")
def screen_or_staff() -> str:
    return "screen or staff"


@pages.get("/of/<player_id>")
@access("player")
def of(player_id: str) -> str:
    return require_self(player_id).name


@pages.get("/of/<player_id>/for-staff")
@access("player")
def of_for_staff(player_id: str) -> str:
    return require_self(player_id, or_staff=True).name


@pages.route("/session/<session_id>", methods=["GET", "POST"])
@access("public")
def session(session_id: str) -> str:
    with store().read() as conn:
        found = get_session(conn, session_id)
    assert found is not None
    require_at_table(found)
    return "session"


@pages.get("/check-in")
@access("public")
def check_in() -> str:
    return "check in, then " + local_path(request.args.get("next"))


@pages.route("/form", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@access("public")
def form() -> str:
    return render_template_string(FORM) if request.method == "GET" else "done"


@pages.post("/program")
@access("public")
@takes_posts_of_programs
def program() -> str:
    return "done"


@pages.route("/pin", methods=["GET", "POST"])
@access("public")
def pin() -> str:
    require_private_line()
    return "pin"


@pages.post("/guess")
@access("public")
def guess() -> str:
    spend("guess")
    return "guessed"


@pages.post("/log-in/<player_id>")
@access("public")
def log_in(player_id: str) -> Response:
    response = redirect("/form", 303)
    with store().write() as conn:
        who.log_in(conn, response, player_id)
    return response


@pages.post("/log-in/<player_id>/by-pin")
@access("public")
def log_in_by_pin(player_id: str) -> Response:
    response = redirect("/form", 303)
    with store().write() as conn:
        who.log_in(conn, response, player_id, by_pin=True)
    return response


@pages.post("/log-in/<player_id>/as-staff")
@access("public")
def log_in_staff(player_id: str) -> Response:
    response = redirect("/form", 303)
    with store().write() as conn:
        who.log_in_staff(conn, response, player_id)
    return response


@pages.post("/log-in-again")
@access("guest")
def log_in_again() -> Response:
    response = redirect("/form", 303)
    with store().write() as conn:
        who.log_in_again(conn, response)
    return response


@pages.post("/log-out")
@access("public")
def log_out() -> Response:
    response = redirect("/form", 303)
    with store().write() as conn:
        who.log_out(conn, response)
    return response


@pages.get("/beat")
@access("public", by_itself=True)
def beat() -> str:
    return str(current_visitor().player is not None)


@pages.get("/inside")
@access("public")
def inside() -> str:
    with store().read(), store().write():
        return render_template_string("{{ visitor().screen }} ") + str(current_visitor().player is not None)


@pages.get("/api/mine")
@access("player", otherwise="check-in")
def api_mine() -> Response:
    return jsonify({"mine": True})


@pages.post("/api/form")
@access("public")
def api_form() -> Response:
    return jsonify({"done": True})


def store() -> Store:
    return cast(who.Gate, current_app.extensions[who.EXTENSION]).store


def handle_errors(app: Flask) -> None:
    """As the kiosk's own application does."""

    def refused(error: Refusal) -> Response:
        if security.wants_json():
            return error.answer((jsonify({"error": error.key}), error.code or 500))
        return error.answer((error.key, error.code or 500))

    def http_error(error: HTTPException) -> tuple[str, int]:
        return f"error {error.code}", error.code or 500

    app.register_error_handler(Refusal, refused)

    def store_error(error: StoreError) -> tuple[str, int]:
        return render_template_string("store, {{ visitor().player }}"), 503

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(StoreError, store_error)


@dataclass
class Kiosk:
    """The small kiosk, its clocks, and the ids of its players."""

    app: Flask
    store: Store
    now: datetime = NOW
    up_s: float = 0.0
    ids: dict[str, str] = field(default_factory=dict)

    def browser(self, person: str = "nobody", address: str = "") -> "Browser":
        """A browser of that person, logged in: `screen …` at the table by PIN, `card …` there by card, `counter …`
        over HTTPS as staff, `secure …` over HTTPS as a player by PIN, others on a phone."""
        place = person.partition(" ")[0] if person.startswith(tuple(WAYS_IN)) else ""
        at_table = place in ("screen", "card")
        browser = Browser(self, self.app.test_client(), address or (HERE if at_table else PHONE))
        browser.scheme = "https" if place in ("counter", "secure") else "http"
        name = person.removeprefix(place).strip()
        if name and name != "nobody":
            assert browser.post(f"/log-in/{self.ids[name]}{WAYS_IN.get(place, '')}").status_code == 303
        return browser

    def evening(self) -> "Kiosk":
        """The same kiosk with nobody logged in, nobody at the table, and nothing tried yet."""
        self.now, self.up_s = NOW, self.up_s + 10_000
        with self.store.write() as conn:
            conn.execute("DELETE FROM logins")
            conn.execute("DELETE FROM sessions")
        return self

    def put(self, name: str, *roles: Role) -> None:
        with self.store.write() as conn:
            self.ids[name] = sign_up(conn, name.title(), stamp(NOW), frozenset({"player", *roles})).id


@dataclass
class Browser:
    """A client that comes from an address, keeps cookies and sends the token of the form it has open."""

    kiosk: Kiosk
    client: FlaskClient
    address: str
    scheme: str = "http"

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.send(path, "GET", **more)

    def token(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/form").get_data(as_text=True))
        assert found is not None
        return found[1]

    def send(self, path: str, method: str = "POST", **more: Any) -> TestResponse:
        """As it is, without a token."""
        more = {"base_url": f"{self.scheme}://localhost", **more}
        return self.client.open(path, method=method, environ_overrides={"REMOTE_ADDR": self.address}, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.send(path, data={"csrf": self.token(), **(data or {})}, **more)

    def cookie(self, name: str = security.LOGIN_COOKIE) -> str:
        cookie = self.client.get_cookie(name)
        assert cookie is not None
        return cookie.value

    def name(self) -> str:
        """Whom the page greets."""
        found = re.search("<p>(.*)</p>", self.get("/form").get_data(as_text=True))
        assert found is not None
        return found[1]


def set_cookies(answer: TestResponse) -> dict[str, Any]:
    """The cookies an answer sets, by name."""
    return {n: m for header in answer.headers.getlist("Set-Cookie") for n, m in SimpleCookie(header).items()}


@contextmanager
def small_kiosk(data: Path) -> Iterator[Kiosk]:
    """The kiosk with its players."""
    app = Flask(__name__)
    with Store(make_store(data / "ladder.db", logins.migrations)) as store:
        kiosk = Kiosk(app, store)
        security.protect(app, lambda: KEY, [NAME, ""])
        gate = who.Gate(
            store, "Table 1", IDLE_S, "pages.check_in", lambda: kiosk.now, "pages.staff_enter", COUNTER_IDLE_S
        )
        who.guard(app, gate)
        limits.install(app, Limiter({"guess": RULE}, lambda: kiosk.up_s))
        app.register_blueprint(pages)
        handle_errors(app)
        who.require_declared(app)
        roles: dict[str, tuple[Role, ...]] = {
            "anna": (),
            "ben": (),
            "cleo": ("coach",),
            "stan": ("staff",),
            "olga": ("operator",),
            "ada": ("admin",),
        }
        for name, more in roles.items():
            kiosk.put(name, *more)
        with store.write() as conn:
            kiosk.ids["guest"] = new_guest(conn, stamp(NOW)).id
        yield kiosk
