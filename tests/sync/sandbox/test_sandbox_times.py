"""Billing periods: the 31st falls to a month's last day and comes back."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sync.sandbox.times import add_months, period_at, period_start

MOMENTS = st.integers(946_684_800, 2_500_000_000)
EVERY = st.sampled_from(["day", "week", "month", "year"])


def seconds(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]


def test_an_anchor_on_the_31st_comes_back_after_a_short_month() -> None:
    anchor = seconds(2027, 1, 31, 12)
    days = [datetime.fromtimestamp(period_start(anchor, "month", 1, n), UTC).day for n in range(6)]
    assert days == [31, 28, 31, 30, 31, 30]


def test_a_leap_day_is_the_28th_in_other_years() -> None:
    anchor = seconds(2028, 2, 29)
    ends = [period_start(anchor, "year", 1, n) for n in range(1, 5)]
    assert ends == [seconds(2029, 2, 28), seconds(2030, 2, 28), seconds(2031, 2, 28), seconds(2032, 2, 29)]


@given(MOMENTS, EVERY, st.integers(1, 6), st.integers(-200_000_000, 200_000_000))
def test_every_moment_is_in_its_period_and_periods_follow_each_other(
    anchor: int, interval: str, count: int, later: int
) -> None:
    moment = anchor + later
    start, end = period_at(anchor, interval, count, moment)
    assert start <= moment < end
    assert period_at(anchor, interval, count, end)[0] == end
    assert period_at(anchor, interval, count, start - 1)[1] == start


@given(MOMENTS, st.integers(0, 60))
def test_months_keep_the_day_where_there_is_one(start: int, months: int) -> None:
    was, now = (datetime.fromtimestamp(one, UTC) for one in (start, add_months(start, months)))
    assert (now.year * 12 + now.month) - (was.year * 12 + was.month) == months
    assert now.day == was.day or (now.day < was.day and datetime.fromtimestamp(start + 0, UTC).day > 28)
    assert now.time() == was.time()
