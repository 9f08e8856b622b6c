"""What a reward takes off a subscription, by what that subscription is like: pure rules, and the coupon's id.

docs/decisions/0018 has the table.
"""

from dataclasses import dataclass

from sync.cloud.rewards import Reward
from sync.cloud.stripe_gateway import Coupon, Subscription

MARK = "ladder-"  # every coupon of ours begins so


@dataclass(frozen=True, slots=True)
class Off:
    """What is taken off the next invoice: a share, or an amount in the subscription's currency."""

    percent: int | None = None
    cents: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """It can't be given now, and perhaps later by itself."""

    why: str


@dataclass(frozen=True, slots=True)
class Review:
    """A person is to look."""

    why: str


def coupon_id(reward: Reward, subscription_id: str) -> str:
    """The one coupon by which a subscription may have a month's reward."""
    return f"{MARK}{reward.period}-{subscription_id}"


def answer_for(percent: int, sub: Subscription) -> Off | Wait | Review:
    """What a subscription as it stands means for so much off a month; docs/decisions/0018 has the table."""
    ends = "" if sub.ends_at is None else f" on {sub.ends_at.date().isoformat()}"
    own = next((one.coupon for one in sub.discounts if one.coupon.startswith(MARK)), None)
    hindrances: tuple[tuple[bool, Wait | Review], ...] = (
        (sub.scheduled, Review("a schedule at Stripe steers the subscription: give the discount there")),
        (sub.status in ("incomplete", "unpaid"), Wait(f"its invoices are not paid ({sub.status})")),
        (sub.paused, Wait("the subscription is paused")),
        (sub.ends, Wait(f"the subscription ends{ends}: there is no next invoice")),
        (own is not None, Wait(f"the reward of {month_in(own or '')} has not met an invoice yet")),
        (sub.months is None, Review("its invoices are not of whole months")),
        (sub.price_cents <= 0, Review("there is nothing to take off")),
    )
    hindrance = next((answer for holds, answer in hindrances if holds), None)
    if hindrance is not None or sub.months is None:
        return hindrance or Review("")
    if sub.months == 1:
        return Off(percent=percent)
    cents = (sub.price_cents * percent + 50 * sub.months) // (100 * sub.months)  # of one month, not of all
    return Off(cents=max(1, cents), currency=sub.currency)


def month_in(coupon: str) -> str:
    """The month for which a coupon of ours is."""
    return coupon.removeprefix(MARK)[:7]


def is_as_wanted(made: Coupon, off: Off) -> bool:
    """Whether a coupon that is there takes off just that, once."""
    if made.duration != "once":
        return False
    if off.percent is not None:
        return made.percent_off == off.percent
    return made.amount_off == off.cents and made.currency == off.currency
