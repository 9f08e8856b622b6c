"""Live cameras by command line and settings: what reaches them, what they bring, what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from calibration.file import load_calibration
from edge.cli import ladder
from edge.commands.table_options import TableOptions
from edge.runtime.paths import Paths
from edge.runtime.vision_parts import Wanted, real_parts, wanted
from edge.settings import load_settings, parse_settings
from vision.frames.camera import CameraWish
from vision.frames.source import Frame

CORNERS = "140,610 1140,610 1140,110 140,110"


class StubCamera:
    """A camera with a rolling shutter that shows the same picture for ever."""

    id = "stub"
    width_px, height_px = 1280, 720
    fps: float | None = 30.0
    frame_count: int | None = None
    readout_s = 0.0125
    warnings = ("its white balance can't be locked: colours may drift",)

    def __init__(self) -> None:
        self.closed = False
        floor = np.random.default_rng(0).integers(40, 90, (720, 1280, 3)).astype(np.uint8)
        floor[110:610, 140:1140] = (150, 120, 30)
        self._picture = floor

    def __iter__(self) -> Iterator[Frame]:
        for index in range(1000):
            yield Frame.from_bgr(self._picture, index, index / 30)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Puts the stub in place of every V4L2 camera; what it was asked for comes to stand in the dictionary."""
    asked: dict[str, Any] = {"cameras": []}

    def opened(path: str, wish: CameraWish) -> StubCamera:
        asked.update(path=path, wish=wish)
        asked["cameras"].append(StubCamera())
        camera: StubCamera = asked["cameras"][-1]
        return camera

    monkeypatch.setattr("vision.frames.v4l2.V4l2Source", opened)
    return asked


def test_a_camera_is_calibrated_as_the_settings_set_it(tmp_path: Path, stub: dict[str, Any]) -> None:
    (tmp_path / "settings.toml").write_text("[camera]\nwidth_px = 1280\nheight_px = 720\nexposure_ms = 8\n")
    out = tmp_path / "calibration.json"
    words = [
        "calibrate",
        "/dev/null",
        "--data",
        str(tmp_path),
        "--table",
        "9ft",
        "--corners",
        CORNERS,
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(ladder, words)
    assert result.exit_code == 0, result.output
    assert "white balance can't be locked" in result.output
    assert stub["wish"] == CameraWish(1280, 720, exposure_s=0.008)
    assert load_calibration(out).readout_s == 0.0125
    assert all(camera.closed for camera in stub["cameras"])


def test_a_camera_that_is_not_there_fails_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(ladder, ["calibrate", "/dev/video99", "--out", str(tmp_path / "c.json")])
    assert result.exit_code == 1
    assert "plug the camera in" in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize("camera", ["/dev/video0", "picamera"])
def test_track_sends_live_cameras_to_run(tmp_path: Path, camera: str) -> None:
    result = CliRunner().invoke(ladder, ["track", camera, "--out", str(tmp_path / "shots.json")])
    assert result.exit_code == 1
    assert f"ladder run --camera {camera}" in result.output


def test_the_service_takes_size_readout_and_locks_from_settings_and_camera(
    tmp_path: Path, stub: dict[str, Any]
) -> None:
    out = tmp_path / "calibration.json"
    words = ["calibrate", "/dev/null", "--table", "9ft", "--corners", CORNERS, "--out", str(out)]
    assert CliRunner().invoke(ladder, words).exit_code == 0
    kept = json.loads(out.read_text())
    out.write_text(json.dumps({**kept, "readout_s": 0.0}))  # of a time when the camera did not say it
    (tmp_path / "settings.toml").write_text(
        '[camera]\nsource = "/dev/null"\ncalibration = "calibration.json"\nmains_hz = 50\n'
    )
    paths = Paths(tmp_path, tmp_path)
    want = wanted(load_settings(paths.settings), paths, Wanted("/dev/null", TableOptions()), None)
    parts = real_parts(want)
    assert (parts.recording, parts.camera) == (False, True)
    source, calibration = parts.open()
    assert calibration.readout_s == source.readout_s == 0.0125
    assert stub["wish"].mains_hz == 50


def test_wishes_without_a_value_are_found_by_the_camera() -> None:
    assert parse_settings({}).camera.wish == CameraWish()
    set_all = {"exposure_ms": 4, "gain": 2, "white_balance_k": 4000, "focus": 0, "readout_ms": 0}
    wish = parse_settings({"camera": set_all}).camera.wish
    assert (wish.exposure_s, wish.gain, wish.white_balance_k) == (0.004, 2.0, 4000)
    assert (wish.focus, wish.readout_s) == (0.0, 0.0)
