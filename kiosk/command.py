"""`ladder kiosk`: the pages, served by gunicorn with one worker and many threads."""

import errno
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from edge.cli import Failure
from edge.commands.options import data_option
from edge.hall.keys import KeysError, load_keys
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import Settings, SettingsError, load_settings
from edge.store.errors import StoreError
from edge.store.migrations import require_current
from kiosk.app import create_app
from kiosk.box import EXTENSION, Box

THREADS = 40  # every open page keeps one for its stream; the hub lets in fewer than that
GRACE_S = 3

EXAMPLE = """\b
Example:
  ladder kiosk --data ~/hall --port 8080      then open http://localhost:8080
"""


@click.command(epilog=EXAMPLE)
@data_option
@click.option("--port", type=click.IntRange(1, 65535), help="The port.  [default: settings, else 8080]")
@click.option("--host", help="The address to listen on, 0.0.0.0 for all.  [default: settings, else 127.0.0.1]")
def kiosk(data: Path | None, port: int | None, host: str | None) -> None:
    """Serve the pages players touch: the live table and its shots.

    The store must be there: run `ladder migrate` first, or let `ladder run` do all of it.
    """
    paths = box_paths(data)
    try:
        settings = load_settings(paths.settings)
        require_current(paths.store)
        make_directories(paths)
        load_keys(paths.secrets)
    except (SettingsError, StoreError, KeysError, OSError) as error:
        raise Failure(str(error)) from error
    listener = listen(host or settings.kiosk.host, port or settings.kiosk.port)
    Server(paths, settings, listener).run()


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises Failure, saying what to do, when it can't be had."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Failure(_why_not(error, host, port)) from error
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise Failure(_why_not(error, host, port)) from error
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use: stop what uses it, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} may only be used by root: choose one above 1023 with --port"
    return f"{host} port {port} can't be listened on: {error.strerror or error}"


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn on one bound socket, without a configuration of its own."""

    def __init__(self, paths: Paths, settings: Settings, listener: socket.socket) -> None:
        self._paths = paths
        self._settings = settings
        self._listener = listener
        super().__init__()

    def load_config(self) -> None:
        os.set_inheritable(self._listener.fileno(), True)
        options: dict[str, Any] = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 30,
            "graceful_timeout": GRACE_S,
            "keepalive": 5,
            "loglevel": "warning",
            "proc_name": "ladder-kiosk",
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # there is no proxy: nobody is believed to be one
            "post_worker_init": begin_and_end,
        }
        if Path("/dev/shm").is_dir():
            options["worker_tmp_dir"] = "/dev/shm"  # the worker's heartbeat never waits for a disk
        for name, value in options.items():
            if name in self.cfg.settings:  # a version of gunicorn may not have all of them
                self.cfg.set(name, value)

    def load(self) -> Flask:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        return create_app(self._paths, self._settings)


def begin_and_end(worker: Any) -> None:
    """Begins what runs beside the pages, and ends it at a stop: a stream never ends by itself, and the worker
    would wait for its grace to pass."""
    box: Box = worker.wsgi.extensions[EXTENSION]
    box.caretaker.start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        _before(number, box.close)


def _before(number: signal.Signals, act: Any) -> None:
    earlier = signal.getsignal(number)

    def both(received: int, frame: Any) -> None:
        act()
        if callable(earlier):
            earlier(received, frame)

    signal.signal(number, both)
