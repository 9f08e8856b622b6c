"""A hall of real processes, killed at random: what was promised is there, once.

A longer run: LADDER_FAULT_RUN_S=600 pytest -m slow tests/sync/test_processes.py, or
tests/helpers/hall_processes.py.
"""

import os
import random
from pathlib import Path

import hall_day
import pytest
from hall_processes import RealHall, small_disk

SECONDS = float(os.environ.get("LADDER_FAULT_RUN_S", "40"))


@pytest.mark.slow
def test_whoever_is_killed_and_whatever_is_away_or_full_nothing_is_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        hall = RealHall(tmp_path, 3, small)
        try:
            hall.live(SECONDS, random.Random(1))
            hall.heal()
            hall.require_promises()
        finally:
            hall.stop()
        assert len(hall.promised()) > 10
        assert sum(hall.kills().values()) > 5


@pytest.mark.slow
def test_a_while_at_eight_tables_is_one_hall(tmp_path: Path) -> None:
    """In short; tests/helpers/hall_day.py plays a whole day and says what it costs the hub."""
    hall = RealHall(tmp_path, 8, players=32)
    try:
        figures = hall_day.live(hall, 0.25, 1)
        hall_day.require_one_hall(hall)
    finally:
        hall.stop()
    assert figures.shots > 20
