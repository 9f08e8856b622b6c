"""The cloud and the sandbox in this process while the months are run, by one clock that is turned by hand."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
import stripe

from edge.clock import stamp
from sync.cloud import devices, halls, plans
from sync.cloud.api import Money
from sync.cloud.app import create_app as create_cloud
from sync.cloud.db import Database, opened
from sync.cloud.halls import Hall
from sync.cloud.paying import Treasurer
from sync.cloud.plans import plan_from
from sync.cloud.schema import migrate
from sync.cloud.site import parse_site
from sync.cloud.stripe_gateway import Gateway
from sync.demo.place import DemoPlace, time_at
from sync.sandbox.app import create_app as create_sandbox
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.serve import Served

WAIT_S = 20.0
PLAN_NAME = "Membership"

Ask = Callable[[str, dict[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Stage:
    """`address` is the cloud's while all this goes on."""

    db: Database
    address: str
    sandbox: Sandbox
    stripe: stripe.StripeClient
    treasurer: Treasurer

    def now(self) -> datetime:
        """By the sandbox's clock, which is the cloud's too."""
        return time_at(self.sandbox)

    def turn_to(self, moment: datetime) -> None:
        """Turns the clock, never back; all that is due at Stripe happens."""
        self.sandbox.advance(to=max(self.sandbox.now, int(moment.timestamp())))

    def pay(self) -> None:
        """The cloud does what is due."""
        self.treasurer.close_soon()
        self.treasurer.turn(time.monotonic())

    def new_hall(self, name: str) -> tuple[Hall, str]:
        """A hall, and a code for its hub."""
        with self.db.write() as conn:
            hall, _ = halls.find_or_make(conn, name, stamp(self.now()))
            return hall, devices.new_code(conn, hall, self.now())

    def offer(self, hall_id: str, cents: int, interval: Any, product: str = PLAN_NAME) -> None:
        """A hall, or all, offers its plan from now on, at a new recurring price at the sandbox."""
        price = self.stripe.v1.prices.create(
            {
                "currency": "usd",
                "unit_amount": cents,
                "recurring": {"interval": interval},
                "product_data": {"name": product},
            }
        )
        gateway = self.treasurer.gateway
        assert gateway is not None
        plan = plan_from(gateway.price(price.id), PLAN_NAME)
        with self.db.write() as conn:
            plans.keep(conn, hall_id, plan, stamp(self.now()))

    def subscribe(self, ask: Ask, player: str, name: str) -> None:
        """A player subscribes as at the kiosk: asks for the page at Stripe, pays on the phone, and comes back."""
        session = str(ask("/v1/checkout", {"player": player})["url"]).rpartition("/")[2]
        self.sandbox.complete(session, f"{name.split(maxsplit=1)[0].lower()}@example.com", name)
        back = requests.get(f"{self.address}/subscribed", {"checkout": session}, timeout=WAIT_S)
        back.raise_for_status()


@contextmanager
def staged(place: DemoPlace, begins: datetime) -> Iterator[Stage]:
    """Both, from that moment on; nobody else knows their addresses."""
    sandbox = Sandbox(place.sandbox, start=int(begins.timestamp()))
    at_stripe = Served(create_sandbox(sandbox))
    sandbox.address = at_stripe.address
    try:
        with opened(str(place.database)) as db:
            migrate(db)
            port = _free_port()
            stage = Stage(
                db,
                f"http://localhost:{port}",
                sandbox,
                _client(sandbox),
                Treasurer(db, Gateway(sandbox.key, sandbox.address), lambda: time_at(sandbox)),
            )
            app = create_cloud(db, parse_site(stage.address), stage.now, Money(stage.treasurer))
            at_cloud = Served(app, "localhost", port)
            try:
                yield stage
            finally:
                at_cloud.shut()
    finally:
        at_stripe.shut()
        sandbox.close()


def _client(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe.StripeClient(
        sandbox.key,
        base_addresses={"api": sandbox.address},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=WAIT_S),
    )


def _free_port() -> int:
    with socket.create_server(("localhost", 0)) as probe:
        return int(probe.getsockname()[1])
