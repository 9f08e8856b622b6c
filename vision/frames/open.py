"""One door to every source of frames."""

from pathlib import Path
from typing import cast

from vision.frames.file import FileSource
from vision.frames.source import FrameSource, FrameSourceError


def open_source(text: str, *, realtime: bool = False, loop: bool = False) -> FrameSource:
    """The source a person named: `sim` for the simulated table, or the path of a recording.

    `realtime` paces a recording like a camera would, `loop` starts it again at its end. Raises
    FrameSourceError, saying what is possible, for anything else.
    """
    if text == "sim":
        from vision.simulate.source import SimulatedTable  # noqa: PLC0415 (heavy, and seldom wanted)

        return cast(FrameSource, SimulatedTable(realtime=realtime))
    path = Path(text).expanduser()
    if path.exists() and not path.is_char_device():
        return FileSource(path, realtime=realtime, loop=loop)
    if path.is_char_device() or text in ("picamera", "camera"):
        raise FrameSourceError(f"{text}: live cameras can't be opened here: use sim or the path of a recording")
    raise FrameSourceError(f"there is no {text}: use sim or the path of a recording")
