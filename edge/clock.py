"""Wall-clock times: UTC in storage, the hall's zone on screen. Durations come from the monotonic clock."""

import os
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME = Path("/etc/localtime")


def stamp(moment: datetime) -> str:
    """UTC as it is stored: `2025-10-31T22:15:04.120Z`; such texts sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_stamp() -> str:
    return stamp(datetime.now(UTC))


def from_stamp(text: str) -> datetime:
    """The moment of a stored stamp. Raises ValueError for anything else."""
    return datetime.fromisoformat(text)


def day_bounds(moment: datetime, zone: tzinfo) -> tuple[str, str]:
    """The stamps at which the day of `moment` in `zone` begins and ends: 23 to 25 hours apart."""
    day = moment.astimezone(zone).date()
    begin = datetime.combine(day, time(), tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    return stamp(begin), stamp(end)


@lru_cache(maxsize=4096)
def monday_of(day: str) -> str:
    """The Monday of the week of that day."""
    one = date.fromisoformat(day)
    return (one - timedelta(days=one.weekday())).isoformat()


def month_before(month: str) -> str:
    """The month before `2026-01` is `2025-12`."""
    return month_later(month, -1)


def month_after(month: str) -> str:
    """The month after `2025-12` is `2026-01`."""
    return month_later(month, 1)


def month_later(month: str, later: int) -> str:
    """The month so many after that one, or before it; of a day it is that of its month."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:7]) - 1 + later, 12)
    return f"{year:04}-{number + 1:02}"


def machine_zone(environ: dict[str, str] | None = None, localtime: Path = LOCALTIME) -> ZoneInfo:
    """The zone this machine is set to, by $TZ or /etc/localtime; UTC where neither names one."""
    name = (os.environ if environ is None else environ).get("TZ", "").lstrip(":")
    if not name:
        parts = localtime.resolve().parts
        name = "/".join(parts[parts.index("zoneinfo") + 1 :]) if "zoneinfo" in parts else "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
