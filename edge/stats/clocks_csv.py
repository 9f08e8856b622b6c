"""A day's table clocks as CSV: one row a clock, for the hall's own books."""

from collections.abc import Iterable
from datetime import datetime, tzinfo

from edge.hall.clocks import Clock, bill
from edge.hall.money import plain_amount
from edge.stats.export import BOM, csv_lines, safe_cell

COLUMNS = (
    "day", "tables", "begin", "end", "utc_offset", "minutes", "billed_minutes", "price", "currency", "waived",
    "corrected", "running", "clock",
)  # fmt: skip


def clocks_csv(clocks: Iterable[Clock], currency: str, zone: tzinfo, now: datetime) -> str:
    """The file; of a clock that runs, as it stands now. Times are the hall's, the offset is the begin's."""
    rows = [[safe_cell(cell) for cell in _cells(clock, currency, zone, now)] for clock in clocks]
    return BOM + csv_lines([COLUMNS, *rows])


def _cells(clock: Clock, currency: str, zone: tzinfo, now: datetime) -> list[str]:
    due, begin, end = bill(clock, now), clock.from_when.astimezone(zone), clock.until_when
    return [
        clock.day,
        " > ".join(dict.fromkeys(span.table_label for span in clock.spans)),
        begin.strftime("%Y-%m-%d %H:%M:%S"),
        "" if end is None else end.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        f"UTC{begin.strftime('%z')}",
        str(due.minutes),
        str(due.billed_min),
        plain_amount(due.cents, currency),
        currency,
        str(int(clock.waived)),
        str(int(clock.start is not None or clock.end is not None)),
        str(int(clock.running)),
        clock.id,
    ]
