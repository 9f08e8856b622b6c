"""An evening of the hall at the counter, from half past nine until past midnight: 16 players, five rounds, 40
matches.

The real program and a real browser, at a wall clock that goes on between the taps. The hall's own arithmetic is
held against what was tapped. Taps are counted, since an evening's results are to take staff less than five
minutes: a tap takes two seconds or three.
"""

import re
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from math import ceil
from typing import Any

import pytest
from counter_scene import NAMES, Staff, sixteen_and_stan
from wall_clock import WallClock

ROUNDS = 5
MOST_TAPS = 100  # of an evening's attendance, pairings and results
BEGIN = time(21, 30)
ROUND = timedelta(minutes=36)
PRICE = "12.00"  # an hour, so that a minute, each begun, is 20 cents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> WallClock:
    """It is half past nine in the hall, of this day or the next."""
    from edge.settings import Settings

    zone = Settings().hall.zone
    clock = WallClock(tmp_path_factory.mktemp("clock") / "ahead")
    now = datetime.now(zone)
    begin = datetime.combine(now.date(), BEGIN, zone)
    clock.turn((begin if begin > now else begin + timedelta(days=1)) - now)
    return clock


@pytest.fixture(scope="module")
def counter() -> str:
    """The counter's computer, where a login lasts as long as it is used."""
    from kiosk.player.phones import network_address

    address = network_address()
    if address is None:
        pytest.skip("this machine has no address in a network, by which the counter could reach the box")
    return address


@pytest.fixture(scope="module")
def program(clock: WallClock) -> list[str]:
    return clock.program()


@pytest.fixture(scope="module", autouse=True)
def hall(served: Any) -> list[str]:
    return sixteen_and_stan(served)


def test_an_evening_of_sixteen_and_forty_matches(
    page: Any, served: Any, hall: list[str], clock: WallClock
) -> None:
    staff = Staff(page, served.url)
    set_up_tables(staff)
    began = clock.now()
    start_a_clock(staff, "Table 2")
    begun = clock.now()
    staff.open("/counter/evening")
    staff.taps = 0
    staff.go("form.setup button.wide")
    for number, name in enumerate(NAMES, start=1):
        staff.tap(f".names .name:text-is('{name}')")
        page.wait_for_selector(f"#here-count:text-is('{number} here')")
    staff.go(".bar a.primary")
    wins: Counter[str] = Counter()
    for number in range(1, ROUNDS + 1):
        play_a_round(staff, number, wins, clock)
        if number == 3:
            move_to(staff, "Table 2", "Table 3")
    tapped = staff.taps
    assert sum(wins.values()) == 40
    assert tapped <= MOST_TAPS, tapped

    correct_the_first_and_undo(staff)
    compare(served, hall, wins)
    least = clock.now() - begun
    taken = stop(staff, "Table 3")
    assert least >= timedelta(hours=3)
    assert cents(least) <= taken <= cents(clock.now() - began)
    compare_hours(served, began)

    # The evening is closed; later, when the counter has closed itself, somebody says how a match really went.
    staff.open(evening_of(served))
    close(staff)
    clock.turn(timedelta(minutes=31))
    staff.open(evening_of(served))
    assert "/counter/enter" in page.url
    staff.enter(evening_of(served))
    wins.update(turn_round_the_last(staff))
    compare(served, hall, wins)


def set_up_tables(staff: Staff) -> None:
    for label in ("Table 2", "Table 3"):
        staff.open("/counter/tables/setup")
        new = staff.page.locator("main form.table-row.new")
        new.locator("input[name=label]").fill(label)
        new.locator("input[name=price]").fill(PRICE)
        with staff.page.expect_navigation():
            new.locator("button.primary").click()


def start_a_clock(staff: Staff, label: str) -> None:
    """Somebody plays at a table, without a name."""
    staff.open("/counter")
    staff.go(f".hall-table:has-text('{label}')")
    staff.go("form:has(input[name=clock][value=on]) button.wide")


def move_to(staff: Staff, label: str, other: str) -> None:
    back = staff.page.url
    taps = staff.taps
    staff.open("/counter")
    staff.go(f".hall-table:has-text('{label}')")
    staff.go(f".moves button:has-text('{other}')")
    staff.page.goto(back)
    staff.taps = taps  # of the tables' work, not of the evening's


