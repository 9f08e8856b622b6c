"""`ladder kiosk`: the pages, served by gunicorn with one worker and many threads."""

import errno
import logging
import os
import signal
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from edge.cli import Failure
from edge.commands.options import data_option
from edge.hall.certificate import Certificate, CertificateError, load_certificate
from edge.hall.keys import KeysError, load_keys
from edge.runtime.damage_watch import DamageWatch
from edge.runtime.notify import Heart, database_answers, from_environment
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import Kiosk, Settings, SettingsError, load_settings
from edge.store.errors import StoreError
from edge.store.migrations import require_current
from kiosk import lines
from kiosk.app import create_app
from kiosk.box import EXTENSION, Box
from kiosk.lines import Lines
from kiosk.player.phones import network_address
from kiosk.security import own_names
from kiosk.worker import KioskWorker, SecureLine

THREADS = 40  # every open page keeps one for its stream; the hub lets in fewer than that
GRACE_S = 3
BACKLOG = 2048  # gunicorn's own

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
    host, port = host or settings.kiosk.host, port or settings.kiosk.port
    listener = listen(host, port)
    Server(paths, settings, listener, listen_securely(paths, settings, host)).run()


@dataclass(frozen=True, slots=True)
class Secure:
    """A socket for HTTPS, and what is shown to who comes by it."""

    listener: socket.socket
    line: SecureLine
    fingerprint: str


def listen_securely(paths: Paths, settings: Settings, host: str) -> Secure | None:
    """HTTPS, or None where the settings want none, or where it can't be had and the box can do without.

    Raises Failure for a port that the settings name and that is taken.
    """
    port = settings.kiosk.secure_port
    if port == 0:
        return None
    try:
        listener = listen(host, port, "another kiosk.secure_port in settings.toml")
    except Failure as failure:
        if port != Kiosk().secure_port:
            raise
        click.echo(f"ladder: no HTTPS, which the counter needs: {failure.message}", err=True)
        return None
    try:
        certificate = _certificate(paths, settings)
        return Secure(listener, SecureLine(port, certificate.context()), certificate.fingerprint)
    except CertificateError as error:
        listener.close()
        click.echo(f"ladder: no HTTPS, which the counter needs: {error}", err=True)
        return None


def _certificate(paths: Paths, settings: Settings) -> Certificate:
    names = own_names() | ({settings.kiosk.address} if settings.kiosk.address else set())
    addresses = {"127.0.0.1", "::1", network_address() or ""}
    return load_certificate(paths.certificate, names, addresses, datetime.now(UTC))


def listen(host: str, port: int, other: str = "another with --port") -> socket.socket:
    """A socket that listens at the address. Raises Failure, saying what to do, when it can't be had.

    `other` names in words what else could be chosen.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Failure(_why_not(error, host, port, other)) from error
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer in two pieces never waits
        listener.bind(address)
        listener.listen(BACKLOG)  # two may be bound to one port as long as neither listens
    except OSError as error:
        listener.close()
        raise Failure(_why_not(error, host, port, other)) from error
    return listener


def _why_not(error: OSError, host: str, port: int, other: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use: stop what uses it, or choose {other}"
    if error.errno == errno.EACCES:
        return f"port {port} may only be used by root: choose {other}, above 1023"
    return f"{host} port {port} can't be listened on: {error.strerror or error}"


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn on sockets that listen already, without a configuration of its own."""

    def __init__(
        self, paths: Paths, settings: Settings, listener: socket.socket, secure: Secure | None = None
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._listeners = [listener] if secure is None else [listener, secure.listener]
        self._lines = Lines(listener.getsockname()[1])
        self.secure_line: SecureLine | None = None  # for the worker
        # Gunicorn would say that it is ready before a worker serves anything: it does not find where.
        self._notifier = from_environment()
        if secure is not None:
            self._lines = replace(self._lines, secure_port=secure.line.port, fingerprint=secure.fingerprint)
            self.secure_line = secure.line
        super().__init__()

    def load_config(self) -> None:
        for listener in self._listeners:
            os.set_inheritable(listener.fileno(), True)
        options: dict[str, Any] = {
            "bind": [f"fd://{listener.fileno()}" for listener in self._listeners],
            "workers": 1,
            "worker_class": KioskWorker,
            "threads": THREADS,
            "timeout": 30,
            "graceful_timeout": GRACE_S,
            "keepalive": 5,
            "loglevel": "warning",
            "proc_name": "ladder-kiosk",
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # there is no proxy: nobody is believed to be one
            "post_worker_init": self._begin,
        }
        if Path("/dev/shm").is_dir():
            options["worker_tmp_dir"] = "/dev/shm"  # the worker's heartbeat never waits for a disk
        for name, value in options.items():
            if name in self.cfg.settings:  # a version of gunicorn may not have all of them
                self.cfg.set(name, value)

    def _begin(self, worker: Any) -> None:
        begin_and_end(worker)
        if self._notifier:
            store = worker.wsgi.extensions[EXTENSION].store
            Heart(self._notifier, (worker.why_not, database_answers(store))).start()  # it ends with the process

    def load(self) -> Flask:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        app = create_app(self._paths, self._settings)
        lines.install(app, self._lines)
        return app


def begin_and_end(worker: Any) -> None:
    """Begins what runs beside the pages, and ends it at a stop: a stream never ends by itself, and the worker
    would wait for its grace to pass."""
    box: Box = worker.wsgi.extensions[EXTENSION]
    box.caretaker.start()
    # The master ends too: what is started anew comes by a new start of the service.
    DamageWatch(box.paths.store, lambda: os.kill(os.getppid(), signal.SIGTERM)).start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        _before(number, box.close)


def _before(number: signal.Signals, act: Any) -> None:
    earlier = signal.getsignal(number)

    def both(received: int, frame: Any) -> None:
        act()
        if callable(earlier):
            earlier(received, frame)

    signal.signal(number, both)
