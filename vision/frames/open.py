"""One door to every source of frames."""

from pathlib import Path
from typing import cast

from vision.frames.camera import CameraWish
from vision.frames.source import FrameSource, FrameSourceError

_WAYS = "use sim, the path of a recording, a camera such as /dev/video0, or picamera"


def is_camera(text: str) -> bool:
    """Whether a place names a live camera, connected or not."""
    return text == "picamera" or text.startswith("/dev/") or Path(text).expanduser().is_char_device()


def open_source(
    text: str, *, realtime: bool = False, loop: bool = False, wish: CameraWish | None = None
) -> FrameSource:
    """The source a person named: `sim` for the simulated table, a live camera, or the path of a recording.

    `realtime` paces a recording like a camera would, `loop` starts it again at its end; `wish` says how a live
    camera is to be set. Raises FrameSourceError, saying what is possible, for anything else.
    """
    if text == "sim":
        from vision.simulate.source import SimulatedTable  # noqa: PLC0415 (heavy, and seldom wanted)

        return cast(FrameSource, SimulatedTable(realtime=realtime))
    if is_camera(text):
        return _open_camera(text, wish)
    path = Path(text).expanduser()
    if path.exists():
        from vision.frames.file import FileSource  # noqa: PLC0415 (a camera needs no decoder of films)

        return FileSource(path, realtime=realtime, loop=loop)
    raise FrameSourceError(f"there is no {text}: {_WAYS}")


def _open_camera(text: str, wish: CameraWish | None) -> FrameSource:
    if text == "picamera":
        from vision.frames.picamera import PicameraSource  # noqa: PLC0415 (only where it is wanted)

        return PicameraSource(wish)
    path = Path(text).expanduser()
    if not path.exists():
        raise FrameSourceError(f"there is no {text}: plug the camera in ({_present()})")
    if not path.is_char_device():
        raise FrameSourceError(f"{text} is no camera: {_WAYS}")
    from vision.frames.v4l2 import V4l2Source  # noqa: PLC0415

    return V4l2Source(str(path), wish)


def _present() -> str:
    """The video devices this machine has, in words."""
    found = sorted(str(path) for path in Path("/dev").glob("video*"))
    return f"here are {', '.join(found)}" if found else "this machine shows no /dev/video… at all"
