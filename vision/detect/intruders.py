"""Hands, arms, bodies and cues: what reaches onto the bed from its edge and is larger than balls are."""

from dataclasses import dataclass

import cv2
import numpy as np

from vision.detect.bed import Bed
from vision.frames.source import Plane

# What comes in from the edge and covers this many balls is no ball at the rail.
_BALLS = 4.0
_COARSER = 2  # people are looked for in a picture so much smaller
_DEEP = 1.3  # in ball radii


@dataclass(frozen=True)
class Reaching:
    """What reaches onto the bed, at half size: 255 on it in `within`, and within a ball of it in `beside`."""

    within: Plane
    beside: Plane


def intruders(mask: Plane, bed: Bed) -> Plane:
    """255 on what reaches in from the bed's edge, at half size, shape (h, w); `mask` is what is foreign.

    Strips thinner than half a ball, as shaded cushions and cues, are cut off first.
    """
    height, width = mask.shape
    size = width // _COARSER, height // _COARSER
    solid = cv2.resize(np.where(bed.holes > 0, 0, mask).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    thin = max(3, int(0.5 / _COARSER * float(bed.radius_half[bed.reach > 0].mean())) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thin, thin))
    solid = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_OPEN, kernel), dtype=np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(solid)
    border = cv2.resize(bed.border, size, interpolation=cv2.INTER_AREA)
    reaching = np.zeros(count, dtype=np.uint8)
    reaching[np.unique(labels[np.asarray(border) > 0])] = 255
    reaching[0] = 0
    u, v = np.minimum(np.nan_to_num(centres * _COARSER).astype(int), (width - 1, height - 1)).T
    area = np.pi * np.square(bed.radius_half[v, u] / _COARSER)
    reaching[stats[:, cv2.CC_STAT_AREA] <= _BALLS * area] = 0
    if not reaching.any():
        return np.zeros_like(mask)
    found = cv2.resize(reaching[labels], (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(found, dtype=np.uint8)


def beside(intruder: Plane, bed: Bed) -> Plane:
    """255 on what reaches in and within a ball of it, at half size, shape (h, w)."""
    if not intruder.any():
        return intruder
    size = 2 * round(2 * float(bed.radius_half[bed.reach > 0].mean())) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(intruder, kernel), dtype=np.uint8)


def core(intruder: Plane, bed: Bed) -> Plane:
    """255 so deep inside what reaches in that no ball's edge is near, at half size, shape (h, w)."""
    if not intruder.any():
        return intruder
    depth = np.asarray(cv2.distanceTransform(intruder, cv2.DIST_L2, 3)) / bed.radius_half
    return np.where(depth > _DEEP, 255, 0).astype(np.uint8)
