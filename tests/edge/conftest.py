"""What the tests of the box share: a store, and an evening in one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from evening import Evening
from fresh_store import fresh_store

from edge.runtime.paths import Paths
from edge.store.database import Store


@pytest.fixture(autouse=True)
def run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the live state of boxes made here, and by processes started here, out of shared memory."""
    monkeypatch.setenv("LADDER_RUN", str(tmp_path / "run"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of this version, with nothing in it."""
    path = tmp_path / "ladder.db"
    fresh_store(path)
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as store:
        yield store


@pytest.fixture
def paths(path: Path) -> Paths:
    (path.parent / "run").mkdir()
    return Paths(path.parent, path.parent / "run")


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    evening = Evening(tmp_path)
    yield evening
    evening.close()
