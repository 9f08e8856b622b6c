"""Stripe as the cloud sees it: the few questions and deeds that rewards and subscriptions need.

Every answer is a frozen value of ours. Every failure is one of four, by what may be done about it: `UnsureError`
(nobody knows whether it was done: read back before anything else), `LaterError` (it was not done: try later),
`RefusedError` (Stripe won't), `KeyRefusedError` (nothing will work before a person has looked).

Nothing here retries a deed: `stripe`'s own retries would repeat it under one key, and a key may replay a failure
that was stored under it, or be forgotten. Whoever wants it done again looks first.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import stripe

log = logging.getLogger(__name__)

TIMEOUT_S = 20.0
READ_TRIES = 2  # of what changes nothing
MOST_INVOICES = 100
SAVED_FOR = {"month": 1, "year": 12}  # months that an interval has

SUBSCRIPTION_EXPAND = ["discounts"]
INVOICE_EXPAND = ["data.total_discount_amounts.discount"]


class GatewayError(Exception):
    """Stripe did not answer as wished; the text says why, without a secret."""


class UnsureError(GatewayError):
    """Nobody knows whether it was done."""


class LaterError(GatewayError):
    """It was not done, for there is too much to do; `after_s` is what Stripe asked for, if it did."""

    def __init__(self, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class RefusedError(GatewayError):
    """Stripe does not do it; `code` is its word for why."""

    def __init__(self, text: str, code: str = "", status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


class KeyRefusedError(GatewayError):
    """Stripe knows no such key, or it may not do that."""


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount on a subscription: `coupon` is the id of what made it."""

    id: str
    coupon: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as it stands. `months` is how many one invoice pays for, None where it is none of whole
    months; `price_cents` what it comes to without a discount."""

    id: str
    customer: str
    status: str
    currency: str
    price_cents: int
    months: int | None
    ends: bool
    ends_at: datetime | None
    renews_at: datetime | None
    trial_ends_at: datetime | None
    paused: bool
    scheduled: bool
    discounts: tuple[Discount, ...]
    hall: str
    player: str

    def discount_of(self, coupon: str) -> Discount | None:
        return next((one for one in self.discounts if one.coupon == coupon), None)


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon: `redeemed` is how often it was taken."""

    id: str
    valid: bool
    redeemed: int
    percent_off: float | None
    amount_off: int | None
    currency: str | None
    duration: str


@dataclass(frozen=True, slots=True)
class Saving:
    """What one discount took off an invoice."""

    discount: str
    coupon: str
    cents: int


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    status: str
    reason: str
    created: datetime
    currency: str
    savings: tuple[Saving, ...]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page of Stripe's where somebody starts a subscription."""

    id: str
    url: str
    status: str
    expires_at: datetime
    customer: str
    subscription: str
    hall: str
    player: str


@dataclass(frozen=True, slots=True)
class Price:
    """What a subscription costs: `cents` each `count` `interval`s."""

    id: str
    active: bool
    cents: int
    currency: str
    interval: str
    count: int


