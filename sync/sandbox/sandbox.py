"""The sandbox as a whole: the API, its clock, its faults and its webhooks."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync.sandbox import changes, checkout, customers, renewals
from sync.sandbox.api import Answer, Api, Call, Request
from sync.sandbox.clock import Clock
from sync.sandbox.faults import Plan
from sync.sandbox.shown import plain
from sync.sandbox.store import Body, Store
from sync.sandbox.times import DAY, add_months
from sync.sandbox.turn import Turn
from sync.sandbox.webhooks import Mischief, Outbox, Send, send_by_http

KEY = "sk_test_sandbox"


class Sandbox:
    """Everything in one database. `address` is where its pages are found from outside."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        key: str = KEY,
        address: str = "http://127.0.0.1:8095",
        start: int | None = None,
        seed: int | None = None,
    ) -> None:
        """Without a path it is in memory. With `start` the clock stands there until it is turned; with `seed`
        all ids are the same in each run. Raises ValueError for a key that isn't a test key."""
        if not key.startswith("sk_test_") or len(key) < 12:
            raise ValueError(
                "the sandbox takes a key that begins with sk_test_ and is at least 12 characters long"
            )
        self.store = Store(path, seed)
        self.clock = Clock(self.store, start)
        self.faults = Plan()
        self.outbox = Outbox(self.store)
        self.api = Api(self.store, self.clock, self.faults, key, address)

    def close(self) -> None:
        self.store.close()

    @property
    def key(self) -> str:
        return self.api.key

    @property
    def address(self) -> str:
        return self.api.address

    @address.setter
    def address(self, address: str) -> None:
        self.api.address = address

    @property
    def calls(self) -> list[Call]:
        """The calls made, the last 20,000."""
        return list(self.api.calls)

    def forget_calls(self) -> None:
        self.api.calls.clear()

    def answer(self, request: Request) -> Answer:
        return self.api.answer(request)

    @property
    def now(self) -> int:
        """Unix seconds of the sandbox's own clock."""
        return self.clock.now()

    @contextmanager
    def doing(self) -> Iterator[Turn]:
        """A turn of one's own, in a transaction; what is due has happened before."""
        with self.store.transaction():
            turn = self.api.turn()
            renewals.run(turn, "", turn.at)
            yield turn

    def advance(self, seconds: int = 0, *, days: int = 0, months: int = 0, to: int | None = None) -> int:
        """Turns the clock forward; all that is due happens at its own time. Returns the new time. Raises
        ValueError for what is past."""
        with self.store.transaction():
            now = self.clock.now()
            target = to if to is not None else add_months(now, months) + days * DAY + seconds
            if target < now:
                raise ValueError("the clock is only turned forward")
            renewals.run(self.api.turn(), "", target)
            self.clock.turn_to(target)
        return target

    def tick(self) -> None:
        """What is due by now happens; for a clock that runs."""
        with self.doing():
            pass

    def set_card(self, customer: str, *, works: bool) -> None:
        """Whether a customer's card pays from now on."""
        with self.doing() as turn:
            customers.set_card(turn, customer, works)

    def complete(
        self, session: str, email: str = "ana@example.com", name: str = "", card: str = "pm_card_visa"
    ) -> Body:
        """The person at a Checkout page pays. Raises ApiError where the card is declined."""
        with self.doing() as turn:
            return turn.shower.show(checkout.complete(turn, session, email, name, card))

    def change(self, subscription: str, **given: Any) -> Body:
        """A change that somebody makes at Stripe, past the one who calls the API: as at the portal or
        dashboard."""
        with self.doing() as turn:
            return turn.shower.show(changes.update(turn, given, subscription))

    def get(self, kind: str, ident: str) -> Body | None:
        """An object as it is kept, the sandbox's own fields with it."""
        with self.store.lock:
            return self.store.get(kind, ident)

    def all(self, kind: str) -> list[Body]:
        """All objects of a kind, the oldest first: `subscription`, `discount`, `invoice`, `coupon`, …"""
        with self.store.lock:
            return list(self.store.all(kind, oldest_first=True))

    def dump(self) -> dict[str, list[Body]]:
        """Everything, by kind, as Stripe would show it."""
        with self.store.lock:
            kinds = [str(row[0]) for row in self.store.rows("SELECT DISTINCT kind FROM objects ORDER BY kind")]
            return {kind: [plain(one) for one in self.store.all(kind, oldest_first=True)] for kind in kinds}

    def deliver(
        self,
        to: Send = send_by_http,
        *,
        seed: int | None = None,
        twice: float = 0.0,
        lost: float = 0.0,
        shuffled: bool = False,
        stamp: int | None = None,
    ) -> int:
        """Sends the webhooks that wait, also those that are to be tried again later; how many were sent. With a
        seed some come twice, some not at all, and in any order. `to` gets the address, the payload and the
        headers, and answers with a status; `stamp` is when they are signed."""
        way = None
        if seed is not None:
            way = Mischief(random.Random(seed), twice=twice, lost=lost, shuffled=shuffled)
        with self.store.transaction():
            self.store.rows("UPDATE deliveries SET due=0 WHERE state='waiting'")
        return self.outbox.turn(to, stamp, way)
