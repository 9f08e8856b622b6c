"""Gunicorn's threaded worker, with HTTPS on one of its sockets.

Gunicorn has HTTPS on all of its sockets or on none, and shakes hands in a thread, for as long as it takes: with as
many clients as threads that say nothing, nobody is served any more. Here the worker's loop shakes hands, one step
whenever a client has sent something, and a connection comes to a thread when that is done. What a client may cost
is bounded in time and number.

It runs without gunicorn's arbiter (`kiosk.serving`), and so tells of its turns itself.
"""

import logging
import selectors
import signal
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from edge.runtime.notify import Turns

log = logging.getLogger(__name__)

HANDSHAKE_S = 5.0
FREE_S = 15.0  # so long a request may wait for a thread
AT_ONCE = 50  # handshakes under way; the oldest makes room
TELLS_S = 1.0  # so often a loop that turns says so


@dataclass(frozen=True, slots=True)
class SecureLine:
    """The port on which HTTPS is spoken, and with what."""

    port: int
    context: ssl.SSLContext


class KioskWorker(ThreadWorker):  # type: ignore[misc]
    """Expects of its application `secure_line`, a SecureLine or None. `on_turn` is called about once a second, in
    the loop's thread, while the loop comes round."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.on_turn: Callable[[], None] = lambda: None
        self._told_s = float("-inf")
        self._shaking: dict[TConn, None] = {}  # in the order in which they came, and so in that of their ends
        self._turns = Turns()

    def why_not(self) -> str | None:
        """Why nobody is served; None while the loop comes round and a thread is free for a request.

        For systemd's watchdog, in a thread of its own. `on_turn` tells of the loop alone.
        """
        late = self._turns()
        if late is not None:
            return f"the kiosk's loop stands still: {late}"
        if not self.alive:
            return None  # it is stopping, and takes no more work
        try:
            self.tpool.submit(lambda: None).result(FREE_S)
        except TimeoutError:
            return f"no thread of the kiosk was free for {FREE_S:.0f} s"
        return None

    def init_signals(self) -> None:
        """Ctrl-C and SIGQUIT stop as SIGTERM does: what is asked has its grace."""
        super().init_signals()
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self.handle_exit)

    def notify(self) -> None:
        """At each turn of the loop, also while it stops; gunicorn's own would tell an arbiter."""
        now_s = time.monotonic()
        if now_s - self._told_s >= TELLS_S:
            self._told_s = now_s
            self.on_turn()

    def is_parent_alive(self) -> bool:
        """There is no arbiter; who must not outlive `ladder run` ends by its signal (`edge.runtime.child`)."""
        return True

    def enqueue_req(self, conn: TConn) -> None:
        """In the loop's thread: a connection that was accepted, or on which more was sent."""
        line: SecureLine | None = self.app.secure_line
        if line is None or conn.server[1] != line.port or isinstance(conn.sock, ssl.SSLSocket):
            super().enqueue_req(conn)
            return
        if len(self._shaking) >= AT_ONCE:
            self._drop(next(iter(self._shaking)))
        conn.timeout = time.monotonic() + HANDSHAKE_S
        try:
            conn.sock.setblocking(False)
            conn.sock = line.context.wrap_socket(conn.sock, server_side=True, do_handshake_on_connect=False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._shake, conn))
        except (OSError, ValueError):  # it has gone already
            self._close(conn)
            return
        self._shaking[conn] = None

    def handle_request(self, req: Any, conn: TConn) -> Any:
        if isinstance(conn.sock, ssl.SSLSocket):
            req.scheme = "https"  # by the socket; no header has a say
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """What the loop does about once a second: ends what has taken too long, everything when it stops."""
        self._turns.allow()
        super().murder_pending()
        now_s = time.monotonic()
        for conn in [conn for conn in self._shaking if conn.timeout <= now_s or not self.alive]:
            self._drop(conn)

    def _shake(self, conn: TConn, sock: ssl.SSLSocket) -> None:
        """The next step, after the client has sent something."""
        if conn not in self._shaking:  # in this same turn it had to make room
            return
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            self.poller.modify(sock, selectors.EVENT_READ, partial(self._shake, conn))
        except ssl.SSLWantWriteError:
            self.poller.modify(sock, selectors.EVENT_WRITE, partial(self._shake, conn))
        except (OSError, ValueError) as error:  # no TLS at all, a browser that does not trust us, a scanner
            log.debug("no handshake with %s: %s", conn.client, error)
            self._drop(conn)
        else:
            self.poller.unregister(sock)
            del self._shaking[conn]
            super().enqueue_req(conn)

    def _drop(self, conn: TConn) -> None:
        del self._shaking[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()
