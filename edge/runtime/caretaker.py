"""The caretaker of a table's sessions: ends what nobody plays any more, enters what a killed process left, deletes
what is left of those who were erased."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from edge.bookkeeper import Bookkeeper
from edge.hall import erasure
from edge.hall.sitting import at_table, leave_table
from edge.store.database import Store
from edge.store.errors import StoreError

LOOK_S = 5.0
ERASING_S = 3.0  # of one look

log = logging.getLogger(__name__)


class Caretaker:
    """Looks after one table. A pause is measured by the monotonic clock: one that is set ahead ends no session.

    Only at its first look, after a start, the wall clock says how long nobody has played.
    """

    def __init__(self, store: Store, table_label: str, pause: timedelta) -> None:
        self._store = store
        self._table_label = table_label
        self._bookkeeper = Bookkeeper(store)
        self._pause = pause
        self._last: tuple[frozenset[str], datetime] | None = None
        self._idle_from_s = 0.0
        self._looked = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends it; safe to call from a signal handler."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S if self._looked else 0.0):
            try:
                self.look(datetime.now(UTC), time.monotonic())
            except StoreError as error:
                log.warning("sessions can't be looked after: %s", error)
            except Exception:  # it must be there tomorrow too
                log.exception("looking after the sessions failed")
            self._looked = True

    def look(self, now: datetime, mono_s: float) -> bool:
        """One look; says whether it ended a sitting. Raises StoreError."""
        self._bookkeeper.book()
        erasure.go_on(self._store, ERASING_S)
        with self._store.read() as conn:
            sitting = at_table(conn, self._table_label)
        if not sitting.taken:
            self._last, self._looked = None, True
            return False
        active_at = max(session.active_at for session in sitting.sessions)
        key = (frozenset(session.id for session in sitting.sessions), active_at)
        if key != self._last:
            already_s = 0.0 if self._looked else max(0.0, (now - active_at).total_seconds())
            self._last, self._idle_from_s = key, mono_s - already_s
        self._looked = True
        if mono_s - self._idle_from_s < self._pause.total_seconds():
            return False
        with self._store.write() as conn:
            leave_table(conn, self._table_label, active_at, "pause", now)
        log.info("nobody played for %s: the session at the table is over", self._pause)
        return True
