"""A hall of three boxes: what people do at a table's screen is one hall, and goes on when the hub is away."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from evening import Evening
from hall_of_boxes import HubBox, TableBox
from hall_visitor import SCREEN, Browser, close_app
from werkzeug.test import TestResponse

from edge.facts import uuid7
from edge.hall import ladders
from edge.hall.ladders import Terms
from edge.settings import Hall, Settings, Table
from kiosk.app import create_app
from sync.pages import Asker, PageRequest

PIN = "4826"
CHICAGO = Hall(name="Chalk City", timezone="America/Chicago")


@dataclass
class Screen:
    """A table with its box and the browser of its screen."""

    box: TableBox
    browser: Browser


def a_screen(folder: Path, hub: HubBox, label: str) -> Screen:
    box = TableBox(folder, hub, label)
    app = create_app(box.paths, Settings(hall=CHICAGO, table=Table(label=label)))
    return Screen(box, Browser(app.test_client(), SCREEN))


def close(screen: Screen) -> None:
    close_app(screen.browser.client.application)
    screen.box.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubBox]:
    box = HubBox(tmp_path / "hub", settings=Settings(hall=CHICAGO))
    yield box
    box.close()


@pytest.fixture
def three(tmp_path: Path, hub: HubBox) -> Iterator[Screen]:
    screen = a_screen(tmp_path / "three", hub, "Table 3")
    yield screen
    close(screen)


@pytest.fixture
def five(tmp_path: Path, hub: HubBox) -> Iterator[Screen]:
    screen = a_screen(tmp_path / "five", hub, "Table 5")
    yield screen
    close(screen)


def sign_up(screen: Screen, name: str) -> None:
    screen.browser.post("/sign-up/pin", name=name, pin=PIN)
    screen.browser.post("/consent", answer="no")


def check_in(screen: Screen, name: str, status: int = 303) -> None:
    screen.browser.post("/check-in/pin", status, name=name, pin=PIN)


def players_of(box: HubBox | TableBox) -> dict[str, str]:
    with box.store.read() as conn:
        return {row["name"]: row["id"] for row in conn.execute("SELECT id, name FROM players")}


def test_who_signs_up_at_a_table_is_known_in_the_whole_hall(hub: HubBox, three: Screen, five: Screen) -> None:
    sign_up(three, "Ana")
    assert "Ana" in players_of(hub)
    assert "Ana" in three.browser.html("/me")
    check_in(five, "Ana")
    assert "Ana" in five.browser.html("/me")


def test_a_practice_at_a_table_stands_on_the_players_own_page_at_another(
    hub: HubBox, three: Screen, five: Screen
) -> None:
    sign_up(three, "Ana")
    three.browser.post("/start/practice")
    evening = Evening(three.box.paths.data, "Table 3", "cam-3")
    evening.now = datetime.now(UTC)
    for _ in range(3):
        evening.shoot("1")
    evening.close()
    three.browser.post("/end")
    check_in(five, "Ana")
    three.box.sync.once()
    with hub.store.read() as conn:
        (session,) = conn.execute("SELECT id, shots FROM sessions")
    assert session["shots"] == 3
    assert session["id"] in five.browser.html("/me/sessions")
    assert five.browser.html("/me/shots").count("cam-3/") >= 3


def test_the_same_challenge_at_two_tables_at_once_is_one(hub: HubBox, three: Screen, five: Screen) -> None:
    """Whoever is challenged already can't be challenged again, wherever it is tried."""
    for name in ("Ana", "Ben", "Cleo"):
        sign_up(three, name)
    ids = players_of(hub)
    with hub.store.write() as conn:
        terms = Terms("Friday", "9-ball", 5, 2, 14)
        now = "2026-01-01T00:00:00.000Z"
        ladder = ladders.create_ladder(conn, terms, ["First"], ids["Ana"], now)
        ladders.add_members(
            conn, ladder.divisions[0].id, [ids[n] for n in ("Ana", "Ben", "Cleo")], ids["Ana"], now
        )
    check_in(three, "Ben")
    check_in(five, "Cleo")
    path = f"/me/ladders/{ladder.id}/challenge/{ids['Ana']}"
    three.browser.post(path)
    five.browser.post(path, 409)
    with hub.store.read() as conn:
        assert len(ladders.challenges(conn, ladder.id)) == 1


