"""What every source of pictures hands on, and the one interface they share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]


class FrameSourceError(Exception):
    """A source can't be opened or read; the text says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as the decoder or the sensor left it: a luma plane and two chroma planes of half size.

    `index` counts the frames of the source as they are stored or delivered, repeated ones included.
    `t_s` is the true time of the first row on the source's own clock, cadence recovered.
    `repeated` says that the picture is a copy of the one before and tells nothing new.
    `missing` counts the frames that should have come just before this one and did not.
    """

    index: int
    t_s: float
    y: Plane
    u: Plane
    v: Plane
    repeated: bool = False
    missing: int = 0

    @property
    def width_px(self) -> int:
        return int(self.y.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.y.shape[0])

    def bgr(self) -> Plane:
        """The frame as a BGR picture, shape (h, w, 3)."""
        uv = np.dstack([self.u, self.v])
        return np.asarray(cv2.cvtColorTwoPlane(self.y, uv, cv2.COLOR_YUV2BGR_NV12), dtype=np.uint8)

    @classmethod
    def from_bgr(cls, picture: Plane, index: int = 0, t_s: float = 0.0) -> "Frame":
        """A frame from a BGR picture, shape (h, w, 3); an odd last row or column is cut off."""
        picture = np.ascontiguousarray(picture[: picture.shape[0] & ~1, : picture.shape[1] & ~1])
        height, width = picture.shape[:2]
        planar = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
        y = planar[:height]
        chroma = planar[height:].reshape(2, height // 2, width // 2)
        return cls(index, t_s, y, chroma[0], chroma[1])


class FrameSource(Protocol):
    """A camera, a file or the simulated table. Iterating yields frames until the source ends or is closed.

    `id` names this source for the key of a shot and changes with every new start or loop.
    `fps` is the true cadence where it is known; `frame_count` the length where it is known (files).
    """

    id: str
    width_px: int
    height_px: int
    fps: float | None
    frame_count: int | None
    readout_s: float

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None: ...
