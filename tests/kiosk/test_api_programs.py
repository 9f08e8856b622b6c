"""Programs of the hall: what the guide shows works over HTTPS, and what is refused is told in one shape."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import PHONE, PIN, Browser
from https_server import HttpsServer
from month_hall import CALL, MONTH, THIS_MONTH, MonthHall, month_hall

from edge.facts import uuid7
from edge.hall.certificate import load_certificate
from edge.hall.players import find_player
from edge.hall.results import correct, strike
from kiosk.api.refusals import BY_STATUS
from kiosk.security import LOGIN_COOKIE

GUIDE = Path(__file__).parents[2] / "docs/programs.md"
NEXT_MONTH = "2025-12"


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonthHall]:
    with month_hall(tmp_path, monkeypatch) as made:
        yield made


class Program:
    """Sends JSON with the token that `/api/token` gives."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        token = browser.get("/api/token").json
        assert token is not None
        self.headers = {token["header"]: token["token"]}

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.browser.client.open(
            path,
            method=method,
            environ_overrides={"REMOTE_ADDR": self.browser.address},
            headers=self.headers,
            **more,
        )
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[-300:])
        return answer.json

    def post(self, path: str, body: object, status: int = 200) -> Any:
        return self.ask("POST", path, status, json=body)


@pytest.fixture
def staff(hall: MonthHall) -> Program:
    return Program(hall.counter())


@contextmanager
def over_https(hall: MonthHall, folder: Path) -> Iterator[str]:
    """The kiosk on a port of its own; its certificate is in `hall.pem`, as the guide has it."""
    certificate = load_certificate(folder / "https.pem", [], ["127.0.0.1"], datetime.now(UTC))
    found = re.search(r"-----BEGIN CERT.*?-----END CERT[^\n]*\n", (folder / "https.pem").read_text(), re.DOTALL)
    assert found is not None
    (folder / "hall.pem").write_text(found[0])
    with closing(HttpsServer(hall.app, certificate)) as server:
        yield f"https://{server.address}"


