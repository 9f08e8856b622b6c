"""An evening of the hall, run at the counter in a real browser: 16 players, five rounds, 40 matches.

The hall's own arithmetic is held against what was tapped. Taps are counted, since an evening's results are to take
staff less than five minutes: a tap takes two seconds or three.
"""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from page_fit import TOO_WIDE

PIN = "4826"
NAMES = ["Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jana", "Karl", "Lena", "Mia", "Nils"]
NAMES += ["Olga", "Pavel"]
ROUNDS = 5
MOST_TAPS = 100  # of an evening's attendance, pairings and results
SIZES = [(1280, 800), (1920, 1080), (390, 844)]
SMALLEST_PX = 44
SMALL = """least => [...document.querySelectorAll('a, button, input, select')]
    .filter(e => e.offsetParent !== null && !e.matches('[type=hidden], .option'))
    .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
    .filter(([_, r]) => r.width < least || r.height < least).map(([html]) => html)"""
PAGES = (
    "/counter",
    "/counter/tables/setup",
    "/counter/evening",
    "/counter/ladders",
    "/counter/month",
    "/counter/people",
    "/counter/hall",
    "/counter/deeds",
)


@pytest.fixture(scope="module", autouse=True)
def hall(served: Any) -> list[str]:
    """Sixteen members who were here a week ago, and Stan of the staff."""
    from edge.clock import stamp
    from edge.hall.game_sessions import attend, begin_evening
    from edge.hall.keys import load_keys
    from edge.hall.occasion import occasion
    from edge.hall.pins import hash_pin, keep_pin
    from edge.hall.players import sign_up
    from edge.settings import Settings

    hashed = hash_pin(load_keys(served.box.paths.secrets).pins, PIN)
    week_ago = datetime.now(UTC) - timedelta(days=7)
    with served.box.store.write() as conn:
        stan = sign_up(conn, "Stan", stamp(week_ago), frozenset({"player", "staff"}))
        keep_pin(conn, stan.id, hashed, datetime.now(UTC))
        ids = [sign_up(conn, name, stamp(week_ago)).id for name in NAMES]
        evening = begin_evening(conn, occasion(Settings().hall.zone, "", week_ago), stan.id)
        attend(conn, evening, ids, stan.id, week_ago)
    return ids


class Staff:
    """Stan at the counter, who taps and counts."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url, self.taps = page, url, 0
        page.goto(f"{url}/counter/enter?name=Stan&next=/counter/evening")
        page.wait_for_selector(".pad .key")
        for digit in PIN:
            page.locator(".pad .key", has_text=digit).first.click()
        with page.expect_navigation():
            page.locator(".pad [type=submit]").click()

    def tap(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.taps += 1

    def go(self, selector: str) -> None:
        """A tap that leads to another page."""
        with self.page.expect_navigation():
            self.tap(selector)


@pytest.mark.slow
def test_an_evening_of_sixteen_and_forty_matches(page: Any, served: Any, hall: list[str]) -> None:
    staff = Staff(page, served.url)
    wins: Counter[str] = Counter()
    staff.go("form.setup button.wide")
    for number, name in enumerate(NAMES, start=1):
        staff.tap(f".names .name:text-is('{name}')")
        page.wait_for_selector(f"#here-count:text-is('{number} here')")
    staff.go(".bar a.primary")
    for number in range(1, ROUNDS + 1):
        staff.go(f"button[value={'random' if number % 2 else 'level'}]")
        newest = page.locator(".round").first
        for left in range(len(NAMES) // 2 - 1, -1, -1):
            row = newest.locator(".pairing:not(.over)").first
            sides = row.locator("button.side")
            # The alphabet's first of two wins, save in the fourth of a round.
            names = [sides.nth(side).inner_text() for side in (0, 1)]
            winner = names.index(max(names) if left == 4 else min(names))
            wins[names[winner]] += 1
            sides.nth(winner).click()
            staff.taps += 1
            page.wait_for_selector(f"#waiting:text-is('{left} to play')")
    tapped = staff.taps
    page.told.errors.clear()  # nothing but what follows may complain
    assert sum(wins.values()) == 40
    assert tapped <= MOST_TAPS, tapped

    # The very first match was the other way round; then the correction is undone.
    with page.expect_navigation():
        page.locator(".pairing.over").last.locator(".side:not(.won)").click()
    lost = re.findall(r"\d+", page.locator("nav.pairing .score").inner_text()).index("0")
    with page.expect_navigation():
        page.locator("nav.pairing a.side").nth(lost).click()
    with page.expect_navigation():
        page.locator("button.digit").first.click()
    assert "corrected" in page.locator(".told").inner_text()
    with page.expect_navigation():
        page.locator(".told button").click()

    compare(served, hall, wins)


def compare(served: Any, hall: list[str], wins: Counter[str]) -> None:
    """Points, boards and the evening's tally against the taps."""
    from edge.hall.matches import matches_of_evening
    from edge.hall.points import points_of

    with served.box.store.read() as conn:
        evening = conn.execute("SELECT id, day FROM game_sessions ORDER BY started_at DESC").fetchone()
        matches = matches_of_evening(conn, evening["id"])
        for name, player_id in zip(NAMES, hall, strict=True):
            own = [match for match in matches if player_id in match.everybody]
            won = [match.won_by(player_id) is True for match in own]
            assert sum(won) == wins[name], name
            run = bonus = 0
            for result in won:
                run = run + 1 if result else 0
                bonus += result and run % 3 == 0
            expected = 1 + 0.5 * len(own) + sum(won) + bonus
            last_week = 0 if evening["day"][:7] != _day_of_last_week(conn)[:7] else 1
            assert points_of(conn, player_id, evening["day"][:7]) == expected + last_week, name


