"""`ladder hub`: the door for the hall's other boxes, with the kiosk's views behind it."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import click
from flask import Flask

from edge.backup import Snapshot, latest, pack, take
from edge.cli import Failure
from edge.commands.options import data_option
from edge.hall import commands
from edge.hall.certificate import CertificateError, load_certificate
from edge.hall.keys import KeysError, keys_to_tell, load_keys
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import Settings, SettingsError, load_settings
from edge.store import changes
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.migrations import require_current
from kiosk.app import create_app as create_kiosk
from kiosk.box import EXTENSION
from kiosk.command import listen
from kiosk.elsewhere import KioskDesk
from kiosk.serving import BoxServer, Tuning
from kiosk.worker import SecureLine
from sync.enrolment import HUB_PORT
from sync.hub import Hall, addresses_of_boxes, create_app
from sync.hub_watch import look_for_successor
from sync.receiving import try_again

THREADS = 16
KEPT_CHANGES = 200_000  # a table that was away for longer takes all anew
LOOK_S, TIDY_TURNS = 60.0, 10

log = logging.getLogger(__name__)


@click.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65535), help=f"The port.  [default: settings, else {HUB_PORT}]")
@click.option("--host", help="The address to listen on.  [default: settings, else 0.0.0.0]")
def hub(data: Path | None, port: int | None, host: str | None) -> None:
    """Let the hall's other boxes in: their facts, and what their players and staff want of the hall.

    \b
    Example:
      ladder hub --data ./data --port 8444
    """
    paths = box_paths(data)
    try:
        settings = load_settings(paths.settings)
        require_current(paths.store)
        make_directories(paths)
        certificate = load_certificate(paths.hub_certificate, [], [], datetime.now(UTC))
        load_keys(paths.secrets)
        _require_hub(paths)
        context = certificate.context()
    except (SettingsError, StoreError, KeysError, CertificateError, OSError) as error:
        raise Failure(str(error)) from error
    port = port or settings.hub.port or HUB_PORT
    listener = listen(host or settings.hub.host, port)
    HubServer(paths, settings, listener, SecureLine(port, context), certificate.fingerprint).run()


def hall_of(paths: Paths, settings: Settings, fingerprint: str) -> Hall:
    """The hall of the hub at `paths`, whose certificate has that fingerprint, with the views of its kiosk."""
    kiosk = create_kiosk(paths, settings)
    store: Store = kiosk.extensions[EXTENSION].store
    keys = load_keys(paths.secrets)

    def snapshot() -> Iterator[bytes]:
        newest = latest(paths)
        return pack(newest if newest is not None and _is_fit(newest, paths) else take(paths, datetime.now(UTC)))

    desk = KioskDesk(kiosk, store, keys)
    return Hall(store, settings.hall.name, fingerprint, lambda: keys_to_tell(keys), desk, snapshot)


def _is_fit(snapshot: Snapshot, paths: Paths) -> bool:
    """Whether a copy can begin with it: what has changed since is still known, and the hall's certificate is
    in."""
    whole = paths.hub_certificate.name in {part.name for part in snapshot.files}
    return whole and abs(datetime.now(UTC) - snapshot.moment) < timedelta(days=1)


class HubServer(BoxServer):
    """The hub, on HTTPS alone."""

    def __init__(
        self, paths: Paths, settings: Settings, listener: socket.socket, line: SecureLine, fingerprint: str
    ) -> None:
        self._fingerprint = fingerprint
        super().__init__(
            paths,
            settings,
            [listener],
            line,
            Tuning(THREADS, timeout_s=60, grace_s=5, keepalive_s=60),
        )

    def make_app(self) -> Flask:
        self._hall = hall_of(self.paths, self.settings, self._fingerprint)
        return create_app(self._hall)

    def begin(self, worker: Any) -> Store:  # noqa: ARG002
        known = [self._hall.store, self._fingerprint]
        threading.Thread(target=_watch_for_ever, args=known, name="watch", daemon=True).start()
        return self._hall.store


def tidy(store: Store, now: datetime) -> None:
    """Clears what nobody asks for any more. Raises StoreError."""
    with store.write() as conn:
        changes.compact(conn)
        changes.forget_before(conn, changes.latest(conn) - KEPT_CHANGES)
        commands.forget_old(conn, now)
    try_again(store, now)


def _watch_for_ever(store: Store, fingerprint: str) -> None:
    for turn in count():
        try:
            look_for_successor(store, fingerprint, addresses_of_boxes(store))
            if turn % TIDY_TURNS == 0:
                tidy(store, datetime.now(UTC))
        except StoreError as error:
            log.warning("%s", error)
        time.sleep(LOOK_S)


def _require_hub(paths: Paths) -> None:
    with Store(paths.store) as store, store.read() as conn:
        if changes.role_of(conn) == "table":
            raise Failure("this box is a table of a hall: its hub lets boxes in")
