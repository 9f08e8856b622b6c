"""The work of `ladder sync` at a table: its facts to the hub, the hall's rows from it, over and over.

First everything is told, then heard: so what the hub tells never undoes what was done here. Nothing is lost by a
hub that is away: facts wait in the outbox, and the table goes on with what it heard last.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from sqlite3 import IntegrityError
from typing import Any

from edge.clock import from_stamp
from edge.hall import hearing
from edge.store import outbox, sync_state
from edge.store.database import Store
from edge.store.replicas import BY_TABLE
from sync.hub_client import BusyError, HubClient, OutOfReachError
from sync.protocol import ProblemError
from sync.sending import Sender

log = logging.getLogger(__name__)

FIRST_WAIT_S, LAST_WAIT_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Met:
    """What the hub said of itself at the last hello."""

    feed: str
    latest: int
    term: int
    table_label: str
    boxes: tuple[dict[str, str], ...]
    keep_copy: bool
    ahead_s: float  # of this box's clock by the hub's


class TableSync:
    """One table's side. `says` is what the box says of itself."""

    def __init__(
        self,
        store: Store,
        client: HubClient,
        says: Callable[[], dict[str, Any]] = dict,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._client = client
        self._says = says
        self._now = now
        self._sender = Sender(store, client)
        self.met: Met | None = None

    def hello(self) -> Met:
        """Asks up to where the hub has this box's facts; it may be less than it once acknowledged."""
        with self._store.read() as conn:
            unsent, since = sync_state.count_unsent(conn), sync_state.waiting_since(conn)
        found = self._client.post("/v1/hello", {**self._says(), "unsent": unsent, "waiting_since": since})
        with self._store.write() as conn:
            sync_state.hear_acked(conn, found["lines"])
            sync_state.put(conn, "hub_seen_at", found["time"])
        ahead_s = (self._now() - from_stamp(found["time"])).total_seconds()
        self.met = Met(
            found["feed"],
            found["latest"],
            found["term"],
            found["table_label"],
            tuple(found["boxes"]),
            found["keep_copy"],
            ahead_s,
        )
        return self.met

    def once(self) -> int:
        """Tells all that is to be told, then hears what is to be heard; returns how many facts and rows that
        were. Raises as `HubClient` does, and StoreError."""
        if self.met is None:
            self.hello()
        sent = self.tell()
        try:
            return sent + self.hear()
        except hearing.UntoldError:
            return sent + self.tell()  # and heard the next time

    def tell(self) -> int:
        """Sends every fact that is not acknowledged; returns how many."""
        with self._store.write() as conn:
            outbox.tell_changes(conn)
            lines = sync_state.own_lines(conn)
        return self._sender.tell(lines)

    def hear(self) -> int:
        """Takes what has changed in the hall; returns how many rows are other than before."""
        assert self.met is not None
        heard = 0
        while True:
            with self._store.read() as conn:
                upto = hearing.told_upto(conn)
                feed, after = sync_state.get(conn, "feed"), int(sync_state.get(conn, "heard") or -1)
            if feed != self.met.feed or after < 0:
                return self._hear_all()
            try:
                head, told = self._client.rows(feed, after)
            except ProblemError as problem:
                if problem.slug != "start-anew":
                    raise
                return self._hear_all()
            if head["upto"] == after:
                return heard
            try:
                with self._store.write() as conn:
                    if sync_state.get(conn, "heard") != str(after):
                        return heard  # another process has heard more in the meantime
                    known = [one for one in told if one.table in BY_TABLE]
                    heard += hearing.hear(conn, known, self._now(), upto)
                    sync_state.put(conn, "heard", str(head["upto"]))
            except IntegrityError:
                log.warning("what the hub tells does not fit what is here: all of it is taken anew")
                return self._hear_all()
            if not head["more"]:
                return heard

    def _hear_all(self) -> int:
        with self._store.read() as conn:
            upto = hearing.told_upto(conn)
        head, told = self._client.everything()
        known = [one for one in told if one.table in BY_TABLE]
        try:
            with self._store.write() as conn:
                heard = hearing.hear_all(conn, known, self._now(), upto)
                sync_state.put(conn, "feed", head["feed"])
                sync_state.put(conn, "heard", str(head["upto"]))
        except IntegrityError as error:
            log.warning("all that the hub tells does not fit what is here: %s", error)
            raise OutOfReachError("what the hub tells does not fit what this table has not told yet") from error
        if self.met is not None:
            self.met = replace(self.met, feed=head["feed"])
        log.info("all of the hall was heard anew: %d rows", heard)
        return heard


class Patience:
    """How long to wait after a failure: longer each time, and never all boxes at once."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()
        self._wait_s = 0.0

    def well(self) -> None:
        self._wait_s = 0.0

    def after(self, error: Exception) -> float:
        """Seconds until the next try."""
        self._wait_s = min(LAST_WAIT_S, max(FIRST_WAIT_S, 2 * self._wait_s))
        least = error.wait_s if isinstance(error, BusyError) else 0.0
        return max(least, self._wait_s) * self._rng.uniform(1.0, 1.5)
