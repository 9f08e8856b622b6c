"""What a reward would come to, or comes to, at the subscription as it was last known."""

from dataclasses import dataclass
from typing import Literal

from edge.clock import from_stamp, month_after
from sync.cloud.deciding import Kind
from sync.cloud.discounting import Off, Wait, answer_for
from sync.cloud.halls import Hall
from sync.cloud.members import Member
from sync.cloud.owner.words import money_words, month_words, on_day
from sync.cloud.rewards import PERCENT
from sync.cloud.stripe_gateway import Discount, Subscription


@dataclass(frozen=True, slots=True)
class Would:
    """In a sentence; `care` is `ok` where it goes by itself, `bad` where a person will have to look."""

    care: Literal["ok", "warn", "bad"]
    words: str


def would_apply(kind: Kind, member: Member | None, hall: Hall, month: str) -> Would:
    """What would be applied for a month's winner; by the same rule that pays (`discounting.answer_for`)."""
    until = month_words(month_after(month))
    if member is None or member.subscription_id is None:
        return Would("warn", f"No subscription is known: it waits for one until the end of {until}.")
    if not member.subscribed:
        return Would("warn", f"The subscription has ended: it waits for another until the end of {until}.")
    sub = _as_known(member)
    answer = answer_for(PERCENT[kind], sub)
    if isinstance(answer, Off):
        return Would("ok", _off_words(answer, sub, hall))
    if isinstance(answer, Wait):
        return Would("warn", f"It would wait: {answer.why}.")
    return Would("bad", f"A person would have to look: {answer.why}.")


def _off_words(off: Off, sub: Subscription, hall: Hall) -> str:
    when = ""
    if sub.trial_ends_at is not None and sub.status == "trialing":
        when = f", the first after the trial ends on {on_day(sub.trial_ends_at, hall.zone_info)}"
    elif sub.renews_at is not None:
        when = f" of {on_day(sub.renews_at, hall.zone_info)}"
    if off.percent is not None:
        saved = money_words((sub.price_cents * off.percent + 50) // 100, sub.currency)
        return f"{off.percent} % off the invoice{when}, {saved}."
    saved = money_words(off.cents or 0, off.currency or sub.currency)
    return f"{saved} off the invoice{when}: of one month, for it pays {sub.months}."


def _as_known(member: Member) -> Subscription:
    """The subscription as Stripe said last."""
    says = member.says
    ends, renews, trial = (
        None if not says.get(name) else from_stamp(says[name])
        for name in ("ends_at", "renews_at", "trial_ends_at")
    )
    return Subscription(
        id=member.subscription_id or "",
        customer=member.customer_id,
        status=str(says.get("status", "")),
        currency=str(says.get("currency", "")),
        price_cents=int(says.get("price_cents") or 0),
        months=says.get("months"),
        ends=bool(says.get("ends")),
        ends_at=ends,
        renews_at=renews,
        trial_ends_at=trial,
        paused=bool(says.get("paused")),
        scheduled=False,  # not kept; who pays asks again
        discounts=tuple(Discount("", coupon) for coupon in says.get("coupons", ())),
        hall="",
        player="",
    )
