"""A camera made of memory: frames drawn beforehand, handed out in real time for as long as wanted."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from calibration.file import Calibration
from vision.frames.camera import start_id
from vision.frames.source import Frame
from vision.simulate.source import SimulatedTable

# What a camera's driver keeps for a reader that is late; frames beyond it are lost, as they are there.
DRIVER_BUFFERS = 6


@dataclass(frozen=True)
class Clip:
    """Frames of one view, `fps` a second, and where its table is."""

    frames: tuple[Frame, ...]
    fps: float
    calibration: Calibration

    @property
    def size_px(self) -> tuple[int, int]:
        return self.frames[0].width_px, self.frames[0].height_px


def draw_clip(size_px: tuple[int, int], fps: float, seconds: float, seed: int) -> Clip:
    """The first seconds of a simulated game. It takes some 5 MB a frame at 1080p, and as long as it takes."""
    table = SimulatedTable(size=size_px, fps=fps, seed=seed)
    frames = tuple(islice(table, max(2, round(seconds * fps))))
    return Clip(frames, fps, table.calibration)


def there_and_back(tick: int, frames: int) -> int:
    """Which frame to show: forwards and then backwards, so that no ball ever jumps."""
    place = tick % (2 * frames - 2)
    return place if place < frames else 2 * frames - 2 - place


class ReplayCamera:
    """A `FrameSource` that plays a clip there and back in real time, its times growing all along.

    After `due` frames it gives nothing more and waits to be closed; `finished` is set then. A reader that is late
    by more than `DRIVER_BUFFERS` frames loses the others, counted in `missing` of the next.
    """

    frame_count: int | None = None
    readout_s = 0.0

    def __init__(self, clip: Clip, due: int) -> None:
        self.id = start_id("replay")
        self.width_px, self.height_px = clip.size_px
        self.fps: float | None = clip.fps
        self.due = due
        self.finished = threading.Event()
        self.clip = clip
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        period_s = 1 / self.clip.fps
        origin_s = time.monotonic()
        tick = index = 0
        while tick < self.due and not self._closed.is_set():
            late_s = time.monotonic() - origin_s - tick * period_s
            if late_s < 0 and self._closed.wait(-late_s):
                return
            # The last frame is never skipped: it carries the count of those before it.
            missing = min(max(0, int(late_s / period_s) - DRIVER_BUFFERS), self.due - 1 - tick)
            tick += missing
            frame = self.clip.frames[there_and_back(tick, len(self.clip.frames))]
            yield replace(frame, index=index, t_s=tick * period_s, missing=missing)
            tick, index = tick + 1, index + 1
        self.finished.set()
        self._closed.wait()

    def close(self) -> None:
        self._closed.set()
