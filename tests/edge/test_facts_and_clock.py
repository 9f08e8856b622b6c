"""Keys sort by time, equal content has an equal hash, and a hall's day has its own bounds."""

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import day_bounds, from_stamp, machine_zone, stamp
from edge.facts import canonical, content_hash, make_fact, uuid7


def test_a_key_is_a_version_7_uuid_of_now() -> None:
    before_ms = time.time_ns() // 1_000_000
    key = uuid.UUID(uuid7())
    assert (key.version, key.variant) == (7, uuid.RFC_4122)
    assert before_ms <= key.int >> 80 <= time.time_ns() // 1_000_000


def test_keys_differ_and_sort_by_time() -> None:
    assert len({uuid7() for _ in range(2000)}) == 2000
    first = uuid7()
    time.sleep(0.002)
    assert first < uuid7()


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)))
def test_the_order_of_keys_is_no_content(content: dict[str, object]) -> None:
    turned = dict(reversed(content.items()))
    assert canonical(content) == canonical(turned)
    assert content_hash(canonical(content)) == content_hash(canonical(turned))


def test_two_facts_of_the_same_content_share_a_hash_and_no_key() -> None:
    one, two = (make_fact("shot", {"a": 1}, "now") for _ in range(2))
    assert one.hash == two.hash
    assert one.key != two.key
    assert one.hash != make_fact("shot", {"a": 2}, "now").hash


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC)))
def test_stamps_come_back_and_sort_by_time(moment: datetime) -> None:
    assert abs((from_stamp(stamp(moment)) - moment).total_seconds()) < 0.001
    assert len(stamp(moment)) == len("2025-10-31T22:15:04.120Z")


@pytest.mark.parametrize(
    ("zone", "moment", "begin", "end"),
    [
        ("UTC", "2026-03-08T12:00:00Z", "2026-03-08T00:00:00.000Z", "2026-03-09T00:00:00.000Z"),
        # The day the clocks go forward has 23 hours, the day they go back 25.
        ("America/Chicago", "2026-03-08T12:00:00Z", "2026-03-08T06:00:00.000Z", "2026-03-09T05:00:00.000Z"),
        ("America/Chicago", "2026-11-01T12:00:00Z", "2026-11-01T05:00:00.000Z", "2026-11-02T06:00:00.000Z"),
        # Late in the evening UTC it is tomorrow in Tokyo.
        ("Asia/Tokyo", "2026-05-01T20:00:00Z", "2026-05-01T15:00:00.000Z", "2026-05-02T15:00:00.000Z"),
    ],
)
def test_a_hall_s_day(zone: str, moment: str, begin: str, end: str) -> None:
    assert day_bounds(from_stamp(moment), ZoneInfo(zone)) == (begin, end)


def test_the_machine_s_zone(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Zurich")
    assert machine_zone({}, link).key == "Europe/Zurich"
    assert machine_zone({"TZ": "Asia/Tokyo"}, link).key == "Asia/Tokyo"
    assert machine_zone({"TZ": "no such zone"}, link).key == "UTC"
    assert machine_zone({}, tmp_path / "none").key == "UTC"
