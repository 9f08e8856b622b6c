"""The demo served: the cloud, and beside it in the same process the sandbox, whose clock is the cloud's.

The clock runs with the wall's, ahead of it by what was turned at the sandbox's page. When it was turned, months
are looked at at once. The hubs of the other halls have no boxes: that they are well is said for them.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from edge.clock import stamp
from edge.runtime.supervisor import port_is_free
from edge.runtime.units import is_run
from sync.cloud import devices
from sync.cloud.db import Database, StoreError
from sync.cloud.paying import Clockwork
from sync.cloud.server import Server
from sync.cloud.site import Site
from sync.cloud.stripe_config import StripeConfig
from sync.demo.place import WEBHOOK, DemoError, DemoPlace, Note, time_at
from sync.sandbox.api import Request
from sync.sandbox.app import create_app
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.serve import Served
from sync.sandbox.webhooks import Sender

log = logging.getLogger(__name__)

TICK_S = 1.0
TURNED_S = 30  # a clock that gains so much at a stroke was turned
SPEAK_EVERY_S = 60.0
MOST_PORTS = 20


class DemoServer(Server):
    """`sandbox` is where the sandbox listens, host and port; its address stands in `stripe`."""

    def __init__(
        self, place: DemoPlace, site: Site, listener: socket.socket, stripe: StripeConfig, sandbox: tuple[str, int]
    ) -> None:
        self._place, self._at, self._config = place, sandbox, stripe
        super().__init__(str(place.database), site, listener, stripe)

    def clock(self) -> Callable[[], datetime]:
        assert self._config.address is not None
        self._sandbox = Sandbox(self._place.sandbox, key=self._config.key, address=self._config.address)
        self._note = self._place.read()
        _tell_where(self._sandbox, self._note.endpoint, f"{self._site.address}{WEBHOOK}")
        Served(create_app(self._sandbox), *self._at)
        return lambda: time_at(self._sandbox)

    def serving(self, db: Database, clockwork: Clockwork) -> None:
        self._sandbox.outbox.signed_at = lambda: self._sandbox.now
        Sender(self._sandbox.outbox).start()
        beside = _Beside(self._sandbox, _Hubs(db, self._place, self._note), clockwork)
        threading.Thread(target=beside.run, name="demo", daemon=True).start()


class _Beside:
    """What happens every second: what is due at the sandbox, and a look whether its clock was turned."""

    def __init__(self, sandbox: Sandbox, hubs: "_Hubs", clockwork: Clockwork) -> None:
        self._sandbox, self._hubs, self._clockwork = sandbox, hubs, clockwork
        self._ahead = sandbox.now - time.monotonic()
        self._spoke_s = float("-inf")

    def run(self) -> None:
        while True:
            try:
                self.turn(time.monotonic())
            except Exception:  # a demo goes on
                log.exception("the demo's clockwork")
            time.sleep(TICK_S)

    def turn(self, mono_s: float) -> None:
        self._sandbox.tick()
        ahead = self._sandbox.now - mono_s
        was_turned = ahead - self._ahead > TURNED_S
        self._ahead = ahead
        if was_turned:
            log.info("the clock was turned: it is %s", stamp(time_at(self._sandbox)))
            self._clockwork.treasurer.close_soon()
            self._clockwork.kick()
        if was_turned or mono_s - self._spoke_s >= SPEAK_EVERY_S:
            self._hubs.speak(time_at(self._sandbox))
            self._spoke_s = mono_s


class _Hubs:
    """The hubs of which there are no boxes: those of the other halls, and Chalk City's while its box is off."""

    def __init__(self, db: Database, place: DemoPlace, note: Note) -> None:
        self._db, self._place, self._note = db, place, note

    def speak(self, now: datetime) -> None:
        """All of them are well, but those that are silent for good."""
        quiet = set(self._note.silent) | ({self._note.own} if is_run(self._place.box) else set())
        try:
            with self._db.write() as conn:
                for row in conn.rows("SELECT id, says FROM devices WHERE removed_at IS NULL"):
                    if row["id"] not in quiet:
                        devices.keep_said(conn, row["id"], now, 0.0, _seen(json.loads(row["says"]), now))
        except StoreError as error:
            log.warning("%s", error)


def _seen(says: dict[str, object], now: datetime) -> dict[str, object]:
    boxes = says.get("boxes")
    seen = stamp(now - timedelta(seconds=5))
    return {**says, "boxes": [{**one, "seen_at": seen} for one in boxes]} if isinstance(boxes, list) else says


def _tell_where(sandbox: Sandbox, endpoint: str, address: str) -> None:
    """Webhooks go there from now on. Raises DemoError."""
    asked = Request(
        "POST",
        f"/v1/webhook_endpoints/{quote(endpoint)}",
        "",
        urlencode({"url": address}),
        {"authorization": f"Bearer {sandbox.key}", "content-type": "application/x-www-form-urlencoded"},
    )
    answer = sandbox.answer(asked)
    if answer.status != 200:
        raise DemoError(f"the sandbox does not know the cloud's endpoint: {answer.body}")


def free_port(host: str, wanted: int, besides: frozenset[int] = frozenset()) -> int:
    """The port, or one of the next where it is taken. Raises DemoError."""
    for port in range(wanted, min(wanted + MOST_PORTS, 65536)):
        try:
            if port not in besides and port_is_free(host, port):
                return port
        except OSError as error:
            raise DemoError(f"{host} port {port} can't be listened on: {error.strerror or error}") from error
    raise DemoError(f"ports {wanted} to {wanted + MOST_PORTS - 1} are all in use: choose another")
