"""Dates, places and counts in words, of the hall's days as they are stored and of bare numbers."""

from datetime import date, timedelta

from edge.stats.spans import Span
from kiosk.box import box
from kiosk.fragments import month_name, points_text


def short_date(day: str) -> str:
    """`Oct 31` of `2025-10-31`."""
    one, t = date.fromisoformat(day), box().t
    return t("date.short", month=t(f"month_short.{one.month}"), day=one.day)


def full_date(day: str) -> str:
    """`Fri, Oct 31` of `2025-10-31`."""
    return box().t("date.full", weekday=_weekday(day), date=short_date(day))


def span_title(span: Span, today: str) -> str:
    """What a span is called."""
    t = box().t
    if span.range == "day":
        return t("span.today") if span.begin == today else full_date(span.begin)
    if span.range == "week":
        last = (date.fromisoformat(span.end) - timedelta(days=1)).isoformat()
        return t("span.week", begin=short_date(span.begin), end=short_date(last))
    if span.range == "month":
        return month_name(span.begin[:7])
    return t("span.since", month=month_name(span.begin[:7]))


def part_label(part: str, span: Span) -> str:
    """What a part of a span is called below a chart, as short as can be."""
    if span.step == "year":
        return part
    if span.step == "month":
        return box().t(f"month_short.{int(part[5:7])}")
    return _weekday(part) if span.range == "week" else str(int(part[8:10]))


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`: English's rule, the texts' words."""
    tens, ones = number % 100, number % 10
    category = {1: "one", 2: "two", 3: "few"}.get(ones, "other") if not 11 <= tens <= 13 else "other"
    return box().t(f"ordinal.{category}", number=number)


def game_name(game: str) -> str:
    """What a game is called."""
    return box().t(f"game.{game.replace(' ', '-')}")


def counted(what: str, number: float) -> str:
    """So many of something that the texts know: `1 point`, `12.5 points`."""
    t = box().t
    return t(f"count.{what}.one") if number == 1 else t(f"count.{what}.many", number=points_text(number))


def _weekday(day: str) -> str:
    return box().t(f"weekday.{date.fromisoformat(day).isoweekday()}")
