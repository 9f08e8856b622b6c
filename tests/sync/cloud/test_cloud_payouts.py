"""A reward's way to an invoice, for every kind of subscription, and back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from reward_month import a_price, a_score, clock_of, make_halls, make_member, subscribe
from stripe_sandbox import StripeSandbox, stripe_sandbox

from edge.facts import uuid7
from sync.cloud import members, rewards, webhooks
from sync.cloud.db import Database
from sync.cloud.deciding import HALL, Award
from sync.cloud.discounting import answer_for
from sync.cloud.paying import Treasurer
from sync.cloud.payouts import LEASE, Payer, ReverseError
from sync.cloud.rewards import Reward
from sync.cloud.stripe_gateway import Gateway, KeyRefusedError, Subscription, UnsureError
from sync.cloud.webhooks import Event

MONTH_S = 31 * 86400 + 2 * 3600


@dataclass(slots=True)
class Till:
    """A cloud with one hall, and the sandbox it pays through."""

    db: Database
    box: StripeSandbox
    gateway: Gateway
    hall_id: str

    @property
    def now(self) -> Callable[[], datetime]:
        return clock_of(self.box)

    @property
    def payer(self) -> Payer:
        return Payer(self.db, self.gateway, self.now)

    def member(self, subscription_id: str, player: str | None = None) -> str:
        player = player or uuid7()
        make_member(self.db, self.gateway, subscription_id, (self.hall_id, player), self.now())
        return player

    def reward(self, player: str, month: str = "2026-10", kind: str = "half") -> str:
        with self.db.write() as conn:
            member = members.of_player(conn, self.hall_id, player)
            award = Award(HALL, a_score(player), kind, "first")  # type: ignore[arg-type]
            rewards.book(conn, [(self.hall_id, month, award, member.id if member else None)], self.now())
            found = [one for one in rewards.of_hall(conn, self.hall_id) if one.period == month]
        return found[0].id

    def get(self, reward_id: str) -> Reward:
        with self.db.read() as conn:
            found = rewards.get(conn, reward_id)
        assert found is not None
        return found

    def apply(self, reward_id: str) -> Reward:
        self.payer.apply(reward_id)
        return self.get(reward_id)

    def turn(self, **on: int) -> None:
        """The clock goes on, and the cloud has its turn."""
        self.box.sandbox.advance(**on)
        Treasurer(self.db, self.gateway, self.now).turn(0.0)

    def paid(self, subscription_id: str) -> list[int]:
        """What a subscription's invoices came to, in order."""
        found = [
            one for one in self.box.sandbox.all("invoice")
            if one["parent"]["subscription_details"]["subscription"] == subscription_id
        ]  # fmt: skip
        return [one["total"] for one in sorted(found, key=lambda one: (one["created"], one["id"]))]


@pytest.fixture
def till(db: Database) -> Iterator[Till]:
    with stripe_sandbox() as box, db.write() as conn:
        (hall_id,) = make_halls(conn, 1)
    with stripe_sandbox() as box:
        yield Till(db, box, Gateway(box.key, box.address, 2.0), hall_id)


@pytest.mark.parametrize(("kind", "second"), [("half", 1000), ("free", 0)])
def test_a_reward_is_on_the_next_invoice_and_on_no_other(till: Till, kind: str, second: int) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id), kind=kind)
    assert till.apply(reward).state == "applied"
    till.turn(seconds=MONTH_S)
    found = till.get(reward)
    assert (found.state, found.saved_cents, found.currency, found.drift) == ("consumed", 2000 - second, "usd", "")
    till.turn(seconds=MONTH_S)
    assert till.paid(sub.id) == [2000, second, 2000]


def test_the_way_is_written_down(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id))
    till.apply(reward)
    till.turn(seconds=MONTH_S)
    with till.db.read() as conn:
        steps = rewards.history(conn, reward)
    assert [one.state for one in steps] == ["decided", "applying", "applied", "consumed"]


