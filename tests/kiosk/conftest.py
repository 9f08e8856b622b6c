"""What the kiosk's tests share: a fake box in a temporary directory, and the kiosk that shows it."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kiosk.app import create_app
from kiosk.box import EXTENSION, Box


def _load(name: str) -> ModuleType:
    """A helper beside the tests; they are no package, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The module `fake_box`."""
    return _load("fake_box")


@pytest.fixture
def fake_box(fake: ModuleType, tmp_path: Path) -> Iterator[Any]:
    """A box with an empty store and no live state yet."""
    box = fake.FakeBox(tmp_path)
    yield box
    box.close()
    if box.paths.run.parent != tmp_path:
        shutil.rmtree(box.paths.run)


@pytest.fixture
def app(fake_box: Any) -> Iterator[Flask]:
    app = create_app(fake_box.paths)
    yield app
    box: Box = app.extensions[EXTENSION]
    box.hub.close()
    box.hub.join()
    box.records.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
