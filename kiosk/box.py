"""What the views of one kiosk share, kept with the application."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from edge.runtime.paths import Paths
from edge.settings import Settings
from kiosk.live import Hub
from kiosk.live_state import Reading, read_live
from kiosk.records import Records
from kiosk.texts import Translate

EXTENSION = "kiosk"


@dataclass(frozen=True, slots=True)
class Box:
    """The box as its pages know it."""

    paths: Paths
    settings: Settings
    records: Records
    hub: Hub
    t: Translate

    def reading(self) -> Reading:
        """The live state as it is now, read afresh."""
        return read_live(self.paths.live_json)


def box() -> Box:
    """The box of the application that answers."""
    return cast(Box, current_app.extensions[EXTENSION])
