"""Months with faults: whatever fails at Stripe or at home, every reward that was decided is given once."""

import random
from datetime import datetime

import pytest
from reward_month import (
    KilledError,
    Mortal,
    MortalDatabase,
    a_price,
    a_score,
    clock_of,
    make_halls,
    make_member,
    subscribe,
    tell_scores,
)
from stripe_sandbox import StripeSandbox, stripe_sandbox

from edge.clock import month_after, month_before, stamp
from edge.facts import uuid7
from sync.cloud import rewards
from sync.cloud.db import Database
from sync.cloud.deciding import Score
from sync.cloud.discounting import MARK
from sync.cloud.paying import Treasurer
from sync.cloud.payouts import LEASE
from sync.cloud.rules import ALL_HALLS, Rules, keep_rules
from sync.cloud.stripe_gateway import Gateway
from sync.sandbox.faults import KINDS

TIMEOUT_S = 0.3
KILLED = 0.03  # of all calls and transactions
FAULTY = 0.4  # of all calls
# Time-outs cost time, so they are one in ten of the faults.
TIMEOUTS = tuple(kind for kind in KINDS if kind.startswith("timeout"))
OFTEN = tuple(kind for kind in KINDS if kind not in TIMEOUTS) * 3 + TIMEOUTS


def months_with_faults(db: Database, box: StripeSandbox, *, seed: int, months: int, halls: int) -> list[str]:
    """Some halls through some months, each with a winner; gives the kinds of fault that were met."""
    rng = random.Random(seed)
    gateway = Gateway(box.key, box.address, TIMEOUT_S)
    now = clock_of(box)
    price = a_price(box)
    with db.write() as conn:
        hall_ids = make_halls(conn, halls)
        keep_rules(conn, ALL_HALLS, Rules(look_hours=0), by="dana@example.com", now=stamp(now()))
    players = {hall_id: uuid7() for hall_id in hall_ids}
    for hall_id, player in players.items():
        make_member(db, gateway, subscribe(box, price).id, (hall_id, player), now())
    met: list[str] = []
    for _ in range(months):
        ended = month_before(now().strftime("%Y-%m"))
        with db.write() as conn:
            for hall_id, player in players.items():
                kind = rng.choice(("half", "free"))
                tell_scores(conn, hall_id, ended, scores_for(player, kind))
        _pay_with_faults(db, box, gateway, rng, met)
        _pay_quietly(db, box)
        first = f"{month_after(now().strftime('%Y-%m'))}-01T02:00:00+00:00"  # after the next invoices
        box.sandbox.advance(to=int(datetime.fromisoformat(first).timestamp()))
    _pay_quietly(db, box)
    return met


def scores_for(player: str, kind: str) -> list[Score]:
    """A winner with half a month, or on two ladders of five for a whole one."""
    others = [uuid7() for _ in range(4)]
    if kind == "half":
        return [a_score(player, 70.0), *(a_score(one, 50.0) for one in others)]
    ladders = {"a" * 8 + uuid7()[8:]: "Eight-ball", "b" * 8 + uuid7()[8:]: "Nine-ball"}
    return [
        a_score(one, 70.0 if one == player else 50.0, ladder=ladder, ladder_name=name)
        for one in (player, *others)
        for ladder, name in ladders.items()
    ]


def _pay_with_faults(
    db: Database, box: StripeSandbox, gateway: Gateway, rng: random.Random, met: list[str]
) -> None:
    for _ in range(30):
        box.sandbox.faults.clear()
        box.sandbox.faults.by_seed(rng.randrange(1 << 30), FAULTY, OFTEN, hold_s=2)
        treasurer = Treasurer(
            MortalDatabase(db, rng, KILLED),  # type: ignore[arg-type]
            Mortal(gateway, rng, KILLED),  # type: ignore[arg-type]
            clock_of(box),
        )
        try:
            treasurer.turn(0.0)
        except KilledError:
            met.append("killed")
        met += [call.fault for call in box.sandbox.calls if call.fault]
        box.sandbox.forget_calls()
        box.sandbox.advance(seconds=int(LEASE.total_seconds() / 2) + rng.randrange(600))
    box.sandbox.faults.clear()


def _pay_quietly(db: Database, box: StripeSandbox) -> None:
    """Nothing fails any more: what was put off for long comes in a day."""
    patient = Gateway(box.key, box.address, 10.0)
    for _ in range(5):
        Treasurer(db, patient, clock_of(box)).turn(0.0)
        box.sandbox.advance(seconds=6 * 3600 + 60)


def check_books(db: Database, box: StripeSandbox, wanted: int) -> None:
    """Ours equals Stripe's: each reward met one invoice, once, and no invoice had two."""
    with db.read() as conn:
        ids = [row["id"] for row in conn.rows("SELECT id FROM subscription_rewards")]
        found = [one for reward_id in ids if (one := rewards.get(conn, reward_id))]
    assert len(found) == wanted
    assert {one.state for one in found} == {"consumed"}, [(one.state, one.reason, one.drift) for one in found]
    assert not [one.drift for one in found if one.drift]
    by_coupon = {one.coupon_id: one for one in found}
    coupon_of = {one["id"]: one["source"]["coupon"] for one in box.sandbox.all("discount")}
    met: dict[str, list[tuple[str, int]]] = {}
    for invoice in box.sandbox.all("invoice"):
        savings = [
            (coupon_of[one["discount"]], one["amount"])
            for one in invoice["total_discount_amounts"]
            if coupon_of[one["discount"]].startswith(MARK)
        ]
        assert len(savings) <= 1, "two rewards on one invoice"
        for coupon, amount in savings:
            met.setdefault(coupon, []).append((invoice["id"], amount))
    assert met.keys() == by_coupon.keys()
    for coupon, invoices in met.items():
        reward = by_coupon[coupon]
        assert invoices == [(reward.invoice_id, reward.saved_cents)]
        assert reward.saved_cents == 2000 * reward.percent // 100
    coupons = {one["id"]: (one["times_redeemed"], one["max_redemptions"]) for one in box.sandbox.all("coupon")}
    assert coupons == dict.fromkeys(by_coupon, (1, 1))


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_decided_is_given_once_whatever_fails(db: Database, seed: int) -> None:
    with stripe_sandbox(seed=seed) as box:
        met = months_with_faults(db, box, seed=seed, months=2, halls=3)
        check_books(db, box, wanted=6)
    assert "killed" in met
    assert len(set(met)) > 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_thousand_months(db: Database, seed: int) -> None:
    """A hundred for each seed: fifty on each database."""
    with stripe_sandbox(seed=seed) as box:
        met = months_with_faults(db, box, seed=seed, months=5, halls=10)
        check_books(db, box, wanted=50)
    assert {*KINDS, "killed"} <= set(met)
