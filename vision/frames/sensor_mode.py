"""Which of a sensor's modes to read it out in, and how long that takes from the first row to the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# A field of view narrower than the widest by more of its area would cut the table off; the rate gives way first.
_SAME_FIELD = 0.85
# Below this rate a narrower field is the lesser evil.
_TOO_SLOW_FPS = 29.5
# Sensors whose rows are all exposed at once.
_GLOBAL_SHUTTERS = ("imx296", "ov2311", "ov7251", "ov9281", "ov9282")


@dataclass(frozen=True, slots=True)
class SensorMode:
    """One way to read a sensor out: its picture's size, depth, highest rate, and the part of the sensor it shows
    as (x, y, width, height) in pixels of the whole array."""

    size_px: tuple[int, int]
    bit_depth: int
    fps: float
    crop_px: tuple[int, int, int, int]

    @classmethod
    def of(cls, mode: dict[str, Any]) -> "SensorMode | None":
        """From an entry of picamera2's `sensor_modes`; None for one that is no sensor's."""
        if not {"size", "bit_depth", "fps", "crop_limits"} <= mode.keys():
            return None
        return cls(tuple(mode["size"]), int(mode["bit_depth"]), float(mode["fps"]), tuple(mode["crop_limits"]))

    def field_px(self, size_px: tuple[int, int]) -> tuple[float, float]:
        """The part of the array, width and height, that a picture of this size shows: its middle, same shape."""
        aspect = size_px[0] / size_px[1]
        _, _, width, height = self.crop_px
        shown = min(float(width), height * aspect)
        return shown, shown / aspect

    def shown_rows(self, size_px: tuple[int, int]) -> float:
        """The share of the mode's rows that such a picture shows."""
        return self.field_px(size_px)[1] / self.crop_px[3]

    def enlarges(self, size_px: tuple[int, int]) -> bool:
        """Whether a picture of this size has more pixels than the sensor gives for it."""
        return self.field_px(size_px)[0] / self.crop_px[2] * self.size_px[0] < 0.99 * size_px[0]


def choose_mode(modes: Sequence[SensorMode], size_px: tuple[int, int], fps: float) -> SensorMode:
    """The mode for pictures of `size_px` at `fps`: the whole field of view, as fast as wished or as it can.

    Among equals the one with pixels enough, then the one with fewest, then the deepest. `modes` is not empty.
    """
    widest = max(_area(mode, size_px) for mode in modes)
    wide = [mode for mode in modes if _area(mode, size_px) >= _SAME_FIELD * widest]
    if max(mode.fps for mode in wide) < _TOO_SLOW_FPS:
        fast = [mode for mode in modes if mode.fps >= min(fps, _TOO_SLOW_FPS)]
        wide = [max(fast, key=lambda mode: _area(mode, size_px))] if fast else wide
    return max(
        wide,
        key=lambda mode: (
            round(min(mode.fps, fps), 1),
            not mode.enlarges(size_px),
            -mode.size_px[0] * mode.size_px[1],
            mode.bit_depth,
        ),
    )


def readout_s(model: str, mode: SensorMode, size_px: tuple[int, int], shortest_frame_s: float) -> float:
    """From the first row of the picture to the last.

    In its shortest frame a sensor reads row after row with next to no pause, so that frame's share of shown rows
    is the readout; the pause makes it a few per cent too long. Zero for a global shutter.
    """
    if model in _GLOBAL_SHUTTERS:
        return 0.0
    return shortest_frame_s * mode.shown_rows(size_px)


def _area(mode: SensorMode, size_px: tuple[int, int]) -> float:
    width, height = mode.field_px(size_px)
    return width * height
