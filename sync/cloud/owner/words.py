"""How the owner's pages say money, months, moments and states."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from edge.clock import from_stamp, month_after, month_before
from sync.cloud.api import cloud
from sync.cloud.owner.bars import day_words
from sync.cloud.stripe_gateway import Gateway

NO_NAME = "a player who is not shown"

SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}
# In these one of the currency is the smallest there is: https://docs.stripe.com/currencies
WITHOUT_CENTS = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905
)

KINDS = {"half": "50 % off", "free": "a free month"}
UNLOCKED = {"half": "50 % off the next month", "free": "the next month free"}
REWARD_STATES = {
    "decided": "decided, not at Stripe yet",
    "waiting": "waits",
    "no_subscription": "no subscription yet",
    "applying": "on its way to Stripe",
    "applied": "on the next invoice",
    "consumed": "used on an invoice",
    "needs_review": "needs a look",
    "reverted": "taken back",
    "expired": "expired",
}
# What each state calls for, as the colours of the page.
REWARD_CARES = {
    "needs_review": "bad",
    "waiting": "warn",
    "no_subscription": "warn",
    "applied": "ok",
    "consumed": "ok",
}
PERIOD_STATES = {
    "open": "open",
    "grace": "waiting for boxes",
    "frozen": "to look at",
    "decided": "decided",
    "nothing": "nothing told",
}
MEMBER_STATES = {
    "none": "without a subscription",
    "active": "active",
    "trialing": "in a trial",
    "past_due": "past due",
    "paused": "paused",
    "ending": "ending",
    "canceled": "ended",
    "incomplete": "first invoice not paid",
    "incomplete_expired": "never began",
    "unpaid": "not paid",
}
DEEDS = {
    "confirm": "confirmed the month",
    "hold": "held the month",
    "let-run": "let the month run by itself",
    "pass-over": "passed over a player",
    "pass-over-back": "took back passing over a player",
    "try-again": "had a reward tried again",
    "take-back": "took a reward back",
    "seen": "looked at what Stripe says of a reward",
    "rules": "changed the rules",
    "rules-own": "gave this hall rules of its own",
    "rules-forget": "took this hall's own rules away",
}

# What is said after a deed, by the word that its answer's address carries.
DONE = {
    "confirmed": "confirmed. It is decided, and its rewards are on their way.",
    "decided-already": "it was decided already; nothing has changed.",
    "held": "held. It is not decided before a person confirms it.",
    "runs": "it is decided by itself again.",
    "passed-over": "passed over. This is who would win now.",
    "can-win": "taken back. This is who would win now.",
    "tried": "it is tried again; look again in a minute.",
    "taken-back": "it is taken back.",
    "seen": "noted that you have looked.",
}


@dataclass(frozen=True, slots=True)
class Band:
    """What stands over every page while no real money moves."""

    kind: str
    words: str


def band() -> Band | None:
    """None where there is no Stripe, or real money moves."""
    gateway = _gateway()
    if gateway is None or gateway.is_live:
        return None
    if gateway.is_sandbox:
        return Band("sandbox", "SANDBOX: no money moves")
    return Band("test", "Stripe test mode: no real money moves")


def no_stripe() -> str:
    """A sentence where nothing can be paid at all yet."""
    if _gateway() is not None:
        return ""
    return "This cloud is not set up with Stripe yet: months are decided all the same, and nothing is paid."


def stripe_trouble() -> str:
    """Why nothing is paid just now, in a sentence; nothing where it is."""
    trouble = "" if (money := cloud().money) is None else money.treasurer.trouble
    return f"Nothing can be paid just now: {trouble}" if trouble else ""


def _gateway() -> Gateway | None:
    money = cloud().money
    return None if money is None else money.treasurer.gateway


def money_words(cents: int, currency: str) -> str:
    """`$10.00`, `¥`-like ones with their letters: `1,200 JPY`."""
    currency = currency.lower()
    amount = f"{cents:,}" if currency in WITHOUT_CENTS else f"{cents / 100:,.2f}"
    return f"{SIGNS[currency]}{amount}" if currency in SIGNS else f"{amount} {currency.upper()}"


def month_words(month: str) -> str:
    """`October 2026`."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def short_month(month: str, *, with_year: bool = False) -> str:
    """`Oct`."""
    first = date.fromisoformat(f"{month}-01")
    return f"{first:%b %Y}" if with_year else f"{first:%b}"


def moment(at: str | datetime, zone: tzinfo | None = None) -> str:
    """`2 Dec, 14:00 EST`; another year is said. Without a zone it is UTC."""
    zone = zone or UTC
    found = _local(at, zone)
    return f"{on_day(found, zone)}, {found:%H:%M} {found.tzname() or ''}".rstrip()


def on_day(at: str | datetime, zone: tzinfo = UTC) -> str:
    """`12 Dec`; another year is said."""
    found = _local(at, zone)
    year = "" if found.year == cloud().now().astimezone(zone).year else f" {found.year}"
    return day_words(found.date()) + year


def _local(at: str | datetime, zone: tzinfo) -> datetime:
    return (from_stamp(at) if isinstance(at, str) else at).astimezone(zone)


def count_words(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def capitalize_first(text: str) -> str:
    """Only the first letter; names and ids stay as they are."""
    return text[:1].upper() + text[1:]


def helpers() -> dict[str, Any]:
    """What the templates may ask."""
    return {
        "band": band,
        "no_stripe": no_stripe,
        "stripe_trouble": stripe_trouble,
        "money": money_words,
        "month_words": month_words,
        "month_before": month_before,
        "month_after": month_after,
        "moment": moment,
        "on_day": on_day,
        "counted": count_words,
        "KINDS": KINDS,
        "UNLOCKED": UNLOCKED,
        "REWARD_STATES": REWARD_STATES,
        "REWARD_CARES": REWARD_CARES,
        "PERIOD_STATES": PERIOD_STATES,
        "MEMBER_STATES": MEMBER_STATES,
        "DEEDS": DEEDS,
        "DONE": DONE,
        "NO_NAME": NO_NAME,
    }