def test_a_yearly_plan_gets_half_of_one_month(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box, 19900, "year", "eur"))
    reward = till.reward(till.member(sub.id))
    assert till.apply(reward).state == "applied"
    till.turn(days=366)
    found = till.get(reward)
    assert (found.state, found.saved_cents, found.currency) == ("consumed", 829, "eur")  # 199.00 / 12 / 2
    assert till.paid(sub.id) == [19900, 19900 - 829]


def test_in_a_trial_it_waits_for_the_first_invoice_that_costs(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box), trial_period_days=14)
    reward = till.reward(till.member(sub.id))
    assert till.apply(reward).state == "applied"
    till.turn(days=15)
    assert till.get(reward).state == "consumed"
    assert till.paid(sub.id) == [0, 1000]


def test_without_a_subscription_the_winner_may_still_start_one(till: Till) -> None:
    player = uuid7()
    reward = till.reward(player)
    assert till.apply(reward).state == "no_subscription"
    till.box.sandbox.advance(days=5)
    sub = subscribe(till.box, a_price(till.box))
    till.member(sub.id, player)
    till.turn(days=1)
    assert till.get(reward).state == "applied"


def test_a_winner_who_never_subscribes_loses_it_with_the_month(till: Till) -> None:
    reward = till.reward(uuid7())
    for _ in range(40):
        till.turn(days=1)
    assert till.get(reward).state == "expired"


