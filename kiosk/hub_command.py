"""`ladder hub`: the door for the hall's other boxes, with the kiosk's views behind it."""

import logging
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from edge.backup import Snapshot, latest, pack, take
from edge.cli import Failure
from edge.commands.options import data_option
from edge.hall import commands
from edge.hall.certificate import CertificateError, load_certificate
from edge.hall.keys import KeysError, keys_to_tell, load_keys
from edge.runtime.notify import Heart, database_answers, from_environment
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import Settings, SettingsError, load_settings
from edge.store import changes, sync_state
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.migrations import require_current
from kiosk.app import create_app as create_kiosk
from kiosk.box import EXTENSION
from kiosk.command import listen
from kiosk.elsewhere import KioskDesk
from kiosk.worker import KioskWorker, SecureLine
from sync.enrolment import HUB_PORT, certificate_fingerprint
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
    HubServer(paths, settings, listener, SecureLine(port, context)).run()


def hall_of(paths: Paths, settings: Settings) -> tuple[Hall, Flask]:
    """The hall of the hub at `paths`, and the kiosk whose views it uses."""
    kiosk = create_kiosk(paths, settings)
    store: Store = kiosk.extensions[EXTENSION].store
    keys = load_keys(paths.secrets)

    def term() -> int:
        with store.read() as conn:
            return int(sync_state.get(conn, "term") or 1)

    def snapshot() -> Iterator[bytes]:
        newest = latest(paths)
        return pack(newest if newest is not None and _is_fit(newest, paths) else take(paths, datetime.now(UTC)))

    hall = Hall(
        store,
        settings.hall.name,
        certificate_fingerprint(paths.hub_certificate),
        lambda: keys_to_tell(keys),
        term,
        KioskDesk(kiosk, store, keys),
        snapshot,
    )
    return hall, kiosk


def _is_fit(snapshot: Snapshot, paths: Paths) -> bool:
    """Whether a copy can begin with it: what has changed since is still known, and the hall's certificate is
    in."""
    whole = paths.hub_certificate.name in {part.name for part in snapshot.files}
    return whole and abs(datetime.now(UTC) - snapshot.moment) < timedelta(days=1)


class HubServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn on a socket that listens already, HTTPS alone."""

    def __init__(self, paths: Paths, settings: Settings, listener: Any, line: SecureLine) -> None:
        self._paths = paths
        self._settings = settings
        self._listener = listener
        self.secure_line: SecureLine | None = line  # for the worker
        self._notifier = from_environment()
        super().__init__()

    def load_config(self) -> None:
        os.set_inheritable(self._listener.fileno(), True)
        options: dict[str, Any] = {
            "bind": [f"fd://{self._listener.fileno()}"],
            "workers": 1,
            "worker_class": KioskWorker,
            "threads": THREADS,
            "timeout": 60,
            "graceful_timeout": 5,
            "keepalive": 60,
            "loglevel": "warning",
            "proc_name": "ladder-hub",
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
            "post_worker_init": self._begin,
        }
        if Path("/dev/shm").is_dir():
            options["worker_tmp_dir"] = "/dev/shm"
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        self._hall, _ = hall_of(self._paths, self._settings)
        return create_app(self._hall)

    def _begin(self, worker: Any) -> None:
        known = [self._hall.store, self._hall.fingerprint]
        threading.Thread(target=_watch_for_ever, args=known, name="watch", daemon=True).start()
        if self._notifier:
            Heart(self._notifier, (worker.why_not, database_answers(self._hall.store))).start()


def tidy(store: Store, now: datetime) -> None:
    """Clears what nobody asks for any more. Raises StoreError."""
    with store.write() as conn:
        changes.compact(conn)
        changes.forget_before(conn, changes.latest(conn) - KEPT_CHANGES)
        commands.forget_old(conn, now)
    try_again(store, now)


def _watch_for_ever(store: Store, fingerprint: str) -> None:
    stop, turns = threading.Event(), 0
    while True:
        try:
            look_for_successor(store, fingerprint, addresses_of_boxes(store))
            if turns % TIDY_TURNS == 0:
                tidy(store, datetime.now(UTC))
        except StoreError as error:
            log.warning("%s", error)
        turns += 1
        stop.wait(LOOK_S)


def _require_hub(paths: Paths) -> None:
    with Store(paths.store) as store, store.read() as conn:
        if changes.role_of(conn) == "table":
            raise Failure("this box is a table of a hall: its hub lets boxes in")
