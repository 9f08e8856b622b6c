"""Where the bed looks other than when it was last looked at: at rest nothing, in play a few tiles."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.frames.source import Plane

Rect = tuple[int, int, int, int]  # left, top, right, bottom in half-size pixels
Tiles = NDArray[np.bool_]

TILE = 8
_HALVINGS = 3  # 2³ pixels a tile
_CHANGED = 14  # a step of half-size luma that noise does not make
_BUSY = 8  # the mean of a tile's 0/255 steps from which it counts
# What changed and is no known ball is looked at when it has been quiet so long, or has waited so long.
_QUIET_S, _PATIENT_S = 0.1, 1.0
_AGAIN_S = 0.12  # so long after it was looked at it is looked at once more, sharp and uncovered
_STIRS = 10  # a step from one frame to the next that noise does not make
_NEVER = np.inf
_LIGHT = 0.015  # a change of the light below this is noise


class ChangeWatch:
    """Remembers the half-size luma of each tile of 8 × 8 half-size pixels as it was last looked at.

    `reach`, shape (h, w), is non-zero where a change counts; `samples` are rows and columns of bare cloth, by
    which a change of the light on everything is told from one of the things themselves.
    """

    def __init__(self, reach: Plane, samples: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        height, width = (n // TILE * TILE for n in reach.shape)
        self.shape = height // TILE, width // TILE
        self._cut = slice(0, height), slice(0, width)
        self._reach = np.ascontiguousarray(reach[self._cut])
        self._there = cv2.resize(self._reach, self.shape[::-1], interpolation=cv2.INTER_AREA) > 0
        rows, columns = samples
        inside = (rows < height) & (columns < width)
        self._samples = rows[inside], columns[inside]
        # Kept, so that no frame waits for memory.
        self._step = np.empty((height, width), dtype=np.uint8)
        self._halves = [np.empty((height >> k, width >> k), dtype=np.uint8) for k in range(1, _HALVINGS + 1)]
        self._seen: Plane | None = None
        self._now = self._reach  # the newest luma, in the light of the first
        self._busy = np.ones(self.shape, dtype=bool)
        self._before: Plane | None = None
        self._since_s = np.full(self.shape, _NEVER)
        self._stirred_s = np.full(self.shape, -_NEVER)
        self._again_s = np.full(self.shape, _NEVER)

    @property
    def is_new(self) -> bool:
        """Whether nothing has been looked at yet."""
        return self._seen is None

    def forget(self) -> None:
        """Makes everything new."""
        self._seen = None

    def want_all(self, t_s: float) -> None:
        """Asks for one more look at everything."""
        self._again_s[self._there] = t_s

    def busy(self, luma: Plane, t_s: float) -> Tiles:
        """Which tiles differ from when they were last looked at, shape (h, w) in tiles; all at first."""
        if self._seen is None:
            self._seen = luma[self._cut].copy()
            self._now = self._seen
            self._busy = np.ones(self.shape, dtype=bool)
            return self._busy
        self._now = self._levelled(luma[self._cut])
        self._busy = self._differing(self._seen, _CHANGED)
        self._since_s = np.where(self._busy, np.minimum(self._since_s, t_s), _NEVER)
        return self._busy

    def due(self, accounted: Tiles, t_s: float, patience_s: float | None = None) -> Tiles:
        """The tiles to look at whatever is there: all that wait, once some have waited long enough. What is
        `accounted` for, shape (h, w) in tiles, waits for nothing. With a `patience_s` nothing counts but how long
        they have waited."""
        waiting = self._busy & ~accounted
        if patience_s is not None:
            patient = waiting & (self._since_s <= t_s - patience_s)
            return waiting if patient.any() else patient
        again = ~self._busy & (self._again_s <= t_s)
        if not waiting.any():
            self._before = None
            return again
        if self._before is not None:
            self._stirred_s[self._differing(self._before, _STIRS)] = t_s
        self._before = self._now.copy()
        if (waiting & (self._since_s <= t_s - _PATIENT_S)).any():
            return again | waiting
        return again | self._quiet(waiting, t_s)

    def _quiet(self, waiting: Tiles, t_s: float) -> Tiles:
        """The waiting tiles that hang together with none that stirred a moment ago: no part of a person."""
        stirred = (self._stirred_s > t_s - _QUIET_S) | (waiting & (self._since_s > t_s - _QUIET_S))
        settled = waiting & ~stirred
        if not settled.any():
            return settled
        either = cv2.dilate((waiting | stirred).astype(np.uint8), np.ones((3, 3), np.uint8))
        _, parts = cv2.connectedComponents(either)
        stirring = np.unique(parts[stirred])
        return settled & ~np.isin(parts, stirring)

    def _differing(self, before: Plane, least: int) -> Tiles:
        """Which tiles differ from an earlier picture by steps of at least so much."""
        step = self._step
        cv2.absdiff(self._now, before, dst=step)
        cv2.threshold(step, least, 255, cv2.THRESH_BINARY, dst=step)
        cv2.bitwise_and(step, self._reach, dst=step)
        for half in self._halves:
            cv2.resize(step, half.shape[::-1], dst=half, interpolation=cv2.INTER_AREA)
            step = half
        differing: Tiles = step > _BUSY
        return differing

    def look_at(self, tiles: Tiles, t_s: float, *, again: bool) -> None:
        """Notes that tiles are looked at now; `again` says that they want another look when they are quiet."""
        assert self._seen is not None
        if self._now is not self._seen:
            for row, column in zip(*np.nonzero(tiles), strict=True):
                part = slice(row * TILE, (row + 1) * TILE), slice(column * TILE, (column + 1) * TILE)
                self._seen[part] = self._now[part]
        known = np.isfinite(self._again_s) & tiles
        self._since_s[tiles] = _NEVER
        self._again_s[known] = _NEVER
        if again:
            self._again_s[tiles & ~known] = t_s + _AGAIN_S

    def regions(self, tiles: Tiles) -> list[Rect]:
        """Tiles as rectangles, each around those that hang together."""
        grown = cv2.dilate(tiles.astype(np.uint8), np.ones((3, 3), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(grown)
        height, width = self._reach.shape
        return [
            (
                int(x) * TILE,
                int(y) * TILE,
                min(width, int(x + w) * TILE),
                min(height, int(y + h) * TILE),
            )
            for x, y, w, h, _ in stats[1:count]
        ]

    def _levelled(self, luma: Plane) -> Plane:
        """The luma as it would be in the light in which it was first seen."""
        assert self._seen is not None
        there = self._samples
        before, now = self._seen[there].astype(np.float32), luma[there].astype(np.float32)
        change = float(np.median(now - before)) / max(float(np.median(before)) - 16.0, 16.0)
        if abs(change) < _LIGHT:
            return luma
        scale = 1 / (1 + change)
        return np.asarray(cv2.convertScaleAbs(luma, alpha=scale, beta=16 * (1 - scale)), dtype=np.uint8)