def guides_program(box: str, pin: str) -> str:
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    wanted = f'BOX, NAME, PIN, MONTH = "{box}", "Stan", "{pin}", "{MONTH}"'
    text, count = re.subn(r"^BOX, NAME, PIN, MONTH = .*$", wanted, found[1], flags=re.MULTILINE)
    assert count == 1
    return text


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    alone = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = [sys.executable, "-I", "-X", "utf8", "-c", program]
    return subprocess.run(
        command, cwd=folder, env=alone, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def test_the_guide_s_program_does_an_evening_and_a_draw(hall: MonthHall, tmp_path: Path) -> None:
    hall.regulars("Ana", "Ben", "Cleo", "Dan")
    hall.counter()
    with hall.evening.store.read() as conn:
        stan = find_player(conn, "Stan")
    assert stan is not None
    hall.set_pin(stan)
    with over_https(hall, tmp_path) as box:
        refused = run(guides_program(box, "1379"), tmp_path)
        ran = run(guides_program(box, PIN), tmp_path)
    assert refused.stderr == "The name or the PIN is not right.\n"
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    assert lines[:2] == ["Ana – Ben [3, 1]", "Ana – Cleo [3, 1]"]
    assert "First of the month Ana" in lines
    assert lines[-1].startswith("won: ")
    assert (hall.count("game_sessions"), hall.count("matches"), hall.count("lucky_draws")) == (1, 6, 1)
    done = hall.count("audit WHERE who = ? AND what IN ('match.entered', 'draw.drawn')", stan.id)
    assert done == 7


def test_a_token_is_the_login_s_it_was_asked_with(hall: MonthHall, staff: Program) -> None:
    staffs = staff.browser.client.get_cookie(LOGIN_COOKIE)
    assert staffs is not None
    program = Program(hall.browser())
    program.browser.client.set_cookie(LOGIN_COOKIE, staffs.value)
    assert program.post("/api/admin/sessions", {"game": "8-ball"}, 403)["error"] == "stale_page"
    program.headers = Program(program.browser).headers
    program.post("/api/admin/sessions", {"game": "8-ball"}, 201)


def test_refusals_have_one_shape_and_a_word_that_stays(hall: MonthHall, staff: Program) -> None:
    nobody, ana = Program(hall.browser(None, PHONE)), Program(hall.browser(hall.evening.player("Ana"), PHONE))
    refused = {
        "check_in_first": nobody.post("/api/admin/sessions", {}, 401),
        "not_yours": ana.post("/api/admin/sessions", {}, 403),
        "not_found": nobody.ask("GET", "/api/nowhere", 404),
        "wrong_method": staff.ask("PUT", "/api/admin/sessions", 405),
        "too_large": staff.ask("POST", "/api/admin/sessions", 413, data=b"x" * 70_000),
        "unreadable": ana.ask("GET", "/api/me/metrics?range=year", 400),
        "number": nobody.ask("GET", "/api/shots?limit=many", 400),
    }
    for word, told in refused.items():
        assert told.keys() == {"error", "message"}
        assert told["error"] == word
        assert "page" not in told["message"]
    assert {"broken", "store_away"} <= set(BY_STATUS.values())


def test_a_wrong_method_names_the_right_ones(staff: Program) -> None:
    answer = staff.browser.client.put("/api/admin/sessions", headers=staff.headers)
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize("limit", ["", "abc", "1.5", "0", "51", "-1", "1e1", "9" * 30, "٣"])
def test_a_limit_that_is_none_is_not_passed_over(hall: MonthHall, limit: str) -> None:
    told = Program(hall.browser(None, PHONE)).ask("GET", f"/api/lucky-draw/history?limit={limit}", 400)
    assert told["message"] == "limit must be a whole number from 1 to 50."


def test_what_is_said_twice_is_refused(hall: MonthHall, staff: Program) -> None:
    body = b'{"game": "8-ball", "game": "9-ball"}'
    told = staff.ask("POST", "/api/admin/sessions", 400, data=body, content_type="application/json")
    assert told == {"error": "twice", "message": "The field game is there twice."}
    assert hall.count("game_sessions") == 0


def test_another_result_under_a_known_id_is_refused(hall: MonthHall, staff: Program) -> None:
    ana, ben = (one.id for one in hall.regulars("Ana", "Ben"))
    first, second = (staff.post("/api/admin/sessions", {"game": "8-ball"}, 201)["id"] for _ in range(2))
    match_id = uuid7()
    sent = {"id": match_id, "sides": [[ana], [ben]], "score": [3, 1]}
    way = f"/api/admin/sessions/{first}/matches"
    entered = staff.post(way, sent, 201)
    for other in ({"score": [1, 3]}, {"score": [3, 2]}, {"game": "9-ball"}):
        assert staff.post(way, {**sent, **other}, 409)["error"] == "id_known"
    assert staff.post(f"/api/admin/sessions/{second}/matches", sent, 409)["error"] == "id_known"
    assert staff.post(way, sent) == entered
    with hall.evening.store.write() as conn:
        correct(conn, match_id, (0, 3), ana, hall.here.now)
    assert staff.post(way, sent, 409)["error"] == "id_known"
    with hall.evening.store.write() as conn:
        correct(conn, match_id, (3, 1), ana, hall.here.now)
        strike(conn, match_id, ana, hall.here.now)
    assert staff.post(way, sent, 409)["error"] == "id_known"
    assert hall.count("matches") == 1


def test_another_draw_under_a_known_id_is_refused(hall: MonthHall, staff: Program) -> None:
    hall.regulars("Ana", "Ben")
    wish = {"id": uuid7(), "month": MONTH, "prize": "A cue", "prizes": 1}
    made = staff.post("/api/admin/lucky-draw", wish, 201)
    for other in ({"prize": "Two cues"}, {"prizes": 2}, {"month": THIS_MONTH}):
        assert staff.post("/api/admin/lucky-draw", {**wish, **other}, 409)["error"] == "id_known"
    assert staff.post("/api/admin/lucky-draw", {**wish, "prize": " A  cue "}) == made
    staff.post(f"/api/admin/lucky-draw/{made['id']}/freeze", {})
    drawn = staff.post(f"/api/admin/lucky-draw/{made['id']}/draw", {"call": CALL})
    assert staff.post("/api/admin/lucky-draw", wish) == drawn


@pytest.mark.parametrize("month", ["1000-01", "1999-12", NEXT_MONTH, "2999-12", "9999-01"])
def test_a_month_that_has_not_begun_is_none_as_on_the_pages(hall: MonthHall, staff: Program, month: str) -> None:
    (ana,) = hall.regulars("Ana")
    for page in (f"/counter/month?month={month}", f"/counter/hall/board?month={month}"):
        staff.browser.get(page, 404)
    nobody = Program(hall.browser(None, PHONE))
    for path in ("/api/leaderboard/monthly/", "/api/awards/monthly/"):
        nobody.ask("GET", path + month, 404)
    staff.post(f"/api/admin/awards/calculate/{month}", {}, 404)
    assert staff.ask("GET", f"/api/admin/leaderboard/full?month={month}", 400)["error"] == "month"
    title = {"month": month, "player": ana.id, "title": "Best laugh"}
    assert staff.post("/api/admin/awards/manual", title, 400)["error"] == "begun"
    assert hall.count("monthly_awards") == 0
