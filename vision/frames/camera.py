"""What live cameras have in common: what is wished of them, and true times with the frames that are missing."""

import statistics
import time
from collections import deque
from dataclasses import dataclass

# A camera that gives no picture for so long has hung or lost its cable.
SILENT_S = 3.0
# So long automatic exposure, white balance and focus may look around before they are locked.
SETTLE_S = 1.5


@dataclass(frozen=True, slots=True)
class CameraWish:
    """How a live camera is to be set. None: found by itself while the camera starts, then locked.

    `gain` and `focus` are in the camera's own terms: the analogue gain and dioptres (1/m) for a Raspberry Pi
    camera, the driver's steps for a V4L2 device. `mains_hz` is what lamps flicker with (twice). `readout_s` is
    the time from the first row to the last where a person knows it better than the camera says it.
    """

    width_px: int = 1920
    height_px: int = 1080
    fps: float = 60.0
    exposure_s: float | None = None
    gain: float | None = None
    white_balance_k: int | None = None
    focus: float | None = None
    mains_hz: int = 60
    readout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """When a frame was taken, on the camera's clock, and how many should have come just before it."""

    t_s: float
    missing: int


class FrameTimes:
    """Counts the frames that never came, from the time stamps of those that did.

    Stamps are held against an even grid whose phase and period follow them: an alpha-beta filter with the
    growing memory of a least-squares line (Morrison, *Introduction to Sequential Smoothing and Prediction*,
    1969, ch. 4), limited to the last `_MEMORY` frames. So a stamp that comes late is no missing frame, and a
    camera that is a few per cent off its nominal rate loses none. A camera that keeps to another rate for good
    is believed, with a warning. With `smooth` the grid's time is handed on instead of the stamp: for drivers
    that stamp a frame when its first bytes arrive, which jitters by milliseconds.
    """

    _MEMORY = 120
    _RECENT = 90
    _FAR = 0.15
    # A rate that differs by more is another rate, not the same one measured badly.
    _OFF = 0.03

    def __init__(self, fps: float, *, smooth: bool = False) -> None:
        self.warning: str | None = None
        self._nominal_fps = fps
        self._period_s = 1 / fps
        self._smooth = smooth
        self._grid_s = 0.0
        self._last_s: float | None = None
        self._told_s = 0.0
        self._count = 0
        self._steps: deque[float] = deque(maxlen=self._RECENT)

    @property
    def fps(self) -> float:
        """The rate as it is."""
        return 1 / self._period_s

    def see(self, stamp_s: float) -> Timed:
        """The time of the next frame that came, stamped `stamp_s`, and the frames missing before it."""
        if self._last_s is None or not self._last_s < stamp_s:
            return self._begin(stamp_s)
        self._steps.append(stamp_s - self._last_s)
        self._last_s = stamp_s
        # None at all: the one before was late, not preceded by a missing one.
        ticks = max(0, round((stamp_s - self._grid_s) / self._period_s))
        self._count = min(self._count + 1, self._MEMORY)
        n = self._count
        alpha, beta = 2 * (2 * n - 1) / (n * (n + 1)), 6 / (n * (n + 1))
        predicted_s = self._grid_s + ticks * self._period_s
        off_s = stamp_s - predicted_s
        if n == self._MEMORY:  # a single stamp that is far off says little
            off_s = min(max(off_s, -self._FAR * self._period_s), self._FAR * self._period_s)
        self._grid_s = predicted_s + min(1.0, alpha) * off_s
        if n > 2:  # two stamps make no rate
            self._period_s += beta * off_s / max(1, ticks)
        self._reconsider()
        time_s = self._grid_s if self._smooth else stamp_s
        self._told_s = max(time_s, self._told_s + 1e-4)
        return Timed(self._told_s, max(0, ticks - 1))

    def _begin(self, stamp_s: float) -> Timed:
        """The first stamp, or the first after a clock that jumped back; times told never do."""
        restarted = self._last_s is not None
        self._last_s = self._grid_s = stamp_s
        self._count = 1
        self._steps.clear()
        self._told_s = max(stamp_s, self._told_s + self._period_s) if restarted else stamp_s
        return Timed(self._told_s, 0)

    def _reconsider(self) -> None:
        """Believes another rate when the last frames keep to it, and holds on to the nominal one else."""
        if len(self._steps) == self._RECENT:
            usual_s = statistics.median(self._steps)
            off = abs(usual_s / self._period_s - 1)
            steady = sum(abs(step / usual_s - 1) < 0.15 for step in self._steps) > 0.9 * self._RECENT
            if off > self._OFF and steady:
                self._adopt(usual_s)
        nominal_s = 1 / self._nominal_fps
        self._period_s = min(max(self._period_s, (1 - self._OFF) * nominal_s), (1 + self._OFF) * nominal_s)

    def _adopt(self, period_s: float) -> None:
        promised = self._nominal_fps
        self._nominal_fps, self._period_s = 1 / period_s, period_s
        self._count = 2
        self._steps.clear()
        self.warning = (
            f"the camera gives {1 / period_s:.1f} pictures a second, not the {promised:.1f} it was set to: "
            "more light or a shorter exposure may help"
        )


def start_id(name: str) -> str:
    """An id for one start of a camera: its name and when it was started, in milliseconds."""
    return f"{name}-{time.time_ns() // 1_000_000:x}"
