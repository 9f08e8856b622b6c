"""How objects leave the sandbox: without what is ours, expanded where asked, in pages."""

from collections.abc import Callable, Iterable
from typing import Any

from sync.sandbox.errors import invalid, missing
from sync.sandbox.store import Body, Store

DEEPEST = 4
LIMIT = 10
PAGING = ("limit", "starting_after", "ending_before")

# The fields that hold an id, and of what. None: Stripe would expand it, the sandbox never has one.
EXPANDABLE: dict[str, dict[str, str | None]] = {
    "subscription": {
        "application": None,
        "customer": "customer",
        "default_payment_method": "payment_method",
        "default_source": None,
        "discounts": "discount",
        "latest_invoice": "invoice",
        "on_behalf_of": None,
        "pending_setup_intent": None,
        "schedule": "subscription_schedule",
        "test_clock": "test_helpers.test_clock",
    },
    "discount": {"customer": "customer", "promotion_code": None},
    "invoice": {
        "application": None,
        "customer": "customer",
        "default_payment_method": "payment_method",
        "default_source": None,
        "discounts": "discount",
        "latest_revision": None,
        "on_behalf_of": None,
        "test_clock": "test_helpers.test_clock",
        "account_tax_ids": None,
    },
    "line_item": {"discounts": "discount", "subscription": "subscription"},
    "customer": {"default_source": None, "test_clock": "test_helpers.test_clock"},
    "price": {"product": "product"},
    "plan": {"product": "product"},
    "product": {"default_price": "price", "tax_code": None},
    "checkout.session": {
        "customer": "customer",
        "invoice": "invoice",
        "payment_intent": None,
        "payment_link": None,
        "setup_intent": None,
        "subscription": "subscription",
    },
    "subscription_item": {"discounts": "discount"},
    "subscription_schedule": {
        "application": None,
        "customer": "customer",
        "subscription": "subscription",
        "test_clock": "test_helpers.test_clock",
    },
    "payment_method": {"customer": "customer"},
    "billing_portal.session": {"configuration": None},
}
# By the name of the field alone, wherever it is within an object that isn't one of those above.
NESTED: dict[str, str | None] = {
    "coupon": "coupon",
    "discount": "discount",
    "promotion_code": None,
    "subscription": "subscription",
    "price": "price",
    "default_payment_method": "payment_method",
    "account": None,
    "credit_balance_transaction": None,
}
# What is only there when it is asked for; where the sandbox has it, it is kept with a `_` before its name.
INCLUDED: dict[str, frozenset[str]] = {
    "coupon": frozenset({"applies_to", "currency_options"}),
    "price": frozenset({"currency_options", "tiers"}),
    "customer": frozenset(
        {"sources", "subscriptions", "tax", "tax_ids", "cash_balance", "invoice_credit_balance"}
    ),
    "invoice": frozenset({"payments", "confirmation_secret"}),
    "checkout.session": frozenset({"line_items"}),
}


