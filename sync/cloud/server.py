"""The cloud served by gunicorn: one process with threads, on a socket that listens already."""

import gc
import logging
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from sync.cloud.api import Money
from sync.cloud.app import create_app
from sync.cloud.db import Database, open_database
from sync.cloud.ingest import take_up
from sync.cloud.paying import Clockwork, Treasurer
from sync.cloud.site import Site
from sync.cloud.stripe_config import StripeConfig
from sync.cloud.stripe_gateway import Gateway

log = logging.getLogger(__name__)

THREADS = 8
BACKLOG = 128
GRACE_S = 10


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at the address. Raises OSError."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Who is accepted has it too: else an answer's body waits until its head was acknowledged, 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn without a configuration of its own."""

    def __init__(
        self, database: str, site: Site, listener: socket.socket, stripe: StripeConfig | None = None
    ) -> None:
        self._database = database
        self._stripe = stripe
        self._site = site
        self._listener = listener
        super().__init__()

    def load_config(self) -> None:
        os.set_inheritable(self._listener.fileno(), True)
        options: dict[str, Any] = {
            "bind": [f"fd://{self._listener.fileno()}"],
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 60,
            "graceful_timeout": GRACE_S,
            "keepalive": 75,
            "loglevel": "warning",
            "proc_name": "ladder-cloud",
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # whose word is taken is for `sync.cloud.site` to say
        }
        if Path("/dev/shm").is_dir():
            options["worker_tmp_dir"] = "/dev/shm"  # the worker's heartbeat never waits for a disk
        for name, value in options.items():
            if name in self.cfg.settings:  # a version of gunicorn may not have all of them
                self.cfg.set(name, value)

    def load(self) -> Flask:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        logging.getLogger("stripe").setLevel(logging.WARNING)  # it would note every call
        now = self.clock()
        db = open_database(self._database)
        clockwork = Clockwork(Treasurer(db, _gateway(self._stripe), now))
        webhook = "" if self._stripe is None else self._stripe.webhook
        app = create_app(db, self._site, now, Money(clockwork.treasurer, webhook, clockwork.kick))
        taken = take_up(db, now())
        if taken:
            log.info("%d facts that were set aside are taken in now", taken)
        gc.collect()
        gc.freeze()  # what is there now stays: not to be looked through again with every few batches
        clockwork.start()
        self.serving(db, clockwork)
        return app

    def clock(self) -> Callable[[], datetime]:
        """The cloud's clock, asked for once, before anything else is opened; a demo has one of its own."""
        return lambda: datetime.now(UTC)

    def serving(self, db: Database, clockwork: Clockwork) -> None:
        """Everything is there: for what a demo does beside."""


def _gateway(config: StripeConfig | None) -> Gateway | None:
    try:
        return None if config is None else Gateway(config.key, config.address)
    except ImportError:
        log.warning('nothing is paid: stripe is not installed, pip install "action-ladder[cloud]"')
        return None
