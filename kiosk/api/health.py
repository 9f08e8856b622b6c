"""Whether the kiosk and the box behind it are well, and if not why."""

from dataclasses import dataclass

from edge.store.errors import StoreError
from kiosk.box import Box
from kiosk.live_state import HEALTHY

# What these find is told by the live state, as of this moment.
LIVE_CHECKS = ("vision", "camera")


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong: its name for a program, its sentence for a person."""

    code: str
    text: str


def reasons(box: Box) -> list[Reason]:
    """Everything that is wrong now; nothing when all is well.

    Store and live state are asked here and now. The rest is what the box's checks found of late: what is bad, not
    what is worth a look.
    """
    found = []
    try:
        box.records.total()
    except StoreError as error:
        found.append(Reason("store", str(error)))
    reading = box.reading()
    if reading.status not in HEALTHY:
        text = reading.message or box.t(f"status.{reading.status}.text")
        found.append(Reason(reading.status, text))
    told = (*LIVE_CHECKS, *(reason.code for reason in found))
    bad = [finding for finding in box.health.findings() if finding.state == "bad"]
    return found + [Reason(finding.check, finding.text) for finding in bad if finding.check not in told]
