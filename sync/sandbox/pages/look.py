"""What the pages show."""

from dataclasses import dataclass

from sync.sandbox import discounts, invoices
from sync.sandbox.errors import ApiError
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn

MOST = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription, what is taken off it, and the invoice that comes next."""

    subscription: Body
    name: str
    coupons: list[Body]
    upcoming: Body | None
    customer: Body


@dataclass(frozen=True, slots=True)
class Whole:
    """The front page: the newest of everything."""

    now: int
    stands: bool
    plans: list[Plan]
    invoices: list[tuple[Body, Body, list[Body]]]
    customers: int
    subscriptions: int
    next_at: int | None
    waiting: int


def plan(turn: Turn, subscription: Body) -> Plan:
    """One subscription."""
    product = subscription["items"]["data"][0]["price"]["product"]
    return Plan(
        subscription,
        (turn.store.get("product", product) or {}).get("name", product),
        _coupons(turn, subscription["discounts"]),
        _upcoming(turn, subscription),
        turn.store.get("customer", subscription["customer"]) or {},
    )


def plans_of(turn: Turn, customer: str) -> list[Plan]:
    """A customer's own, the newest first."""
    return [plan(turn, one) for one in turn.store.all("subscription", customer=customer)]


def _upcoming(turn: Turn, subscription: Body) -> Body | None:
    """The next invoice, where one comes."""
    try:
        return invoices.create_preview(turn, {"subscription": subscription["id"]})
    except ApiError:
        return None


def invoices_of(turn: Turn, customer: str) -> list[tuple[Body, list[Body]]]:
    """A customer's, the newest first, with the coupons that took something off."""
    found = list(turn.store.all("invoice", customer=customer))[:MOST]
    return [(one, _coupons(turn, one["discounts"])) for one in found]


def whole(turn: Turn, *, stands: bool, waiting: int) -> Whole:
    """Everything there is."""
    subscriptions = list(turn.store.all("subscription"))
    found = list(turn.store.all("invoice"))[:MOST]
    due = turn.store.next_timer("")
    return Whole(
        turn.at,
        stands,
        [plan(turn, one) for one in subscriptions[:MOST]],
        [
            (one, turn.store.get("customer", one["customer"]) or {}, _coupons(turn, one["discounts"]))
            for one in found
        ],
        sum(1 for one in turn.store.all("customer") if not one.get("deleted")),
        len(subscriptions),
        due[0] if due is not None else None,
        waiting,
    )


def next_renewal(turn: Turn) -> int | None:
    """When the next period of any subscription begins."""
    rows = turn.store.rows("SELECT min(at) FROM timers WHERE what='renew' AND clock=''")
    return None if rows[0][0] is None else int(rows[0][0])


def portal(turn: Turn, key: str) -> Body | None:
    """The portal session that an address is the key of."""
    return next((one for one in turn.store.all("billing_portal.session") if one["_key"] == key), None)


def _coupons(turn: Turn, idents: list[str]) -> list[Body]:
    found = (turn.store.get("discount", ident) for ident in idents)
    return [discounts.coupon_of(one) for one in found if one is not None]
