"""What the box's two web services, kiosk and hub, have in common: gunicorn's worker on sockets that listen.

There is no arbiter above the worker: whoever keeps the service running, `ladder run` or systemd, starts it again
anyway, and one more process would cost the box twenty megabytes. What the arbiter did is done here: a loop that
stands still ends the process, and a request that goes on after a stop does not hold it up.
"""

import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from edge.runtime.damage_watch import DamageWatch
from edge.runtime.frugal import be_frugal_with_pages
from edge.runtime.notify import Heart, database_answers, from_environment
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from kiosk.worker import KioskWorker, SecureLine

BOOT_S = 120  # so long it may take until it serves
LEFT_S = 1.0  # after the grace, for threads that end together with the service


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a service is run: its threads, and how long it waits for what.

    A loop that stands still for `timeout_s` is the end; what is asked when it is told to stop has `grace_s`.
    """

    threads: int
    timeout_s: int
    grace_s: int
    keepalive_s: int


class BoxServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn's worker with many threads, in this process, without a configuration of its own.

    It says to systemd that it is ready when it serves, feeds the watchdog while it does, leaves when the store is
    found damaged, and ends when its loop stands still.
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
        options: dict[str, Any] = {
            "threads": self._tuning.threads,
            "graceful_timeout": self._tuning.grace_s,
            "keepalive": self._tuning.keepalive_s,
            "loglevel": "warning",
            "forwarded_allow_ips": "",  # there is no proxy: nobody is believed to be one
            "post_worker_init": self._begin,
        }
        if Path("/dev/shm").is_dir():
            options["worker_tmp_dir"] = "/dev/shm"  # a file that the worker has for an arbiter
        for name, value in options.items():
            if name in self.cfg.settings:  # a version of gunicorn may not have all of them
                self.cfg.set(name, value)

    def load(self) -> Flask:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        return self.make_app()

    def run(self) -> None:
        """Serves until it is told to stop, by SIGTERM or by Ctrl-C: what is asked then has its grace."""
        be_frugal_with_pages()
        _end_unless_told_again(BOOT_S)
        timeout_s = self._tuning.timeout_s
        worker = KioskWorker(
            1, os.getpid(), self._listeners, self, timeout_s, self.cfg, self.cfg.logger_class(self.cfg)
        )
        worker.on_turn = lambda: _end_unless_told_again(timeout_s)
        status = 1
        try:
            worker.init_process()
            status = 0
        finally:
            faulthandler.cancel_dump_traceback_later()
            _leave_threads_behind(status)

    def _begin(self, worker: Any) -> None:
        store = self.begin(worker)
        DamageWatch(self.paths.store, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        if self._notifier:
            Heart(self._notifier, (worker.why_not, database_answers(store))).start()  # it ends with the process


def _end_unless_told_again(within_s: float) -> None:
    """Ends the process, and writes where each of its threads stood, unless this is called again in time.

    faulthandler's thread needs no turn of Python's: it ends one that hangs with the interpreter in its hand too.
    """
    faulthandler.dump_traceback_later(within_s, exit=True, file=sys.__stderr__ or sys.stderr)


def _leave_threads_behind(status: int) -> None:
    """Python waits at its end for every thread of the pool; one that hangs is not waited for."""
    last = threading.Timer(LEFT_S, os._exit, [status])
    last.daemon = True
    last.start()
