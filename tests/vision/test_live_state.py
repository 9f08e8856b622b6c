"""The live state tells of the table and of the box itself, in numbers and in words."""

import json
from dataclasses import replace

import pytest

from calibration.table import STANDARD_TABLES
from vision.feel import USUAL, Estimate, feel_from_json
from vision.live import Learnt, LiveState, quality_from_json
from vision.model import Health
from vision.quality import Quality

SLOW = replace(USUAL, shots=80, rolling=Estimate(0.019, 0.0004), rails={"head": Estimate(0.8, 0.02)})
POOR = Quality(10, 1000, 200, 40, 1, 20, 6, 1, 9.0)
EIGHT_FOOT = STANDARD_TABLES["8ft"]
STATE = LiveState(
    1, "cam", 2.5, "live", "", "still", EIGHT_FOOT, "american", (), 60.0, Health(), learnt=Learnt(SLOW, POOR)
)  # fmt: skip


def test_what_is_known_of_the_table_survives_the_file_and_is_said() -> None:
    data = json.loads(json.dumps(STATE.to_json()))
    assert feel_from_json(data["feel"]) == SLOW
    assert "plays slow" in data["condition"]["warnings"][0]
    assert any("0.0190 ± 0.0004" in line for line in data["condition"]["report"])


def test_how_well_it_saw_survives_the_file_and_is_said() -> None:
    data = json.loads(json.dumps(STATE.to_json()))["quality"]
    assert quality_from_json(data) == POOR
    assert (data["unseen_share"], data["lost_share"], data["mean_scatter_mm"]) == (0.2, 0.3, 0.9)
    assert "6 of 20 lost" in data["words"]
    assert len(data["warnings"]) == 2


def test_before_any_shot_nothing_is_claimed() -> None:
    data = replace(STATE, learnt=Learnt()).to_json()
    assert data["condition"]["warnings"] == data["quality"]["warnings"] == []
    assert "0 of 20 shots" in data["condition"]["report"][0]


@pytest.mark.parametrize("spoilt", [{}, {"shots": "ten"}, {"shots": -1}, {"lost": None}])
def test_what_was_not_written_by_it_is_no_quality(spoilt: dict[str, object]) -> None:
    data = {**STATE.to_json()["quality"], **spoilt} if spoilt else {}
    with pytest.raises(ValueError, match=r"how well the box saw"):
        quality_from_json(data)
