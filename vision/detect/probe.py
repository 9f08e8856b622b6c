"""The colours of one frame at points between its pixels, and how they stand against the cloth there."""

import cv2
import numpy as np

from vision.detect.cloth import Against, Cloth, Float, planes_to_bgr
from vision.detect.silhouette import OPPONENT, Array
from vision.frames.source import Frame, Plane


class Probe:
    """Looks at single points of a frame at full resolution: who needs a few thousand need not convert millions.

    `gain` is by how much the light changed since the cloth was learnt, as a logarithm per channel, shape (3,).
    """

    def __init__(self, frame: Frame, cloth: Cloth, gain: Float) -> None:
        self._frame = frame
        self._cloth = cloth
        self._gain = gain

    def bgr(self, pixels: Array) -> Plane:
        """BGR, shape (N, M, 3), at pixels, shape (N, M, 2)."""
        u, v = pixels[..., 0].astype(np.float32), pixels[..., 1].astype(np.float32)
        half_u, half_v = (u - np.float32(0.5)) * np.float32(0.5), (v - np.float32(0.5)) * np.float32(0.5)
        return planes_to_bgr(
            _between(self._frame.y, u, v),
            _between(self._frame.u, half_u, half_v),
            _between(self._frame.v, half_u, half_v),
        )

    def opponent(self, pixels: Array) -> Float:
        """log(pixel) in opponent colours, shape (N, M, 3), luma last, at pixels, shape (N, M, 2)."""
        return np.asarray(cv2.transform(self._cloth.log_of(self.bgr(pixels)), OPPONENT), dtype=np.float32)

    def against(self, pixels: Array, bgr: Plane) -> Against:
        """How pixels, shape (N, M, 2), of colours `bgr`, shape (N, M, 3), stand against the cloth there."""
        height, width = self._cloth.log_bgr.shape[:2]
        column = np.clip((0.5 * pixels[..., 0]).astype(np.int32), 0, width - 1)
        row = np.clip((0.5 * pixels[..., 1]).astype(np.int32), 0, height - 1)
        ratio = self._cloth.log_of(bgr) - self._cloth.log_bgr[row, column] - self._gain
        return self._cloth.against(np.asarray(ratio, dtype=np.float32))


def _between(plane: Plane, u: Float, v: Float) -> Plane:
    """A plane at columns `u` and rows `v`, both shape (N, M), between its pixels linearly."""
    return np.asarray(cv2.remap(plane, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
