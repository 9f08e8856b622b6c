"""`ladder detect`: balls in stills of the simulated table, scored by `ladder evaluate`."""

import json
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge.cli import ladder
from vision.files import read_balls, write_json
from vision.simulate.source import SimulatedTable


class Stills:
    """Two pictures of the simulated table before the break, its calibration and its truth, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calibration, self.truth = folder / "calibration.json", folder / "truth.json"
        table = SimulatedTable(size=(1280, 720), fps=2, seed=3)
        table.calibration.save(self.calibration)
        self.pictures, entries = [], []
        for frame in islice(table, 2):
            path = folder / f"{frame.index}.png"
            cv2.imwrite(str(path), frame.bgr())
            self.pictures.append(path)
            entries.append({"file": path.name, "balls": table.truth().to_json()["balls"]})
        write_json(self.truth, {"schema": 1, "pictures": entries})


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Stills:
    return Stills(tmp_path_factory.mktemp("stills"))


def detect(stills: Stills, *arguments: str | Path) -> Result:
    return CliRunner().invoke(
        ladder, ["detect", *(str(a) for a in arguments), "--calibration", str(stills.calibration)]
    )


def test_balls_of_stills_are_found_and_scored(stills: Stills, tmp_path: Path) -> None:
    out, report = tmp_path / "balls.json", tmp_path / "report.json"
    result = detect(stills, *stills.pictures, "--out", out)
    assert result.exit_code == 0, result.output
    assert "in 2 pictures" in result.output
    first = read_balls(out)["pictures"][0]
    assert first["file"] == "0.png"
    assert set(first["balls"][0]) == {"ball", "px", "table_in", "radius_px", "quality"}

    arguments = ["evaluate", "--truth", str(stills.truth), "--balls", str(out), "--json", str(report)]
    result = CliRunner().invoke(ladder, arguments)
    assert result.exit_code == 0, result.output
    figures = {m["name"]: m["value"] for m in json.loads(report.read_text())["metrics"]}
    assert figures["stills: recall within 28 mm"] > 85
    assert figures["stills: precision within 28 mm"] > 85


def test_pictures_that_do_not_belong_together_are_refused(stills: Stills, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    cv2.imwrite(str(other), np.zeros((360, 640, 3), dtype=np.uint8))
    same_name = tmp_path / "0.png"
    same_name.write_bytes(stills.pictures[0].read_bytes())
    text = tmp_path / "text.png"
    text.write_text("no picture")
    for extra, words in ((other, "once for each camera"), (same_name, "two pictures"), (text, "is no picture")):
        result = detect(stills, stills.pictures[0], extra, "--out", tmp_path / "balls.json")
        assert result.exit_code == 1
        assert words in result.output
        assert result.output.count("\n") == 1
    assert not (tmp_path / "balls.json").exists()
    assert detect(stills, "--out", tmp_path / "balls.json").exit_code == 2
