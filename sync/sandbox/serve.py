"""HTTP around the sandbox: werkzeug's threads, with connections that can be dropped and a door that can be
shut."""

import contextlib
import select
import socket
import threading
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sync.sandbox.api import Answer

SOCKET = "werkzeug.socket"  # where the server puts it for a request


class Handler(WSGIRequestHandler):
    """Keeps connections, as Stripe does, and is silent."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log(self, *_args: Any, **_more: Any) -> None:
        pass

    def log_request(self, *_args: Any, **_more: Any) -> None:
        pass


class Served:
    """An application in threads of this process, at a port of this machine. Raises OSError where that can't be."""

    def __init__(self, app: Any, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app, self._host = app, host
        self._server = self._open(port)
        self.port: int = self._server.server_port
        self._thread = self._run()

    @property
    def address(self) -> str:
        return f"http://{self._host}:{self.port}"

    def shut(self) -> None:
        """Nobody is let in until `open`: connections are refused, those there are end."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def open(self) -> None:
        self._server = self._open(self.port)
        self._thread = self._run()

    def _open(self, port: int) -> BaseWSGIServer:
        socket.create_server((self._host, port)).close()  # raises where werkzeug would leave the program
        server = make_server(self._host, port, self._app, threaded=True, request_handler=Handler)
        server.daemon_threads = True  # type: ignore[attr-defined]
        return server

    def _run(self) -> threading.Thread:
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox", daemon=True
        )
        thread.start()
        return thread


def drop(environ: dict[str, Any]) -> bool:
    """Ends a request's connection without an answer. False where the server doesn't let one."""
    connection: socket.socket | None = environ.get(SOCKET)
    if connection is None:
        return False
    with contextlib.suppress(OSError):  # the other side was quicker
        connection.shutdown(socket.SHUT_RDWR)
    return True


def hold(environ: dict[str, Any], seconds: float) -> None:
    """Waits until the other side gives up, or as long as that."""
    connection: socket.socket | None = environ.get(SOCKET)
    if connection is None:
        threading.Event().wait(seconds)
        return
    select.select([connection], [], [], seconds)  # readable: it has closed, for it waits for us


def spoil(environ: dict[str, Any], answer: Answer) -> bool:
    """Whether the answer is kept from who asked."""
    if answer.hold_s:
        hold(environ, answer.hold_s)
        return drop(environ)
    return drop(environ) if answer.lost else False
