"""How many frames a second come, are followed and are let go, from counts that only grow."""

from collections import deque
from dataclasses import dataclass

from edge.runtime.capture import Capture
from vision.live import CameraState

WINDOW_S = 2.0
# Counts are noted this often: rates need no more, and a frame costs next to nothing.
_EVERY_S = 0.1
_LEAST_S = 0.2


@dataclass(frozen=True, slots=True)
class _Counts:
    at_s: float
    received: int
    followed: int
    skipped: int


class Throughput:
    """Rates over the last two seconds of one capture. `camera` says that its source is a live camera: what such
    a source misses the sensor dropped; any other source skips what it is asked for too late."""

    def __init__(self, capture: Capture, camera: bool) -> None:
        self._capture = capture
        self._camera = camera
        self._followed = 0
        self._noted: deque[_Counts] = deque()

    def followed(self, now_s: float) -> None:
        """Counts a frame that was followed."""
        self._followed += 1
        if self._noted and now_s - self._noted[-1].at_s < _EVERY_S:
            return
        self._noted.append(_Counts(now_s, self._capture.received, self._followed, self._skipped))
        while now_s - self._noted[0].at_s > WINDOW_S:
            self._noted.popleft()

    @property
    def state(self) -> CameraState:
        """As the live state tells it; rates are None until they can be told."""
        capture = self._capture
        first, last = (self._noted[0], self._noted[-1]) if self._noted else (None, None)
        span_s = last.at_s - first.at_s if first and last else 0.0

        def rate(before: int, after: int) -> float:
            return round((after - before) / span_s, 1)

        rates: tuple[float | None, float | None, float | None] = (None, None, None)
        if first and last and span_s > _LEAST_S:
            rates = (
                rate(first.received, last.received),
                rate(first.followed, last.followed),
                rate(first.skipped, last.skipped),
            )
        return CameraState(
            *rates,
            dropped_by_sensor=capture.missing if self._camera else 0,
            dropped_by_overload=self._skipped,
            waiting=capture.waiting,
            room=capture.room,
        )

    @property
    def _skipped(self) -> int:
        return self._capture.dropped + (0 if self._camera else self._capture.missing)
