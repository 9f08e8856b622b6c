"""Frames drawn in one process and followed in another, so that drawing takes no memory of what is measured.

`python -m vision.bench.feed` draws: it writes a line of JSON about the source to its standard output, then every
frame as its index, its time and its three planes. `FeedSource` reads them.
"""

import argparse
import json
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from vision.frames.source import Frame, FrameSourceError, Plane

_HEAD = struct.Struct("<qd")


class FeedSource:
    """A `FrameSource` that reads what the drawing process writes, as fast as the frames are followed.

    A frame comes once there is room for it: at most `ahead` have come that `done` was not called for yet. Until
    the first is done, which takes long, frames come when a camera's would, at most `learning_ahead` of them.
    """

    frame_count: int | None = None

    def __init__(self, stream: IO[bytes], ahead: int, learning_ahead: int | None = None) -> None:
        self._stream = stream
        about = json.loads(stream.readline() or b"null")
        if about is None:
            raise FrameSourceError("the drawing process ended before its first frame")
        self.id: str = about["id"]
        self.width_px, self.height_px = (int(side) for side in about["size"])
        self.fps: float | None = about["fps"]
        self.readout_s: float = about["readout_s"]
        self._ahead = ahead
        self._learning_ahead = learning_ahead or ahead
        self._done = 0
        self._changed = threading.Condition()
        self._closed = False

    def done(self) -> None:
        """A frame has been followed: another may be read."""
        with self._changed:
            self._done += 1
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Frame]:
        began_s, came = time.monotonic(), 0
        while (frame := self._read()) is not None and not self._closed:
            self._wait(came, began_s + frame.t_s)
            yield frame
            came += 1

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait(self, came: int, due_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._done or came < self._learning_ahead)
            self._changed.wait_for(lambda: self._closed or self._done, max(0.0, due_s - time.monotonic()))
            if self._done:
                self._changed.wait_for(lambda: self._closed or came < self._done + self._ahead)

    def _read(self) -> Frame | None:
        head = self._stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        index, t_s = _HEAD.unpack(head)
        height, width = self.height_px, self.width_px
        luma = self._plane((height, width))
        u, v = (self._plane((height // 2, width // 2)) for _ in range(2))
        return Frame(index, t_s, luma, u, v)

    def _plane(self, shape: tuple[int, int]) -> Plane:
        """A plane in memory of its own, as a decoder gives them."""
        data = self._stream.read(shape[0] * shape[1])
        if len(data) < shape[0] * shape[1]:
            raise FrameSourceError("the drawing process broke off within a frame")
        return np.frombuffer(data, np.uint8).reshape(shape)


def write_frame(stream: IO[bytes], frame: Frame) -> None:
    """One frame as `FeedSource` reads it."""
    stream.write(_HEAD.pack(frame.index, frame.t_s))
    for plane in (frame.y, frame.u, frame.v):
        stream.write(plane.tobytes())


def draw(
    stream: IO[bytes], calibration: Path, *, seed: int, seconds: float, size: tuple[int, int], fps: float
) -> None:
    """Writes so many seconds of a seed's play, and before it the table's calibration to a file."""
    from vision.simulate.conditions import conditions  # noqa: PLC0415 (only the drawing process needs it)
    from vision.simulate.source import SimulatedTable  # noqa: PLC0415

    table = SimulatedTable.under(conditions(seed), size=size, fps=fps)
    table.calibration.save(calibration)
    about: dict[str, Any] = {"id": table.id, "size": size, "fps": fps, "readout_s": table.readout_s}
    stream.write(json.dumps(about).encode() + b"\n")
    for frame in table:
        if frame.t_s >= seconds:
            return
        write_frame(stream, frame)


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes frames of the simulated table to standard output.")
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--size", type=int, nargs=2, required=True)
    parser.add_argument("--fps", type=float, required=True)
    given = parser.parse_args()
    try:
        draw(
            sys.stdout.buffer,
            given.calibration,
            seed=given.seed,
            seconds=given.seconds,
            size=tuple(given.size),
            fps=given.fps,
        )
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()


if __name__ == "__main__":
    main()
