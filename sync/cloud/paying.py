"""The cloud's own work, beside what it is asked: months are closed, rewards carried out, Stripe's signs looked
into.

A turn may come at any time, twice, or be broken off anywhere: all of it is asked of the data, and done once.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sync.cloud import members, rewards, webhooks
from sync.cloud.closing import close_due
from sync.cloud.db import Database, StoreError
from sync.cloud.members import Member
from sync.cloud.payouts import MARK, Payer, month_in, wake
from sync.cloud.stripe_gateway import Gateway, GatewayError, KeyRefusedError, RefusedError
from sync.cloud.webhooks import Event

log = logging.getLogger(__name__)

CLOSE_EVERY_S = 900.0
LOOK_EVERY_S = 15.0
REFUSED_S = 300.0
RECONCILE_EVERY = timedelta(hours=24)
AT_ONCE = 50


class Treasurer:
    """What is to be done, a turn at a time. Without a gateway months are closed, and nothing is paid."""

    def __init__(
        self, db: Database, gateway: Gateway | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.db = db
        self.gateway = gateway
        self.trouble = ""  # why nothing can be paid just now
        self._now = now
        self._payer = None if gateway is None else Payer(db, gateway, now)
        self._closed_s = float("-inf")
        self._refused_s = float("-inf")

    @property
    def payer(self) -> Payer | None:
        return self._payer

    def turn(self, mono_s: float, stopping: Callable[[], bool] = lambda: False) -> None:
        """Does what is due. Raises StoreError."""
        if mono_s - self._closed_s >= CLOSE_EVERY_S:
            done = close_due(self.db, self._now(), stopping)
            self._closed_s = mono_s
            if done.frozen or done.decided:
                log.info("%d months frozen, %d decided, %d rewards", done.frozen, done.decided, done.rewards)
        if self._payer is None or mono_s - self._refused_s < REFUSED_S:
            return
        try:
            self._pay(self._payer, stopping)
            self.trouble = ""
        except KeyRefusedError as error:
            self.trouble, self._refused_s = str(error), mono_s
            log.warning("nothing can be paid: %s", error)

    def close_soon(self) -> None:
        """Months are looked at with the next turn, however lately they were."""
        self._closed_s = float("-inf")

    def _pay(self, payer: Payer, stopping: Callable[[], bool]) -> None:
        self.hear_events()
        while payer.apply_due(AT_ONCE) == AT_ONCE and not stopping():
            pass
        payer.follow_due(AT_ONCE)
        self.reconcile(AT_ONCE)

    def hear_events(self) -> int:
        """Looks into what Stripe has told; returns into how much. Raises KeyRefusedError, StoreError."""
        with self.db.read() as conn:
            events = webhooks.to_do(conn, AT_ONCE)
        heard = 0
        for event in events:
            try:
                self._look_into(event)
            except KeyRefusedError:
                raise
            except GatewayError as error:
                log.warning("event %s: %s", event.id, error)
                continue
            webhooks.done(self.db, event, self._now())
            heard += 1
        return heard

    def reconcile(self, limit: int) -> int:
        """Compares members that were not asked about since a day with what Stripe says; returns how many."""
        with self.db.read() as conn:
            due = members.to_ask(conn, self._now() - RECONCILE_EVERY, limit)
        for member in due:
            try:
                self.ask_about(member)
            except KeyRefusedError:
                raise
            except GatewayError as error:
                log.warning("member %s: %s", member.id, error)
        return len(due)

    def take_checkout(self, checkout_id: str) -> Member | None:
        """A checkout that is through makes a member; None where it is not. Raises GatewayError, StoreError."""
        assert self.gateway is not None
        found = self.gateway.checkout(checkout_id)
        if found.status == "expired":
            with self.db.write() as conn:
                members.end_checkout(conn, found.id, self._now())
        if found.status != "complete" or not found.subscription:
            return None
        sub = self.gateway.subscription(found.subscription)
        with self.db.write() as conn:
            member = members.take_in(conn, found, sub, self._now())
            wake(conn, member, self._now())
        return member

    def ask_about(self, member: Member) -> None:
        """Asks Stripe about a member's subscription, and follows its rewards; what only Stripe has is a drift."""
        assert self.gateway is not None
        assert member.subscription_id is not None
        now = self._now()
        try:
            sub = self.gateway.subscription(member.subscription_id)
        except RefusedError as error:
            if error.status != 404:
                raise
            with self.db.write() as conn:
                members.is_gone(conn, member, now)
            return
        with self.db.write() as conn:
            ours = {one.coupon_id: one for one in rewards.of_subscription(conn, sub.id)}
            strange = [
                one.coupon for one in sub.discounts if one.coupon.startswith(MARK) and one.coupon not in ours
            ]
            drift = f"Stripe has a reward of {month_in(strange[0])} that is not ours" if strange else ""
            members.keep(conn, sub, now, drift)
            wake(conn, member, now)
        if strange:
            log.warning("member %s: %s", member.id, drift)
        self._follow(sub.id)

    def _look_into(self, event: Event) -> None:
        if event.type.startswith("checkout.session."):
            self.take_checkout(event.object_id)
        if not event.subscription_id:
            return
        with self.db.read() as conn:
            member = members.of_subscription(conn, event.subscription_id)
        if member is not None:
            self.ask_about(member)
        else:
            self._follow(event.subscription_id)

    def _follow(self, subscription_id: str) -> None:
        assert self._payer is not None
        with self.db.read() as conn:
            applied = [one for one in rewards.of_subscription(conn, subscription_id) if one.state == "applied"]
        for reward in applied:
            self._payer.follow(reward.id)


class Clockwork:
    """The treasurer's turns in a thread, every now and then and whenever somebody says that there is something."""

    def __init__(self, treasurer: Treasurer) -> None:
        self.treasurer = treasurer
        self._kicked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="treasurer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def kick(self) -> None:
        """There is something to do."""
        self._kicked.set()

    def stop(self, wait_s: float = 10.0) -> None:
        self._stopping.set()
        self._kicked.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._kicked.clear()
            try:
                self.treasurer.turn(time.monotonic(), self._stopping.is_set)
            except StoreError as error:
                log.warning("%s", error)
            except Exception:  # one bad thing must not end the others
                log.exception("a turn broke off")
            self._kicked.wait(LOOK_EVERY_S)