def test_a_deed_that_is_asked_twice_is_done_once(hub: HubBox, three: Screen) -> None:
    sign_up(three, "Ana")
    ana = players_of(hub)["Ana"]
    asker = Asker(ana, "screen", True, True, False, SCREEN)
    headers = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded"}
    body = b"visible=no"
    asked = PageRequest("POST", "/me/settings/visible", headers, body, asker, "once-1").to_json()
    first = three.box.client.post("/v1/page", asked)
    with hub.store.write() as conn:
        conn.execute("UPDATE players SET visible = 1")
    again = three.box.client.post("/v1/page", asked)
    assert (first["status"], again["status"]) == (303, 303)
    with hub.store.read() as conn:
        assert [row["visible"] for row in conn.execute("SELECT visible FROM players")] == [1]


def test_with_the_hub_away_players_of_late_check_in_and_others_play_as_guests(
    hub: HubBox, three: Screen, five: Screen
) -> None:
    sign_up(three, "Ana")
    three.browser.post("/start/practice")
    three.browser.post("/end")
    three.browser.post("/leave")
    for screen in (three, five):
        screen.box.sync.once()
    three.box.sync.once()
    hub.stop()
    check_in(three, "Ana")
    assert "practi" in three.browser.html("/start")
    three.browser.post("/start/practice")
    assert "can&#39;t be reached" in three.browser.html("/me", 503)
    check_in(five, "Ana", 503)
    five.browser.post("/guest")
    five.browser.post("/start/practice")
    hub.start()
    for screen in (three, five):
        screen.box.sync.once()
    with hub.store.read() as conn:
        labels = [
            row["table_label"] for row in conn.execute("SELECT table_label FROM sessions ORDER BY started_at")
        ]
    assert labels == ["Table 3", "Table 3", "Table 5"]


def test_staff_at_a_tables_counter_work_in_the_hubs_store(hub: HubBox, three: Screen) -> None:
    sign_up(three, "Stan")
    with hub.store.write() as conn:
        conn.execute('UPDATE players SET roles = \'["admin", "player"]\'')
    three.browser.post("/leave")
    three.browser.post("/counter/enter", name="Stan", pin=PIN)
    assert "Stan" in three.browser.html("/counter/people?name=Stan")
    three.browser.post("/counter/leave")
    three.browser.get("/counter/people", 303)


def test_a_staff_program_at_a_table_works_in_the_hubs_store(hub: HubBox, three: Screen) -> None:
    sign_up(three, "Stan")
    with hub.store.write() as conn:
        conn.execute('UPDATE players SET roles = \'["player", "staff"]\'')
    three.browser.post("/leave")
    client = three.browser.client

    def send(path: str, **body: Any) -> TestResponse:
        told = client.get("/api/token").get_json()
        return client.post(path, headers={told["header"]: told["token"]}, **body)

    assert send("/api/admin/sessions", json={"game": "8-ball"}).status_code == 401
    assert send("/counter/enter", data={"name": "Stan", "pin": PIN}).status_code == 303
    refused = send("/api/admin/sessions", json={"game": "8-ball", "race": 3})
    assert (refused.status_code, refused.get_json()["error"]) == (400, "unknown")
    wish = {"game": "8-ball", "id": uuid7()}
    assert [send("/api/admin/sessions", json=wish).status_code for _ in range(2)] == [201, 200]
    with hub.store.read() as conn:
        assert [row["id"] for row in conn.execute("SELECT id FROM game_sessions")] == [wish["id"]]
    hub.stop()
    away = send("/api/admin/sessions", json=wish)
    hub.start()
    assert (away.status_code, away.get_json()["error"]) == (503, "hub_away")
