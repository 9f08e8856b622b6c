"""Whether the kiosk and the box behind it are well, and if not why."""

from dataclasses import dataclass

from edge.store.errors import StoreError
from kiosk.box import Box
from kiosk.live_state import HEALTHY


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong: its name for a program, its sentence for a person."""

    code: str
    text: str


def reasons(box: Box) -> list[Reason]:
    """Everything that is wrong now; nothing when all is well."""
    found = []
    try:
        box.records.total()
    except StoreError as error:
        found.append(Reason("store", str(error)))
    reading = box.reading()
    if reading.status not in HEALTHY:
        text = reading.message or box.t(f"status.{reading.status}.text")
        found.append(Reason(reading.status, text))
    return found