def stop(staff: Staff, label: str) -> int:
    """Stops a table; returns the cents to be taken, as the page says it."""
    staff.open("/counter")
    staff.go(f".hall-table:has-text('{label}')")
    staff.go("button.huge")
    (price,) = re.findall(r"To pay\s+\$([\d.]+)", staff.page.locator("main").inner_text())
    return round(100 * float(price))


def cents(time: timedelta) -> int:
    return 20 * ceil(time / timedelta(minutes=1))


def play_a_round(staff: Staff, number: int, wins: Counter[str], clock: WallClock) -> None:
    """A round is drawn; its results come one after the other while it is played."""
    page = staff.page
    staff.go(f"button[value={'random' if number % 2 else 'level'}]")
    newest = page.locator(".round").first
    matches = len(NAMES) // 2
    for left in range(matches - 1, -1, -1):
        clock.turn(ROUND / matches)
        row = newest.locator(".pairing:not(.over)").first
        sides = row.locator("button.side")
        # The alphabet's first of two wins, save in the fourth of a round.
        names = [sides.nth(side).inner_text() for side in (0, 1)]
        winner = names.index(max(names) if left == 4 else min(names))
        wins[names[winner]] += 1
        sides.nth(winner).click()
        staff.taps += 1
        page.wait_for_selector(f"#waiting:text-is('{left} to play')")


def correct_the_first_and_undo(staff: Staff) -> None:
    """The very first match was the other way round; then the correction is undone."""
    turn_round_the_last(staff)
    assert "corrected" in staff.page.locator(".told").inner_text()
    with staff.page.expect_navigation():
        staff.page.locator(".told button").click()


def turn_round_the_last(staff: Staff) -> Counter[str]:
    """The match at the foot of the page was won by the other; returns what that changes of the wins."""
    page = staff.page
    row = page.locator(".pairing.over").last
    won, lost = (row.locator(f".side{which}").inner_text() for which in (".won", ":not(.won)"))
    with page.expect_navigation():
        row.locator(".side:not(.won)").click()
    with page.expect_navigation():
        page.locator(f"nav.pairing a.side:has-text('{lost}')").click()
    with page.expect_navigation():
        page.locator("button.digit").first.click()
    changed: Counter[str] = Counter({lost: 1})
    changed[won] = -1
    return changed


def close(staff: Staff) -> None:
    staff.go("a[href$='/play']")
    staff.go("button[value=close]")


def evening_of(served: Any) -> str:
    with served.box.store.read() as conn:
        (evening,) = conn.execute("SELECT id FROM game_sessions ORDER BY started_at DESC LIMIT 1").fetchone()
    return f"/counter/evening/{evening}"


def compare(served: Any, hall: list[str], wins: Counter[str]) -> None:
    """Points against the taps: all of the evening's month, those after midnight too."""
    from edge.hall.matches import matches_of_evening
    from edge.hall.points import points_of

    with served.box.store.read() as conn:
        evening = conn.execute("SELECT id, day FROM game_sessions ORDER BY started_at DESC").fetchone()
        (last_week,) = conn.execute("SELECT min(day) FROM game_sessions").fetchone()
        matches = matches_of_evening(conn, evening["id"])
        assert {match.day for match in matches} == {evening["day"]}
        for name, player_id in zip(NAMES, hall, strict=True):
            own = [match for match in matches if player_id in match.everybody]
            won = [match.won_by(player_id) is True for match in own]
            assert sum(won) == wins[name], name
            run = bonus = 0
            for result in won:
                run = run + 1 if result else 0
                bonus += result and run % 3 == 0
            expected = 1 + 0.5 * len(own) + sum(won) + bonus + (last_week[:7] == evening["day"][:7])
            assert points_of(conn, player_id, evening["day"][:7]) == expected, name


def compare_hours(served: Any, began: datetime) -> None:
    """What is stored spans the evening, and midnight lies in it."""
    from edge.clock import from_stamp
    from edge.settings import Settings

    with served.box.store.read() as conn:
        ends = [from_stamp(row["ended_at"]) for row in conn.execute("SELECT ended_at FROM matches")]
    assert max(ends) - min(ends) >= timedelta(hours=2, minutes=50)
    assert began < min(ends)
    zone = Settings().hall.zone
    assert min(ends).astimezone(zone).date() < max(ends).astimezone(zone).date()
    assert max(ends) > datetime.now(UTC)
