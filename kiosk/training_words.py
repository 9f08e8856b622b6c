"""Training scores, rewards and subscriptions in words, for pages."""

from edge.clock import from_stamp
from edge.hall.feed import TAGLINES, Post
from edge.hall.money import money_text
from edge.hall.occasion import hall_day
from edge.hall.rewards import HallReward, Offer, Subscription
from edge.hall.training_board import Step
from kiosk.box import box
from kiosk.fragments import month_name, points_text
from kiosk.wording import counted, short_date

AS_USUAL_PCT = 0.05  # a smaller difference would be shown as 0.0
# What the cloud says that the texts know; a later one may say more.
STATUSES = ("active", "trialing", "past_due", "unpaid", "incomplete", "paused", "ending", "canceled")
STATES = (
    "decided", "applying", "applied", "consumed", "waiting", "no_subscription", "needs_review", "expired",
)  # fmt: skip


def tenths(value: float) -> str:
    """With one decimal: `71.3`."""
    return f"{value:.1f}"


def exact(value: float) -> str:
    """With both decimals, as the sum of a score is made: `71.25`."""
    return f"{value:.2f}"


def signed_tenths(value: float) -> str:
    """A change, with its sign; nothing has none."""
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text


def hours_text(hours: float) -> str:
    """How long somebody trained."""
    return box().t("training.hours", hours=points_text(hours))


def somebody(name: str | None) -> str:
    """Who has won, as everybody may know."""
    return name or box().t("training.somebody")


def tagline(post: Post) -> str:
    """The sentence of a post."""
    return box().t(f"training.tagline.{post.tagline % TAGLINES}")


def step_words(step: Step) -> str:
    """What one measure of a session came to, before and after shrinking."""
    t = box().t
    strokes = counted("strokes", step.strokes)
    if step.value is None:
        return t("training.step.nothing")
    if step.raw is None:
        return t("training.step.alone", value=round(step.value), strokes=strokes)
    raw, so_much = tenths(abs(step.raw)), signed_tenths(step.counted)
    return t(f"training.step.{step_way(step)}", raw=raw, counted=so_much, strokes=strokes)


def step_way(step: Step) -> str:
    """Whether a measure is `over` what is usual, `under` or `as` it; `alone` where there is nothing usual yet."""
    if step.raw is None:
        return "alone"
    return "as" if abs(step.raw) < AS_USUAL_PCT else "over" if step.raw > 0 else "under"


def missing_to_win(sessions: int, hours: float) -> str:
    """How little is missing from being able to win."""
    t = box().t
    if sessions and hours:
        return t("training.missing_both", sessions=counted("sessions", sessions), hours=hours_text(hours))
    return t("training.missing_one", what=counted("sessions", sessions) if sessions else hours_text(hours))


def date_of(stamp: str) -> str:
    """The hall's day of a moment, with the year where it is another: `Oct 31`."""
    day = hall_day(from_stamp(stamp), box().settings.hall.zone)
    this = box().here().day[:4]
    return (
        short_date(day) if day[:4] == this else box().t("training.date_year", date=short_date(day), year=day[:4])
    )


def price_words(cents: int, currency: str, months: int) -> str:
    """`$29.00 a month`."""
    amount = money_text(cents, currency.upper())
    if months == 1:
        return box().t("subscription.a_month", amount=amount)
    if months == 12:
        return box().t("subscription.a_year", amount=amount)
    return box().t("subscription.every_months", amount=amount, months=months)


def offer_price(offer: Offer) -> str:
    """What a subscription costs here."""
    return price_words(offer.cents, offer.currency, offer.months)


def own_price(held: Subscription) -> str:
    """What a player's own costs, empty where it is not known."""
    if held.price_cents is None or held.currency is None or not held.months:
        return ""
    return price_words(held.price_cents, held.currency, held.months)


def status_words(held: Subscription) -> str:
    """How a subscription stands, in a line."""
    t = box().t
    if held.status == "trialing" and held.trial_ends_at:
        return t("subscription.until.trialing", date=date_of(held.trial_ends_at))
    if held.status in ("ending", "canceled") and held.ends_at:
        return t(f"subscription.until.{held.status}", date=date_of(held.ends_at))
    return t(f"subscription.status.{held.status if held.status in STATUSES else 'unknown'}")


def reward_state(reward: HallReward) -> str:
    """How far a reward is, for the player's own eyes."""
    t = box().t
    if reward.state == "consumed" and reward.saved_cents and reward.currency:
        saved = money_text(reward.saved_cents, reward.currency.upper())
        return t("training.saved", amount=saved)
    return t(f"training.state.{reward.state if reward.state in STATES else 'unknown'}")


def discount_words(month: str, kind: str | None) -> str:
    """What comes off the next invoice, and for which month."""
    t = box().t
    return t(f"subscription.discount.{kind if kind in ('half', 'free') else 'some'}", month=month_name(month))


HELPERS = {
    "tenths": tenths,
    "exact": exact,
    "signed_tenths": signed_tenths,
    "hours_text": hours_text,
    "somebody": somebody,
    "tagline": tagline,
    "step_words": step_words,
    "step_way": step_way,
    "missing_to_win": missing_to_win,
    "date_of": date_of,
    "offer_price": offer_price,
    "own_price": own_price,
    "status_words": status_words,
    "reward_state": reward_state,
    "discount_words": discount_words,
}
