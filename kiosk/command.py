"""`ladder kiosk`: the pages, served by gunicorn with one worker and many threads."""

import signal
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask

from edge.cli import Failure
from edge.commands.options import data_option, why_not_listening
from edge.hall.certificate import Certificate, CertificateError, load_certificate
from edge.hall.keys import KeysError, load_keys
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import Kiosk, Settings, SettingsError, load_settings
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.migrations import require_current
from kiosk import lines
from kiosk.app import create_app
from kiosk.box import EXTENSION, Box
from kiosk.lines import Lines
from kiosk.player.phones import network_address
from kiosk.security import own_names
from kiosk.serving import BoxServer, Tuning
from kiosk.worker import SecureLine

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
        raise Failure(why_not_listening(error, host, port, other)) from error
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer in two pieces never waits
        listener.bind(address)
        listener.listen(BACKLOG)  # two may be bound to one port as long as neither listens
    except OSError as error:
        listener.close()
        raise Failure(why_not_listening(error, host, port, other)) from error
    return listener


class Server(BoxServer):
    """The kiosk, on its plain line and its secure one."""

    def __init__(
        self, paths: Paths, settings: Settings, listener: socket.socket, secure: Secure | None = None
    ) -> None:
        self._lines = Lines(listener.getsockname()[1])
        listeners = [listener]
        if secure is not None:
            self._lines = replace(self._lines, secure_port=secure.line.port, fingerprint=secure.fingerprint)
            listeners.append(secure.listener)
        super().__init__(
            paths,
            settings,
            listeners,
            None if secure is None else secure.line,
            Tuning(THREADS, timeout_s=30, grace_s=GRACE_S, keepalive_s=5),
        )

    def make_app(self) -> Flask:
        app = create_app(self.paths, self.settings)
        lines.install(app, self._lines)
        return app

    def begin(self, worker: Any) -> Store:
        box: Box = worker.wsgi.extensions[EXTENSION]
        begin_and_end(box)
        return box.store


def begin_and_end(box: Box) -> None:
    """Begins what runs beside the pages, and ends it at a stop: a stream never ends by itself, and the worker
    would wait for its grace to pass."""
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
