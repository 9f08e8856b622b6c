"""What the kiosk's tests share: a fake box in a temporary directory, and the kiosk that shows it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_box import FakeBox
from flask import Flask
from flask.testing import FlaskClient
from hall_visitor import close_app
from phone_hall import Hall, open_hall

from kiosk.app import create_app


@pytest.fixture
def fake_box(tmp_path: Path) -> Iterator[FakeBox]:
    """A box with an empty store and no live state yet."""
    box = FakeBox(tmp_path)
    yield box
    box.close()
    if box.paths.run.parent != tmp_path:
        shutil.rmtree(box.paths.run)


@pytest.fixture
def app(fake_box: FakeBox) -> Iterator[Flask]:
    app = create_app(fake_box.paths)
    yield app
    close_app(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def hall(fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    """A kiosk that phones can reach."""
    with open_hall(fake_box, monkeypatch) as hall:
        yield hall
