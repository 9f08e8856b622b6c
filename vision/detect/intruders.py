"""Hands, arms, bodies and cues: what reaches onto the bed from its edge and is larger than balls are."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detect.bed import Bed
from vision.detect.changes import TILE, Tiles
from vision.frames.source import Plane

# What comes in from the edge and covers this many balls is no ball at the rail.
_BALLS = 4.0
_COARSER = 2  # people are looked for in a picture so much smaller
_DEEP = 1.3  # in ball radii

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Reaching:
    """What reaches onto the bed, in a picture a quarter of the frame's size: non-zero on it in `within`, and
    within a ball of it in `around`. `core`, at half size, is so deep inside that no ball's edge is near; None
    where nothing reaches in."""

    within: Plane
    around: Plane
    core: Plane | None = None

    def holds(self, u: Ints, v: Ints) -> Bools:
        """Whether half-size pixels lie on what reaches in."""
        result: Bools = self.within[v // _COARSER, u // _COARSER] > 0
        return result

    def beside(self, u: Ints, v: Ints) -> Bools:
        """Whether half-size pixels lie on it or within a ball of it."""
        result: Bools = self.around[v // _COARSER, u // _COARSER] > 0
        return result


class Intruders:
    """Tells what reaches in over one table."""

    def __init__(self, bed: Bed) -> None:
        height, width = bed.bed.shape
        self._full = width, height
        # Odd sizes are cut, not rounded, so that looking up needs a division only.
        self._size = (width + 1) // _COARSER, (height + 1) // _COARSER
        self._radius = bed.radius_half[::_COARSER, ::_COARSER] / _COARSER
        mean = float(bed.radius_half[bed.reach > 0].mean()) / _COARSER
        self._thin = _ellipse(max(3, int(0.5 * mean) | 1))
        self._wide = _ellipse(2 * round(2 * mean) + 1)
        self._border = cv2.dilate(bed.border, np.ones((_COARSER, _COARSER), np.uint8))[::_COARSER, ::_COARSER] > 0
        rows, columns = (n // TILE for n in bed.bed.shape)
        edge = bed.border[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
        self._edge_tiles = edge.any(axis=(1, 3))
        self._least_tiles = _BALLS * np.pi * (_COARSER * mean / TILE) ** 2
        self._open = (bed.holes[::_COARSER, ::_COARSER] == 0).astype(np.uint8)

    def nothing(self) -> Reaching:
        """Where nobody is."""
        empty = np.zeros(self._open.shape, dtype=np.uint8)
        return Reaching(empty, empty)

    def coming(self, tiles: Tiles) -> Tiles:
        """The tiles within a ball of what comes in and has not been looked at yet: of `tiles`, which changed and
        are no ball's, those that hang together from the bed's edge over more than balls and cues do."""
        thick = cv2.morphologyEx(tiles.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(thick)
        large = stats[:, cv2.CC_STAT_AREA] > self._least_tiles
        large[0] = False
        if not large.any():
            return np.zeros_like(tiles)
        reaching = np.zeros(count, dtype=np.uint8)
        reaching[np.unique(labels[self._edge_tiles])] = 1
        return np.asarray(cv2.dilate((reaching & large)[labels], np.ones((5, 5), np.uint8)) > 0)

    def find(self, mask: Plane) -> Reaching:
        """What reaches in from the bed's edge; `mask`, at half size, is 1 where something foreign lies.

        Strips thinner than half a ball, as shaded cushions and cues, are cut off first.
        """
        solid = np.ascontiguousarray(mask[::_COARSER, ::_COARSER]) & self._open
        solid = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_OPEN, self._thin), dtype=np.uint8)
        count, labels, stats, centres = cv2.connectedComponentsWithStats(solid)
        reaching = np.zeros(count, dtype=np.uint8)
        reaching[np.unique(labels[self._border])] = 1
        reaching[0] = 0
        height, width = solid.shape
        u, v = np.minimum(np.nan_to_num(centres).astype(int), (width - 1, height - 1)).T
        reaching[stats[:, cv2.CC_STAT_AREA] <= _BALLS * np.pi * np.square(self._radius[v, u])] = 0
        if not reaching.any():
            return self.nothing()
        within = reaching[labels]
        around = np.asarray(cv2.dilate(within, self._wide), dtype=np.uint8)
        depth = np.asarray(cv2.distanceTransform(within, cv2.DIST_L2, 3))
        core = (depth > _DEEP * self._radius).astype(np.uint8)
        return Reaching(
            within,
            around,
            np.asarray(cv2.resize(core, self._full, interpolation=cv2.INTER_NEAREST), dtype=np.uint8),
        )


def _ellipse(size: int) -> Plane:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), dtype=np.uint8)
