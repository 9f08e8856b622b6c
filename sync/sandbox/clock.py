"""The sandbox's own clock: it stands still where a test wants that, else it runs, turned forward as far as one
likes."""

import json
import time

from sync.sandbox.store import Store


class Clock:
    """Kept in the store, so that a turned clock stays turned."""

    def __init__(self, store: Store, start: int | None = None) -> None:
        """With `start` a new sandbox's clock stands at that time until it is turned."""
        self._store = store
        kept = store.note("clock")
        if kept is not None:
            self._frozen, self._ahead = json.loads(kept)
        else:
            self._frozen, self._ahead = start, 0
            with store.transaction():
                self._keep()

    @property
    def stands(self) -> bool:
        return self._frozen is not None

    def now(self) -> int:
        """Unix seconds."""
        return int(self._frozen) if self._frozen is not None else int(time.time()) + int(self._ahead)

    def turn_to(self, moment: int) -> None:
        """Within a transaction. The caller turns it forward only."""
        if self._frozen is not None:
            self._frozen = moment
        else:
            self._ahead += moment - self.now()
        self._keep()

    def run(self) -> None:
        """Within a transaction. A clock that stands runs on from where it stands."""
        if self._frozen is not None:
            self._frozen, self._ahead = None, int(self._frozen) - int(time.time())
            self._keep()

    def _keep(self) -> None:
        self._store.set_note("clock", json.dumps([self._frozen, self._ahead]))
