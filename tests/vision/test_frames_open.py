"""Every source by its name, and what is said of a name that is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vision.frames.camera import CameraWish
from vision.frames.open import is_camera, open_source
from vision.frames.source import FrameSource, FrameSourceError


@pytest.mark.parametrize(
    ("text", "camera"),
    [
        ("picamera", True),
        ("/dev/video7", True),
        ("/dev/v4l/by-id/usb-x", True),
        ("sim", False),
        ("game.mp4", False),
    ],
)
def test_what_is_a_live_camera(text: str, camera: bool) -> None:
    assert is_camera(text) is camera


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/dev/video99", r"no /dev/video99: plug the camera in"),
        ("/dev/null", r"/dev/null is no camera: name another"),
        ("/dev/shm", r"/dev/shm is no camera: use sim"),
        (
            "nowhere.mp4",
            r"there is no nowhere\.mp4: use sim, the path of a recording, a camera such as /dev/video0",
        ),
        ("picamera", r"needs picamera2: sudo apt install python3-picamera2"),
    ],
)
def test_a_name_that_opens_nothing_says_what_would(text: str, says: str) -> None:
    with pytest.raises(FrameSourceError, match=says):
        open_source(text)


def test_the_wish_reaches_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    wishes: list[tuple[str, CameraWish]] = []

    def camera(path: str, wish: CameraWish) -> FrameSource:
        wishes.append((path, wish))
        raise FrameSourceError("it was asked")

    monkeypatch.setattr("vision.frames.v4l2.V4l2Source", camera)
    wish = CameraWish(640, 480, exposure_s=0.004)
    with pytest.raises(FrameSourceError, match="it was asked"):
        open_source("/dev/null", wish=wish)
    assert wishes == [("/dev/null", wish)]


def test_a_home_directory_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    opener: Callable[[str], FrameSource] = open_source
    with pytest.raises(FrameSourceError, match="is no video this program can read"):
        opener("~/clip.mp4")
