"""What `ladder sync` does at each turn: speaks to the hub, waits longer after a failure, looks for another hub."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.backup import BackupError
from edge.clock import stamp
from edge.runtime.paths import Paths
from edge.store import outbox, sync_state
from edge.store.database import Store
from edge.store.errors import StoreError
from sync.copying import HubCopy
from sync.hub_client import FAILURES, BusyError, HubClient, OutOfReachError
from sync.hub_file import Hub, HubFileError, load_hub, save_hub, with_key
from sync.protocol import ProblemError
from sync.table import Patience, TableSync

log = logging.getLogger(__name__)

POLL_S = 2.0
HELLO_S = 15.0
NO_HUB_S = 5.0
REFUSED_S = 60.0
KEPT = timedelta(days=14)  # facts that the hub has, for a hub that is restored
KEY_LASTS_S = 30 * 86_400.0


class TableService:
    """One table's `ladder sync`. `wait_s` says when the next turn is due, `status` how it stands."""

    def __init__(self, paths: Paths, store: Store, says: Callable[[], dict[str, Any]] = dict) -> None:
        self.wait_s = 0.0
        self.status = "starting"
        self._paths = paths
        self._store = store
        self._says = says
        self._hub: Hub | None = None
        self._sync: TableSync | None = None
        self._client: HubClient | None = None
        self._patience = Patience()
        self._copy = HubCopy(paths.hub_copy)
        self._hello_s = float("-inf")
        self._problem: str | None = None

    def turn(self, mono_s: float) -> None:
        """One turn; it never raises for what may happen in a hall."""
        try:
            self._turn(mono_s)
        except OutOfReachError as error:
            self._failed(error)
            self._look_elsewhere()
        except ProblemError as problem:
            self._failed(problem, at_least_s=REFUSED_S if problem.status == 401 else 0.0)
            if problem.slug == "replaced":
                self._look_elsewhere(str(problem.more.get("address", "")))
        except (BusyError, StoreError, HubFileError, BackupError, OSError) as error:
            self._failed(error)

    def _turn(self, mono_s: float) -> None:
        sync = self._connected()
        if sync is None:
            self.status, self.wait_s = "this box is no table of a hall", NO_HUB_S
            return
        if mono_s - self._hello_s >= HELLO_S:
            met = sync.hello()
            self._hello_s = mono_s
            self._note(met.boxes, met.term, met.table_label)
            self._keep_house()
        sync.once()
        if self._client is not None and sync.met is not None and sync.met.keep_copy:
            self._copy.follow(self._client)
        self._patience.well()
        self.wait_s = POLL_S
        self.status = "the hub has all"
        self._tell_problem(None)

    def _connected(self) -> TableSync | None:
        """The way to the hub, by the file as it stands now."""
        hub = load_hub(self._paths.hub)
        if hub != self._hub:
            if self._client is not None:
                self._client.close()
            self._hub, self._client, self._sync = hub, None, None
        if hub is not None and self._sync is None:
            self._client = HubClient.of(hub)
            self._sync = TableSync(self._store, self._client, self._says)
            self._hello_s = float("-inf")
        return self._sync

    def _note(self, boxes: tuple[dict[str, str], ...], term: int, label: str) -> None:
        """Where else a hub may be one day, and who is it now."""
        hub = self._hub
        assert hub is not None
        if term < hub.term:
            raise OutOfReachError(
                "what answers was the hub once, and another is now: stop it, or enrol it as a table"
            )
        found = {box["address"] for box in boxes if box["address"] and box["device"] != hub.device}
        others = tuple(sorted(found))
        noted = replace(hub, others=others, term=term, table_label=label)
        if noted != hub:
            save_hub(self._paths.hub, noted)
            self._hub = noted

    def _keep_house(self) -> None:
        """Clears what the hub has had for long, and has a new key now and then."""
        with self._store.write() as conn:
            sync_state.forget_sent(conn, stamp(datetime.now(UTC) - KEPT))
        hub = self._hub
        assert hub is not None
        assert self._client is not None
        made_s = int(hub.key_id.replace("-", "")[:12], 16) / 1000
        if time.time() - made_s > KEY_LASTS_S:
            told = self._client.post("/v1/key", {})
            save_hub(self._paths.hub, with_key(hub, told["key_id"], told["key"]))
            log.info("this box has a new key")

    def _look_elsewhere(self, first: str = "") -> None:
        """A table that was made the hub shows the hub's certificate at its own address."""
        hub = self._hub
        if hub is None:
            return
        for address in dict.fromkeys(filter(None, (first, *hub.others))):
            client = HubClient(address, hub.fingerprint, hub.signer)
            try:
                term = int(client.post("/v1/hello", {}).get("term", 0))
            except FAILURES:
                continue
            finally:
                client.close()
            if term >= hub.term:
                log.warning("the hub is at %s now", address)
                others = tuple(sorted({*hub.others, hub.address} - {address}))
                save_hub(self._paths.hub, replace(hub, address=address, others=others, term=term))
                self.wait_s = 0.0
                return

    def _failed(self, error: Exception, *, at_least_s: float = 0.0) -> None:
        self.wait_s = max(at_least_s, self._patience.after(error))
        self._hello_s = float("-inf")  # where the hub is again, first how far it has come
        self.status = str(error)
        self._tell_problem(str(error))
        try:
            with self._store.write() as conn:
                outbox.tell_changes(conn)  # in the order in which things happen, whoever hears of it
        except StoreError as broken:
            log.warning("%s", broken)

    def _tell_problem(self, problem: str | None) -> None:
        """Keeps why the hub is not reached, for the doctor; said once in the log."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem is None:
            log.info("the hub is reached")
        else:
            log.warning("%s", problem)
        try:
            with self._store.write() as conn:
                sync_state.put(conn, "problem", problem or "")
        except StoreError as broken:
            log.warning("%s", broken)
