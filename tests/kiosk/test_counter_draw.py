"""The lucky draw at the counter, before the room and on paper: promised, drawn once, done again by anybody."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from hall_visitor import PHONE, Browser, hidden
from month_hall import CALL, HOSTILE, MONTH, MonthHall, month_hall, nobody_else, told, undo, words

from edge.facts import uuid7


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonthHall]:
    with month_hall(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def staff(hall: MonthHall) -> Browser:
    return hall.counter()


def make(staff: Browser, prize: str = "A cue", prizes: str = "1", month: str = MONTH, status: int = 303) -> str:
    """Fills in the form; returns the draw's id."""
    once = hidden(staff.html("/counter/draw"), "once")
    staff.post("/counter/draw", status, once=once, prize=prize, prizes=prizes, month=month)
    return once


def way(draw_id: str, step: str = "") -> str:
    return f"/counter/draw/{draw_id}" + (f"/{step}" if step else "")


def test_a_draw_is_made_filled_fixed_and_drawn(hall: MonthHall, staff: Browser) -> None:
    _ana, _ben, _cleo = hall.regulars("Ana", "Ben", "Cleo")
    hall.came(hall.evening.player("Dan"), 1, 2, 3)  # too few
    draw_id = make(staff)
    assert "3 tickets" in staff.html(way(draw_id))
    hall.regulars("Eva")
    staff.post(way(draw_id, "fill"))
    html = staff.html(way(draw_id))
    assert re.findall(r"<strong>(\w+)</strong>", html) == ["Ana", "Ben", "Cleo", "Eva"]
    assert "List fixed: A cue, October 2025" in told(staff.html(staff.post(way(draw_id, "freeze")).location))
    stage = staff.html(way(draw_id, "stage"))
    assert hall.get_draw(draw_id).commitment in words(stage).replace(" ", "")
    assert staff.post(way(draw_id, "stage"), call=CALL).location == way(draw_id, "stage")
    winner = hall.get_draw(draw_id).winners[0]
    assert f"<strong>{winner.name}</strong>" in staff.html(way(draw_id, "stage"))
    assert f"Ticket {winner.number}" in staff.html(way(draw_id, "stage"))


def test_the_form_sent_twice_makes_one_draw(hall: MonthHall, staff: Browser) -> None:
    once = uuid7()
    for _ in range(2):
        answer = staff.post("/counter/draw", once=once, prize="A cue", prizes="1", month=MONTH)
        assert answer.location.startswith(way(once))
    assert hall.count("lucky_draws") == 1


def test_the_second_call_is_too_late(hall: MonthHall, staff: Browser) -> None:
    hall.regulars(*(f"Player {letter}" for letter in "ABCDEFGH"))
    draw_id = hall.draw(frozen=True)
    staff.post(way(draw_id, "stage"), call=CALL)
    first = hall.get_draw(draw_id)
    for number in range(8):
        staff.post(way(draw_id, "stage"), call=f"another call {number}")
    assert hall.get_draw(draw_id) == first


