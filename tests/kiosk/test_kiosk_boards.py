"""The boards: the top ten, nobody below, and to each their own place."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import PHONE, SCREEN, House, a_house

from edge.clock import stamp
from edge.hall import points, roster
from edge.hall.groups import override
from edge.hall.occasion import occasion
from edge.hall.players import Player, erase_player, save_player
from edge.hall.sessions import begin_session
from edge.hall.words import nowhere_word
from kiosk.wording import ordinal

PAGES = ("/boards", "/boards/fame", "/boards/groups")
NOW = datetime(2025, 11, 1, 20, 0, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The first of November, three in the afternoon."""
    with a_house(tmp_path) as house:
        monkeypatch.setattr("kiosk.box.occasion", lambda zone, label: occasion(zone, label, NOW))
        house.evening.now = NOW - timedelta(days=31)
        yield house


def came(house: House, player: Player, *days: str) -> None:
    """Days on which a player struck a ball, a point each."""
    with house.evening.store.write() as conn:
        for day in days:
            here = replace(house.evening.here, now=datetime.fromisoformat(f"{day}T20:00:00+00:00"), day=day)
            session = begin_session(conn, player.id, "practice", here)
            conn.execute("UPDATE sessions SET shots = 1, ended_at = started_at WHERE id = ?", [session.id])
        points.settle(conn, player.id, stamp(NOW))


def crowd(house: House, count: int) -> list[Player]:
    """Players of whom the first has most points of October, the last one point."""
    players = [house.evening.player(f"Player {chr(65 + n)}") for n in range(count)]
    for n, player in enumerate(players):
        came(house, player, *(f"2025-10-{day:02}" for day in range(1, count - n + 1)))
    return players


def names_on(html: str) -> list[str]:
    return re.findall(r'class="name">([^<]+)<', html)


def test_boards_are_for_everybody_and_end_after_ten(house: House) -> None:
    players = crowd(house, 13)
    for browser in (house.browser(), house.browser(None, PHONE), house.browser(players[11])):
        html = browser.html("/boards?month=2025-10")
        assert names_on(html) == [player.name for player in players[:10]]
        assert "October 2025" in html
        assert names_on(browser.html("/boards/fame")) == [player.name for player in players[:10]]
    assert "Nobody yet" in house.browser().html("/boards")


def test_who_is_below_sees_the_own_place_alone(house: House) -> None:
    players = crowd(house, 13)
    below = house.browser(players[11])
    for path in ("/boards?month=2025-10", "/boards/fame"):
        assert "Your place: 12th, 2 points" in below.html(path)
        for name in (players[10].name, players[12].name):
            assert name not in below.html(path)
        assert "Your place" not in house.browser(players[3]).html(path)
        assert 'own">' in house.browser(players[3]).html(path)
        assert "Your place" not in house.browser().html(path)
    assert "with your first point" in below.html("/boards")


def test_who_does_not_want_to_be_seen_is_not(house: House) -> None:
    ana, ben, guest = house.evening.player("Ana"), house.evening.player("Ben"), house.evening.guest()
    for player in (ana, ben, guest):
        came(house, player, "2025-10-30", "2025-11-01")
    with house.evening.store.write() as conn:
        save_player(conn, replace(ana, visible=False))
    for path in PAGES:
        html = house.browser().html(path)
        assert "Ana" not in html
        assert "Guest" not in html
        assert "Ben" in html
    own = house.browser(ana).html("/boards")
    assert "Your place: 1st, 1 point<" in own
    assert "Only you see it" in own


def test_this_month_and_the_last_can_be_chosen_and_no_other(house: House) -> None:
    ana = house.evening.player("Ana")
    came(house, ana, "2025-09-15", "2025-10-31", "2025-11-01")
    browser = house.browser()
    assert "November 2025" in browser.html("/boards")
    assert "October 2025" in browser.html("/boards?month=2025-10")
    for month in ("2025-09", "2025-12", "nonsense", ""):
        browser.get(f"/boards?month={month}", 404)


