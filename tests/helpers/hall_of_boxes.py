"""A hub and tables in one process, each with a store of its own, over real HTTPS."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fresh_store import fresh_store
from https_server import HttpsServer

from edge.hall import devices
from edge.hall.certificate import load_certificate
from edge.hall.keys import keys_to_tell, load_keys
from edge.hall.players import Player, sign_up
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store import changes
from edge.store.changes import Reader
from edge.store.database import Store
from edge.store.replicas import REPLICAS
from kiosk.elsewhere import KioskDesk
from kiosk.hub_command import hall_of
from sync.enrolment import enrol
from sync.hub import Hall, create_app
from sync.hub_client import HubClient
from sync.hub_file import Hub
from sync.table import TableSync


class HubBox:
    """A hub that listens on a port of its own until `stop`; `start` again is the same hub."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        settings: Settings | None = None,
    ) -> None:
        """With settings it has a desk: the views of its own kiosk."""
        self.paths = Paths(folder, folder / "run")
        fresh_store(self.paths.store)
        self.store = Store(self.paths.store)
        self.certificate = load_certificate(self.paths.hub_certificate, [], [], datetime.now(UTC))
        self.port = 0
        fingerprint = self.certificate.fingerprint
        if settings is None:
            keys = self.paths.secrets
            hall = Hall(self.store, "Chalk City", fingerprint, lambda: keys_to_tell(load_keys(keys)), now=now)
        else:
            hall = hall_of(self.paths, settings, fingerprint)
            assert isinstance(hall.desk, KioskDesk)
        self.app = create_app(hall)
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = HttpsServer(self.app, self.certificate, self.port)
        self.port = self._server.port

    def stop(self) -> None:
        self._server.close()

    def close(self) -> None:
        self.stop()
        self.store.close()

    def code(self, label: str) -> str:
        with self.store.write() as conn:
            return devices.new_code(conn, label, datetime.now(UTC))


def a_player(hub: HubBox, name: str) -> Player:
    with hub.store.write() as conn:
        return sign_up(conn, name, "2026-01-01T00:00:00.000Z")


def another_keeps_the_copy(hub: HubBox) -> None:
    """So that none of the tables in the test does, whose hub may have no snapshot to hand out."""
    with hub.store.write() as conn:
        conn.execute("INSERT INTO devices (id, table_label, enrolled_at) VALUES ('keeper', 'Table 1', '2000')")


class TableBox:
    """A table's box that is enrolled."""

    def __init__(self, folder: Path, hub: HubBox, label: str) -> None:
        self.paths = Paths(folder, folder / "run")
        fresh_store(self.paths.store)
        self.store = Store(self.paths.store)
        self.label = label
        self.hub: Hub = enrol(self.paths, self.store, hub.address, hub.code(label), label)
        self.client = HubClient.of(self.hub)
        self.sync = TableSync(self.store, self.client)

    def close(self) -> None:
        self.client.close()
        self.store.close()


def require_alike(hub: HubBox, *tables: TableBox) -> None:
    """Every table has the rows that the hub tells it."""
    for table in tables:
        for replica in REPLICAS:
            if replica.down is not None:
                with hub.store.read() as there, table.store.read() as here:
                    reader = Reader(table.label, "2020-01-01")
                    wanted = sorted(changes.all_rows(there, replica, reader), key=repr)
                    assert sorted(changes.all_rows(here, replica, reader), key=repr) == wanted


def until_still(*tables: TableBox) -> None:
    for _ in range(10):
        for table in tables:
            table.sync.hello()
        if sum(table.sync.once() for table in tables) == 0:
            return
    raise AssertionError("it does not come to rest")