def test_a_paused_subscription_waits_and_is_taken_up_again(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    till.box.sandbox.change(sub.id, pause_collection={"behavior": "void"})
    reward = till.reward(till.member(sub.id))
    assert (till.apply(reward).state, till.get(reward).reason) == ("waiting", "the subscription is paused")
    till.box.sandbox.change(sub.id, pause_collection="")
    till.turn(days=1)
    assert till.get(reward).state == "applied"


def test_a_subscription_that_ends_has_no_next_invoice(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    till.box.sandbox.change(sub.id, cancel_at_period_end=True)
    reward = till.reward(till.member(sub.id))
    found = till.apply(reward)
    assert (found.state, found.reason) == (
        "waiting",
        "the subscription ends on 2026-12-01: there is no next invoice",
    )
    till.box.sandbox.change(sub.id, cancel_at_period_end=False)
    till.turn(days=1)
    assert till.get(reward).state == "applied"


def test_a_cancelled_one_is_none(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    player = till.member(sub.id)
    till.box.client().v1.subscriptions.cancel(sub.id)
    reward = till.reward(player)
    assert till.apply(reward).state == "no_subscription"
    second = subscribe(till.box, a_price(till.box))
    till.member(second.id, player)
    till.turn(days=1)
    assert till.get(reward).subscription_id == second.id


def test_a_customer_who_comes_back_has_the_new_subscription(till: Till) -> None:
    price = a_price(till.box)
    sub = subscribe(till.box, price)
    player = till.member(sub.id)
    client = till.box.client().v1
    client.subscriptions.cancel(sub.id)
    till.turn(days=2)
    again = client.subscriptions.create({"customer": str(sub.customer), "items": [{"price": price}]})
    till.member(again.id, player)
    with till.db.read() as conn:
        found = members.of_player(conn, till.hall_id, player)
    assert found is not None
    assert (found.subscription_id, found.status) == (again.id, "active")


def test_a_discount_that_is_there_stays(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    client = till.box.client().v1
    client.coupons.create({"id": "student", "percent_off": 20, "duration": "forever"})
    client.subscriptions.update(sub.id, {"discounts": [{"coupon": "student"}]})
    reward = till.reward(till.member(sub.id))
    assert till.apply(reward).state == "applied"
    till.turn(seconds=MONTH_S)
    till.turn(seconds=MONTH_S)
    assert till.paid(sub.id) == [2000, 800, 1600]
    assert till.get(reward).saved_cents == 800


def test_a_second_reward_waits_until_the_first_has_met_its_invoice(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    player = till.member(sub.id)
    first, second = till.reward(player, "2026-09"), till.reward(player, "2026-10")
    assert till.apply(first).state == "applied"
    found = till.apply(second)
    assert (found.state, found.reason) == ("waiting", "the reward of 2026-09 has not met an invoice yet")
    till.turn(seconds=MONTH_S)
    till.turn(days=1)
    assert (till.get(first).state, till.get(second).state) == ("consumed", "applied")
    till.turn(seconds=MONTH_S)
    assert till.paid(sub.id) == [2000, 1000, 1000]


def test_a_subscription_gets_one_reward_of_a_month_however_many_halls(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    first = till.reward(till.member(sub.id))
    with till.db.write() as conn:
        (other,) = make_halls(conn, 1, first=7)
    elsewhere = Till(till.db, till.box, till.gateway, other)
    second = elsewhere.reward(player := uuid7())
    elsewhere.member(sub.id, player)  # known to be the same only after both had won
    assert till.apply(first).state == "applied"
    till.turn(seconds=MONTH_S)
    found = till.get(second)
    assert (found.state, found.reason) == ("needs_review", "the subscription has a reward of this month already")


def test_a_schedule_and_odd_intervals_are_for_a_person(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    till.box.client().v1.subscription_schedules.create({"from_subscription": sub.id})
    reward = till.reward(till.member(sub.id))
    assert till.apply(reward).state == "needs_review"
    weekly = Subscription("s", "c", "active", "usd", 500, None, False, None, None, None, False, False, (), "", "")
    assert "whole months" in str(answer_for(till.get(reward).percent, weekly))


def test_a_change_of_plan_that_uses_it_up_is_shown(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id))
    till.apply(reward)
    till.box.sandbox.advance(days=10)
    items: Any = [{"id": sub["items"].data[0].id, "price": a_price(till.box, 5000)}]
    till.box.client().v1.subscriptions.update(sub.id, {"items": items, "proration_behavior": "always_invoice"})
    till.turn(days=1)
    found = till.get(reward)
    assert found.state == "consumed"
    assert found.drift.startswith("an invoice for a change used it up")


def test_a_discount_that_somebody_took_away_at_stripe_is_shown(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id))
    till.apply(reward)
    till.box.sandbox.change(sub.id, discounts="")
    till.turn(days=2)
    found = till.get(reward)
    assert found.state == "needs_review"
    assert "somebody took it away" in found.drift


def test_a_discount_of_ours_that_only_stripe_knows_is_shown(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    player = till.member(sub.id)
    client = till.box.client().v1
    client.coupons.create({"id": f"ladder-2026-07-{sub.id}", "percent_off": 50, "duration": "once"})
    client.subscriptions.update(sub.id, {"discounts": [{"coupon": f"ladder-2026-07-{sub.id}"}]})
    till.turn(days=2)
    with till.db.read() as conn:
        member = members.of_player(conn, till.hall_id, player)
    assert member is not None
    assert member.drift == "Stripe has a reward of 2026-07 that is not ours"


def test_a_reward_is_taken_back_before_its_invoice(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    client = till.box.client().v1
    client.coupons.create({"id": "student", "percent_off": 20, "duration": "forever"})
    client.subscriptions.update(sub.id, {"discounts": [{"coupon": "student"}]})
    reward = till.reward(till.member(sub.id))
    till.apply(reward)
    found = till.payer.reverse(reward, who="dana@example.com", why="two phones, one player")
    assert found.state == "reverted"
    till.turn(seconds=MONTH_S)
    assert till.paid(sub.id) == [2000, 1600]
    with pytest.raises(ReverseError, match="reverted already"):
        till.payer.reverse(reward, who="dana@example.com", why="again")
    with till.db.read() as conn:
        last = rewards.history(conn, reward)[-1]
    assert (last.who, last.said) == ("dana@example.com", "two phones, one player")


def test_what_an_invoice_has_can_not_be_taken_back(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id))
    till.apply(reward)
    till.box.sandbox.advance(seconds=MONTH_S)  # and nobody has told us
    with pytest.raises(ReverseError, match="an invoice has it already"):
        till.payer.reverse(reward, who="dana@example.com", why="too late")
    assert till.get(reward).state == "consumed"


def test_a_reward_on_its_way_is_not_taken_back_meanwhile(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id))
    till.box.sandbox.faults.add("lost_before", method="POST", path=r"/v1/subscriptions/")
    assert till.apply(reward).state == "applying"
    with till.db.write() as conn:
        current = rewards.get(conn, reward)
        assert current is not None
        rewards.touch(conn, current, due_at="2026-11-01T00:09:00.000Z")
    with pytest.raises(ReverseError, match="on its way"):
        till.payer.reverse(reward, who="dana@example.com", why="now")
    till.turn(seconds=int(LEASE.total_seconds()))
    assert till.get(reward).state == "applied"


def test_a_person_tries_again(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id))
    client = till.box.client().v1
    client.coupons.create({"id": f"ladder-2026-10-{sub.id}", "percent_off": 10, "duration": "once"})
    assert till.apply(reward).state == "needs_review"
    client.coupons.delete(f"ladder-2026-10-{sub.id}")
    till.payer.try_again(reward, who="dana@example.com")
    assert till.apply(reward).state == "applied"
    with pytest.raises(ReverseError):
        till.payer.try_again(reward, who="dana@example.com")


def test_a_key_that_is_refused_loses_nothing(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    reward = till.reward(till.member(sub.id))
    wrong = Gateway("sk_test_another", till.box.address)
    with pytest.raises(KeyRefusedError):
        Payer(till.db, wrong, till.now).apply(reward)
    treasurer = Treasurer(till.db, wrong, till.now)
    till.box.sandbox.advance(days=1)
    treasurer.turn(0.0)
    assert "key" in treasurer.trouble
    till.turn(days=1)
    assert till.get(reward).state == "applied"


def test_what_is_not_due_is_not_touched(till: Till) -> None:
    reward = till.reward(uuid7())
    till.apply(reward)
    calls = len(till.box.sandbox.calls)
    assert till.payer.apply(reward) is None
    assert till.payer.apply("nothing") is None
    assert len(till.box.sandbox.calls) == calls


def test_while_stripe_is_away_it_is_asked_a_few_times_and_not_for_each_reward(till: Till) -> None:
    price = a_price(till.box)
    ids = [till.reward(till.member(subscribe(till.box, price).id), f"2026-0{i}") for i in range(1, 10)]
    asked: list[str] = []

    class Away(Gateway):
        def subscription(self, subscription_id: str) -> Subscription:
            asked.append(subscription_id)
            raise UnsureError("nobody answers")

    treasurer = Treasurer(till.db, Away(till.box.key, till.box.address), till.now)
    treasurer.turn(0.0)
    treasurer.turn(30.0)  # not yet
    assert len(asked) == 3
    assert "nobody answers" in treasurer.trouble
    till.turn(seconds=3600)
    assert {till.get(one).state for one in ids} == {"applied"}


def test_an_event_that_can_not_be_looked_into_holds_up_no_other(till: Till) -> None:
    sub = subscribe(till.box, a_price(till.box))
    player = till.member(sub.id)
    now = till.now()
    with till.db.write() as conn:
        webhooks.note(conn, Event("evt_1", "checkout.session.completed", "cs_gone", ""), now)
        webhooks.note(conn, Event("evt_2", "customer.subscription.updated", sub.id, sub.id), now)
    till.box.sandbox.change(sub.id, cancel_at_period_end=True)
    till.turn(seconds=60)
    with till.db.read() as conn:
        member = members.of_player(conn, till.hall_id, player)
        left = conn.rows("SELECT id FROM stripe_events WHERE done_at IS NULL")
    assert member is not None
    assert (member.status, [row["id"] for row in left]) == ("ending", ["evt_1"])
