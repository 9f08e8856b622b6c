"""A sandbox behind real HTTP for each test, and what a hall has at Stripe."""

from collections.abc import Iterator

import pytest
from stripe_sandbox import House, StripeSandbox, stripe_sandbox


@pytest.fixture
def box() -> Iterator[StripeSandbox]:
    with stripe_sandbox() as made:
        yield made


@pytest.fixture
def house(box: StripeSandbox) -> House:
    return House(box)
