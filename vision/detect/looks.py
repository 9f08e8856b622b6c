"""A ball's look: what its disc shows of colour, as a few numbers that many frames can average."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detect.cloth import Float, region_bgr
from vision.detect.silhouette import Array
from vision.frames.source import Frame

_RINGS = np.array([0.0, 0.2, 0.4, 0.55, 0.7])


def looks(frame: Frame, centres_px: Array, spokes_px: Array) -> list[Float]:
    """The colours over each ball's inside, one (M, 3) float32 array of BGR 0–255 per ball."""
    margin = float(np.abs(spokes_px).max()) + 2
    left, top = (int(v) & ~1 for v in np.maximum(0, centres_px.min(axis=0) - margin))
    right = min(frame.width_px, int(centres_px[:, 0].max() + margin)) & ~1
    bottom = min(frame.height_px, int(centres_px[:, 1].max() + margin)) & ~1
    if right - left < 4 or bottom - top < 4:
        return [np.zeros((1, 3), dtype=np.float32)] * len(centres_px)
    picture = region_bgr(frame, left, top, right, bottom)
    where = centres_px[:, None, None, :] + _RINGS[None, :, None, None] * spokes_px[:, None, ::3, :]
    where = (where.reshape(len(centres_px), -1, 2) - (left, top)).astype(np.float32)
    colours: NDArray[np.uint8] = np.asarray(
        cv2.remap(picture, where[..., 0], where[..., 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    )
    return list(colours.astype(np.float32))