def plain(value: Any) -> Any:
    """Without the fields that are the sandbox's own, whose names begin with `_`."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name[:1] != "_"}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


class Shower:
    """Turns kept objects into answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def show(self, body: Body, expand: Iterable[str] = ()) -> Body:
        """A copy to send. Raises ApiError for an `expand` that there isn't."""
        sent: Body = plain(body)
        for path in expand:
            steps = path.split(".")
            if not path or len(steps) > DEEPEST + (steps[0] == "data"):
                raise invalid(
                    f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}", "expand"
                )
            self._expand(sent, body, steps, path)
        return sent

    def _expand(self, sent: Any, kept: Any, steps: list[str], path: str) -> None:
        if isinstance(sent, list):
            for index, one in enumerate(sent):
                self._expand(
                    one, kept[index] if isinstance(kept, list) and index < len(kept) else one, steps, path
                )
            return
        if not isinstance(sent, dict):
            return  # nothing is there to go on from
        step, rest = steps[0], steps[1:]
        kind = sent.get("object", "")
        table = EXPANDABLE.get(kind, {} if "id" in sent else NESTED)
        if step in INCLUDED.get(kind, ()):
            sent.setdefault(step, plain(self._included(kept, step)))
        elif step in table:
            sent[step] = self._opened(sent.get(step), table[step], kept)
        elif step not in sent or not (rest and isinstance(sent[step], (dict, list, type(None)))):
            raise invalid(
                f"This property cannot be expanded ({path}). You may want to try expanding `data.{path}`."
                if kind == "list"
                else f"This property cannot be expanded ({path}).",
                "expand",
            )
        if rest:
            below = sent[step]
            self._expand(below, self._kept_of(below, kept, step), rest, path)

    def _kept_of(self, below: Any, kept: Any, step: str) -> Any:
        if isinstance(below, dict) and "id" in below and "object" in below:
            return self._store.get(below["object"], below["id"]) or below
        if isinstance(below, list):
            return [self._kept_of(one, None, "") for one in below]
        return kept.get(step, below) if isinstance(kept, dict) else below

    def _included(self, kept: Any, step: str) -> Any:
        if step == "subscriptions":
            found = [plain(one) for one in self._store.all("subscription", customer=kept["id"])]
            return listed(
                [one for one in found if one["status"] != "canceled"], f"/v1/customers/{kept['id']}/{step}"
            )
        if step in ("sources", "tax_ids"):
            return listed([], f"/v1/customers/{kept['id']}/{step}")
        return kept.get(f"_{step}")

    def _opened(self, value: Any, kind: str | None, kept: Any) -> Any:
        if isinstance(value, list):
            return [self._opened(one, kind, kept) for one in value]
        if not isinstance(value, str) or kind is None:
            return value
        if kind == "coupon":
            return plain(self._coupon(value, kept))
        found = self._store.get(kind, value)
        return plain(found) if found is not None else value

    def _coupon(self, ident: str, kept: Any) -> Body | str:
        """The coupon, also one that is deleted by now: the discount has kept what it was."""
        live = self._store.get("coupon", ident)
        was = kept.get("_coupon") if isinstance(kept, dict) else None
        if live is not None and (was is None or live["created"] == was["created"]):
            return live
        return was if was is not None else ident


def listed(data: list[Body], url: str, has_more: bool = False) -> Body:
    """A list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def page(bodies: Iterable[Body], given: Body, url: str, noun: str) -> Body:
    """The page that `limit`, `starting_after` and `ending_before` ask for, of objects with the newest first."""
    limit = given.get("limit", LIMIT)
    if not 1 <= limit <= 100:
        if limit > 100:
            raise invalid("Invalid integer: This value must be less than or equal to 100 (limit param).", "limit")
        raise invalid("This value must be greater than or equal to 1 (limit param).", "limit")
    after, before = given.get("starting_after"), given.get("ending_before")
    if after is not None and before is not None:
        raise invalid("You cannot parameterize both starting_after and ending_before.", "ending_before")
    if before is not None:
        return _page_before(list(bodies), before, limit, url, noun)
    data: list[Body] = []
    begun = after is None
    for body in bodies:
        if begun and len(data) == limit:
            return listed(data, url, has_more=True)
        if begun:
            data.append(body)
        elif body["id"] == after:
            begun = True
    if not begun:
        raise missing(noun, str(after), "starting_after", 400)
    return listed(data, url)


def _page_before(bodies: list[Body], before: str, limit: int, url: str, noun: str) -> Body:
    place = next((i for i, body in enumerate(bodies) if body["id"] == before), None)
    if place is None:
        raise missing(noun, before, "ending_before", 400)
    return listed(bodies[max(0, place - limit) : place], url, has_more=place > limit)


def within(value: int | None, asked: Any) -> bool:
    """Whether a time is in what `created` and its like ask for: an exact second, or gt, gte, lt, lte."""
    if asked is None:
        return True
    if value is None:
        return False
    if isinstance(asked, int):
        return value == asked
    tests: dict[str, Callable[[int, int], bool]] = {
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
    }
    return all(tests[name](value, limit) for name, limit in asked.items())
