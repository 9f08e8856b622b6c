"""What the box's two web services, kiosk and hub, have in common: gunicorn on sockets that listen already."""

import logging
import os
import signal
import socket
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from edge.runtime.damage_watch import DamageWatch
from edge.runtime.notify import Heart, database_answers, from_environment
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from kiosk.worker import KioskWorker, SecureLine


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a service is run: its name, its threads, and how long gunicorn waits for what."""

    name: str
    threads: int
    timeout_s: int
    grace_s: int
    keepalive_s: int


class BoxServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn with one worker and many threads, without a configuration of its own.

    It says to systemd that it is ready when it serves, feeds the watchdog while it does, and leaves when the store
    is found damaged.
    """

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        listeners: Sequence[socket.socket],
        secure_line: SecureLine | None,
        tuning: Tuning,
    ) -> None:
        self.paths = paths
        self.settings = settings
        self.secure_line = secure_line  # for the worker
        self._listeners = listeners
        self._tuning = tuning
        # Gunicorn would say that it is ready before a worker serves anything: it does not find where.
        self._notifier = from_environment()
        super().__init__()

    @abstractmethod
    def make_app(self) -> Flask:
        """The application, in the worker's process."""

    @abstractmethod
    def begin(self, worker: Any) -> Store:
        """Begins what runs beside the application; returns the store it works with."""

    def load_config(self) -> None:
        for listener in self._listeners:
            os.set_inheritable(listener.fileno(), True)
        options: dict[str, Any] = {
            "bind": [f"fd://{listener.fileno()}" for listener in self._listeners],
            "workers": 1,
            "worker_class": KioskWorker,
            "threads": self._tuning.threads,
            "timeout": self._tuning.timeout_s,
            "graceful_timeout": self._tuning.grace_s,
            "keepalive": self._tuning.keepalive_s,
            "loglevel": "warning",
            "proc_name": self._tuning.name,
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # there is no proxy: nobody is believed to be one
            "post_worker_init": self._begin,
        }
        if Path("/dev/shm").is_dir():
            options["worker_tmp_dir"] = "/dev/shm"  # the worker's heartbeat never waits for a disk
        for name, value in options.items():
            if name in self.cfg.settings:  # a version of gunicorn may not have all of them
                self.cfg.set(name, value)

    def load(self) -> Flask:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        return self.make_app()

    def _begin(self, worker: Any) -> None:
        store = self.begin(worker)
        # The master ends too: what is started anew comes by a new start of the service.
        DamageWatch(self.paths.store, lambda: os.kill(os.getppid(), signal.SIGTERM)).start()
        if self._notifier:
            Heart(self._notifier, (worker.why_not, database_answers(store))).start()  # it ends with the process
