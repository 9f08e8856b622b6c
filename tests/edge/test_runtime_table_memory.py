"""What is known of a table is kept for that table alone, and a file that is damaged is said and not believed."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.camera import Camera
from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from edge.runtime.table_memory import TableMemory, seat_of
from vision.feel import USUAL, Estimate, Feel

LEARNT = replace(USUAL, shots=50, rolling=Estimate(0.012, 0.0003), rails={"foot": Estimate(0.7, 0.02)})


def camera(x_in: float = -50, y_in: float = 25, turned: bool = False) -> Camera:
    """A camera 120 in above the middle of a table; `turned` sees the table the other way round."""
    K = np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]])
    if turned:  # π about the optical axis as well
        return Camera.from_pose((1280, 720), K, (0, np.pi, 0), (-x_in, -y_in, 120))
    return Camera.from_pose((1280, 720), K, (np.pi, 0, 0), (x_in, y_in, 120))


NINE_FOOT = Calibration("a", "file", STANDARD_TABLES["9ft"], camera())
SEAT = seat_of("/dev/video0", NINE_FOOT)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file that knows one table."""
    memory = TableMemory(tmp_path / "table-feel.json")
    memory.note(SEAT, LEARNT)
    memory.save()
    return tmp_path / "table-feel.json"


def test_a_table_that_nothing_is_known_of_is_a_usual_one(tmp_path: Path) -> None:
    assert TableMemory(tmp_path / "table-feel.json").feel(SEAT) == USUAL


def test_a_restart_finds_what_was_learnt(kept: Path) -> None:
    assert TableMemory(kept).feel(SEAT) == LEARNT
    assert [p.name for p in kept.parent.iterdir()] == ["table-feel.json"]


def test_calibrated_anew_over_the_same_table_it_goes_on(kept: Path) -> None:
    again = seat_of("/dev/video0", replace(NINE_FOOT, id="b", camera=camera(x_in=-51, y_in=24.5)))
    assert again.corners != SEAT.corners
    assert TableMemory(kept).feel(again) == LEARNT


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(NINE_FOOT, table=STANDARD_TABLES["8ft"]), "one of 100 × 50 in"),
        (replace(NINE_FOOT, camera=camera(x_in=-60)), "another place in the picture"),
        (replace(NINE_FOOT, camera=camera(turned=True)), "the other way round"),
    ],
    ids=["another size", "moved", "turned"],
)
def test_another_table_is_learnt_anew_and_that_is_said(
    kept: Path, other: Calibration, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert TableMemory(kept).feel(seat_of("/dev/video0", other)) == USUAL
    assert said in caplog.text
    assert "learnt anew" in caplog.text


def test_what_a_trial_learns_stands_beside_the_table_s_own(kept: Path) -> None:
    memory = TableMemory(kept)
    tried = [seat_of("sim", NINE_FOOT), seat_of("/dev/video0", replace(NINE_FOOT, table=STANDARD_TABLES["8ft"]))]
    for seat in tried:
        memory.note(seat, replace(LEARNT, shots=3))
    memory.save()
    again = TableMemory(kept)
    assert again.feel(SEAT) == LEARNT
    assert [again.feel(seat).shots for seat in tried] == [3, 3]


def test_the_latest_counts_and_the_file_stays_small(kept: Path) -> None:
    memory = TableMemory(kept)
    for n in range(30):
        memory.note(seat_of(f"/dev/video{n}", NINE_FOOT), replace(LEARNT, shots=n))
        memory.note(SEAT, replace(LEARNT, shots=100 + n))
    memory.save()
    assert TableMemory(kept).feel(SEAT).shots == 129
    assert len(json.loads(kept.read_text())["tables"]) == 8


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["tables"][0].pop(name)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.update(schema=2),
        lambda document: document.update(tables=5),
        lambda document: document["tables"][0].update(corners=[[0, 0]]),
        lambda document: document["tables"][0]["feel"]["rolling"].update(value=float("nan")),
        _without("feel"),
        _without("table"),
    ],
)
def test_a_spoilt_file_is_said_and_not_believed(
    kept: Path, spoil: Callable[[dict[str, Any]], object], caplog: pytest.LogCaptureFixture
) -> None:
    document = json.loads(kept.read_text())
    spoil(document)
    kept.write_text(json.dumps(document))
    memory = TableMemory(kept)
    assert memory.feel(SEAT) == USUAL
    assert f"{kept} can't be read" in caplog.text
    memory.note(SEAT, LEARNT)
    memory.save()
    assert TableMemory(kept).feel(SEAT) == LEARNT


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema":1}'])
def test_a_file_that_is_none_is_said(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "table-feel.json"
    path.write_bytes(content)
    assert TableMemory(path).feel(SEAT) == USUAL
    assert "can't be read" in caplog.text


def test_a_disk_that_takes_nothing_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gone"
    memory = TableMemory(folder / "table-feel.json")
    memory.note(SEAT, LEARNT)
    with caplog.at_level(logging.WARNING):
        memory.save()
        memory.save()
    assert caplog.text.count("a restart forgets the table") == 1
    folder.mkdir()
    memory.save()
    found: Feel = TableMemory(folder / "table-feel.json").feel(SEAT)
    assert found == LEARNT
