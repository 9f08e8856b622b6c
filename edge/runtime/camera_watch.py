"""Whether the camera still stands where it was calibrated: looked at now and then, said when it is sure."""

from typing import Any

from calibration import drift
from vision.frames.source import Frame

EVERY_S = 5.0
# Somebody who leans over the rail is no moved camera: so many looks in a row must agree.
AGREEING = 3


class CameraWatch:
    """Compares frames with the calibration's fingerprint; without one it has no opinion."""

    def __init__(self, fingerprint: dict[str, Any] | None, every_s: float = EVERY_S) -> None:
        self.message: str | None = None
        self._fingerprint = fingerprint
        self._every_s = every_s
        self._next_s: float | None = None
        self._moved = 0

    def look(self, frame: Frame) -> None:
        """Takes a look if one is due by the frame's time; `message` then says that the camera moved, or None."""
        if self._fingerprint is None or (self._next_s is not None and frame.t_s < self._next_s):
            return
        self._next_s = frame.t_s + self._every_s
        try:
            verdict = drift.moved(self._fingerprint, frame.y)
        except (KeyError, ValueError):
            self._fingerprint = None  # of another kind or size: it says nothing about this camera
            return
        if verdict.state == "dark":
            return
        self._moved = self._moved + 1 if verdict.moved else 0
        self.message = verdict.in_words() if self._moved >= AGREEING else None
