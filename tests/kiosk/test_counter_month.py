"""A month's awards at the counter: seen before they are published, and nothing happens by itself afterwards."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import PHONE, Browser, hidden
from month_hall import HOSTILE, MONTH, THIS_MONTH, MonthHall, month_hall, nobody_else, told, undo, words

PAGE = f"/counter/month?month={MONTH}"


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonthHall]:
    with month_hall(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def staff(hall: MonthHall) -> Browser:
    return hall.counter()


def publish(staff: Browser, month: str = MONTH, what: str = "publish", **more: str) -> str:
    """Publishes what the page shows; returns where that leads."""
    seen = more.pop("seen", None) or hidden(staff.html(PAGE), "seen")
    return str(staff.post(f"/counter/month/{what}", month=month, seen=seen, back=PAGE).location)


def awards(staff: Browser, path: str = PAGE) -> list[tuple[str, str]]:
    """The lines of the page: what, and whose."""
    html = staff.html(path)
    return re.findall(r'<li class="award[^"]*"><strong>([^<]+)</strong><span class="who">([^<]+)<', html)


def test_the_month_that_waits_to_be_published_is_shown_first(hall: MonthHall, staff: Browser) -> None:
    assert "November 2025</h2>" in staff.html("/counter/month")
    hall.regulars("Ana", "Ben")
    assert "October 2025</h2>" in staff.html("/counter/month")
    publish(staff)
    assert "November 2025</h2>" in staff.html("/counter/month")


def test_staff_see_who_would_get_what_and_why(hall: MonthHall, staff: Browser) -> None:
    ana, ben, cleo, dan = hall.regulars("Ana", "Ben", "Cleo", "Dan")
    for voter in (ben, cleo):
        hall.vote(voter, ana)
    hall.vote(ana, dan, "best_teammate")
    text = words(staff.html(PAGE))
    for line in ("First of the month Ana 9 points", "Third of the month Cleo 7 points", "MVP Ana 2 votes"):
        assert line in text
    assert "Progress Star Nobody" in text
    assert "Best Teammate Dan 1 vote" in text


def test_who_chose_whom_is_on_no_page_of_theirs(hall: MonthHall, staff: Browser) -> None:
    ana, *rest = hall.regulars("Ana", "Ben", "Cleo", "Dan", "Zelda")
    hall.vote(rest[3], ana)  # Zelda is in no line of her own
    assert "1 vote" in staff.html(PAGE)
    assert "Zelda" not in staff.html(PAGE)
    assert "Zelda" not in staff.html("/counter/deeds")


def test_nobody_sees_awards_before_they_are_published_and_then_everybody_does(
    hall: MonthHall, staff: Browser
) -> None:
    hall.regulars("Ana", "Ben")
    everybody = hall.browser(None, PHONE)
    assert "Ana" not in everybody.html("/boards/awards")
    assert "Awards published, October 2025" in told(staff.html(publish(staff)))
    assert "First of the month Ana" in words(everybody.html("/boards/awards"))
    assert ("First of the month", "Ana") in awards(staff)


def test_a_month_is_published_once_and_only_when_it_is_over(hall: MonthHall, staff: Browser) -> None:
    hall.regulars("Ana", "Ben")
    seen = hidden(staff.html(PAGE), "seen")
    publish(staff)
    assert "It was published already" in told(staff.html(publish(staff, seen=seen)))
    assert hall.count("monthly_awards") == 2
    assert "Publish" not in staff.html(f"/counter/month?month={THIS_MONTH}")
    assert "trouble=awards_month" in publish(staff, THIS_MONTH, seen=seen)


def test_what_was_not_seen_is_not_published(hall: MonthHall, staff: Browser) -> None:
    _ana, ben = hall.regulars("Ana", "Ben")
    seen = hidden(staff.html(PAGE), "seen")
    hall.came(ben, *range(1, 20))
    assert "Something has changed" in told(staff.html(publish(staff, seen=seen)))
    assert hall.count("award_months") == 0


def test_a_late_correction_changes_nothing_until_staff_say_so(hall: MonthHall, staff: Browser) -> None:
    ana, ben = hall.regulars("Ana", "Ben")
    hall.came(ben, *range(1, 8))
    hall.beat(ana, ben, "m1")
    publish(staff)
    assert "otherwise now" not in staff.html(PAGE)
    hall.turn("m1")
    assert ("First of the month", "Ben") in awards(staff)
    assert "First of the month Ana" in words(hall.browser().html("/boards/awards"))
    publish(staff, what="republish")
    assert "First of the month Ben" in words(hall.browser().html("/boards/awards"))
    assert "otherwise now" not in staff.html(PAGE)
    assert awards(staff) == [("First of the month", "Ben"), ("Second of the month", "Ana")]


def test_a_title_is_given_to_a_tapped_name_and_shown_as_it_was_typed(hall: MonthHall, staff: Browser) -> None:
    ana, _ben = hall.regulars("Ana", "Ben")
    publish(staff)
    names = staff.html(f"/counter/month/title?month={MONTH}&name=an")
    assert ">Ana<" in names
    assert ">Ben<" not in names
    for title in HOSTILE[:4]:
        for _ in range(2):  # a form sent twice
            staff.post("/counter/month/title", month=MONTH, player=ana.id, title=title)
        for html in (staff.html(PAGE), hall.browser(None, PHONE).html("/boards/awards")):
            assert title not in html if "<" in title else title in html
    assert hall.count("monthly_awards WHERE kind = 'manual'") == 4


def test_before_anybody_came_names_are_asked_for(staff: Browser) -> None:
    way = f"/counter/month/title?month={MONTH}"
    assert "No name begins like that." not in staff.html(way)
    assert "Find somebody by name." in staff.html(way)
    assert "No name begins like that." in staff.html(f"{way}&name=zz")


@pytest.mark.parametrize("title", ["", "x", "x" * 41, "y" * 10_000, "a\u202eb c"])
def test_a_title_that_can_not_be_comes_back_as_it_was_typed(hall: MonthHall, staff: Browser, title: str) -> None:
    ana, _ben = hall.regulars("Ana", "Ben")
    html = staff.post("/counter/month/title", 200, month=MONTH, player=ana.id, title=title).text
    assert "Ana" in html
    assert told(html)
    assert hidden(html, "title") == title[:80]  # enough to see what was too long
    assert hall.count("monthly_awards") == 0


def test_only_members_have_titles(hall: MonthHall, staff: Browser) -> None:
    for player_id in (hall.evening.guest().id, "nobody", ""):
        answer = staff.post("/counter/month/title", month=MONTH, player=player_id, title="Best guest", back=PAGE)
        assert "Only members" in told(staff.html(answer.location))


def test_taking_back_and_giving_can_be_undone(hall: MonthHall, staff: Browser) -> None:
    _ana, ben = hall.regulars("Ana", "Ben")
    publish(staff)
    award_id = hall.evening.rows("SELECT id FROM monthly_awards WHERE kind = 'top1'")[0]["id"]
    way = f"/counter/month/awards/{award_id}/withdraw"
    location = staff.post(way).location
    assert "Award taken back: First of the month, Ana, October 2025" in told(staff.html(location))
    staff.post(way)  # twice is once
    assert ("First of the month", "Ana") not in [line for line in awards(staff) if "Nobody" not in line][1:]
    assert "Ana" not in hall.browser().html("/boards/awards")
    undo(staff, location)
    assert "First of the month Ana" in words(hall.browser().html("/boards/awards"))
    assert "trouble=undo_not" in staff.post("/counter/undo", deed=re.findall(r"done=(\d+)", location)[0]).location
    given = staff.post("/counter/month/title", month=MONTH, player=ben.id, title="Best laugh").location
    undo(staff, given)
    assert "Best laugh" not in hall.browser().html("/boards/awards")


def test_what_was_given_anew_meanwhile_is_not_given_twice(hall: MonthHall, staff: Browser) -> None:
    ana, _ben = hall.regulars("Ana", "Ben")
    given: dict[str, Any] = {"month": MONTH, "player": ana.id, "title": "Best laugh"}
    staff.post("/counter/month/title", **given)
    award_id = hall.evening.rows("SELECT id FROM monthly_awards")[0]["id"]
    location = staff.post(f"/counter/month/awards/{award_id}/withdraw").location
    staff.post("/counter/month/title", **given)
    assert "undo_too_late" in undo(staff, location)
    assert hall.count("monthly_awards WHERE withdrawn_at IS NULL") == 1


@pytest.mark.parametrize("month", ["2025-12", "2025-13", "nonsense", "", "9" * 9000])
def test_there_are_no_other_months(staff: Browser, month: str) -> None:
    staff.get(f"/counter/month?month={month}", 404)
    staff.get(f"/counter/month/title?month={month}", 404)
    staff.post("/counter/month/publish", 400, month=month, seen="")


def test_awards_are_for_staff_alone(hall: MonthHall) -> None:
    paths = [PAGE, f"/counter/month/title?month={MONTH}"]
    posts = [f"/counter/month/{way}" for way in ("publish", "republish", "title", "awards/x/withdraw")]
    nobody_else(hall, hall.evening.player("Ana"), paths, posts)