def test_a_room_that_takes_its_time_does_not_lose_its_draw(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben")
    draw_id = hall.draw(frozen=True)
    awake = re.search(r'hx-get="([^"]+)" hx-trigger="keydown', staff.html(way(draw_id, "stage")))
    assert awake is not None
    with hall.evening.store.write() as conn:
        conn.execute("UPDATE logins SET seen_at = strftime('%Y-%m-%dT%H:%M:%fZ', seen_at, '-100 seconds')")
    before = hall.evening.rows("SELECT seen_at FROM logins")
    staff.get(awake[1], 204)
    assert hall.evening.rows("SELECT seen_at FROM logins") != before


def test_nothing_shows_the_seed_before_the_draw(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben")
    draw_id = hall.draw(frozen=True)
    seed = hall.evening.rows("SELECT seed FROM lucky_draw_seeds")[0]["seed"]
    pages = [way(draw_id), way(draw_id, "stage"), "/counter/draw", "/boards/draw", "/api/lucky-draw/current"]
    for path in pages:
        assert seed[:8] not in staff.html(path)
    assert staff.get(f"/draw/{draw_id}/recipe", 303).location == "/boards/draw"
    staff.post(way(draw_id, "stage"), call=CALL)
    assert seed in staff.html(f"/draw/{draw_id}/recipe")


@pytest.mark.parametrize("state", ["open", "drawn"])
def test_the_stage_is_for_a_fixed_list(hall: MonthHall, staff: Browser, state: str) -> None:
    hall.regulars("Ana", "Ben")
    draw_id = hall.draw(held=state == "drawn")
    if state == "open":
        assert staff.get(way(draw_id, "stage"), 303).location == way(draw_id)
        answer = staff.post(way(draw_id, "stage"), call=CALL, back=way(draw_id))
        assert "Fix the list first" in told(staff.html(answer.location))
    else:
        assert 'name="call"' not in staff.html(way(draw_id, "stage"))


@pytest.mark.parametrize("call", ["", "abc", "x" * 81, "x" * 10_000, "tiger\u200b five"])
def test_a_call_that_can_not_be_comes_back_as_it_was_typed(hall: MonthHall, staff: Browser, call: str) -> None:
    hall.regulars("Ana", "Ben")
    draw_id = hall.draw(frozen=True)
    html = staff.post(way(draw_id, "stage"), 200, call=call).text
    assert 'class="trouble"' in html
    assert hidden(html, "call") == call[:160]
    assert hall.get_draw(draw_id).state == "frozen"


@pytest.mark.parametrize(
    ("prize", "prizes"),
    [("", "1"), ("x" * 81, "1"), ("y" * 10_000, "1"), ("A cue", "0"), ("A cue", "21"), ("A cue", "x")],
)
def test_a_prize_that_can_not_be_comes_back_as_it_was_typed(
    hall: MonthHall, staff: Browser, prize: str, prizes: str
) -> None:
    once = hidden(staff.html("/counter/draw"), "once")
    html = staff.post("/counter/draw", 200, once=once, prize=prize, prizes=prizes, month=MONTH).text
    assert told(html)
    assert hidden(html, "prize") == prize[:160]
    assert hall.count("lucky_draws") == 0


def test_hostile_prizes_and_calls_are_only_text(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben")
    for prize in HOSTILE:
        draw_id = make(staff, prize)
        staff.post(way(draw_id, "freeze"))
        staff.post(way(draw_id, "stage"), call=prize)
        for path in (
            way(draw_id),
            way(draw_id, "stage"),
            "/counter/draw",
            "/boards/draw",
            f"/draw/{draw_id}/recipe",
        ):
            html = staff.html(path)
            assert prize in unescape(html)
            if "<" in prize:
                assert prize not in html


def test_there_is_no_draw_of_another_month(hall: MonthHall, staff: Browser) -> None:
    for month in ("2025-08", "2025-12", "", "nonsense"):
        make(staff, month=month, status=400)
    staff.post("/counter/draw", 400, once="mine", prize="A cue", prizes="1", month=MONTH)
    assert hall.count("lucky_draws") == 0


def test_more_prizes_than_tickets_can_not_be_fixed(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben")
    draw_id = make(staff, prizes="3")
    answer = staff.post(way(draw_id, "freeze"), back=way(draw_id))
    assert "fewer tickets than prizes" in told(staff.html(answer.location))


def test_a_draw_made_by_mistake_is_undone_until_its_list_is_fixed(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben")
    first, second = uuid7(), uuid7()
    made = [
        staff.post("/counter/draw", once=once, prize="A cue", prizes="1", month=MONTH).location
        for once in (first, second)
    ]
    undo(staff, made[0])
    assert (hall.get_draw(first).state, hall.get_draw(first).reason) == ("voided", "mistake")
    deed = hidden(staff.html(made[1]), "deed")  # on a page that stays open
    staff.post(way(second, "freeze"))
    assert 'name="deed"' not in staff.html(made[1]), "it is offered no more"
    assert "undo_too_late" in staff.post("/counter/undo", deed=deed, back="/counter/draw").location
    assert hall.get_draw(second).state == "frozen"


def test_who_was_not_there_does_not_win_the_next_one(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben", "Cleo")
    draw_id = hall.draw(held=True)
    absent = hall.get_draw(draw_id).winners[0].name
    assert absent is not None
    for _ in range(2):  # a form sent twice
        answer = staff.post(way(draw_id, "end"), how="redraw", reason="absent", prizes="2")
    html = staff.html(answer.location)
    assert "2 tickets" in html
    assert f"<strong>{absent}</strong>" not in html
    assert hall.count("lucky_draws") == 2
    assert "The winner was not there" in hall.browser(None, PHONE).html("/boards/draw")


def test_what_is_thrown_away_needs_a_reason_and_stays_for_all_to_see(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben")
    draw_id = hall.draw(held=True)
    for reason in ("", "because"):
        staff.post(way(draw_id, "end"), 400, how="void", reason=reason)
    staff.post(way(draw_id, "end"), how="void", reason="doubt")
    html = hall.browser(None, PHONE).html("/boards/draw")
    assert "Does not count" in html
    assert "Somebody had doubts" in html
    assert f"/draw/{draw_id}/recipe" in html
    assert "Somebody had doubts" in hall.browser().html(f"/draw/{draw_id}/recipe")


def test_a_winner_who_does_not_want_to_be_seen_is_a_ticket_to_the_room(hall: MonthHall, staff: Browser) -> None:
    (zelda,) = hall.regulars("Zelda")
    hall.hide(zelda)
    draw_id = hall.draw(held=True)
    for path in (way(draw_id, "stage"), "/counter/draw", "/boards/draw", f"/draw/{draw_id}/recipe"):
        html = staff.html(path)
        assert "Zelda" not in html
        assert "Ticket 1" in html
    assert "Zelda" in staff.html(way(draw_id))  # who has to be told


def test_what_is_printed_does_the_draw_again(hall: MonthHall) -> None:
    hall.regulars(*(f"Player {letter}" for letter in "ABCDEFGHIJK"))
    draw_id = hall.draw(prizes=3, held=True)
    html = hall.browser(None, PHONE).html(f"/draw/{draw_id}/recipe")
    numbers = " ".join(str(ticket.number) for ticket in hall.get_draw(draw_id).winners)
    for name, run in (("shell", ["sh"]), ("python", [sys.executable, "-"])):
        program = re.search(rf'id="{name}" tabindex="0">(.*?)</pre>', html, re.DOTALL)
        assert program is not None
        done = subprocess.run(run, input=unescape(program[1]), capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"winning tickets: {numbers}"
    assert "fit together" in html


def test_the_recipe_prints_in_black_on_white(hall: MonthHall) -> None:
    hall.regulars("Ana")
    html = hall.browser().html(f"/draw/{hall.draw(held=True)}/recipe")
    sheet = re.search(r'href="([^"]+recipe\.css)"', html)
    assert sheet is not None
    with hall.browser().get(sheet[1]) as answer:
        css = answer.get_data(as_text=True)
    assert "@media print" in css
    assert "white-space: pre-wrap" in css.partition("@media print")[2]  # nothing runs off the paper


def test_there_is_no_other_draw(staff: Browser) -> None:
    for draw_id in ("x", uuid7(), "y" * 300):
        staff.get(way(draw_id), 404)
        staff.get(way(draw_id, "stage"), 404)
        staff.get(f"/draw/{draw_id}/recipe", 404)
        answer = staff.post(way(draw_id, "freeze"), back="/counter/draw")
        assert "no such draw" in told(staff.html(answer.location))


def test_draws_are_for_staff_alone(hall: MonthHall) -> None:
    (ana,) = hall.regulars("Ana")
    draw_id = hall.draw(frozen=True)
    steps = ("fill", "freeze", "stage", "end")
    nobody_else(
        hall,
        ana,
        ["/counter/draw", way(draw_id), way(draw_id, "stage")],
        ["/counter/draw", *(way(draw_id, step) for step in steps)],
    )
    assert hall.get_draw(draw_id).state == "frozen"