class Gateway:
    """`address` is where Stripe is, when it is not Stripe itself but the sandbox. Every method raises
    GatewayError."""

    def __init__(self, key: str, address: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        import stripe  # noqa: PLC0415 (31 MB, and only for who pays)

        self._stripe = stripe
        bases: Any = {"api": address} if address else None
        self._client = stripe.StripeClient(
            key,
            base_addresses=bases,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=timeout_s),
        )
        self.is_sandbox = address is not None
        self.is_live = key.startswith(("sk_live_", "rk_live_"))

    # Subscriptions.

    def subscription(self, subscription_id: str) -> Subscription:
        found = self._read(
            lambda: self._client.v1.subscriptions.retrieve(subscription_id, {"expand": SUBSCRIPTION_EXPAND})
        )
        return _subscription(found)

    def set_discounts(
        self, subscription_id: str, discounts: Sequence[Discount], coupon: str | None, key: str
    ) -> Subscription:
        """The subscription has these of its discounts from now on, and a new one by that coupon: what is there and
        not named goes. `key` is of this try alone."""
        kept: list[Any] = [{"discount": one.id} for one in discounts]
        wanted = [*kept, *([{"coupon": coupon}] if coupon else [])]
        with self._told("a discount"):
            found = self._client.v1.subscriptions.update(
                subscription_id,
                {"discounts": wanted or "", "proration_behavior": "none", "expand": SUBSCRIPTION_EXPAND},
                {"idempotency_key": key},
            )
        return _subscription(found)

    # Coupons.

    def coupon(self, coupon_id: str) -> Coupon | None:
        """The coupon of that id, or None where there is none."""
        try:
            return _coupon(self._read(lambda: self._client.v1.coupons.retrieve(coupon_id)))
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def make_coupon(
        self,
        coupon_id: str,
        name: str,
        *,
        percent: int | None = None,
        cents: int | None = None,
        currency: str | None = None,
        metadata: Mapping[str, str],
        key: str,
    ) -> Coupon:
        """A coupon that can be taken once, for one invoice. Raises RefusedError, `resource_already_exists` too."""
        off: Any = {"percent_off": percent} if percent is not None else {"amount_off": cents, "currency": currency}
        wanted: Any = {
            "id": coupon_id,
            "name": name[:40],
            "duration": "once",
            "max_redemptions": 1,
            "metadata": dict(metadata),
            **off,
        }
        with self._told("a coupon"):
            found = self._client.v1.coupons.create(wanted, {"idempotency_key": key})
        return _coupon(found)

    def delete_coupon(self, coupon_id: str) -> None:
        """It can't be taken any more; that it is gone already is as good."""
        try:
            with self._told("deleting a coupon"):
                self._client.v1.coupons.delete(coupon_id)
        except RefusedError as error:
            if error.status != 404:
                raise

    # Invoices.

    def invoices(self, subscription_id: str, since: datetime) -> list[Invoice]:
        """A subscription's invoices made since then, the newest first."""
        found = self._read(
            lambda: self._client.v1.invoices.list(
                {
                    "subscription": subscription_id,
                    "created": {"gte": int(since.timestamp())},
                    "limit": MOST_INVOICES,
                    "expand": INVOICE_EXPAND,
                }
            )
        )
        return [_invoice(one) for one in found.data]

    # Starting and keeping a subscription.

    def price(self, price_id: str) -> Price:
        found = self._read(lambda: self._client.v1.prices.retrieve(price_id))
        recurring = found.recurring
        return Price(
            found.id,
            bool(found.active),
            int(found.unit_amount or 0),
            found.currency,
            recurring.interval if recurring else "",
            recurring.interval_count if recurring else 0,
        )

    def start_checkout(
        self,
        price_id: str,
        *,
        hall: str,
        player: str,
        customer: str | None,
        success_url: str,
        cancel_url: str,
        key: str,
    ) -> Checkout:
        """A page where a player starts a subscription; the same `key` gives the same page."""
        marks = {"hall": hall, "player": player}
        who: Any = {"customer": customer} if customer else {}
        wanted: Any = {
            "mode": "subscription",
            "line_items": [{"price": price_id, "quantity": 1}],
            "success_url": success_url,
            "cancel_url": cancel_url,
            "client_reference_id": player,
            "metadata": marks,
            "subscription_data": {"metadata": marks},
            **who,
        }
        with self._told("a checkout"):
            found = self._client.v1.checkout.sessions.create(wanted, {"idempotency_key": key})
        return _checkout(found)

    def checkout(self, checkout_id: str) -> Checkout:
        return _checkout(self._read(lambda: self._client.v1.checkout.sessions.retrieve(checkout_id)))

    def portal(self, customer: str, return_url: str) -> str:
        """The address of Stripe's page where a customer looks after the subscription."""
        with self._told("the portal"):
            found = self._client.v1.billing_portal.sessions.create(
                {"customer": customer, "return_url": return_url}
            )
        return str(found.url)

    def _read(self, ask: Any) -> Any:
        """Asks what changes nothing, once more where it is not known whether it was heard."""
        for again in range(READ_TRIES):
            try:
                with self._told("an answer"):
                    return ask()
            except UnsureError:
                if again == READ_TRIES - 1:
                    raise
        raise AssertionError

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        stripe = self._stripe
        try:
            yield
        except stripe.RateLimitError as error:
            raise LaterError(f"Stripe asks to wait: no {what} now", _retry_after(error)) from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise KeyRefusedError(f"Stripe does not take the key for {what}: {_words(error)}") from error
        except (stripe.IdempotencyError, stripe.APIConnectionError) as error:
            raise UnsureError(f"Stripe can't be reached, or answered nothing: {what}?") from error
        except stripe.InvalidRequestError as error:
            if error.http_status == 409:
                raise UnsureError(f"Stripe is busy with the same: {what}?") from error
            raise RefusedError(_words(error), error.code or "", error.http_status or 400) from error
        except stripe.CardError as error:
            raise RefusedError(_words(error), error.code or "", error.http_status or 402) from error
        except stripe.StripeError as error:
            if error.http_status == 503:
                raise LaterError(f"Stripe asks to wait: no {what} now", _retry_after(error)) from error
            raise UnsureError(f"Stripe failed ({error.http_status}): {what}?") from error


