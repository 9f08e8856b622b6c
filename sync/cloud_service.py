"""What `ladder sync` does at a hub that is known to the cloud."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from edge.store.errors import StoreError
from sync.cloud_link import Cloud, CloudLinkError, CloudSync, load_cloud
from sync.hub_client import FAILURES, HubClient
from sync.protocol import ProblemError
from sync.table import Patience

log = logging.getLogger(__name__)

POLL_S, NO_CLOUD_S, REFUSED_S = 15.0, 15.0, 300.0


class CloudService:
    """One hub's side. `wait_s` says when the next turn is due, `status` how it stands."""

    def __init__(
        self, paths: Paths, store: Store, settings: Settings, says: Callable[[], dict[str, Any]] = dict
    ) -> None:
        self.wait_s = 0.0
        self.status = "starting"
        self._paths = paths
        self._store = store
        self._settings = settings
        self._says = says
        self._cloud: Cloud | None = None
        self._sync: CloudSync | None = None
        self._patience = Patience()
        self._due_s = float("-inf")

    def turn(self, mono_s: float) -> None:
        """One turn, if it is due; it never raises for what may happen."""
        if mono_s < self._due_s:
            self.wait_s = self._due_s - mono_s
            return
        try:
            self.wait_s = self._turn(mono_s)
        except (*FAILURES, CloudLinkError, StoreError, OSError) as error:
            if self.status != str(error):
                log.warning("the cloud: %s", error)
            self.status = str(error)
            refused = isinstance(error, ProblemError) and error.status in (401, 403)
            self.wait_s = max(REFUSED_S if refused else 0.0, self._patience.after(error))
        self._due_s = mono_s + self.wait_s

    def _turn(self, mono_s: float) -> float:
        cloud = load_cloud(self._paths.cloud)
        if cloud is None:
            self.status = "this box knows no cloud"
            return NO_CLOUD_S
        if self._sync is None or cloud != self._cloud:
            client = HubClient(cloud.address, None, cloud.signer)
            self._cloud = cloud
            self._sync = CloudSync(
                self._store, client, self._settings.hall.zone, self._settings.table.label, self._says
            )
        self._sync.turn(mono_s, datetime.now(UTC))
        self._patience.well()
        self.status = "the cloud has all"
        return POLL_S
