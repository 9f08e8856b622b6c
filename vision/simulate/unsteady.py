"""Light that changes from frame to frame and row to row: lamps on the mains, a camera that exposes by itself."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.simulate.view import GAMMA, YUV_ZERO, Planes

Array = NDArray[np.float64]

# Under a rolling shutter so many rows get the same light: at 720 rows in 16 ms a fiftieth of a lamp's swing.
_BAND_ROWS = 8


@dataclass(frozen=True, slots=True)
class Unsteady:
    """How the picture's light changes.

    `ripple` is the share by which a lamp on mains of `mains_hz` swings, twice a period; `drift` the share by which
    the camera's exposure goes up and down in `drift_s` seconds; `phase_rad` where each of them begins.
    """

    mains_hz: float = 50.0
    ripple: float = 0.0
    drift: float = 0.0
    drift_s: float = 20.0
    phase_rad: tuple[float, float] = (0.0, 0.0)

    @property
    def is_steady(self) -> bool:
        return self.ripple == self.drift == 0

    def gains(self, times_s: Array, exposure_s: float) -> Array:
        """The light gathered in exposures with their middles at times (n,), against steady light: shape (n,).

        The mean of 1 + a cos(2πft) over an exposure e is 1 + a sinc(fe) cos(2πft): what flickers at a short
        exposure is even at one that holds whole swings.
        """
        swings_hz = 2 * self.mains_hz
        seen = self.ripple * np.sinc(swings_hz * exposure_s)
        lamp = 1 + seen * np.cos(2 * np.pi * swings_hz * times_s + self.phase_rad[0])
        camera = 1 + self.drift * np.sin(2 * np.pi * times_s / self.drift_s + self.phase_rad[1])
        gains: Array = lamp * camera
        return gains

    def apply(self, planes: Planes, t_s: float, exposure_s: float, readout_s: float) -> None:
        """Brings the light of a frame to its planes, whose first row is exposed round `t_s`, the last one
        `readout_s` later."""
        if self.is_steady:
            return
        height = planes.y.shape[0]
        rows = _BAND_ROWS if readout_s and self.ripple else height
        tops = np.arange(0, height, rows)
        middles = np.minimum(tops + rows / 2, height)
        gains = self.gains(t_s + readout_s * middles / height, exposure_s) ** (1 / GAMMA)
        for top, gain in zip(tops.tolist(), gains.tolist(), strict=True):
            _lit(planes.y[top : top + rows], gain, float(YUV_ZERO[0]))
            for plane in (planes.u, planes.v):
                _lit(plane[top // 2 : (top + rows) // 2], gain, float(YUV_ZERO[1]))


def _lit(part: NDArray[np.uint8], gain: float, zero: float) -> None:
    """Scales values from their zero, in place; rounds and keeps them within 0 … 255."""
    cv2.convertScaleAbs(part, dst=part, alpha=gain, beta=zero * (1 - gain))


STEADY = Unsteady()
