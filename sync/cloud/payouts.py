"""How a reward reaches a subscription at Stripe: once, whatever fails on the way.

What guards it is not a key that Stripe may forget, but a coupon of its own for each subscription and month, which
can be taken once, and a look before every deed: at the subscription, at the coupon, at the invoices. Whoever is
killed in between leaves a reward that is `applying`; whoever comes next looks, and goes on from what is there.

Each step holds a reward for a while (`LEASE`), so two programs do not go the same way at once; and if they did,
the coupon would be taken once all the same.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from edge.clock import from_stamp, month_after, stamp
from sync.cloud import halls, members, rewards
from sync.cloud.db import Conn, Database, DuplicateError
from sync.cloud.discounting import Off, Review, Wait, answer_for, coupon_id, is_as_wanted
from sync.cloud.members import Member
from sync.cloud.periods import has_ended
from sync.cloud.rewards import Reward, State
from sync.cloud.stripe_gateway import (
    Gateway,
    GatewayError,
    Invoice,
    KeyRefusedError,
    LaterError,
    RefusedError,
    Subscription,
    UnsureError,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE = timedelta(minutes=10)  # longer than all its questions may take
FIRST_RETRY, LAST_RETRY = timedelta(minutes=1), timedelta(hours=6)
LOOK_AGAIN = timedelta(hours=12)  # at what waits for something
FOLLOW_EVERY = timedelta(hours=24)
MISSED = 3  # answers in a row: the rest is for later
EARLIER = timedelta(days=2)  # invoices are looked for from a little before the decision on

PRORATION = frozenset({"subscription_update", "manual", "subscription_threshold"})


class AwayError(Exception):
    """Stripe does not answer just now; the text says how."""


class ReverseError(Exception):
    """It can't be taken back; the text says why."""


def one_by_one(some: Iterable[T], look: Callable[[T], object]) -> list[T]:
    """Looks at some things, each whether another can be looked at or not; returns those that were.

    Raises KeyRefusedError; AwayError when Stripe does not answer several times in a row.
    """
    done, missed = [], 0
    for one in some:
        try:
            look(one)
        except KeyRefusedError:
            raise
        except GatewayError as error:
            missed += 1
            log.warning("%s", error)
            if missed == MISSED:
                raise AwayError(str(error)) from error
        else:
            done.append(one)
            missed = 0
    return done


