"""Where the bed looks other than when it was last looked at: at rest nothing, in play a few regions."""

import cv2
import numpy as np

from vision.frames.source import Plane

Rect = tuple[int, int, int, int]  # left, top, right, bottom in half-size pixels

_CHANGED = 14  # a step of half-size luma that noise does not make
_TILE = 8
_BUSY = 8  # the mean of a tile's 0/255 steps from which it counts
_AGAIN = 6  # so many frames after its last change a part is looked at once more, sharp and uncovered


class ChangeWatch:
    """Remembers the half-size luma of each part as it was last looked at.

    What changed is looked at once more when it has been quiet for a moment: the last look of a movement is of
    something still moving, or half hidden by a hand.
    `reach`, shape (h, w), is non-zero where a change counts; `whole` its bounds.
    """

    def __init__(self, reach: Plane, whole: Rect) -> None:
        self._reach = reach
        self._whole = whole
        self._seen: Plane | None = None
        self._quiet: Plane | None = None  # by tile: frames since a change not yet looked at again, 0 for none

    def forget(self) -> None:
        """Makes the next look one at everything."""
        self._seen = None

    def regions(self, luma: Plane) -> list[Rect]:
        """The regions that changed, which then count as looked at."""
        height, width = luma.shape
        if self._seen is None or self._quiet is None:
            self._seen = luma.copy()
            self._quiet = np.ones((height // _TILE, width // _TILE), dtype=np.uint8)
            return [self._whole]
        step = cv2.absdiff(luma, self._seen)
        _, step = cv2.threshold(step, _CHANGED, 255, cv2.THRESH_BINARY)
        step = cv2.bitwise_and(step, self._reach)
        tiles = cv2.resize(step, (width // _TILE, height // _TILE), interpolation=cv2.INTER_AREA)
        busy = (np.asarray(tiles) > _BUSY).astype(np.uint8)
        self._quiet[self._quiet > 0] += 1
        self._quiet[busy > 0] = 1
        again = self._quiet > _AGAIN
        self._quiet[again] = 0
        busy |= again
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
