"""Cents: discounts and what is left of a period. Pure, whole numbers, and the parts always add up to the whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True, slots=True)
class Cut:
    """What a coupon takes off: a percentage, or an amount. `lines` are those it applies to; None is all."""

    percent: Decimal | None = None
    amount: int | None = None
    lines: frozenset[int] | None = None


def rounded(value: Decimal) -> int:
    """To whole cents, half a cent up."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole cents over `weights`, by largest remainder: the parts add up to `total`, none is further
    than a cent from its exact share. The weights are not negative; where all are 0, so is every part."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def take_off(lines: Sequence[int], cuts: Sequence[Cut]) -> list[list[int]]:
    """What each cut takes off each line. One cut works on what those before it have left, and none takes more than
    there is. Credits (negative lines) are left alone."""
    left = [max(0, amount) for amount in lines]
    taken = []
    for cut in cuts:
        open_to = [amount if cut.lines is None or i in cut.lines else 0 for i, amount in enumerate(left)]
        whole = sum(open_to)
        off = (
            min(whole, cut.amount)
            if cut.amount is not None
            else rounded(whole * (cut.percent or 0) / Decimal(100))
        )
        parts = split(off, open_to)
        left = [amount - part for amount, part in zip(left, parts, strict=True)]
        taken.append(parts)
    return taken


def share(amount: int, part_s: int, whole_s: int) -> int:
    """The share of an amount for part of a period, to whole cents; of a credit too."""
    if whole_s <= 0:
        return 0
    exact = rounded(Decimal(abs(amount)) * part_s / whole_s)
    return exact if amount >= 0 else -exact