def _day_of_last_week(conn: Any) -> str:
    return str(conn.execute("SELECT min(day) FROM game_sessions").fetchone()[0])


def test_a_table_is_started_moved_and_stopped_with_its_price(page: Any, served: Any, hall: list[str]) -> None:
    staff = Staff(page, served.url)
    page.goto(f"{served.url}/counter/tables/setup")
    page.locator("main form:has(button.primary) input[name=label]").first.fill("Table 2")
    with page.expect_navigation():
        page.locator("main form button.primary").first.click()
    page.goto(f"{served.url}/counter")
    staff.go(".hall-table:has-text('Table 1')")
    staff.go("#names :text-is('Ana')")
    staff.go("button.primary.grow")
    page.goto(f"{served.url}/counter")
    assert "Ana" in page.locator(".hall-table:has-text('Table 1')").inner_text()
    staff.go(".hall-table:has-text('Table 1')")
    staff.go(".moves button:has-text('Table 2')")
    page.goto(f"{served.url}/counter")
    assert "Ana" in page.locator(".hall-table:has-text('Table 2')").inner_text()
    staff.go(".hall-table:has-text('Table 2')")
    staff.go("button.huge")
    page.goto(f"{served.url}/counter")
    assert page.locator(".hall-table.taken").count() == 0


def test_a_call_from_the_table_is_seen_everywhere_and_answered(page: Any, served: Any, hall: list[str]) -> None:
    from edge.hall import calls

    with served.box.store.write() as conn:
        calls.call(conn, "Table 1", datetime.now(UTC))
    Staff(page, served.url)
    page.goto(f"{served.url}/counter/people")
    page.wait_for_selector(".calling:has-text('Table 1')")
    with page.expect_navigation():
        page.locator(".calling button").click()
    with served.box.store.read() as conn:
        assert calls.open_calls(conn) == []


def prefer(served: Any, theme: Literal["dark", "light"]) -> None:
    """Stan likes his pages so."""
    from dataclasses import replace

    from edge.hall.players import find_player, save_player

    with served.box.store.write() as conn:
        stan = find_player(conn, "Stan")
        assert stan is not None
        save_player(conn, replace(stan, theme=theme))


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_of_the_counter_fits_can_be_touched_and_read(
    page: Any, served: Any, theme: Literal["dark", "light"]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    prefer(served, theme)
    Staff(page, served.url)
    page.goto(f"{served.url}/counter/evening")
    evening = page.locator(".row-way").first.get_attribute("href")
    wrong: dict[str, Any] = {}
    for path in (*PAGES, evening, f"{evening}/here", f"{evening}/pick", f"{evening}/play"):
        page.goto(served.url + path)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            if page.evaluate(TOO_WIDE):
                wrong[f"{path} at {width}"] = "too wide"
            small = page.evaluate(SMALL, SMALLEST_PX)
            if small:
                wrong[f"{path} at {width}: targets"] = small
        page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
        found = Axe().run(page).response["violations"]
        serious = [
            (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
        ]
        if serious:
            wrong[f"{path}: axe"] = serious
    assert wrong == {}, json.dumps(wrong, indent=1)
