"""What the views of one kiosk share, kept with the application."""

import sqlite3
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from flask import current_app

from edge.bookkeeper import Bookkeeper
from edge.hall.keys import Keys
from edge.hall.occasion import Occasion, occasion
from edge.hall.sitting import Sitting, at_table
from edge.health.watch import HealthWatch
from edge.runtime.caretaker import Caretaker
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from kiosk.elsewhere import Upstairs, asked_elsewhere
from kiosk.kept import Kept
from kiosk.live import Hub
from kiosk.live_state import Reading, read_live
from kiosk.records import Records
from kiosk.texts import Translate

EXTENSION = "kiosk"
CARDS_KEPT = 400  # of shots, as HTML; some 4 kB each
CODES_KEPT = 20  # of guests of late, so that a page loaded again shows the same one


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Box:
    """The box as its pages know it."""

    paths: Paths
    settings: Settings
    store: Store
    keys: Callable[[], Keys]
    records: Records
    books: Bookkeeper
    caretaker: Caretaker
    hub: Hub
    t: Translate
    health: HealthWatch
    upstairs: Upstairs | None = None  # at a table of a hall: the hub
    cards: Kept[Hashable, str] = field(default_factory=lambda: Kept(CARDS_KEPT))
    # By the guest, in this process alone: the store has the codes' hashes, which nobody can read.
    claim_codes: Kept[str, str] = field(default_factory=lambda: Kept(CODES_KEPT))

    def reading(self) -> Reading:
        """The live state as it is now, read afresh."""
        return read_live(self.paths.live_json)

    def here(self) -> Occasion:
        """Now, at the table where it is asked."""
        return occasion(self.settings.hall.zone, self.table_label)

    @property
    def table_label(self) -> str:
        """The table at which it is asked: this box's, or at the hub another's that hands a request on."""
        asked = asked_elsewhere()
        return self.settings.table.label if asked is None else asked.table_label

    def sitting(self, conn: sqlite3.Connection) -> Sitting:
        """What goes on at this table now."""
        return at_table(conn, self.table_label)

    def close(self) -> None:
        """Ends what runs beside the pages; safe to call from a signal handler."""
        self.hub.close()
        self.caretaker.stop()


def box() -> Box:
    """The box of the application that answers."""
    return cast(Box, current_app.extensions[EXTENSION])
