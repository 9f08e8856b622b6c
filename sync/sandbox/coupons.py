"""Coupons: what may be given, how often, until when."""

from sync.sandbox.errors import invalid, missing, unsupported
from sync.sandbox.shown import page, within
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn, merged, only, write

DOES = (
    "id", "percent_off", "amount_off", "currency", "duration", "duration_in_months", "max_redemptions",
    "redeem_by", "metadata", "name", "applies_to",
)  # fmt: skip


def create(turn: Turn, given: Body) -> Body:
    only(given, DOES)
    ident = given.get("id") or turn.store.new_id("", 8)
    if turn.store.get("coupon", ident) is not None:
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    _require_worth(given)
    duration = given.get("duration", "once")
    if (duration == "repeating") != ("duration_in_months" in given):
        raise invalid(
            "You must pass duration_in_months if and only if duration is repeating."
            if duration == "repeating"
            else f"duration_in_months must not be passed with a duration of {duration}.",
            "duration_in_months",
        )
    if given.get("max_redemptions", 1) < 1:
        raise invalid("This value must be greater than or equal to 1.", "max_redemptions")
    if given.get("redeem_by", turn.at + 1) <= turn.at:
        raise invalid("redeem_by must be a timestamp in the future.", "redeem_by")
    amount = given.get("amount_off")
    coupon: Body = {
        "id": ident,
        "object": "coupon",
        "amount_off": amount,
        "created": turn.at,
        "currency": given["currency"].lower() if amount is not None else None,
        "duration": duration,
        "duration_in_months": given.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": given.get("max_redemptions"),
        "metadata": merged({}, given.get("metadata")),
        "name": given.get("name"),
        "percent_off": given.get("percent_off"),
        "redeem_by": given.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
        "_applies_to": _products(turn, given.get("applies_to")),
    }
    turn.store.put("coupon", coupon)
    if coupon["redeem_by"] is not None:
        turn.store.set_timer("", coupon["redeem_by"], "coupon_over", ident)
    turn.emit("coupon.created", coupon, turn.at)
    return coupon


def update(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("metadata", "name"))
    coupon = turn.find("coupon", ident)
    before = dict(coupon)
    coupon["metadata"] = merged(coupon["metadata"], given.get("metadata"))
    write(coupon, given, ("name",))
    turn.store.put("coupon", coupon)
    turn.emit("coupon.updated", coupon, turn.at, before)
    return coupon


def delete(turn: Turn, _given: Body, ident: str) -> Body:
    """Who has it already keeps it."""
    coupon = turn.find("coupon", ident)
    turn.store.remove("coupon", ident)
    turn.store.stop_timers(ident)
    turn.emit("coupon.deleted", {**coupon, "valid": False}, turn.at)
    return {"id": ident, "object": "coupon", "deleted": True}


def find_all(turn: Turn, given: Body) -> Body:
    found = (one for one in turn.store.all("coupon") if within(one["created"], given.get("created")))
    return page(found, given, "/v1/coupons", "coupon")


def over(turn: Turn, ident: str, _now: int) -> None:
    """`redeem_by` has passed."""
    coupon = turn.store.get("coupon", ident)
    if coupon is not None and coupon["valid"]:
        before = dict(coupon)
        coupon["valid"] = False
        turn.store.put("coupon", coupon)
        turn.emit("coupon.updated", coupon, turn.at, before)


def redeem(turn: Turn, ident: str, currency: str, now: int, param: str) -> Body:
    """Counts a redemption, and returns the coupon as it is then. Raises ApiError where it can't be given."""
    coupon = turn.store.get("coupon", ident)
    if coupon is None:
        raise missing("coupon", ident, param, 400)
    require_usable(coupon, currency, now, param)
    coupon["times_redeemed"] += 1
    if coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]:
        coupon["valid"] = False
    return turn.store.put("coupon", coupon)


def require_usable(coupon: Body, currency: str, now: int, param: str) -> None:
    """Raises ApiError."""
    most = coupon["max_redemptions"]
    if most is not None and coupon["times_redeemed"] >= most:
        raise invalid(f"Coupon {coupon['id']} is used up and cannot be applied.", param, "coupon_expired")
    if coupon["redeem_by"] is not None and now >= coupon["redeem_by"]:
        raise invalid(f"Coupon expired: {coupon['id']}", param, "coupon_expired")
    if coupon["amount_off"] is not None and coupon["currency"] != currency:
        raise invalid(
            f"The coupon {coupon['id']} can only be applied to items in `{coupon['currency']}`, but the currency "
            "here "
            f"is `{currency}`.",
            param,
        )


def _require_worth(given: Body) -> None:
    if ("percent_off" in given) == ("amount_off" in given):
        raise invalid(
            "You may only specify one of these parameters: amount_off, percent_off."
            if "percent_off" in given
            else "Must provide either percent_off or amount_off.",
            "amount_off" if "percent_off" in given else None,
        )
    if "percent_off" in given and not 0 < given["percent_off"] <= 100:
        raise invalid("percent_off must be greater than 0 and less than or equal to 100.", "percent_off")
    if "amount_off" in given:
        if given["amount_off"] < 1:
            raise invalid("Invalid positive integer", "amount_off", "parameter_invalid_integer")
        if "currency" not in given:
            raise invalid("You must pass currency when passing amount_off.", "currency", "parameter_missing")
    if "currency_options" in given:
        raise unsupported("currency_options")


def _products(turn: Turn, given: Body | None) -> Body | None:
    if not given:
        return None
    for place, product in enumerate(given.get("products", [])):
        turn.find("product", product, param=f"applies_to[products][{place}]", status=400)
    return {"products": given.get("products", [])}
