"""Table clocks in words: how long, how much, from when, and the times that staff type."""

from datetime import datetime, tzinfo

from edge.hall.clock_price import MS_PER_MIN
from edge.hall.errors import HallError
from edge.hall.money import money_text
from kiosk.box import box
from kiosk.wording import short_date

FIELD = "%Y-%m-%dT%H:%M"  # what a field for date and time takes and sends


def hours_text(minutes: int) -> str:
    """`1:05` of 65 minutes."""
    return f"{minutes // 60}:{minutes % 60:02}"


def time_text(ms: int) -> str:
    """`1:05` of what passed."""
    return hours_text(ms // MS_PER_MIN)


def price_text(cents: int) -> str:
    """An amount in the hall's currency."""
    return money_text(cents, box().settings.counter.currency)


def at_text(moment: datetime, now: datetime) -> str:
    """`19:42`, with the date unless that is today's."""
    zone = box().settings.hall.zone
    local, time = moment.astimezone(zone), moment.astimezone(zone).strftime("%H:%M")
    if local.date() == now.astimezone(zone).date():
        return time
    return box().t("counter.when", date=short_date(local.date().isoformat()), time=time)


def field_text(moment: datetime | None) -> str:
    """A moment as a field for date and time shows it, by the hall's clocks."""
    return "" if moment is None else moment.astimezone(box().settings.hall.zone).strftime(FIELD)


def typed_moment(text: str, near: datetime, zone: tzinfo) -> datetime:
    """The moment that staff typed by the hall's clocks; of two that are called alike, the one nearer to `near`.

    A field that was left as it is says `near` itself. Raises HallError.
    """
    try:
        local = datetime.strptime(text[:16], FIELD)
        if near.astimezone(zone).strftime(FIELD) == text[:16]:
            return near
        found = [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
        return min(found, key=lambda moment: abs(moment.timestamp() - near.timestamp())).astimezone(near.tzinfo)
    except (ValueError, OverflowError, OSError) as error:
        raise HallError("clock_time_unreadable") from error
