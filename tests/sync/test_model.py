"""A hall of boxes by chance: whatever happens at its tables and its hub, and on the lines between them, once all
is healed it is one hall, with every fact once."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hall_model import HallModel
from hall_truths import require_all

PLAY = {
    "shoot": 12, "practise": 3, "match": 3, "say": 4, "unsay": 1, "mend": 1, "leave": 1, "call": 0.5,
    "uncall": 0.3, "code": 0.7, "sync": 10, "caretaker": 0.3, "hub_caretaker": 0.3,
}  # fmt: skip
STAFF = {
    "sign_up": 0.5, "name_guest": 0.5, "rename": 0.4, "swap_names": 0.3, "rename_table": 0.3, "staff_start": 0.4,
    "staff_stop": 0.5, "staff_move": 0.4, "call_answered": 0.4, "hub_call": 0.3, "rule": 1, "unrule": 0.5,
    "enter_result": 0.5, "claim": 0.7, "merge": 0.3, "erase": 0.15, "hub_restart": 0.2, "tidy": 0.4,
}  # fmt: skip
OFF = (timedelta(days=3), timedelta(days=-2))
SEEDS = int(os.environ.get("LADDER_MODEL_SEEDS", "6"))  # of the long form


def live(folder: Path, seed: int, patch: Any, deeds: dict[str, float], steps: int = 150, **more: Any) -> HallModel:
    hall = HallModel(folder, seed, patch, **more)
    try:
        hall.live(steps, deeds)
        hall.heal()
        require_all(hall)
    finally:
        hall.close()
    return hall


def test_play_at_two_tables_over_lines_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live(tmp_path, 1, monkeypatch.setattr, PLAY, 60)


def test_clocks_that_are_off_by_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live(tmp_path, 2, monkeypatch.setattr, PLAY, 60, ahead=OFF)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 8])
def test_staff_at_the_hub_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    live(tmp_path, seed, monkeypatch.setattr, {**PLAY, **STAFF}, 80)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_many_evenings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """With three tables too, and with clocks that are off."""
    labels = ("Table 3", "Table 5", "Table 7")[: 2 + seed % 2]
    ahead = OFF if seed % 3 == 2 else (timedelta(),) * 3
    deeds = PLAY if ahead is OFF else {**PLAY, **STAFF}
    live(
        tmp_path,
        100 + seed,
        monkeypatch.setattr,
        deeds,
        200,
        labels=labels,
        ahead=(*ahead, timedelta())[: len(labels)],
    )
