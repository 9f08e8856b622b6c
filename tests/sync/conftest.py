"""What the tests of a hall of boxes share: a hub that answers, a table that is enrolled at it, and a store alone.

The kiosk comes with them, and is loaded for who asks for one alone: tests of the cloud have none.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hall_of_boxes import HubBox, TableBox
    from hub_answers import Door


@pytest.fixture
def hub(tmp_path: Path) -> Iterator["HubBox"]:
    from hall_of_boxes import HubBox

    box = HubBox(tmp_path / "hub")
    yield box
    box.close()


@pytest.fixture
def door(hub: "HubBox") -> "Door":
    """What stands before that hub, and may answer in its place."""
    from hub_answers import Door

    found = Door(hub.app.wsgi_app)
    hub.app.wsgi_app = found  # type: ignore[method-assign, assignment]
    return found


@pytest.fixture
def table(tmp_path: Path, hub: "HubBox") -> Iterator["TableBox"]:
    from hall_of_boxes import TableBox

    box = TableBox(tmp_path / "three", hub, "Table 3")
    yield box
    box.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fresh_store import fresh_store

    path = tmp_path_factory.mktemp("store") / "ladder.db"
    fresh_store(path)
    return path


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    """Of a table; of what is written nothing stays."""
    from hall_facts import undone

    from edge.store import changes

    with undone(path) as conn:
        changes.begin_noting(conn, "table")
        yield conn
