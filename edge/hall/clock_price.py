"""What a stay at a table costs: exact arithmetic of whole milliseconds and whole cents.

Each begun step of the whole time counts (with steps of one minute, 61 minutes and a second are 62). That time is
shared out between the spans as the real time was, each share has the price of its own hour, and the sum is rounded
once, a half upwards. A span that the clock on the wall makes negative counts as none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MS_PER_MIN = 60_000


@dataclass(frozen=True, slots=True)
class Part:
    """So much time at one price of the hour, in minor units of the hall's currency."""

    ms: int
    cents_per_hour: int


@dataclass(frozen=True, slots=True)
class Bill:
    """`ms` is the time that passed, `billed_min` the minutes that count, `cents` their price."""

    ms: int
    billed_min: int
    cents: int
    priced: bool  # whether any of the time has a price at all

    @property
    def minutes(self) -> int:
        """Whole minutes that passed."""
        return self.ms // MS_PER_MIN


def bill_of(parts: Sequence[Part], step_min: int, *, waived: bool = False) -> Bill:
    """The bill for those parts of one stay."""
    spans = [(max(0, part.ms), part.cents_per_hour) for part in parts]
    total_ms = sum(ms for ms, _ in spans)
    billed_min = -(-total_ms // (step_min * MS_PER_MIN)) * step_min
    # sum of rate * (billed / 60) * (ms / total), over one denominator
    above = sum(ms * cents for ms, cents in spans) * billed_min
    below = 60 * total_ms
    cents = 0 if waived or total_ms == 0 else (2 * above + below) // (2 * below)
    return Bill(total_ms, billed_min, cents, any(part.cents_per_hour for part in parts))
