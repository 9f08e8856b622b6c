"""A hall of boxes by chance: whatever happens at its tables and its hub, and on the lines between them, once all
is healed it is one hall, with every fact once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hall_model import HallModel

PLAY = {
    "shoot": 12, "practise": 3, "match": 3, "say": 4, "unsay": 1, "mend": 1, "leave": 1, "call": 0.5, "uncall": 0.3,
    "code": 0.7, "sync": 10, "caretaker": 0.3, "hub_caretaker": 0.3,
}  # fmt: skip
STAFF = {
    "sign_up": 0.5, "name_guest": 0.5, "rename": 0.4, "swap_names": 0.3, "rename_table": 0.3, "staff_stop": 0.5,
    "call_answered": 0.4, "hub_call": 0.3, "rule": 1, "unrule": 0.5, "enter_result": 0.5, "hub_restart": 0.2,
    "tidy": 0.4, "claim_at_rest": 0.3, "merge_at_rest": 0.3,
}  # fmt: skip


def live(folder: Path, seed: int, patch: Any, deeds: dict[str, float], steps: int = 150, **more: Any) -> HallModel:
    hall = HallModel(folder, seed, patch, **more)
    try:
        hall.live(steps, deeds)
        hall.heal()
        hall.require_sound()
        hall.require_every_fact_once()
        hall.require_one_hall()
        hall.require_made_anew()
    finally:
        hall.close()
    return hall


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_play_at_two_tables_over_lines_that_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    live(tmp_path, seed, monkeypatch.setattr, PLAY)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_play_and_staff_over_lines_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    live(tmp_path, seed, monkeypatch.setattr, {**PLAY, **STAFF})


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_clocks_that_are_off_by_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    off = (timedelta(days=3), timedelta(days=-2))
    live(tmp_path, seed, monkeypatch.setattr, PLAY, ahead=off)
