"""Billing periods: pure arithmetic on Unix seconds, in UTC as Stripe's."""

import calendar
from datetime import UTC, datetime, timedelta

HOUR = 3600
DAY = 24 * HOUR


def add_months(start: int, months: int) -> int:
    """The same day so many months later; the month's last day where it has no such day."""
    moment = datetime.fromtimestamp(start, UTC)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


def period_start(anchor: int, interval: str, count: int, number: int) -> int:
    """When the period of that number begins; number 0 begins at the anchor. Counted from the anchor each time,
    so a month that is too short doesn't shift those after it."""
    if interval in ("month", "year"):
        return add_months(anchor, number * count * (12 if interval == "year" else 1))
    days = number * count * (7 if interval == "week" else 1)
    return int((datetime.fromtimestamp(anchor, UTC) + timedelta(days=days)).timestamp())


def period_at(anchor: int, interval: str, count: int, moment: int) -> tuple[int, int]:
    """The period that `moment` is in: from its begin up to, but without, its end."""
    days = (moment - anchor) / DAY
    length = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}[interval] * count
    number = int(days // length) - 1
    while period_start(anchor, interval, count, number + 1) <= moment:
        number += 1
    return period_start(anchor, interval, count, number), period_start(anchor, interval, count, number + 1)


def words(moment: int) -> str:
    """`3 Nov 2026`, for the lines of invoices."""
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when.day} {when:%b %Y}"
