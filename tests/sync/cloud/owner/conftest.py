"""An owner of halls at the beginning of a month, signed in: on a cloud without Stripe, and on one that pays."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from owner_scene import START, Paying, hash_fast, put_owner, sign_in
from stripe_sandbox import StripeSandbox, stripe_sandbox
from telling_hub import ADDRESS, Clock

from sync.cloud.app import create_app
from sync.cloud.db import Database
from sync.cloud.site import parse_site


@pytest.fixture(autouse=True)
def fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_fast(monkeypatch)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def app(db: Database, clock: Clock) -> Flask:
    put_owner(db, clock.now)
    return create_app(db, parse_site(ADDRESS), clock)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An owner who is signed in, on a cloud without Stripe."""
    made = app.test_client()
    sign_in(made)
    return made


@pytest.fixture
def box() -> Iterator[StripeSandbox]:
    with stripe_sandbox(start=int(START.timestamp())) as box:
        yield box


@pytest.fixture
def paying(db: Database, box: StripeSandbox) -> Paying:
    return Paying(db, box)
