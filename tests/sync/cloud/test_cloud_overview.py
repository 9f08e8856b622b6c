"""The owner sees which boxes live, how far behind they are, what is wrong, and how much was played."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from telling_hub import NOW, Clock, TellingHub, day_fact, enrolled, small_cloud

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud.db import Database
from sync.cloud.owner import overview
from sync.cloud.owner.bars import HEIGHT, LEAST, bars, duration_words
from sync.cloud.owner.overview import BoxView, HallView, Overview


def look(db: Database, clock: Clock, page: int = 1) -> Overview:
    with db.read() as conn:
        return overview.look(conn, clock.now, overview.Memory(), page)


def only(db: Database, clock: Clock) -> HallView:
    (hall,) = look(db, clock).halls
    return hall


def box(label: str, *, ago_s: float = 5, **more: Any) -> dict[str, Any]:
    seen = stamp(NOW - timedelta(seconds=ago_s))
    return {"device": uuid7(), "label": label, "role": "table", "seen_at": seen, "worst": "ok", **more}


def by_label(hall: HallView) -> dict[str, BoxView]:
    return {one.label: one for one in hall.boxes}


def test_a_hall_that_has_said_nothing_is_not_heard_of_yet(db: Database, clock: Clock, hub: TellingHub) -> None:
    hall = only(db, clock)
    assert (hall.state, hall.care, hall.boxes) == ("never", "ok", ())


def test_a_hub_that_tells_facts_before_it_says_hello_is_live(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    hub.write(day_fact(stamp(NOW)[:10], 5))
    hub.told(client)
    hall = only(db, clock)
    assert (hall.state, [one.label for one in hall.boxes]) == ("live", ["Hub"])


def test_boxes_are_shown_in_the_order_of_their_tables_with_the_hub_among_them(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    hub.say(
        client, boxes=[box("Table 10"), box("Table 9"), box("Table 1") | {"device": hub.device, "role": "hub"}]
    )
    hall = only(db, clock)
    assert [(one.label, one.is_hub) for one in hall.boxes] == [
        ("Table 1", True),
        ("Table 9", False),
        ("Table 10", False),
    ]
    assert (hall.live, hall.care) == (3, "ok")


def test_a_box_that_the_hub_has_not_seen_for_a_while_is_silent(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    hub.say(client, time=stamp(NOW), boxes=[box("Table 1"), box("Table 2", ago_s=7200)])
    found = by_label(only(db, clock))
    assert found["Table 1"].state == "live"
    assert (found["Table 2"].state, found["Table 2"].silent_for) == ("silent", timedelta(hours=2))
    assert found["Table 2"].care == "bad"


@pytest.mark.parametrize("days", [-3, 3])
def test_the_hub_s_own_clock_makes_no_box_silent_and_none_live(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub, days: int
) -> None:
    own = NOW + timedelta(days=days)
    lately, long_ago = (stamp(own - timedelta(seconds=seconds)) for seconds in (5, 7200))
    hub.say(
        client,
        time=stamp(own),
        boxes=[box("Table 1") | {"seen_at": lately}, box("Table 2") | {"seen_at": long_ago}],
    )
    found = by_label(only(db, clock))
    assert (found["Table 1"].state, found["Table 2"].silent_for) == ("live", timedelta(hours=2))


def test_when_the_hub_is_silent_nothing_is_known_of_the_others(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    hub.say(client, boxes=[box("Table 1"), box("Table 2")])
    clock.on(minutes=5)
    assert only(db, clock).state == "live"
    clock.on(hours=3)
    hall = only(db, clock)
    assert (hall.state, hall.care, hall.live) == ("silent", "bad", 0)
    assert by_label(hall)["Table 1"].state == "unknown"


def test_how_far_behind_the_hub_and_its_boxes_are(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    waits = stamp(NOW - timedelta(hours=4))
    boxes = [
        box("Table 1", unsent=7) | {"device": hub.device, "role": "hub"},
        box("Table 2", unsent=412, waiting_since=waits),
    ]
    hub.say(client, time=stamp(NOW), unsent=90, waiting_since=stamp(NOW - timedelta(minutes=20)), boxes=boxes)
    found = by_label(only(db, clock))
    assert (found["Table 1"].unsent, found["Table 1"].behind_for) == (90, timedelta(minutes=20))
    assert (found["Table 2"].unsent, found["Table 2"].behind_for) == (412, timedelta(hours=4))
    assert {one.care for one in found.values()} == {"warn"}


def test_the_worst_finding_is_said_in_its_own_words(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    findings = [
        {"state": "ok", "text": "Fine."},
        {"state": "warn", "text": "The camera has moved."},
        {"state": "bad", "text": "The disk is full.", "advice": "Make room."},
    ]
    hub.say(client, boxes=[box("Table 1", worst="bad", findings=findings), box("Table 2", worst="warn")])
    found = by_label(only(db, clock))
    assert (found["Table 1"].words, found["Table 1"].advice, found["Table 1"].more) == (
        "The disk is full.",
        "Make room.",
        1,
    )
    assert (found["Table 2"].care, bool(found["Table 2"].words)) == ("warn", True)


def test_halls_that_call_for_a_look_come_first(db: Database, clock: Clock, client: FlaskClient) -> None:
    for name, worst in (("A", "ok"), ("B", "warn"), ("C", "bad")):
        enrolled(db, name).say(client, boxes=[box("Table 1", worst=worst)])
    enrolled(db, "D")
    found = look(db, clock)
    assert [one.hall.name for one in found.halls] == ["C", "B", "A", "D"]
    assert (found.count, found.in_need, found.boxes) == (4, 2, 6)


def test_what_was_set_aside_is_said(db: Database, clock: Clock, client: FlaskClient, hub: TellingHub) -> None:
    hub.write(day_fact("2026-11-30", -1))
    hub.told(client)
    assert (only(db, clock).set_aside, only(db, clock).care) == (1, "warn")


def test_two_hubs_of_one_hall_are_said_and_the_one_that_spoke_last_is_shown(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    other = enrolled(db)
    hub.say(client, boxes=[box("Table 1")])
    clock.on(seconds=20)
    other.say(client, boxes=[box("Table 2")])
    hall = only(db, clock)
    assert (hall.hubs, hall.care, "Table 2" in by_label(hall)) == (2, "warn", True)
    clock.on(minutes=6)
    other.say(client, boxes=[box("Table 2")])  # the first was replaced, and is off
    assert only(db, clock).hubs == 1


def test_fourteen_days_end_with_today_in_the_hall(
    db: Database, clock: Clock, client: FlaskClient, hub: TellingHub
) -> None:
    hub.write(day_fact("2026-11-30", 30), day_fact("2026-12-01", 1), day_fact("2026-11-16", 9))
    hub.told(client)
    clock.now = NOW.replace(hour=3)  # still the 30th in Chicago
    hub.say(client, zone="America/Chicago")
    hall = only(db, clock)
    assert (hall.first_day, hall.last_day) == ("2026-11-17", "2026-11-30")
    assert [None if one is None else one.shots for one in hall.days] == [None] * 13 + [30]


def test_many_halls_are_shown_a_page_at_a_time(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "AT_ONCE", 2)
    for number in range(5):
        enrolled(db, f"Hall {number}")
    names = [[one.hall.name for one in look(db, clock, page).halls] for page in (1, 2, 3, 99)]
    assert names == [["Hall 0", "Hall 1"], ["Hall 2", "Hall 3"], ["Hall 4"], ["Hall 4"]]


def test_no_hall_is_an_empty_page(db: Database, clock: Clock) -> None:
    assert look(db, clock) == Overview((), 0, 0, 0, 0, 1, 1)


def test_bars_fill_the_height_and_say_their_days() -> None:
    found = bars("Shots", "2026-11-17", [0, 1, 1000, None])
    assert [bar.height for bar in found.bars] == [0.0, LEAST, HEIGHT, 1.0]
    assert found.bars[2].words == "19 Nov: 1,000"
    assert (found.total, found.today) == (1001, None)
    assert found.words == "Shots a day, 17 Nov to 20 Nov: 0, 1, 1,000, not told"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "2 h"), (172_800, "2 days")],
)
def test_durations_in_words(seconds: int, words: str) -> None:
    assert duration_words(timedelta(seconds=seconds)) == words


def test_of_many_halls_the_order_is_kept_for_a_while_and_what_is_shown_is_as_it_is_now(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MANY", 1)
    memory = overview.Memory()

    def seen() -> list[tuple[str, str]]:
        with db.read() as conn:
            return [(one.hall.name, one.state) for one in overview.look(conn, clock.now, memory).halls]

    client = small_cloud(db, clock).test_client()
    first, _ = enrolled(db, "Alley"), enrolled(db, "Breakers")
    first.say(client)
    assert seen() == [("Alley", "live"), ("Breakers", "never")]
    enrolled(db, "Cue Club")
    clock.on(minutes=10)
    assert seen() == [("Alley", "silent"), ("Breakers", "never"), ("Cue Club", "never")]
    enrolled(db, "Dungeon")
    first.say(client)
    assert seen() == [("Alley", "live"), ("Breakers", "never"), ("Cue Club", "never")]
    clock.on(seconds=31)
    assert [name for name, _ in seen()] == ["Alley", "Breakers", "Cue Club", "Dungeon"]
