"""Amounts of money: whole minor units of a currency (cents), shown and read as people write them."""

import re

from edge.hall.errors import HallError

# ISO 4217: currencies whose smallest unit is the whole, and those with three decimals. All others have two.
_WHOLE = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF")
    + ("XOF", "XPF")
)
_THREE = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
# Signs that stand in front; of any other currency the code stands behind.
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "INR": "₹"}
_TYPED = re.compile(r"([0-9]{1,8})(?:[.,]([0-9]{1,3}))?")

MOST = 10_000_000


def decimals(currency: str) -> int:
    """How many digits of that currency stand behind the point."""
    return 0 if currency in _WHOLE else 3 if currency in _THREE else 2


def plain_amount(amount: int, currency: str) -> str:
    """`12.50`: without the currency, as a form or a spreadsheet takes it."""
    places = decimals(currency)
    if places == 0:
        return str(amount)
    whole, part = divmod(abs(amount), 10**places)
    return f"{'-' if amount < 0 else ''}{whole}.{part:0{places}}"


def money_text(amount: int, currency: str) -> str:
    """`$12.50`, or `12.50 CHF`; a real minus."""
    sign = _SIGNS.get(currency, "")
    text = plain_amount(abs(amount), currency)
    minus = "\N{MINUS SIGN}" if amount < 0 else ""
    return f"{minus}{sign}{text}" if sign else f"{minus}{text} {currency}"


def read_money(text: str, currency: str) -> int:
    """The amount that somebody typed, with a point or a comma. Raises HallError `money_unreadable`."""
    found = _TYPED.fullmatch(text.strip())
    places = decimals(currency)
    if found is None or len(found[2] or "") > places:
        raise HallError("money_unreadable")
    amount = int(found[1]) * int(10**places) + int((found[2] or "").ljust(places, "0") or "0")
    if amount > MOST:
        raise HallError("money_unreadable")
    return amount
