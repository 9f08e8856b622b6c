"""Halls whose trainers win: scores, members with subscriptions at the sandbox, and a cloud that pays them."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from stripe_sandbox import StripeSandbox

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud import members, periods, standings
from sync.cloud.db import Conn, Database
from sync.cloud.deciding import Score
from sync.cloud.stripe_gateway import Checkout, Gateway

LONG_AGO = "2026-01-01T00:00:00.000Z"


def make_halls(conn: Conn, count: int, zone: str = "UTC", first: int = 0) -> list[str]:
    """So many halls; their ids."""
    ids = [uuid7() for _ in range(count)]
    rows = [(one, f"Hall {first + i}", f"hall {first + i}", zone, LONG_AGO) for i, one in enumerate(ids)]
    conn.insert_all("halls", ("id", "name", "name_key", "zone", "made_at"), rows)
    return ids


def a_score(player: str, total: float = 60.0, **more: Any) -> Score:
    """A player's month that is enough to win."""
    parts: dict[str, Any] = {
        "name": None, "ladder": "", "ladder_name": "", "coach_avg": total, "hours": 10.0, "hours_norm": total,
        "win_rate": total, "total": total, "sessions": 8, "shots": 500, "reached_at": "2026-10-30T20:00:00.000Z",
    }  # fmt: skip
    return Score(player, **(parts | more))


def tell_scores(
    conn: Conn, hall_id: str, month: str, scores: Sequence[Score], *, final: bool = True, rev: int = 1
) -> None:
    """A hall's scores, as if its hub had told them."""
    period = periods.lock(conn, hall_id, month)
    conn.run("DELETE FROM ladder_training_scores WHERE hall_id = ? AND period = ?", [hall_id, month])
    if scores:
        conn.insert_all("ladder_training_scores", standings.COLUMNS, standings.rows_of(hall_id, month, scores))
    periods.keep_told(
        conn,
        period,
        line_id=1,
        seq=rev,
        created=stamp(datetime.now(UTC)),
        rev=rev,
        final=final,
        players=len({one.player for one in scores}),
        hash_=standings.hash_of(scores),
    )


def clock_of(box: StripeSandbox) -> Callable[[], datetime]:
    """The sandbox's clock, as the cloud's."""
    return lambda: datetime.fromtimestamp(box.sandbox.now, UTC)


def a_price(box: StripeSandbox, cents: int = 2000, interval: str = "month", currency: str = "usd") -> str:
    return str(
        box.client()
        .v1.prices.create(
            {
                "currency": currency,
                "unit_amount": cents,
                "recurring": {"interval": interval},
                "product_data": {"name": "Membership"},
            }
        )
        .id
    )


def subscribe(box: StripeSandbox, price: str, **more: Any) -> Any:
    """A customer with a card and a subscription at the sandbox."""
    client = box.client().v1
    customer = client.customers.create(
        {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )
    wanted: Any = {"customer": customer.id, "items": [{"price": price}], **more}
    return client.subscriptions.create(wanted)


def make_member(
    db: Database, gateway: Gateway, subscription_id: str, who: tuple[str, str], now: datetime
) -> members.Member:
    """The player of that hall is a member with that subscription, as after a checkout."""
    hall_id, player = who
    sub = gateway.subscription(subscription_id)
    found = Checkout(f"cs_{uuid7()}", "", "complete", now, sub.customer, sub.id, hall_id, player)
    with db.write() as conn:
        return members.take_in(conn, found, sub, now)


class KilledError(BaseException):
    """The program has ended here, as by kill -9."""


class Mortal:
    """Stands before an object: any call of it may be the program's last, before it is made or after."""

    def __init__(self, of: Any, rng: random.Random, rate: float) -> None:
        self._of = of
        self._rng = rng
        self._rate = rate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._of, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._perhaps_die()
            answer = found(*args, **kwargs)
            self._perhaps_die()
            return answer

        return call

    def _perhaps_die(self) -> None:
        if self._rng.random() < self._rate:
            raise KilledError


class MortalDatabase(Mortal):
    """A database whose user may die before a transaction, or right after it."""

    @contextmanager
    def write(self, *args: Any) -> Iterator[Conn]:
        self._perhaps_die()
        with self._of.write(*args) as conn:
            yield conn
        self._perhaps_die()

    def read(self) -> Any:
        return self._of.read()
