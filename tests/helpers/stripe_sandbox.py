"""A sandbox of Stripe behind real HTTP, for tests: its address, a client, and the sandbox itself to break and
to look at."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import stripe
from requests.structures import CaseInsensitiveDict

from sync.sandbox.api import Request
from sync.sandbox.app import create_app
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.serve import Served

CARD = "pm_card_visa"
START = 1_793_491_200  # 1 November 2026, 00:00 UTC


class Direct(stripe.HTTPClient):
    """What a client meets over HTTP, in this thread: an answer, or none. No time-out takes any time."""

    name = "direct"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        named = {name.lower(): value for name, value in (headers or {}).items()}
        asked = Request(method.upper(), parts.path, parts.query, post_data or "", named)
        answer = self._sandbox.answer(asked)
        if answer.lost or answer.hold_s:
            raise stripe.APIConnectionError("no answer came", should_retry=True)  # type: ignore[no-untyped-call]
        return answer.body, answer.status, CaseInsensitiveDict(answer.headers)

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class StripeSandbox:
    """`sandbox` is the control: faults, calls, advance, deliver, dump. `served.shut()` refuses connections until
    `served.open()`."""

    address: str
    key: str
    sandbox: Sandbox
    served: Served

    def client(self, *, timeout_s: float = 5.0, retries: int = 0, direct: bool = False) -> stripe.StripeClient:
        """stripe-python's own client; `direct` is without a network between, for many calls."""
        return stripe.StripeClient(
            self.key,
            base_addresses={"api": self.address},
            max_network_retries=retries,
            http_client=Direct(self.sandbox) if direct else stripe.RequestsClient(timeout=timeout_s),
        )


@contextmanager
def stripe_sandbox(
    path: Path | None = None, *, start: int = START, seed: int | None = 1
) -> Iterator[StripeSandbox]:
    """A sandbox in this process whose clock stands at `start`."""
    sandbox = Sandbox(path, start=start, seed=seed)
    served = Served(create_app(sandbox))
    sandbox.address = served.address
    try:
        yield StripeSandbox(served.address, sandbox.key, sandbox, served)
    finally:
        served.shut()
        sandbox.close()


class House:
    """The client, and short ways to what most tests begin with."""

    def __init__(self, box: StripeSandbox) -> None:
        self.box, self.sandbox = box, box.sandbox
        self.v1 = box.client().v1
        self.product = self.v1.products.create({"name": "Gold"}).id

    def price(self, cents: int = 2000, interval: Any = "month", currency: str = "usd", count: int = 1) -> str:
        every: Any = {"interval": interval, "interval_count": count}
        return self.v1.prices.create(
            {"currency": currency, "unit_amount": cents, "recurring": every, "product": self.product}
        ).id

    def customer(self, card: str = CARD, **more: Any) -> str:
        settings: Any = (
            {"payment_method": card, "invoice_settings": {"default_payment_method": card}} if card else {}
        )
        given: Any = {"email": "ana@example.com", **settings, **more}
        return self.v1.customers.create(given).id

    def subscription(self, **more: Any) -> stripe.Subscription:
        """With a monthly price of 20 dollars, unless `items` says otherwise."""
        given: Any = {"customer": self.customer(), "items": [{"price": self.price()}], **more}
        return self.v1.subscriptions.create(given)

    def coupon(self, ident: str = "half", **more: Any) -> str:
        off: Any = {} if "amount_off" in more else {"percent_off": 50}
        given: Any = {"id": ident, "duration": "once", **off, **more}
        return self.v1.coupons.create(given).id

    def give(self, subscription: str, *coupons: str) -> stripe.Subscription:
        return self.v1.subscriptions.update(subscription, {"discounts": [{"coupon": one} for one in coupons]})

    def renew(self) -> None:
        """A month later, the draft's hour included."""
        self.sandbox.advance(months=1, seconds=3600)

    def invoices(self, subscription: str) -> list[stripe.Invoice]:
        """The newest first."""
        return list(self.v1.invoices.list({"subscription": subscription, "limit": 100}).auto_paging_iter())