def test_a_new_month_begins_at_the_hall_s_midnight(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    came(house, house.evening.player("Ana"), "2025-10-31")
    for moment, month in (("2025-11-01T04:59:59Z", "October"), ("2025-11-01T05:00:00Z", "November")):
        now = datetime.fromisoformat(moment)
        monkeypatch.setattr("kiosk.box.occasion", lambda zone, label, now=now: occasion(zone, label, now))
        assert f"{month} 2025</h2>" in house.browser().html("/boards")


def test_the_hall_of_fame_tells_the_best_month_and_since_when(house: House) -> None:
    house.evening.now = datetime(2025, 9, 1, 4, 0, tzinfo=UTC)  # still August in Chicago
    ana = house.evening.player("Ana")
    came(house, ana, "2025-09-15", "2025-10-30", "2025-10-31")
    html = house.browser().html("/boards/fame")
    assert "Best month October 2025 · Since August 2025" in html


def test_groups_are_names_in_the_order_of_the_alphabet(house: House) -> None:
    names = ("cleo", "Ana", "Ben", "Dora", "Old")
    players = {name: house.evening.player(name) for name in names}
    for name, player in players.items():
        came(house, player, "2025-09-01" if name == "Old" else "2025-10-30")
    with house.evening.store.write() as conn:
        for name in ("Dora", "Ben"):
            override(conn, players[name].id, "elite", players["Ana"].id, stamp(NOW))
        erase_player(conn, players["Dora"].id, stamp(NOW))
    html = house.browser().html("/boards/groups")
    assert re.findall(r"<li>([^<]+)</li>", html) == ["Ben", "Ana", "cleo"]


def test_of_too_many_names_those_who_were_here_last(house: House) -> None:
    players = [house.evening.player(f"Player {chr(65 + n)}") for n in range(5)]
    for n, player in enumerate(players):
        came(house, player, f"2025-10-{10 + n}")
    with house.evening.store.read() as conn:
        found = roster.roster(conn, "2025-11-01", 2)
        assert roster.roster(conn, "2025-12-10", 9).active == ("Player B", "Player C", "Player D", "Player E")
    assert found.active == ("Player D", "Player E")


@pytest.mark.parametrize("address", [SCREEN, PHONE])
def test_boards_lead_back_and_shame_nobody(house: House, address: str) -> None:
    for players in (0, 12):
        crowd(house, players)
        for path in PAGES:
            html = house.browser(None, address).html(path)
            assert 'class="button back" href="/"' in html
            assert nowhere_word(re.sub(r"<[^>]+>", " ", html)) is None


def test_the_same_by_program(house: House) -> None:
    players = crowd(house, 12)
    nobody, below = house.browser(None, PHONE), house.browser(players[11], PHONE)
    month: Any = nobody.get("/api/leaderboard/monthly/2025-10").json
    assert [place["name"] for place in month["top"]] == [player.name for player in players[:10]]
    assert set(month["top"][0]) == {"rank", "name", "points"}
    assert month["own"] is None
    own: Any = below.get("/api/leaderboard/monthly/2025-10").json
    assert own["own"] == {"rank": 12, "points": 1.0}
    assert own["top"] == month["top"]
    this: Any = nobody.get("/api/leaderboard/monthly").json
    assert this == {"month": "2025-11", "top": [], "own": None}
    ever: Any = below.get("/api/leaderboard/alltime").json
    assert (ever["top"][0]["best_month"], ever["top"][0]["member_since"]) == ("2025-10", "2025-10")
    assert len(ever["top"]) == 10
    for month_name in ("2025-13", "25-10", "2025-10-31", "x"):
        nobody.get(f"/api/leaderboard/monthly/{month_name}", 404)


def test_ordinals(house: House) -> None:
    with house.app.app_context():
        found = [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)]
    assert found == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"]
