"""The API of the hall's people and of a month: what it answers is as described, and nothing sent breaks it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import PHONE, Browser
from month_hall import CALL, HOSTILE, MONTH, NOW, THIS_MONTH, MonthHall, month_hall
from werkzeug.test import TestResponse

from edge.facts import uuid7
from edge.hall import awards
from edge.hall.award_rules import calculate
from edge.hall.groups import group_of
from edge.hall.occasion import Occasion
from edge.hall.players import Player
from edge.hall.points import points_of

HERE = Occasion(NOW, "2025-11-01", "Table 1")
KINDS: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}


class Program:
    """A program that has a browser's login, sends JSON, and holds every answer against the description."""

    def __init__(self, browser: Browser, page: str = "/boards") -> None:
        self.browser = browser
        html = browser.html(page)
        found = re.search(r'name="csrf" value="([^"]+)"|"X-CSRF-Token": "([^"]+)"', html)
        self.headers = {} if found is None else {"X-CSRF-Token": found[1] or found[2]}
        self.described: Any = browser.get("/api/openapi.json").json

    def send(self, method: str, path: str, body: object = None, status: int = 200, **more: Any) -> Any:
        if body is not None:
            more["data"] = body if isinstance(body, bytes) else json.dumps(body)
        answer: TestResponse = self.browser.client.open(
            path,
            method=method,
            environ_overrides={"REMOTE_ADDR": self.browser.address},
            content_type="application/json",
            headers=self.headers,
            **more,
        )
        assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[-300:])
        assert answer.is_json
        self._hold(method.lower(), path.partition("?")[0], str(status), answer.json)
        return answer.json

    def post(self, path: str, body: object = None, status: int = 200) -> Any:
        return self.send("POST", path, body, status)

    def get(self, path: str, status: int = 200) -> Any:
        return self.send("GET", path, None, status)

    def _hold(self, method: str, path: str, status: str, found: Any) -> None:
        """Everything that is described is there and of that type, and nothing else is."""
        (told,) = [
            one[method]
            for rule, one in self.described["paths"].items()
            if method in one and re.fullmatch(re.sub(r"{\w+}", "[^/]+", rule), path)
        ]
        schema = told["responses"][status]["content"]["application/json"].get("schema")
        if schema is not None:
            self._fits(schema, found, path)

    def _fits(self, schema: Any, value: Any, where: str) -> None:
        if "$ref" in schema:
            schema = self.described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            self._fits(schema["anyOf"][value is None], value, where)
            return
        if "enum" in schema:
            assert value in schema["enum"], where
            return
        if schema.get("type") == "null":
            assert value is None, where
            return
        assert isinstance(value, KINDS[schema["type"]]), (where, value)
        for one in value if schema["type"] == "array" else ():
            self._fits(schema["items"], one, where)
        if schema["type"] == "object":
            assert set(value) == set(schema["required"]), where
            for name, one in value.items():
                self._fits(schema["properties"][name], one, f"{where}.{name}")


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonthHall]:
    with month_hall(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def staff(hall: MonthHall) -> Program:
    return Program(hall.counter(), "/counter/evening")


def test_an_evening_is_entered_from_its_beginning_to_the_last_result(hall: MonthHall, staff: Program) -> None:
    ana, ben, cleo, dan = (hall.evening.player(name).id for name in ("Ana", "Ben", "Cleo", "Dan"))
    evening_id = uuid7()
    wish = {"game": "9-ball", "race_to": 3, "doubles": False, "id": evening_id}
    begun = staff.post("/api/admin/sessions", wish, 201)
    assert staff.post("/api/admin/sessions", wish) == begun
    assert (begun["id"], begun["day"], begun["open"]) == (evening_id, "2025-11-01", True)
    way = f"/api/admin/sessions/{evening_id}"
    for _ in range(2):
        present = staff.post(f"{way}/attendance", {"players": [ana, ben, cleo], "present": True})["present"]
    assert [one["name"] for one in present] == ["Ana", "Ben", "Cleo"]
    assert len(staff.post(f"{way}/attendance", {"players": [cleo], "present": False})["present"]) == 2
    entered = {"id": uuid7(), "sides": [[ana], [ben]], "score": [3, 1]}
    match = staff.post(f"{way}/matches", entered, 201)
    assert staff.post(f"{way}/matches", entered) == match
    assert (match["game"], match["winner"], match["session"]) == ("9-ball", 0, evening_id)
    doubles = {"sides": [[ana, dan], [ben, cleo]], "score": [1, 3], "game": "8-ball"}
    assert staff.post(f"{way}/matches", doubles, 201)["winner"] == 1
    with hall.evening.store.read() as conn:
        assert points_of(conn, ana, THIS_MONTH) == 1 + 0.5 + 1 + 0.5
        assert points_of(conn, dan, THIS_MONTH) == 1 + 0.5
    assert hall.count("audit WHERE what = 'match.entered'") == 2


def test_who_has_played_was_there(hall: MonthHall, staff: Program) -> None:
    ana, ben = hall.evening.player("Ana").id, hall.evening.player("Ben").id
    way = f"/api/admin/sessions/{staff.post('/api/admin/sessions', {'game': '8-ball'}, 201)['id']}"
    match_id = uuid7()
    staff.post(f"{way}/matches", {"id": match_id, "sides": [[ana], [ben]], "score": [1, 0]}, 201)
    refused = staff.post(f"{way}/attendance", {"players": [ana], "present": False}, 409)
    assert "Take back the result first" in refused["message"]
    other = {"id": match_id, "sides": [[ben], [ana]], "score": [1, 0]}
    assert staff.post(f"{way}/matches", other, 409)["error"] == "result_known"


# Fixed: they stand in the names of tests, which every process that runs some of them must know alike.
SESSION_ID, GONE = "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002"
BAD_BODIES: list[tuple[str, object, str]] = [
    ("sessions", [], "object"),
    ("sessions", b"{", "object"),
    ("sessions", b"[" * 60_000, "object"),
    ("sessions", "game", "object"),
    ("sessions", {}, "game is missing"),
    ("sessions", {"game": 8}, "game must be a text"),
    ("sessions", {"game": "8-ball", "race": 3}, "no field race"),
    ("sessions", {"game": "8-ball", "race_to": "3"}, "race_to must be"),
    ("sessions", {"game": "8-ball", "race_to": True}, "race_to must be"),
    ("sessions", {"game": "8-ball", "race_to": 0}, "race_to must be"),
    ("sessions", {"game": "8-ball", "race_to": 10**400}, "race_to must be"),
    ("sessions", {"game": "8-ball", "doubles": "no"}, "doubles must be"),
    ("sessions", {"game": "8-ball", "id": "mine"}, "id must be"),
    (f"sessions/{SESSION_ID}/attendance", {"players": "Ana"}, "players must be"),
    (f"sessions/{SESSION_ID}/attendance", {"players": []}, "players must be"),
    (f"sessions/{SESSION_ID}/attendance", {"players": [1]}, "players must be"),
    (f"sessions/{SESSION_ID}/attendance", {"players": ["x" * 10_000]}, "players must be"),
    (f"sessions/{SESSION_ID}/attendance", {"players": ["\ud800"]}, "players must be"),
    (f"sessions/{SESSION_ID}/attendance", {"players": ["x"], "present": 1}, "present must be"),
    (f"sessions/{SESSION_ID}/matches", {"score": [1, 0]}, "sides is missing"),
    (f"sessions/{SESSION_ID}/matches", {"sides": [["a"]], "score": [1, 0]}, "sides must be"),
    (f"sessions/{SESSION_ID}/matches", {"sides": [["a"], []], "score": [1, 0]}, "sides must be"),
    (f"sessions/{SESSION_ID}/matches", {"sides": [["a"], ["b"]], "score": [1.5, 0]}, "score must be"),
    (f"sessions/{SESSION_ID}/matches", {"sides": [["a"], ["b"]], "score": [201, 0]}, "score must be"),
    (f"sessions/{SESSION_ID}/matches", {"sides": [["a"], ["b"]], "score": [1, 0, 0]}, "score must be"),
    ("awards/manual", {"month": MONTH, "player": "x"}, "title is missing"),
    ("awards/manual", {"month": 10, "player": "x", "title": "y"}, "month must be"),
    (f"awards/calculate/{MONTH}", {"publish": True}, "no field publish"),
    ("lucky-draw", {"month": "2025-08", "prize": "A cue"}, "month must be one of 2025-11, 2025-10"),
    ("lucky-draw", {"month": MONTH, "prize": "A cue", "prizes": 21}, "prizes must be"),
    ("lucky-draw", {"month": MONTH, "prize": ["A cue"]}, "prize must be a text"),
    (f"lucky-draw/{GONE}/draw", {}, "call is missing"),
    (f"lucky-draw/{GONE}/draw", {"call": "\udfff and more"}, "call must be a text"),
    (f"lucky-draw/{GONE}/freeze", {"now": True}, "no field now"),
]


@pytest.mark.parametrize(("path", "body", "says"), BAD_BODIES)
def test_what_can_not_be_read_is_refused_with_what_is_wrong(
    staff: Program, path: str, body: object, says: str
) -> None:
    staff.post("/api/admin/sessions", {"game": "8-ball", "id": SESSION_ID}, 201)
    refused = staff.post(f"/api/admin/{path}", body, 400)
    assert says in refused["message"]
    assert len(refused["message"]) < 300


def test_ids_that_are_not_there_are_named(hall: MonthHall, staff: Program) -> None:
    ana = hall.evening.player("Ana").id
    evening_id = staff.post("/api/admin/sessions", {"game": "8-ball"}, 201)["id"]
    way, gone = f"/api/admin/sessions/{evening_id}", f"/api/admin/sessions/{GONE}"
    assert GONE in staff.post(f"{gone}/attendance", {"players": [ana]}, 404)["message"]
    assert GONE in staff.post(f"{way}/attendance", {"players": [ana, GONE]}, 404)["message"]
    assert hall.count("game_attendances") == 0  # all of them or nobody
    assert GONE in staff.post(f"{way}/matches", {"sides": [[ana], [GONE]], "score": [1, 0]}, 404)["message"]
    assert GONE in staff.send("PATCH", f"/api/admin/player-groups/{GONE}", {"group": "elite"}, 404)["message"]
    title = {"month": MONTH, "player": GONE, "title": "Best laugh"}
    assert GONE in staff.post("/api/admin/awards/manual", title, 404)["message"]
    for step, body in (("populate", {}), ("freeze", {}), ("draw", {"call": CALL})):
        assert GONE in staff.post(f"/api/admin/lucky-draw/{GONE}/{step}", body, 404)["message"]
    for month in ("2025-13", "nonsense"):
        staff.post(f"/api/admin/awards/calculate/{month}", {}, 404)
        staff.get(f"/api/awards/monthly/{month}", 404)


def test_rules_of_the_hall_say_no_as_they_do_on_pages(hall: MonthHall, staff: Program) -> None:
    ana, ben = (one.id for one in hall.regulars("Ana", "Ben"))
    assert staff.post("/api/admin/sessions", {"game": "snooker"}, 409)["error"] == "evening_game"
    way = f"/api/admin/sessions/{staff.post('/api/admin/sessions', {'game': '8-ball'}, 201)['id']}"
    for body in ({"sides": [[ana], [ana]], "score": [1, 0]}, {"sides": [[ana, ben], [ben]], "score": [1, 0]}):
        assert "pick each player once" in staff.post(f"{way}/matches", body, 409)["message"]
    draw = staff.post("/api/admin/lucky-draw", {"month": MONTH, "prize": "x"}, 409)
    assert draw["error"] == "prize_length"
    assert (
        staff.post("/api/admin/awards/manual", {"month": MONTH, "player": ana, "title": "y" * 10_000}, 409)[
            "error"
        ]
        == "award_title_length"
    )


def test_the_full_board_has_everybody_and_is_for_staff_alone(hall: MonthHall, staff: Program) -> None:
    players = hall.regulars(*(f"Player {letter}" for letter in "ABCDEFGHIJKL"))
    hall.hide(players[1])
    board = staff.get(f"/api/admin/leaderboard/full?month={MONTH}")["board"]
    assert [one["name"] for one in board] == [player.name for player in players]
    assert [one["visible"] for one in board[:3]] == [True, False, True]
    assert board[-1]["rank"] == 11  # who hides takes nobody's place
    assert staff.get("/api/admin/leaderboard/full")["board"] == []
    assert len(staff.get("/api/admin/leaderboard/full?month=alltime")["board"]) == 12
    for month in ("2025-13", "", "x" * 3000):
        staff.get(f"/api/admin/leaderboard/full?month={month}", 400)


def test_a_group_is_set_and_lifted(hall: MonthHall, staff: Program) -> None:
    ana, ben = hall.evening.player("Ana"), hall.evening.player("Ben")
    way = f"/api/admin/player-groups/{ana.id}"
    for _ in range(2):
        assert staff.send("PATCH", way, {"group": "elite"})["override"] is True
    groups = {one["name"]: one for one in staff.get("/api/admin/player-groups")["players"]}
    assert (groups["Ana"]["group"], groups["Ana"]["override"]) == ("elite", True)
    assert (groups["Ben"]["id"], groups["Ben"]["group"], groups["Ben"]["override"]) == (ben.id, "active", False)
    assert hall.count("audit WHERE what = 'player.group_set'") == 1
    assert staff.send("PATCH", way, {"group": None}) == {
        "id": ana.id,
        "name": "Ana",
        "group": "active",
        "override": False,
    }
    with hall.evening.store.read() as conn:
        assert group_of(conn, ana.id) == "active"
    for body in ({"group": "b-team"}, {"group": 1}, {"group": ["elite"]}, {}, {"group": "elite", "why": "x"}):
        staff.send("PATCH", way, body, 400)


def test_awards_are_calculated_and_nothing_is_written(hall: MonthHall, staff: Program) -> None:
    ana, ben, *_ = hall.regulars("Ana", "Ben", "Cleo")
    hall.vote(ben, ana)
    found = staff.post(f"/api/admin/awards/calculate/{MONTH}")
    assert (found["awards"][0]["name"], found["awards"][0]["figure"]) == ("Ana", 16)
    assert found["votes"]["mvp"] == [{"player": ana.id, "name": "Ana", "votes": 1}]
    assert (found["published"], hall.count("monthly_awards"), hall.count("award_months")) == (False, 0, 0)
    with hall.evening.store.write() as conn:
        awards.publish(conn, MONTH, by="", here=HERE, seen=found["digest"])
    hall.came(ben, *range(1, 20))
    changed = staff.post(f"/api/admin/awards/calculate/{MONTH}", {})
    assert changed["published"] is True
    assert {one["name"] for one in changed["differences"]["gone"]} == {"Ana", "Ben"}


def test_a_title_by_hand_twice_is_one(hall: MonthHall, staff: Program) -> None:
    (ana,) = hall.regulars("Ana")
    for title in HOSTILE[:4]:
        body = {"month": MONTH, "player": ana.id, "title": title}
        first, second = (staff.post("/api/admin/awards/manual", body, 201) for _ in range(2))
        assert first["id"] == second["id"]
        assert first["title"] == title
    assert hall.count("monthly_awards") == 4


def test_a_draw_is_made_filled_fixed_and_drawn(hall: MonthHall, staff: Program) -> None:
    hall.regulars("Ana", "Ben")
    draw_id = uuid7()
    wish = {"month": MONTH, "prize": "<b>A cue</b>", "prizes": 1, "id": draw_id}
    made = staff.post("/api/admin/lucky-draw", wish, 201)
    assert staff.post("/api/admin/lucky-draw", wish) == made
    assert (made["tickets"], made["seed"], made["state"]) == (2, None, "open")
    hall.regulars("Cleo")
    way = f"/api/admin/lucky-draw/{draw_id}"
    assert staff.post(f"{way}/populate")["tickets"] == 3
    assert staff.post(f"{way}/draw", {"call": CALL}, 409)["error"] == "draw_open"
    fixed = staff.post(f"{way}/freeze", {})
    assert staff.post(f"{way}/freeze") == fixed
    assert staff.post(f"{way}/populate", {}, 409)["error"] == "draw_frozen"
    assert staff.post(f"{way}/draw", {"call": "abc"}, 409)["error"] == "call_length"
    drawn = staff.post(f"{way}/draw", {"call": CALL})
    assert drawn["call"] == CALL
    assert staff.post(f"{way}/draw", {"call": "another call"}) == drawn


def test_everybody_can_follow_a_draw(hall: MonthHall) -> None:
    ana, _ben = hall.regulars("Ana", "Ben")
    zelda = hall.evening.player("Zelda")
    hall.draw("Dinner for two", held=True)
    open_id = hall.draw()
    nobody = Program(hall.browser(None, PHONE))
    (current,) = nobody.get("/api/lucky-draw/current")["draws"]
    assert (current["id"], current["tickets"], current["own"]) == (open_id, 2, None)
    (own,) = Program(hall.browser(ana, PHONE)).get("/api/lucky-draw/current")["draws"]
    assert len(own["own"]["ticket"]["ticket"]) == 16
    (missing,) = Program(hall.browser(zelda)).get("/api/lucky-draw/current")["draws"]
    assert missing["own"] == {"ticket": None, "missing": {"sessions": 6, "points": 15}}
    (held,) = nobody.get("/api/lucky-draw/history")["draws"]
    assert held["winners"][0]["ticket"] == held["list"][held["winners"][0]["number"] - 1]
    assert "Dinner for two" in hall.browser().html(held["recipe"])
    for limit in ("0", "51", "-1"):
        nobody.get(f"/api/lucky-draw/history?limit={limit}", 400)


def test_awards_and_the_own_game(hall: MonthHall) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    nobody, program = Program(hall.browser(None, PHONE)), Program(hall.browser(ana, PHONE))
    hall.came(ana, 1, month=THIS_MONTH)
    assert nobody.get(f"/api/awards/monthly/{MONTH}") == {"month": MONTH, "published": False, "awards": []}
    assert program.get("/api/my-awards") == {"awards": []}
    with hall.evening.store.write() as conn:
        awards.publish(conn, MONTH, by="", here=HERE, seen=calculate(conn, MONTH).digest)
    hall.hide(ben)
    told = nobody.get(f"/api/awards/monthly/{MONTH}")["awards"]
    assert [(one["kind"], one["title"], one["name"]) for one in told] == [("top1", "First of the month", "Ana")]
    assert [(one["month"], one["kind"]) for one in program.get("/api/my-awards")["awards"]] == [(MONTH, "top1")]
    game = program.get("/api/my-profile/game")
    assert (game["name"], game["month"], game["rank"], game["points"]) == ("Ana", THIS_MONTH, 1, 1)
    assert game["draw"] == {"eligible": False, "missing": {"sessions": 5, "points": 14}}
    assert game["votes"] == {"open": True, "given": []}
    assert game["awards"] == 1


STAFF_S = (
    "POST /api/admin/sessions",
    "POST /api/admin/sessions/x/attendance",
    "POST /api/admin/sessions/x/matches",
    "GET /api/admin/leaderboard/full",
    "GET /api/admin/player-groups",
    "PATCH /api/admin/player-groups/x",
    f"POST /api/admin/awards/calculate/{MONTH}",
    "POST /api/admin/awards/manual",
    "POST /api/admin/lucky-draw",
    "POST /api/admin/lucky-draw/x/populate",
    "POST /api/admin/lucky-draw/x/freeze",
    "POST /api/admin/lucky-draw/x/draw",
)


def test_what_is_staff_s_is_refused_to_players_and_to_staff_on_their_phones(
    hall: MonthHall, staff: Program
) -> None:
    asked = {f"{method.upper()} {path}" for path, told in staff.described["paths"].items() for method in told}
    assert {re.sub("{month}", MONTH, re.sub("{id}", "x", one)) for one in asked if "/admin/" in one} == set(
        STAFF_S
    )
    ana = hall.evening.player("Ana")
    stan: Player = replace(ana, id=hall.evening.rows("SELECT id FROM players WHERE name = 'Stan'")[0]["id"])
    for person, status in ((ana, 403), (stan, 403), (None, 401)):
        program = Program(hall.browser(person, PHONE), "/" if person is None else "/me/settings")
        for one in STAFF_S:
            method, _, path = one.partition(" ")
            program.send(method, path, None if method == "GET" else {}, status)


def test_a_foreign_page_posts_nothing(hall: MonthHall, staff: Program) -> None:
    staff.headers = {}
    assert staff.post("/api/admin/sessions", {"game": "8-ball"}, 403)["message"]
    assert hall.count("game_sessions") == 0


def test_a_member_s_own_is_no_guest_s(hall: MonthHall) -> None:
    guest = Program(hall.browser(hall.evening.guest(), PHONE))
    nobody = Program(hall.browser(None, PHONE))
    for path in ("/api/my-awards", "/api/my-profile/game"):
        guest.get(path, 403)
        nobody.get(path, 401)
    assert guest.get("/api/lucky-draw/current") == {"draws": []}
