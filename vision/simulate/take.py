"""A stretch of the simulated table: frames that end, and their truth."""

from collections.abc import Iterator
from typing import Any

from vision.frames.source import Frame
from vision.simulate.director import PlayedShot
from vision.simulate.source import SimulatedTable
from vision.simulate.truth import FrameTruth, truth_file

# What comes after the last shot's balls have come to rest, so that a pipeline can see that they have.
_AFTERWARDS_S = 1.0


class Take:
    """A `FrameSource` of a simulated table that ends, and keeps what was true in every frame.

    It lasts `seconds`, and on until the shot under way then is at rest, or as long as the next `shots` take.
    `table` must draw every frame (not in real time). Raises ValueError unless one of both is given, and more
    than nothing.
    """

    frame_count: int | None = None

    def __init__(self, table: SimulatedTable, *, seconds: float | None = None, shots: int | None = None) -> None:
        if (seconds is None) == (shots is None):
            raise ValueError("a take lasts some seconds or some shots: give one of both")
        if shots is not None and shots < 1:
            raise ValueError(f"a take of {shots} shots can't be made: at least 1")
        if seconds is not None and not 0 < seconds <= 3600:
            raise ValueError(f"a take of {seconds:g} s can't be made: more than 0 and at most 3600")
        self.table = table
        self.id = table.id
        self.width_px, self.height_px = table.width_px, table.height_px
        self.fps: float | None = table.fps
        self.readout_s = table.readout_s
        self.frames: list[FrameTruth] = []
        self._seconds, self._shots = seconds, shots

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.table:
            if self._ended(frame.t_s):
                return
            self.frames.append(self.table.truth())
            yield frame

    def close(self) -> None:
        self.table.close()

    def truth(self) -> dict[str, Any]:
        """The truth of what has been seen so far, as a truth file has it: of shots those that are over."""
        return truth_file(self.shots(), self.frames, self.table.calibration, self.fps)

    def shots(self) -> tuple[tuple[str, PlayedShot], ...]:
        """The take's shots that are over, each with its source's id."""
        return self.table.shots()[: self._shots]

    def _ended(self, t_s: float) -> bool:
        if self._shots is not None:
            done = self.table.shots()
            return len(done) >= self._shots and t_s >= done[self._shots - 1][1].rest_s + _AFTERWARDS_S
        assert self._seconds is not None
        under_way = any(p.strike_s <= t_s < p.rest_s + _AFTERWARDS_S for p in self.table.played)
        return t_s >= self._seconds and not under_way
