"""Cents always add up, and nothing is paid to who gets a discount."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sync.sandbox.money import Cut, share, split, take_off

CENTS = st.integers(0, 10_000_000)
LINES = st.lists(st.integers(-100_000, 1_000_000), min_size=1, max_size=12)
CUTS = st.lists(
    st.one_of(
        st.decimals("0.01", 100, places=2).map(lambda percent: Cut(percent=percent)),
        st.integers(1, 2_000_000).map(lambda amount: Cut(amount=amount)),
    ),
    max_size=4,
)


@given(CENTS, st.lists(CENTS, min_size=1, max_size=20).filter(any))
def test_parts_add_up_and_none_is_a_cent_from_its_share(total: int, weights: list[int]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Decimal(total) * weight / sum(weights)) < 1


@given(LINES, CUTS)
def test_no_discount_takes_more_than_there_is_or_touches_a_credit(lines: list[int], cuts: list[Cut]) -> None:
    taken = take_off(lines, cuts)
    for place, amount in enumerate(lines):
        off = [parts[place] for parts in taken]
        assert all(one >= 0 for one in off)
        assert sum(off) <= max(0, amount)


@given(LINES, st.decimals("0.01", 100, places=2))
def test_a_percentage_is_of_the_whole_not_of_each_line(lines: list[int], percent: Decimal) -> None:
    (parts,) = take_off(lines, [Cut(percent=percent)])
    whole = sum(max(0, one) for one in lines)
    assert abs(sum(parts) - whole * percent / 100) <= Decimal("0.5")


def test_percentages_multiply_one_after_the_other() -> None:
    assert take_off([2000], [Cut(percent=Decimal(50)), Cut(percent=Decimal(50))]) == [[1000], [500]]


def test_half_a_cent_is_rounded_up_once() -> None:
    assert take_off([999], [Cut(percent=Decimal(50))]) == [[500]]
    assert take_off([333, 333, 333], [Cut(percent=Decimal(50))]) == [[167, 167, 166]]


def test_a_discount_for_some_lines_leaves_the_others() -> None:
    assert take_off([1000, 1000], [Cut(amount=1500, lines=frozenset({1}))]) == [[0, 1000]]


@given(st.integers(-1_000_000, 1_000_000), st.integers(0, 3000), st.integers(1, 3000))
def test_a_part_of_a_period_costs_its_part(amount: int, part: int, whole: int) -> None:
    part = min(part, whole)
    assert abs(share(amount, part, whole) - Decimal(amount) * part / whole) <= Decimal("0.5")
    assert share(-amount, part, whole) == -share(amount, part, whole)
    assert share(amount, whole, whole) == amount
