"""When and where something happens in the hall."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from edge.clock import stamp


@dataclass(frozen=True, slots=True)
class Occasion:
    """A moment at a table. `now` is UTC, `day` the date the hall's clocks show then, as `2025-10-31`."""

    now: datetime
    day: str
    table_label: str

    @property
    def stamp(self) -> str:
        """`now` as it is stored."""
        return stamp(self.now)

    @property
    def month(self) -> str:
        """The hall's month, as `2025-10`."""
        return self.day[:7]


def occasion(zone: tzinfo, table_label: str, now: datetime | None = None) -> Occasion:
    """What is now, or was at that moment, in a hall of that zone."""
    now = now or datetime.now(UTC)
    return Occasion(now, hall_day(now, zone), table_label)


def hall_day(moment: datetime, zone: tzinfo) -> str:
    """The date the hall's clocks show at that moment."""
    return moment.astimezone(zone).date().isoformat()
