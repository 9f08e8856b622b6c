"""Products and prices."""

from decimal import Decimal
from typing import Any

from sync.sandbox.errors import invalid, lacking, unsupported
from sync.sandbox.shown import PAGING, page, within
from sync.sandbox.store import Body
from sync.sandbox.turn import Turn, merged, only, write

PRODUCT_DOES = (
    "id", "name", "active", "description", "metadata", "statement_descriptor", "unit_label", "url", "images",
    "default_price_data",
)  # fmt: skip
PRICE_DOES = (
    "active", "currency", "lookup_key", "metadata", "nickname", "product", "product_data", "recurring",
    "unit_amount", "billing_scheme", "tax_behavior",
)  # fmt: skip
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}  # three years


def create_product(turn: Turn, given: Body) -> Body:
    only(given, PRODUCT_DOES)
    ident = given.get("id") or turn.store.new_id("prod_", 14)
    if turn.store.get("product", ident) is not None:
        raise invalid(f"Product already exists: {ident}", "id", "resource_already_exists")
    product: Body = {
        "id": ident,
        "object": "product",
        "active": given.get("active", True),
        "created": turn.at,
        "default_price": None,
        "description": given.get("description"),
        "images": given.get("images") or [],
        "livemode": False,
        "marketing_features": [],
        "metadata": merged({}, given.get("metadata")),
        "name": given["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": given.get("statement_descriptor"),
        "tax_code": None,
        "tax_details": None,
        "type": "service",
        "unit_label": given.get("unit_label"),
        "updated": turn.at,
        "url": given.get("url"),
    }
    turn.store.put("product", product)
    if "default_price_data" in given:
        price = create_price(turn, {**given["default_price_data"], "product": ident})
        product["default_price"] = price["id"]
        turn.store.put("product", product)
    turn.emit("product.created", product, turn.at)
    return product


def update_product(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("active", "description", "metadata", "name", "url", "unit_label", "default_price"))
    product = turn.find("product", ident)
    before = dict(product)
    write(product, given, ("active", "description", "name", "url", "unit_label", "default_price"))
    if product["default_price"] is not None:
        turn.find("price", product["default_price"], param="default_price", status=400)
    product["metadata"] = merged(product["metadata"], given.get("metadata"))
    product["updated"] = turn.at
    turn.store.put("product", product)
    turn.emit("product.updated", product, turn.at, before)
    return product


def find_products(turn: Turn, given: Body) -> Body:
    only(given, ("active", "created", "ids", *PAGING))
    found = (
        one
        for one in turn.store.all("product")
        if within(one["created"], given.get("created"))
        and given.get("active") in (None, one["active"])
        and ("ids" not in given or one["id"] in given["ids"])
    )
    return page(found, given, "/v1/products", "product")


def create_price(turn: Turn, given: Body) -> Body:
    only(given, PRICE_DOES)
    if ("product" in given) == ("product_data" in given):
        raise invalid("Either `product` or `product_data` is required.", "product", "parameter_missing")
    if "unit_amount" not in given:
        raise lacking("unit_amount")
    if given["unit_amount"] < 0:
        raise invalid("Invalid non-negative integer", "unit_amount", "parameter_invalid_integer")
    if given.get("billing_scheme", "per_unit") != "per_unit":
        raise unsupported("billing_scheme", "only per_unit")
    if "product" in given:
        product = turn.find("product", given["product"], param="product", status=400)["id"]
    else:
        product = create_product(turn, given["product_data"])["id"]
    key = given.get("lookup_key")
    if key is not None and any(one["lookup_key"] == key for one in turn.store.all("price")):
        raise invalid(f"A price (`{key}`) already uses that lookup key.", "lookup_key")
    price: Body = {
        "id": turn.store.new_id("price_"),
        "object": "price",
        "active": given.get("active", True),
        "billing_scheme": "per_unit",
        "created": turn.at,
        "currency": currency(given["currency"]),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": key,
        "metadata": merged({}, given.get("metadata")),
        "nickname": given.get("nickname"),
        "product": product,
        "recurring": _recurring(given.get("recurring")),
        "tax_behavior": given.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if "recurring" in given else "one_time",
        "unit_amount": given["unit_amount"],
        "unit_amount_decimal": str(Decimal(given["unit_amount"])),
    }
    turn.store.put("price", price)
    turn.emit("price.created", price, turn.at)
    return price


def update_price(turn: Turn, given: Body, ident: str) -> Body:
    only(given, ("active", "metadata", "nickname"))
    price = turn.find("price", ident)
    before = dict(price)
    for name in ("active", "nickname"):
        if name in given:
            price[name] = given[name]
    price["metadata"] = merged(price["metadata"], given.get("metadata"))
    turn.store.put("price", price)
    turn.emit("price.updated", price, turn.at, before)
    return price


def find_prices(turn: Turn, given: Body) -> Body:
    does = (
        "active",
        "created",
        "currency",
        "product",
        "type",
        "lookup_keys",
        *PAGING,
    )
    only(given, does)
    found = (
        one
        for one in turn.store.all("price")
        if within(one["created"], given.get("created"))
        and all(given.get(name) in (None, one[name]) for name in ("active", "currency", "product", "type"))
        and ("lookup_keys" not in given or one["lookup_key"] in given["lookup_keys"])
    )
    return page(found, given, "/v1/prices", "price")


def plan_of(price: Body) -> Body:
    """The price as the plan it once was: subscription items still carry both."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def currency(text: str) -> str:
    """Raises ApiError for what is no three letters."""
    if len(text) != 3 or not text.isascii() or not text.isalpha():
        raise invalid(f"Invalid currency: {text}.", "currency")
    return text.lower()


def _recurring(given: Body | None) -> dict[str, Any] | None:
    if given is None:
        return None
    only(given, ("interval", "interval_count", "usage_type"), "recurring")
    if given.get("usage_type", "licensed") != "licensed":
        raise unsupported("recurring[usage_type]", "only licensed")
    interval, count = given["interval"], given.get("interval_count", 1)
    if interval not in LONGEST or not 1 <= count <= LONGEST[interval]:
        raise invalid("The interval must be between one day and three years.", "recurring[interval_count]")
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
