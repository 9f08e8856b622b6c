"""The copy of the hub that one of the hall's tables keeps: made of a snapshot, then followed row by row.

It is a store of its own, in `data/hub-copy`, seconds behind the hub. `ladder promote` makes it the hall's
(`sync.promotion`). Where something does not fit it begins anew with a snapshot: a copy must be the hub's, or none.
"""

import logging
import shutil
import sqlite3
from pathlib import Path

from edge.backup import unpack
from edge.store import changes, sync_state
from edge.store.changes import Change
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.replicas import BY_TABLE
from edge.store.swap import sync_directory
from sync.hub_client import HubClient
from sync.protocol import ProblemError

log = logging.getLogger(__name__)

COPIED = "copied"  # the last change that the copy has


class HubCopy:
    """The copy in that directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._store: Store | None = None

    @property
    def path(self) -> Path:
        return self.directory / "ladder.db"

    def follow(self, client: HubClient) -> int:
        """Brings the copy up to the hub as it stands; returns how many rows changed.

        Raises as `HubClient` does, StoreError, BackupError, OSError.
        """
        if not self.path.exists():
            self.begin(client)
        try:
            return self._follow(client)
        except ProblemError as problem:
            if problem.slug != "start-anew":
                raise
        except (sqlite3.Error, StoreError) as error:
            log.warning("the copy of the hub does not fit it any more: %s", error)
        self.begin(client)
        return self._follow(client)

    def begin(self, client: HubClient) -> None:
        """Makes the copy anew, of the hub's snapshot."""
        self.close()
        incoming = self.directory / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        snapshot = unpack(client.snapshot(), incoming)
        for old in self.directory.glob("ladder.db*"):
            old.unlink()
        for part in snapshot.files:
            if part.name != self.path.name:
                (snapshot.path / part.name).replace(self.directory / part.name)
        with Store(snapshot.path / self.path.name) as store, store.write() as conn:
            changes.tell_nobody(conn)
            sync_state.put(conn, COPIED, str(changes.latest(conn)))
        for end in ("-wal", "-shm"):
            (snapshot.path / f"{self.path.name}{end}").unlink(missing_ok=True)
        (snapshot.path / self.path.name).replace(self.path)
        sync_directory(self.directory)
        shutil.rmtree(incoming, ignore_errors=True)
        log.info("this box keeps a copy of the hub, of the snapshot %s", snapshot.name)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _follow(self, client: HubClient) -> int:
        store = self._store = self._store or Store(self.path)
        written = 0
        while True:
            with store.read() as conn:
                feed, after = changes.feed(conn), int(sync_state.get(conn, COPIED) or -1)
            head, told = client.rows(feed, after, copy=True)
            if head["upto"] > after:
                with store.write() as conn:
                    written += _write(conn, told)
                    sync_state.put(conn, COPIED, str(head["upto"]))
            if not head["more"]:
                return written


def _write(conn: sqlite3.Connection, told: list[Change]) -> int:
    conn.execute("PRAGMA defer_foreign_keys = ON")
    for table in dict.fromkeys(change.table for change in told):
        changes.make_room(conn, BY_TABLE[table], told)
    written = 0
    for change in told:
        written += bool(changes.put_row(conn, BY_TABLE[change.table], change, whole=True))
    conn.execute("DELETE FROM to_book")  # the hub has booked them
    return written
