"""Notices that a recording no longer shows the calibrated view: the camera moved, or the film was cut."""

from calibration.drift import moved
from calibration.file import Calibration
from vision.frames.source import Frame

_EVERY_S = 0.5
# People walk past and lean over the table, so one bad look is none. A movement shows in every look.
_LOOKS_MOVED, _LOOKS_OTHER = 3, 6


class ViewWatch:
    """Compares the rails with those of the calibration twice a second, where it keeps a fingerprint.

    `lost_s` is since when the view is lost, once `look` has said so.
    """

    def __init__(self, calibration: Calibration) -> None:
        self._fingerprint = calibration.fingerprint
        self._next_s = 0.0
        self._bad: list[float] = []
        self._good_s = 0.0
        self.lost_s: float | None = None

    def look(self, frame: Frame) -> str | None:
        """What happened, in a sentence for a person, once the view is lost; else None."""
        if self._fingerprint is None or frame.t_s < self._next_s:
            return None
        self._next_s = frame.t_s + _EVERY_S
        drift = moved(self._fingerprint, frame.y)
        if not drift.moved:
            self._bad.clear()
            self._good_s = frame.t_s
            return None
        self._bad.append(frame.t_s)
        if len(self._bad) < (_LOOKS_MOVED if drift.state == "moved" else _LOOKS_OTHER):
            return None
        self.lost_s = self._good_s
        what = "the camera moved" if drift.state == "moved" else "the picture is no longer the calibrated view"
        return f"from {self._bad[0]:.1f} s on {what}: cut the recording there and calibrate each part"
