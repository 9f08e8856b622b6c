"""The counter's tables: at a glance, started, moved, stopped, priced and set up, from many pages at once."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from evening import ZONE
from hall_visitor import CHICAGO, SCREEN, Browser, House, hidden
from hypothesis import given
from hypothesis import strategies as st

from edge.hall import clocks
from edge.hall.calls import open_calls
from edge.hall.clocks import Clock
from edge.hall.glance import look_round
from edge.hall.occasion import occasion
from edge.hall.players import Player, save_player, sign_up
from edge.hall.sitting import start_practice
from edge.hall.table_setup import Wish, add_table
from edge.hall.tables import HallTable, hall_tables
from edge.settings import Counter
from edge.store.database import Store
from kiosk.counter.clock_words import FIELD, typed_moment

HOSTILE = ["<script>alert(1)</script>", "=1+1", "'; DROP --", '" onclick="x', "{{ 7*7 }}", "a/../b?c#d"]


class Floor(House):
    """A hall with a price, its own table and three without a box."""

    def __init__(self, folder: Path) -> None:
        price = Counter(cents_per_hour=1200, currency="EUR", clock_step_min=15)
        super().__init__(folder, replace(CHICAGO, counter=price))
        self.staff = self.counter()
        self.staff.get("/counter")  # registers the box's own table
        with self.store.write() as conn:
            for number in (2, 3, 4):
                add_table(conn, Wish(f"Table {number}", "8ft"), "system", self.evening.now)

    @property
    def store(self) -> Store:
        return self.evening.store

    def tables(self) -> list[HallTable]:
        with self.store.read() as conn:
            return hall_tables(conn)

    def way(self, place: int = 0, deed: str = "") -> str:
        return f"/counter/tables/{self.tables()[place].id}" + (f"/{deed}" if deed else "")

    def names(self, place: int = 0) -> list[str]:
        with self.store.read() as conn:
            return [player.name for player in look_round(conn)[place].players]

    def clock(self, place: int = 0) -> Clock | None:
        with self.store.read() as conn:
            return look_round(conn)[place].clock

    def start(self, *players: str, place: int = 0, clock: bool = True, once: str = "", **more: Any) -> str:
        """Starts as the page does; returns where that leads."""
        way = self.way(place)
        once = once or hidden(self.staff.html(way), "once")
        people: dict[str, Any] = dict(zip(("a", "b"), players, strict=False))
        switch: dict[str, Any] = {"clock": "on"} if clock else {}
        answer = self.staff.post(f"{way}/start", once=once, back=way, **people, **switch, **more)
        return str(answer.location)

    def act(self, place: int, deed: str, **data: Any) -> str:
        """Stops or moves as the page does."""
        way = self.way(place)
        mark = data.pop("mark", None) or hidden(self.staff.html(way), "mark")
        return str(self.staff.post(f"{way}/{deed}", mark=mark, back=way, **data).location)

    def undo(self, location: str) -> str:
        deed = re.search(r"done=(\d+)", location)
        assert deed is not None
        return str(self.staff.post("/counter/undo", deed=deed[1], back="/counter").location)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def people(floor: Floor) -> list[Player]:
    with floor.store.write() as conn:
        found = [sign_up(conn, name, "2026-01-01T00:00:00.000Z") for name in ("Ana", "Ben", "Cleo")]
        save_player(conn, replace(found[2], visible=False))
    return found


def test_all_tables_are_seen_at_a_glance(floor: Floor, people: list[Player]) -> None:
    floor.start(people[0].id, people[1].id, game="9-ball", race="5")
    floor.start(people[2].id, place=1, clock=False)
    floor.start(place=2)
    for page in ("/counter", "/counter/tables/live"):
        html = floor.staff.html(page)
        assert all(word in html for word in ("Ana", "Ben", "Cleo", "Nobody checked in", "no clock", "€3.00"))
        assert len(re.findall(r'class="hall-table ', html)) == 4
        assert "1 of 4 free" in html


def test_the_boxs_table_says_how_its_camera_is_and_other_tables_nothing(floor: Floor) -> None:
    assert "Camera sees the table" not in floor.staff.html("/counter")
    floor.box.write_live()
    html = floor.staff.html("/counter")
    assert html.count("t-health") == 1
    assert "Camera sees the table" in html
    floor.box.write_live(status="no-camera")
    assert "t-health trouble" in floor.staff.html("/counter")
    with floor.store.write() as conn:
        add_table(conn, Wish("Table 5", "9ft", box=True), "system", floor.evening.now)
    assert "No word from its box yet" in floor.staff.html("/counter")


def test_a_match_is_started_step_by_step(floor: Floor, people: list[Player]) -> None:
    way = floor.way(1)
    assert "Who plays?" in floor.staff.html(way)
    assert people[0].id in floor.staff.html(f"{way}?name=an")
    assert people[0].id in floor.staff.html(f"{way}/names?name=an")
    assert "Practice" in floor.staff.html(f"{way}?a={people[0].id}")
    assert "Ana – Ben" in floor.staff.html(f"{way}?a={people[0].id}&b={people[1].id}")
    assert "Ana – Guest" in floor.staff.html(f"{way}?a={people[0].id}&b=guest")
    location = floor.start(people[0].id, people[1].id, place=1, game="straight pool", points="50", race="3")
    assert "Table 2: started" in floor.staff.html(location)
    assert floor.names(1) == ["Ana", "Ben"]
    assert "Straight pool" in floor.staff.html(floor.way(1))


def test_who_is_at_a_table_is_shown_and_can_not_be_taken_from_there(floor: Floor, people: list[Player]) -> None:
    floor.start(people[0].id)
    html = floor.staff.html(f"{floor.way(1)}?name=Ana")
    assert "at Table 1" in html
    assert f"a={people[0].id}" not in html
    assert "trouble=table_player_elsewhere" in floor.start(people[0].id, place=1)
    assert "at another table" in floor.staff.html(f"{floor.way(1)}?trouble=table_player_elsewhere")


def test_a_start_that_is_sent_twice_is_one(floor: Floor) -> None:
    once = hidden(floor.staff.html(floor.way()), "once")
    first, second = (floor.start("guest", "guest", once=once, game="8-ball", race="3") for _ in range(2))
    assert "trouble" not in first + second
    assert floor.names() == ["Guest", "Guest 2"]
    with floor.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM sessions").fetchone()[0] == 2


def test_of_two_staff_at_one_table_one_starts_and_the_other_is_told(floor: Floor, people: list[Player]) -> None:
    browsers = [floor.counter(), floor.counter()]
    way, told, ready = floor.way(3), [""] * 2, threading.Barrier(2)
    onces = [hidden(one.html(way), "once") for one in browsers]

    def start(number: int) -> None:
        ready.wait()
        answer = browsers[number].post(
            f"{way}/start", once=onces[number], back=way, a=people[number].id, clock="on"
        )
        told[number] = str(answer.location)

    threads = [threading.Thread(target=start, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("trouble=table_taken" in one for one in told) == [False, True]
    assert len(floor.names(3)) == 1
    with floor.store.read() as conn:
        assert len(clocks.running_clocks(conn)) == 1


def test_a_stop_shows_what_is_to_be_paid_and_can_be_undone(floor: Floor, people: list[Player]) -> None:
    floor.start(people[0].id)
    clock = floor.clock()
    assert clock is not None
    mark = hidden(floor.staff.html(floor.way()), "mark")
    location = floor.act(0, "stop", mark=mark)
    assert location.startswith(f"/counter/clocks/{clock.id}?done=")
    html = floor.staff.html(location)
    assert '<p class="due-price">€3.00</p>' in html  # a quarter of an hour begun
    assert "Table 1: stopped" in html
    again = floor.act(0, "stop", mark=mark)
    assert again == "/counter"
    assert "trouble" not in floor.undo(location)
    assert floor.names() == ["Ana"]
    assert floor.clock() == clock


def test_a_page_that_is_out_of_date_stops_nobody_else(floor: Floor, people: list[Player]) -> None:
    floor.start(people[0].id)
    mark = hidden(floor.staff.html(floor.way()), "mark")
    assert "HX-Refresh" not in floor.staff.get(f"{floor.way(0, 'live')}?mark={mark}").headers
    floor.act(0, "stop", mark=mark)
    floor.start(people[1].id)
    assert floor.staff.get(f"{floor.way(0, 'live')}?mark={mark}").headers["HX-Refresh"] == "true"
    assert "trouble=table_changed" in floor.act(0, "stop", mark=mark)
    assert "trouble=table_changed" in floor.act(0, "move", mark=mark, to=floor.tables()[1].id)
    assert floor.names() == ["Ben"]


def test_a_sitting_moves_with_its_clock(floor: Floor, people: list[Player]) -> None:
    floor.start(people[0].id)
    location = floor.act(0, "move", to=floor.tables()[2].id)
    assert location.startswith(floor.way(2))
    assert (floor.names(0), floor.names(2)) == ([], ["Ana"])
    assert floor.clock(2) is not None
    floor.undo(location)
    assert floor.names(0) == ["Ana"]
    floor.staff.post(floor.way(0, "move"), 404, to="no such table")


def test_a_second_player_comes_along(floor: Floor, people: list[Player]) -> None:
    floor.start(people[0].id)
    way = floor.way()
    assert "Who else?" in floor.staff.html(f"{way}?join=yes")
    html = floor.staff.html(f"{way}?join=yes&b={people[1].id}")
    assert "Ana – Ben" in html
    floor.staff.post(f"{way}/join", once=hidden(html, "once"), b=people[1].id, game="8-ball", race="3", back=way)
    assert floor.names() == ["Ana", "Ben"]


def test_who_checks_in_alone_has_no_clock_until_staff_start_it(floor: Floor, people: list[Player]) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=40)
    with floor.store.write() as conn:
        start_practice(conn, people[0].id, occasion(ZONE, "Table 1", begun))
    local = begun.astimezone(ZONE).strftime("%H:%M")
    html = floor.staff.html(floor.way())
    assert f"Start the clock from {local}" in html
    for _ in range(2):
        form: dict[str, Any] = {"from": "check-in", "back": floor.way()}
        floor.staff.post(floor.way(0, "clock"), **form)
    clock = floor.clock()
    assert clock is not None
    assert abs(clock.from_when - begun) < timedelta(seconds=1)
    with floor.store.read() as conn:
        assert len(clocks.running_clocks(conn)) == 1


def test_a_clock_is_corrected_waived_and_resumed(floor: Floor) -> None:
    floor.start(place=1)
    clock = floor.clock(1)
    assert clock is not None
    way = f"/counter/clocks/{clock.id}"
    floor.staff.post(f"{way}/correct", earlier="30")
    assert "0:30" in floor.staff.html(way)
    floor.staff.post(f"{way}/stop")
    floor.staff.post(f"{way}/waive", waived="yes")
    assert "No charge" in floor.staff.html(way)
    location = str(floor.staff.post(f"{way}/waive", waived="yes").location)
    floor.staff.post(f"{way}/resume")
    assert floor.clock(1) is not None
    assert "trouble=clock_still_runs" in str(
        floor.staff.post(f"{way}/correct", end="2026-01-01T00:00", back=way).location
    )
    assert location.startswith(way)


@pytest.mark.parametrize(
    "text", ["", "x", "2026-02-30T10:00", "0001-01-01T00:00", "9999-12-31T23:59", "\0", "1" * 60]
)
def test_times_that_can_not_be_read_change_nothing(floor: Floor, text: str) -> None:
    floor.start(place=1)
    before = floor.clock(1)
    assert before is not None
    way = f"/counter/clocks/{before.id}"
    location = str(floor.staff.post(f"{way}/correct", start=text, back=way).location)
    if text != "0001-01-01T00:00":  # a time, if of long ago
        assert "trouble=clock_" in location
        assert floor.clock(1) == before
    floor.staff.get(location)


def test_the_day_is_a_list_and_a_file(floor: Floor) -> None:
    floor.start()
    floor.act(0, "stop")
    floor.start(place=1)
    html = floor.staff.html("/counter/clocks")
    assert "Clocks: 2" in html
    assert "€6.00" in html
    answer = floor.staff.get("/counter/clocks.csv")
    assert answer.mimetype == "text/csv"
    assert answer.get_data(as_text=True).count("EUR") == 2
    assert "No clock ran" in floor.staff.html("/counter/clocks?day=2020-01-01")
    assert "Clocks: 2" in floor.staff.html("/counter/clocks?day=nonsense")


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_nothing_but_a_label(floor: Floor, label: str) -> None:
    once = hidden(floor.staff.html("/counter/tables/setup"), "once")
    label = label[:24]
    floor.staff.post("/counter/tables/setup", once=once, label=label, size="9ft")
    assert floor.tables()[-1].label == " ".join(label.split())
    floor.start("guest", place=4)
    floor.act(4, "stop")
    for page in ("/counter", "/counter/tables/setup", "/counter/clocks", floor.way(4), "/counter/deeds"):
        html = floor.staff.html(page)
        assert "<script>alert" not in html
        assert 'onclick="x' not in html
        assert "49" not in re.findall(r"<strong[^>]*>(.*?)</strong>", html)
    assert "\r\n=" not in floor.staff.get("/counter/clocks.csv").get_data(as_text=True)


def test_tables_are_added_changed_ordered_and_taken_out(floor: Floor) -> None:
    setup = "/counter/tables/setup"
    once = hidden(floor.staff.html(setup), "once")
    for _ in range(2):
        floor.staff.post(setup, once=once, label="Snooker", size="snooker", price="18,50", box="yes")
    made = floor.tables()[-1]
    assert (made.label, made.cents_per_hour, made.box) == ("Snooker", 1850, "other")
    assert len(floor.tables()) == 5
    assert 'value="18.50"' in floor.staff.html(setup)
    floor.staff.post(f"/counter/tables/{made.id}/change", label="Window", size="snooker", price="")
    assert (floor.tables()[-1].label, floor.tables()[-1].cents_per_hour) == ("Window", None)
    floor.staff.post(f"/counter/tables/{made.id}/place", step="up")
    assert floor.tables()[3].label == "Window"
    location = str(floor.staff.post(f"/counter/tables/{made.id}/retire").location)
    assert len(floor.tables()) == 4
    floor.undo(location)
    assert floor.tables()[3].label == "Window"
    bad = floor.staff.post(setup, once=once.replace("0", "1"), label="Dear", size="9ft", price="much", back=setup)
    assert "trouble=money_unreadable" in str(bad.location)
    own = floor.tables()[0]
    refused = floor.staff.post(f"/counter/tables/{own.id}/retire", back=setup)
    assert "trouble=table_own" in str(refused.location)


def test_the_screen_calls_and_staff_answer(floor: Floor) -> None:
    screen = floor.browser(address=SCREEN)
    assert "Call staff" in screen.html("/")
    for _ in range(2):
        assert screen.post("/call", back="/").location == "/"
    assert "Staff are called" in screen.html("/")
    assert "Staff are coming" not in screen.html("/call")  # nobody has said so yet
    with floor.store.read() as conn:
        (call,) = open_calls(conn)
    assert "Table 1 calls" in floor.staff.html("/counter/waiting")
    assert "calling" in floor.staff.html("/counter")
    for _ in range(2):
        floor.staff.post("/counter/calls/answer", call=call.id)
    for told in (screen.html("/"), screen.html("/call")):
        assert "Staff are coming" in told
        assert "Call staff" in told
    screen.post("/call", back="//evil.example")
    assert screen.post("/call/take-back", back="/shots").location == "/shots"
    with floor.store.read() as conn:
        assert open_calls(conn) == []


def test_a_phone_calls_nobody(floor: Floor, people: list[Player]) -> None:
    phone = floor.browser(people[0], "192.168.1.20")
    phone.post("/call", 403)
    assert "Call staff" not in phone.html("/")


def test_calling_again_and_again_is_slowed_down(floor: Floor) -> None:
    screen = Browser(floor.app.test_client(), SCREEN)
    statuses = set()
    for _ in range(25):
        token = hidden(screen.html("/"), "csrf")
        answer = screen.client.post("/call", data={"csrf": token}, environ_overrides={"REMOTE_ADDR": SCREEN})
        statuses.add(answer.status_code)
    assert statuses == {303, 429}


def test_players_can_not_start_or_stop_tables(floor: Floor, people: list[Player]) -> None:
    player = floor.browser(people[0])
    for deed in ("start", "join", "stop", "move", "clock", "change", "retire", "place"):
        player.post(floor.way(1, deed), 403)
    assert player.get("/counter", 403)


zones = st.sampled_from([ZoneInfo("America/Chicago"), ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")])


@given(st.datetimes(datetime(2025, 1, 1), datetime(2026, 1, 1)), st.integers(-90, 90), zones)
def test_a_typed_time_is_the_nearest_that_the_halls_clocks_call_so(
    moment: datetime, off_min: int, zone: ZoneInfo
) -> None:
    wanted = moment.replace(tzinfo=UTC, second=0, microsecond=0)
    near = wanted + timedelta(minutes=off_min)
    text = wanted.astimezone(zone).strftime(FIELD)
    found = typed_moment(text, near, zone)
    assert found.astimezone(zone).strftime(FIELD) == text
    assert abs(found - near) <= abs(wanted - near)


def test_the_last_days_of_a_month_can_be_looked_at(floor: Floor) -> None:
    for day in ("2020-01-29", "2020-01-30", "2020-01-31"):
        html = floor.staff.html(f"/counter/clocks?day={day}")
        assert f'value="{day}"' in html
        assert f"clocks-{day}" in floor.staff.get(f"/counter/clocks.csv?day={day}").headers["Content-Disposition"]
    assert 'value="2020-02-31"' not in floor.staff.html("/counter/clocks?day=2020-02-31")


def test_what_was_typed_of_a_table_is_there_when_it_is_refused(floor: Floor) -> None:
    setup = "/counter/tables/setup"
    once = hidden(floor.staff.html(setup), "once")
    typed: dict[str, Any] = {"label": "Window & door", "size": "8 foot", "price": "6,50", "box": "yes"}
    page = floor.staff.html(str(floor.staff.post(setup, once=once, back=setup, **typed).location))
    new = page[page.index("table-row new") :]
    new = new[: new.index("</form>")]
    assert all(f'value="{value}"' in new for value in ("Window &amp; door", "8 foot", "6,50"))
    assert "checked" in new
    assert page.count("Window &amp; door") == 1  # and in no other table's row
    row = floor.tables()[1]
    way = f"/counter/tables/{row.id}/change"
    page = floor.staff.html(str(floor.staff.post(way, label="", size="7ft", price="", back=setup).location))
    assert page.count('value="7ft"') == page.count('value="7ft"></option>') + 1
    assert "7ft" not in re.sub("<datalist.*?</datalist>", "", floor.staff.html(setup), flags=re.DOTALL)
