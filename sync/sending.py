"""A line of facts is sent: to the hub by a table, to the cloud by a hub."""

import logging
from collections.abc import Iterable
from typing import Protocol

from edge.store import outbox, sync_state
from edge.store.database import Store
from edge.store.outbox import Lane
from edge.store.sync_state import OwnLine
from sync import protocol
from sync.hub_client import OutOfReachError
from sync.protocol import BATCH_ROWS, Answer, ProblemError

log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Who is told."""

    def facts(self, batch: bytes) -> Answer:
        """Takes in a batch."""


class Sender:
    """Sends a lane's facts. Batches shrink where they are too large, and grow again."""

    def __init__(self, store: Store, client: Receiver, lane: Lane = "outbox") -> None:
        self._store = store
        self._client = client
        self._lane = lane
        self._batch = BATCH_ROWS

    def tell(self, lines: Iterable[OwnLine]) -> int:
        """Sends every fact of these lines that is not acknowledged; returns how many.

        Raises as `HubClient` does, and StoreError.
        """
        return sum(self._tell_line(line) for line in lines)

    def _tell_line(self, line: OwnLine) -> int:
        acked, sent = line.acked, 0
        while True:
            with self._store.read() as conn:
                found = outbox.rows_after(conn, acked, self._batch, self._lane)
            rows = [row for row in found if row.epoch == line.epoch]
            if not rows:
                return sent
            # What is not here any more can't be told: who waits for it is to go on with what is.
            begins = line.begins if rows[0].seq <= acked + 1 else rows[0].seq
            try:
                answer = self._client.facts(protocol.pack(rows[0].device, line.epoch, begins, rows))
            except ProblemError as problem:
                if problem.status != 413 or len(rows) == 1:
                    raise
                self._batch = len(rows) // 2
                continue
            for seq, fate, why in answer.set_aside:
                log.warning("fact %d was set aside (%s): %s", seq, fate, why)
            with self._store.write() as conn:
                sync_state.keep_acked(conn, line.epoch, answer.ack, self._lane)
            sent += len(rows)
            if answer.ack <= acked:
                raise OutOfReachError(f"all up to fact {answer.ack} has come there, and nothing after it")
            acked = answer.ack
            self._batch = min(BATCH_ROWS, 2 * self._batch)
