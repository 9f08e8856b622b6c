"""`ladder calibrate` and `ladder markers` as a person runs them: files, words and exit statuses."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from calibration.file import load_calibration
from calibration.markers import load_layout
from calibration.table import STANDARD_TABLES
from edge.cli import ladder

CORNERS = "140,610 1140,610 1140,110 140,110"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(ladder, [str(word) for word in words])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A plain rectangle on a floor of noise, so that the view has something to hold on to."""
    floor = np.random.default_rng(0).integers(40, 90, (90, 160, 3)).astype(np.uint8)
    shown = cv2.resize(floor, (1280, 720), interpolation=cv2.INTER_NEAREST)
    cv2.rectangle(shown, (140, 110), (1140, 610), (150, 120, 30), -1)
    path = tmp_path / "table.png"
    cv2.imwrite(str(path), shown)
    return path


def test_calibrate_writes_a_calibration_a_preview_and_the_residual(picture: Path, tmp_path: Path) -> None:
    out, preview = tmp_path / "calibration.json", tmp_path / "preview.png"
    result = run("calibrate", picture, "--table", "9ft", "--corners", CORNERS, "--out", out, "--preview", preview)
    assert result.exit_code == 0, result.output
    assert "found by corners" in result.output
    assert "from where the model puts it" in result.output
    found = load_calibration(out)
    assert found.table == STANDARD_TABLES["9ft"]
    assert np.allclose(found.corners_px[0], (140, 610), atol=1)
    drawn = cv2.imread(str(preview))
    assert drawn is not None
    assert drawn.shape[1] == 1280


def test_a_kept_calibration_tells_whether_the_camera_moved(picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "calibration.json"
    assert run("calibrate", picture, "--table", "9ft", "--corners", CORNERS, "--out", out).exit_code == 0
    same = run("calibrate", picture, "--calibration", out)
    assert same.exit_code == 0, same.output
    assert "stands as it was calibrated" in same.output
    before = cv2.imread(str(picture))
    assert before is not None
    cv2.imwrite(str(picture), np.roll(before, (4, 5), axis=(0, 1)))
    moved = run("calibrate", picture, "--calibration", out)
    assert moved.exit_code == 1
    assert "moved by about 6 px" in moved.output


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--out", "{dir}/c.json", "--corners", "1,2 3,4"], 2, "four points"),
        (["--out", "{dir}/c.json", "--table", "10ft"], 2, "10ft"),
        (["--table", "9ft"], 2, "--out"),
        (["--out", "{dir}/c.json", "--calibration", "{dir}/c.json"], 2, "--out"),
        (["--out", "{dir}/none/c.json"], 1, "written"),
        (["--out", "{dir}/c.json", "--markers", "{dir}/none.json"], 1, "can't be read"),
        (["--out", "{dir}/c.json", "--table", "9ft", "--corners", "9,9 5000,9 9,500 9,700"], 1, "outside"),
        (["--calibration", "{dir}/none.json"], 1, "can't be read"),
    ],
)
def test_wrong_use_is_2_and_failure_is_1_in_one_line(
    picture: Path, tmp_path: Path, words: list[str], status: int, says: str
) -> None:
    result = run("calibrate", picture, *(word.format(dir=tmp_path) for word in words))
    assert result.exit_code == status
    assert says in result.output
    assert "Traceback" not in result.output
    if status == 1:
        assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.mp4", None, "there is no"),
        ("text.mp4", b"this is no video", "no video"),
        ("text.png", b"this is no picture", "no picture"),
        ("empty.png", b"", "empty"),
    ],
)
def test_a_source_that_is_none_says_so(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    result = run("calibrate", source, "--out", tmp_path / "c.json")
    assert result.exit_code == 1
    assert says in result.output
    assert not (tmp_path / "c.json").exists()


def test_markers_writes_a_sheet_and_a_layout_that_is_read_back(tmp_path: Path) -> None:
    out = tmp_path / "markers.pdf"
    result = run("markers", "--table", "8ft", "--page", "letter", "--out", out)
    assert result.exit_code == 0, result.output
    assert out.read_bytes().startswith(b"%PDF-1.4")
    layout = load_layout(tmp_path / "markers.json")
    assert layout.table == STANDARD_TABLES["8ft"]
    assert len(layout.markers) == 6
    assert "head" in json.loads((tmp_path / "markers.json").read_text())["axes"]


@pytest.mark.parametrize(
    ("words", "status"),
    [(["--table", "x"], 2), (["--dictionary", "DICT_NONE"], 2), (["--out", "/nowhere/at/all/m.pdf"], 1)],
)
def test_markers_refuses_what_it_cannot_print(tmp_path: Path, words: list[str], status: int) -> None:
    result = run("markers", "--out", tmp_path / "m.pdf", *words)
    assert result.exit_code == status
