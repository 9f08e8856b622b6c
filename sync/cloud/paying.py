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
from sync.cloud.discounting import MARK, month_in
from sync.cloud.members import Member
from sync.cloud.payouts import AwayError, Payer, one_by_one, wake
from sync.cloud.stripe_gateway import Gateway, GatewayError, KeyRefusedError, RefusedError
from sync.cloud.webhooks import Event

log = logging.getLogger(__name__)

CLOSE_EVERY_S = 900.0
LOOK_EVERY_S = 15.0
REFUSED_S, AWAY_S = 300.0, 60.0
RECONCILE_EVERY, ASK_AGAIN = timedelta(hours=24), timedelta(hours=1)
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
        self._not_before_s = float("-inf")

    @property
    def payer(self) -> Payer | None:
        return self._payer

    def turn(self, mono_s: float, stopping: Callable[[], bool] = lambda: False) -> None:
        """Does what is due. Raises StoreError."""
        if mono_s - self._closed_s >= CLOSE_EVERY_S:
            done = close_due(self.db, self._now(), stopping)
            self._closed_s = mono_s
            with self.db.write() as conn:
                webhooks.forget_old(conn, self._now())
            if done.frozen or done.decided:
                log.info("%d months frozen, %d decided, %d rewards", done.frozen, done.decided, done.rewards)
        if self._payer is None or mono_s < self._not_before_s:
            return
        try:
            self._pay(self._payer, stopping)
            self.trouble = ""
        except (KeyRefusedError, AwayError) as error:
            wait_s = REFUSED_S if isinstance(error, KeyRefusedError) else AWAY_S
            self.trouble, self._not_before_s = str(error), mono_s + wait_s
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
        """Looks into what Stripe has told; returns into how much.

        Raises KeyRefusedError, AwayError, StoreError.
        """
        now = self._now()
        with self.db.write() as conn:
            events = webhooks.to_do(conn, now, AT_ONCE)
            webhooks.put_off(conn, events, now)
        return len(one_by_one(events, self._look_into))

    def reconcile(self, limit: int) -> int:
        """Compares members that were not asked about since a day with what Stripe says; returns how many. Raises
        likewise."""
        with self.db.read() as conn:
            due = members.to_ask(conn, self._now() - RECONCILE_EVERY, limit)
        one_by_one(due, self.ask_about)
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
        """Asks Stripe about a member's subscription, and follows its rewards; what only Stripe has is a drift.

        Raises GatewayError, and then it is asked again in an hour; StoreError.
        """
        assert self.gateway is not None
        assert member.subscription_id is not None
        now = self._now()
        try:
            sub = self.gateway.subscription(member.subscription_id)
        except GatewayError as error:
            with self.db.write() as conn:
                if isinstance(error, RefusedError) and error.status == 404:
                    members.is_gone(conn, member, now)
                    return
                members.ask_later(conn, member, now - RECONCILE_EVERY + ASK_AGAIN)
            raise
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
        if event.subscription_id:
            with self.db.read() as conn:
                member = members.of_subscription(conn, event.subscription_id)
            if member is None:
                self._follow(event.subscription_id)
            else:
                self.ask_about(member)
        webhooks.done(self.db, event, self._now())

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
