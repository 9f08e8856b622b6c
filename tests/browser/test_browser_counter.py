"""The counter in a real browser: tables, calls, and every page that fits, can be touched and read."""

import json
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from counter_scene import Staff, sixteen_and_stan
from page_fit import SERIOUS, SIZES, barriers, misfits, resize

TOUCHED = "a, button, select, input:not([type=hidden], .option)"
SMALLEST_PX = 44
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
    return sixteen_and_stan(served)


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
    prefer(served, theme)
    Staff(page, served.url)
    page.goto(f"{served.url}/counter/evening")
    evening = page.locator(".row-way").first.get_attribute("href")
    wrong: dict[str, Any] = {}
    for path in (*PAGES, evening, f"{evening}/here", f"{evening}/pick", f"{evening}/play"):
        page.goto(served.url + path)
        for size in SIZES:
            resize(page, size)
            found = misfits(page, TOUCHED, least_px=SMALLEST_PX)
            if found:
                wrong[f"{path} at {size[0]}"] = found
        resize(page, SIZES[0])
        serious = barriers(page, SERIOUS)
        if serious:
            wrong[f"{path}: axe"] = serious
    assert wrong == {}, json.dumps(wrong, indent=1)


def test_more_than_thirty_tables_do_not_overlap(page: Any, served: Any, hall: list[str]) -> None:
    from edge.facts import uuid7
    from edge.hall import floor
    from edge.hall.table_setup import Wish, add_table
    from edge.hall.tables import hall_tables

    now = datetime.now(UTC)
    with served.box.store.write() as conn:
        for number in range(30 - len(hall_tables(conn))):
            add_table(conn, Wish(f"Far table {number}", "9ft", 1250, False), hall[0], now)
        for table in hall_tables(conn)[-2:]:
            start = floor.Start(uuid7(), (None, None), "8-ball", 3, True)
            floor.start(conn, table, start, floor.Hand(hall[0], now, now.date().isoformat(), 1250, 1))
    Staff(page, served.url)
    for size in SIZES:
        resize(page, size)
        page.goto(f"{served.url}/counter")
        assert page.locator(".hall-table.taken .t-price").count() == 2
        over = page.evaluate(
            "() => [...document.querySelectorAll('.hall-tables > li')].map(one =>"
            " one.firstElementChild.getBoundingClientRect().bottom - one.getBoundingClientRect().bottom)"
        )
        assert max(over) <= 1, size


def test_a_tap_that_does_not_arrive_says_so_until_the_box_is_back(page: Any, served: Any, hall: list[str]) -> None:
    page.allow_errors = True
    staff = Staff(page, served.url)
    page.goto(f"{served.url}/counter/evening")
    staff.go("form.setup button.wide")
    page.wait_for_selector(".names .name")
    assert page.locator("#no-answer").is_hidden()
    served.stop()
    page.locator(".names .name").first.click()
    page.wait_for_selector("#no-answer", state="visible")
    served.start()
    page.wait_for_selector("#no-answer", state="hidden")
    page.locator(".names .name").first.click()
    page.wait_for_selector("#here-count:text-is('1 here')")
