"""A service ends when the store is found damaged, by itself or by another, so that it can be mended before the
next start: nobody may have a store open that another takes the place of."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.store import damage

log = logging.getLogger(__name__)

LOOK_S = 1.0


class DamageWatch:
    """Looks for the mark of damage (`edge.store.damage`) in a thread of its own, and calls `leave` once it is
    there."""

    def __init__(self, store: Path, leave: Callable[[], None], look_s: float = LOOK_S) -> None:
        self.found: str | None = None
        self._store = store
        self._leave = leave
        self._look_s = look_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="damage", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends it; safe to call from a signal handler."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._look_s):
            self.found = damage.marked(self._store)
            if self.found is not None:
                log.error("the service ends, so that the store can be mended: %s", self.found)
                self._leave()
                return


@contextmanager
def leaving_when_damaged(store: Path, stop: threading.Event, look_s: float = LOOK_S) -> Iterator[DamageWatch]:
    """Inside the block `stop` is set when the store is found damaged; `found` says then what was found."""
    watch = DamageWatch(store, stop.set, look_s)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
