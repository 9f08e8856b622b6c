"""What the tests of a hall of boxes share: a hub that answers, and a table that is enrolled at it.

The kiosk comes with them, and is loaded for who asks for one alone: tests of the cloud have none.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hall_of_boxes import HubBox, TableBox


@pytest.fixture
def hub(tmp_path: Path) -> Iterator["HubBox"]:
    from hall_of_boxes import HubBox

    box = HubBox(tmp_path / "hub")
    yield box
    box.close()


@pytest.fixture
def table(tmp_path: Path, hub: "HubBox") -> Iterator["TableBox"]:
    from hall_of_boxes import TableBox

    box = TableBox(tmp_path / "three", hub, "Table 3")
    yield box
    box.close()