class Payer:
    """Carries rewards out. `now` is the clock."""

    def __init__(self, db: Database, gateway: Gateway, now: Callable[[], datetime]) -> None:
        self._db = db
        self._gateway = gateway
        self._now = now
        self._missed = 0  # answers, one after the other

    def apply_due(self, limit: int = 50) -> int:
        """Does what is due; returns how many rewards were looked at.

        Raises KeyRefusedError, AwayError, StoreError.
        """
        with self._db.read() as conn:
            due = rewards.due(conn, self._now(), limit)
        self._missed = 0
        for reward in due:
            found = self.apply(reward.id)
            if self._missed == MISSED:
                raise AwayError("" if found is None else found.reason)
        return len(due)

    def follow_due(self, limit: int = 50) -> int:
        """Compares applied rewards with Stripe that were not since a day; returns how many.

        Raises KeyRefusedError, AwayError, StoreError.
        """
        with self._db.read() as conn:
            due = rewards.to_follow(conn, self._now() - FOLLOW_EVERY, limit)
        one_by_one(due, lambda reward: self.follow(reward.id))
        return len(due)

    def apply(self, reward_id: str) -> Reward | None:
        """Takes a reward as far as it goes now. Raises KeyRefusedError, StoreError."""
        claimed = self._claim(reward_id)
        if claimed is None:
            return None
        reward, member = claimed
        if member is None or member.subscription_id is None:
            return self._without_subscription(reward, "no subscription is known")
        try:
            done = self._apply(reward, member.subscription_id)
        except KeyRefusedError as error:
            self._put_off(reward, str(error), LOOK_AGAIN / 12)
            raise
        except LaterError as error:
            return self._put_off(reward, str(error), timedelta(seconds=error.after_s or 0))
        except UnsureError as error:
            return self._put_off(reward, str(error))
        except RefusedError as error:
            done = self._move(reward, "needs_review", said=f"Stripe refuses: {error}", reason=str(error))
        self._missed = 0
        return done

    def _apply(self, reward: Reward, subscription_id: str) -> Reward:
        wanted = reward.subscription_id or subscription_id
        sub = self._subscription(wanted)
        coupon = coupon_id(reward, wanted)
        done = self._what_was_done(reward, wanted, sub, coupon)
        if done is not None:
            return done
        if sub is None or sub.status in members.ENDED:
            return self._without_subscription(reward, "the subscription has ended")
        answer = answer_for(reward.percent, sub)
        if isinstance(answer, Review):
            return self._move(reward, "needs_review", said=answer.why, reason=answer.why)
        if isinstance(answer, Wait):
            return self._wait(reward, "waiting", answer.why)
        return self._give(reward, sub, coupon, answer)

    def _what_was_done(
        self, reward: Reward, subscription_id: str, sub: Subscription | None, coupon: str
    ) -> Reward | None:
        """What an earlier try came to, of which nobody heard; None where nothing was done."""
        there = None if sub is None else sub.discount_of(coupon)
        if sub is not None and there is not None:
            return self._is_applied(reward, sub, coupon, there.id)
        made = self._gateway.coupon(coupon) if reward.coupon_id else None
        return self._was_taken(reward, subscription_id, coupon) if made is not None and made.redeemed > 0 else None

    def _give(self, reward: Reward, sub: Subscription, coupon: str, off: Off) -> Reward:
        reward, why_not = self._begin(reward, sub.id, coupon)
        if why_not:
            return reward
        if not self._make_coupon(reward, coupon, off):
            why = "a coupon of that id is there, and of another kind"
            return self._move(reward, "needs_review", said=why, reason=why)
        after = self._gateway.set_discounts(sub.id, sub.discounts, coupon, f"{coupon}-d{reward.tries}")
        there = after.discount_of(coupon)
        if there is None:
            raise UnsureError("Stripe took the discount, and does not show it")
        lost = {one.id for one in sub.discounts} - {one.id for one in after.discounts}
        return self._is_applied(
            reward,
            after,
            coupon,
            there.id,
            drift=f"other discounts are gone: {', '.join(sorted(lost))}" if lost else "",
        )

    def _begin(self, reward: Reward, subscription_id: str, coupon: str) -> tuple[Reward, bool]:
        """Says what is about to be done, before it is; whether it may not be."""
        try:
            with self._db.write() as conn:
                members.lock_subscription(conn, subscription_id)
                others = rewards.of_subscription(conn, subscription_id)
                current = rewards.get(conn, reward.id, lock=True)
                assert current is not None
                if current.state not in rewards.TO_DO:
                    return current, True
                if not any(one.state == "applying" and one.id != reward.id for one in others):
                    now = self._now()
                    began = rewards.move(
                        conn, current, "applying", now, subscription_id=subscription_id, coupon_id=coupon
                    )
                    return began, False
        except DuplicateError:
            why = "the subscription has a reward of this month already"
            return self._move(reward, "needs_review", said=why, reason=why), True
        return self._wait(reward, "waiting", "another reward is on its way to the subscription"), True

    def _make_coupon(self, reward: Reward, coupon: str, off: Off) -> bool:
        """Whether the coupon is there as wanted."""
        made = self._gateway.coupon(coupon)
        if made is None:
            try:
                made = self._gateway.make_coupon(
                    coupon,
                    f"Best trainer of {reward.period}",
                    percent=off.percent,
                    cents=off.cents,
                    currency=off.currency,
                    metadata={"reward": reward.id, "hall": reward.hall_id, "period": reward.period},
                    key=f"{coupon}-c{reward.tries}",
                )
            except RefusedError as error:
                if error.code != "resource_already_exists":
                    raise
                made = self._gateway.coupon(coupon)
        return made is not None and is_as_wanted(made, off)

    def _was_taken(self, reward: Reward, subscription_id: str, coupon: str) -> Reward:
        """The coupon was taken, and is on the subscription no more: an invoice has it, or somebody took it
        away."""
        invoice = self._consumer(reward, subscription_id, coupon)
        if invoice is not None:
            return self._is_consumed(reward, invoice, coupon)
        why = "the discount was given, is gone, and no invoice used it: somebody took it away at Stripe"
        return self._move(reward, "needs_review", said=why, reason=why, drift=why)

    def follow(self, reward_id: str) -> Reward | None:
        """Compares an applied reward with Stripe: it waits for its invoice, met it, or was taken away.

        Raises GatewayError where that can't be told now, and the reward has its turn again later; StoreError.
        """
        with self._db.read() as conn:
            reward = rewards.get(conn, reward_id)
        if reward is None or reward.state != "applied" or reward.subscription_id is None:
            return reward
        assert reward.coupon_id is not None
        try:
            sub = self._subscription(reward.subscription_id)
            if sub is not None and sub.discount_of(reward.coupon_id) is not None:
                return self._checked(reward, sub)
            return self._was_taken(reward, reward.subscription_id, reward.coupon_id)
        except GatewayError:
            with self._db.write() as conn:
                rewards.touch(conn, reward, checked_at=stamp(self._now() - FOLLOW_EVERY + LAST_RETRY / 6))
            raise

    def reverse(self, reward_id: str, *, who: str, why: str) -> Reward:
        """Takes a reward back that no invoice has met. Raises ReverseError, GatewayError, StoreError."""
        reward = self._hold_for_reversal(reward_id)
        if reward.subscription_id is not None and reward.coupon_id is not None:
            self._take_away(reward, reward.subscription_id, reward.coupon_id)
        return self._move(reward, "reverted", who=who, said=why, discount_id=None)

    def _take_away(self, reward: Reward, subscription_id: str, coupon: str) -> None:
        sub = self._subscription(subscription_id)
        there = None if sub is None else sub.discount_of(coupon)
        if sub is not None and there is not None:
            others = [one for one in sub.discounts if one.id != there.id]
            after = self._gateway.set_discounts(sub.id, others, None, f"{coupon}-r{reward.tries}")
            if after.discount_of(coupon) is not None:
                raise ReverseError("Stripe still shows the discount: look there, and try again")
        made = self._gateway.coupon(coupon)
        if there is None and made is not None and made.redeemed > 0:
            invoice = self._consumer(reward, subscription_id, coupon)
            if invoice is not None:
                self._is_consumed(reward, invoice, coupon)
                raise ReverseError(
                    f"an invoice has it already ({invoice.id}): a credit note at Stripe can undo that"
                )
        self._gateway.delete_coupon(coupon)

    def _hold_for_reversal(self, reward_id: str) -> Reward:
        now = self._now()
        with self._db.write() as conn:
            reward = rewards.get(conn, reward_id, lock=True)
            if reward is None:
                raise ReverseError("there is no such reward")
            if reward.state in rewards.SETTLED:
                raise ReverseError(f"it is {reward.state} already")
            if reward.state == "applying" and reward.due_at > stamp(now):
                raise ReverseError("it is on its way to Stripe just now: try again in a few minutes")
            return rewards.touch(conn, reward, due_at=stamp(now + LEASE), tries=reward.tries + 1)

    def try_again(self, reward_id: str, *, who: str) -> None:
        """A person has looked: it is taken up again from where it stands. Raises ReverseError."""
        with self._db.write() as conn:
            reward = rewards.get(conn, reward_id, lock=True)
            if reward is None or reward.state not in rewards.CAN_TRY_AGAIN:
                raise ReverseError("there is nothing to try again")
            state: State = "applying" if reward.coupon_id else "decided"
            rewards.move(
                conn, reward, state, self._now(), who=who, said="tried again", due_at=stamp(self._now()), drift=""
            )

    # Steps.

    def _claim(self, reward_id: str) -> tuple[Reward, Member | None] | None:
        now = self._now()
        with self._db.write() as conn:
            reward = rewards.get(conn, reward_id, lock=True)
            if reward is None or reward.state not in rewards.TO_DO or reward.due_at > stamp(now):
                return None
            member = members.of_player(conn, reward.hall_id, reward.player_id)
            member_id = reward.member_id if member is None else member.id
            claimed = rewards.touch(
                conn, reward, due_at=stamp(now + LEASE), tries=reward.tries + 1, member_id=member_id
            )
        return claimed, member

    def _subscription(self, subscription_id: str) -> Subscription | None:
        """The subscription, which is kept as it was said; None where Stripe knows it no more."""
        try:
            sub = self._gateway.subscription(subscription_id)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise
        with self._db.write() as conn:
            members.keep(conn, sub, self._now())
        return sub

    def _consumer(self, reward: Reward, subscription_id: str, coupon: str) -> Invoice | None:
        since = from_stamp(reward.decided_at) - EARLIER
        for invoice in self._gateway.invoices(subscription_id, since):
            if any(one.coupon == coupon or one.discount == reward.discount_id for one in invoice.savings):
                return invoice
        return None

    def _is_applied(
        self, reward: Reward, sub: Subscription, coupon: str, discount: str, drift: str = ""
    ) -> Reward:
        now = self._now()
        after = "" if sub.trial_ends_at is None else f", after the trial that ends {sub.trial_ends_at.date()}"
        return self._move(
            reward,
            "applied",
            said=f"on the next invoice{after}",
            subscription_id=sub.id,
            coupon_id=coupon,
            discount_id=discount,
            applied_at=reward.applied_at or stamp(now),
            checked_at=stamp(now),
            drift=drift,
        )

    def _is_consumed(self, reward: Reward, invoice: Invoice, coupon: str) -> Reward:
        saved = sum(
            one.cents for one in invoice.savings if one.coupon == coupon or one.discount == reward.discount_id
        )
        drift = ""
        if invoice.reason in PRORATION:
            drift = f"an invoice for a change used it up ({invoice.id}), not a month's"
        elif invoice.status in ("void", "uncollectible"):
            drift = f"the invoice that had it is {invoice.status} ({invoice.id})"
        elif saved == 0:
            drift = f"the invoice that had it came to nothing ({invoice.id})"
        now = stamp(self._now())
        return self._move(
            reward,
            "consumed",
            said=f"invoice {invoice.id}",
            applied_at=reward.applied_at or now,
            invoice_id=invoice.id,
            saved_cents=saved,
            currency=invoice.currency,
            consumed_at=now,
            checked_at=now,
            drift=drift,
        )

    def _checked(self, reward: Reward, sub: Subscription) -> Reward:
        """It is still there; a person is told when no invoice will come."""
        if sub.status in members.ENDED:
            why = "the subscription ended before an invoice had the discount"
            return self._move(reward, "needs_review", said=why, reason=why)
        drift = "the subscription ends before the next invoice" if sub.ends else ""
        with self._db.write() as conn:
            current = rewards.get(conn, reward.id, lock=True)
            assert current is not None
            if current.state != "applied":
                return current
            return rewards.touch(conn, current, checked_at=stamp(self._now()), drift=drift)

    def _without_subscription(self, reward: Reward, why: str) -> Reward:
        """Until the month after has ended in the hall, whoever has won may still subscribe."""
        with self._db.read() as conn:
            zone = halls.get(conn, reward.hall_id).zone_info
        if has_ended(month_after(reward.period), zone, self._now()):
            return self._move(reward, "expired", said=why, reason=why, subscription_id=None)
        return self._wait(reward, "no_subscription", why, subscription_id=None, coupon_id=None)

    def _wait(self, reward: Reward, state: State, why: str, **values: Any) -> Reward:
        said = why if state != reward.state or why != reward.reason else ""
        return self._move(reward, state, said=said, reason=why, due_at=stamp(self._now() + LOOK_AGAIN), **values)

    def _put_off(self, reward: Reward, why: str, least: timedelta = timedelta()) -> Reward:
        """Nobody knows, or it is too early: later again, from a look."""
        self._missed += 1
        after = max(least, min(LAST_RETRY, FIRST_RETRY * 2 ** min(reward.tries - 1, 12)))
        log.warning("reward %s: %s", reward.id, why)
        with self._db.write() as conn:
            current = rewards.get(conn, reward.id, lock=True)
            assert current is not None
            return rewards.touch(conn, current, due_at=stamp(self._now() + after), reason=why)

    def _move(self, reward: Reward, state: State, *, who: str = "cloud", said: str = "", **values: Any) -> Reward:
        with self._db.write() as conn:
            current = rewards.get(conn, reward.id, lock=True)
            assert current is not None
            if current.state in rewards.SETTLED:  # somebody else came first
                return current
            return rewards.move(conn, current, state, self._now(), who=who, said=said, **values)


def wake(conn: Conn, member: Member, now: datetime) -> None:
    """What waits for something of this member's subscription is looked at now."""
    conn.run(
        "UPDATE subscription_rewards SET due_at = ? WHERE state IN ('waiting', 'no_subscription') AND due_at > ?"
        " AND (hall_id, player_id) IN (SELECT hall_id, player_id FROM member_players WHERE member_id = ?)",
        [stamp(now), stamp(now), member.id],
    )
