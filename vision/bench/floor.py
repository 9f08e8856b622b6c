"""The least that following balls can cost: one look at every pixel for change, and sixteen regions in colour."""

import cv2
import numpy as np

from vision.frames.source import Frame, Plane

REGIONS = 16
_CLOTH_BGR = ((60, 60, 0), (255, 255, 80))  # any bounds take as long
REGION_PX = 64  # nearly two ball diameters at 1080p over a 9-ft table


class Floor:
    """The floor for frames of one size. `luma` compares two luma planes pixel by pixel; `regions` cuts sixteen
    squares spread over the picture, converts them from Y, U and V to BGR and asks of each pixel whether it has the
    cloth's colour. Nothing is found by either."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self._change = np.empty((height_px, width_px), np.uint8)
        columns = np.linspace(0, width_px - REGION_PX, 4).astype(int) & ~1
        rows = np.linspace(0, height_px - REGION_PX, 4).astype(int) & ~1
        self._corners = [(int(left), int(top)) for top in rows for left in columns]

    def luma(self, before: Frame, frame: Frame) -> Plane:
        """The difference of two luma planes, shape (h, w)."""
        return np.asarray(cv2.absdiff(before.y, frame.y, self._change), dtype=np.uint8)

    def regions(self, frame: Frame) -> list[Plane]:
        """Which pixels of sixteen regions look like cloth: masks of shape (64, 64)."""
        regions = (_in_colour(frame, left, top) for left, top in self._corners)
        return [np.asarray(cv2.inRange(region, *_CLOTH_BGR), dtype=np.uint8) for region in regions]


def _in_colour(frame: Frame, left: int, top: int) -> Plane:
    luma = frame.y[top : top + REGION_PX, left : left + REGION_PX]
    half = slice(top // 2, (top + REGION_PX) // 2), slice(left // 2, (left + REGION_PX) // 2)
    chroma = cv2.merge([frame.u[half], frame.v[half]])
    return np.asarray(cv2.cvtColorTwoPlane(luma, chroma, cv2.COLOR_YUV2BGR_NV12), dtype=np.uint8)