def by_hand(sub: Subscription, hall: str, player: str, now: datetime) -> Checkout:
    """A subscription that was started without a checkout of ours, as if by one."""
    return Checkout(f"by-hand-{sub.id}", "", "complete", now, sub.customer, sub.id, hall, player)


def _words(error: "stripe.StripeError") -> str:
    return (error.user_message or str(error)).splitlines()[0][:300]


def _retry_after(error: "stripe.StripeError") -> float | None:
    said = {str(name).lower(): value for name, value in (error.headers or {}).items()}.get("retry-after", "")
    return float(said) if str(said).isdigit() else None


def _subscription(found: Any) -> Subscription:
    items = found["items"].data
    amount, intervals = 0, set()
    for item in items:
        price = item.price
        amount += int(price.unit_amount or 0) * int(getattr(item, "quantity", 1) or 1)
        recurring = price.recurring
        intervals.add((recurring.interval, recurring.interval_count) if recurring else ("", 0))
    interval, count = next(iter(intervals)) if len(intervals) == 1 else ("", 0)
    ends = [item.current_period_end for item in items if getattr(item, "current_period_end", None)]
    metadata = found.metadata
    return Subscription(
        found.id,
        _id_of(found.customer),
        found.status,
        found.currency,
        amount,
        SAVED_FOR[interval] * count if interval in SAVED_FOR else None,
        bool(found.cancel_at_period_end) or found.cancel_at is not None or found.status == "canceled",
        _moment(found.cancel_at or found.ended_at or (min(ends) if found.cancel_at_period_end and ends else None)),
        _moment(min(ends) if ends else None),
        _moment(found.trial_end) if found.status == "trialing" else None,
        found.pause_collection is not None or found.status == "paused",
        found.schedule is not None,
        tuple(_discount(one) for one in found.discounts or []),
        _mark(metadata, "hall"),
        _mark(metadata, "player"),
    )


def _discount(found: Any) -> Discount:
    if isinstance(found, str):  # not expanded
        return Discount(found, "")
    return Discount(found.id, _id_of(found.source.coupon))


def _coupon(found: Any) -> Coupon:
    return Coupon(
        found.id, bool(found.valid), int(found.times_redeemed), found.percent_off, found.amount_off,
        found.currency, found.duration,
    )  # fmt: skip


def _invoice(found: Any) -> Invoice:
    savings = tuple(
        Saving(
            one.discount if isinstance(one.discount, str) else one.discount.id,
            "" if isinstance(one.discount, str) else _id_of(one.discount.source.coupon),
            int(one.amount),
        )
        for one in found.total_discount_amounts or []
    )
    moment = _moment(found.created)
    assert moment is not None
    return Invoice(
        found.id, found.status or "", found.billing_reason or "", moment, found.currency, savings,
    )  # fmt: skip


def _checkout(found: Any) -> Checkout:
    expires = _moment(found.expires_at)
    assert expires is not None
    return Checkout(
        found.id, found.url or "", found.status or "", expires, _id_of(found.customer), _id_of(found.subscription),
        _mark(found.metadata, "hall"), _mark(found.metadata, "player"),
    )  # fmt: skip


def _id_of(found: Any) -> str:
    return "" if found is None else found if isinstance(found, str) else str(found.id)


def _mark(metadata: Any, name: str) -> str:
    return str(getattr(metadata, name, "") or "") if metadata is not None else ""


def _moment(seconds: int | None) -> datetime | None:
    return None if not seconds else datetime.fromtimestamp(seconds, UTC)
