"""Where the bed looks other than when it was last looked at: at rest nothing, in play a few regions."""

import cv2
import numpy as np

from vision.frames.source import Plane

Rect = tuple[int, int, int, int]  # left, top, right, bottom in half-size pixels

_CHANGED = 14  # a step of half-size luma that noise does not make
_TILE = 8
_BUSY = 8  # the mean of a tile's 0/255 steps from which it counts


class ChangeWatch:
    """Remembers the half-size luma of each part as it was last looked at.

    `reach`, shape (h, w), is non-zero where a change counts; `whole` its bounds.
    """

    def __init__(self, reach: Plane, whole: Rect) -> None:
        self._reach = reach
        self._whole = whole
        self._seen: Plane | None = None

    def forget(self) -> None:
        """Makes the next look one at everything."""
        self._seen = None

    def regions(self, luma: Plane) -> list[Rect]:
        """The regions that changed, which then count as looked at."""
        if self._seen is None:
            self._seen = luma.copy()
            return [self._whole]
        height, width = luma.shape
        step = cv2.absdiff(luma, self._seen)
        _, step = cv2.threshold(step, _CHANGED, 255, cv2.THRESH_BINARY)
        step = cv2.bitwise_and(step, self._reach)
        tiles = cv2.resize(step, (width // _TILE, height // _TILE), interpolation=cv2.INTER_AREA)
        busy = (np.asarray(tiles) > _BUSY).astype(np.uint8)
        if not busy.any():
            return []
        busy = np.asarray(cv2.dilate(busy, np.ones((3, 3), np.uint8)), dtype=np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(busy)
        regions: list[Rect] = []
        for x, y, w, h, _ in stats[1:count]:
            left, top = int(x) * _TILE, int(y) * _TILE
            right, bottom = min(width, int(x + w) * _TILE), min(height, int(y + h) * _TILE)
            self._seen[top:bottom, left:right] = luma[top:bottom, left:right]
            regions.append((left, top, right, bottom))
        return regions
