"""The plain baseline that figures stand beside: Hough circles, HSV colours, the nearest centroid.

What a reader of tutorials would write in an afternoon: OpenCV's Hough transform on the blurred grey picture,
scaled by the calibration's ball radius; a ball's colour by its median hue and its share of white; a ball keeps
its name while a circle lies near where it was.
"""

from collections import Counter
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.balls import Ball, BallSet
from vision.evaluate.detection import Found
from vision.frames.source import Frame, Plane

Array = NDArray[np.float64]

# OpenCV's own example has 100 and 30, for larger circles. Of 60, 100, 150 and 8 … 30 these gave the best F1 within
# 28 mm on development seeds 1, 2, 4, 5, 6 and 8: 92.6 %, where 100 and 30 give 70.9 %.
_EDGE, _VOTES = 60.0, 12.0
_WHITE_SATURATION, _WHITE_VALUE = 70, 150
_DARK_VALUE = 55
_CUE_SHARE, _STRIPE_SHARE = 0.75, 0.3
_GATE_DIAMETERS = 1.5


@dataclass(eq=False)
class _Path:
    """A ball followed by its nearest centroid, with the names it was given so far."""

    place_in: Array
    votes: Counter[str] = field(default_factory=Counter)


class PlainFinder:
    """Finds, names and follows balls plainly, in frames in order."""

    def __init__(self, calibration: Calibration, ball_set: BallSet) -> None:
        self._calibration = calibration
        table = calibration.table
        self._radius_px = table.ball_radius_in * calibration.px_per_in(table.length_in / 2, table.width_in / 2)
        self._plain = [b for b in ball_set.balls if b.group != "cue" and not b.striped and b.group != "eight"]
        self._striped = [b for b in ball_set.balls if b.striped]
        self._paths: list[_Path] = []

    def find(self, frame: Frame) -> list[Found]:
        """The balls of a frame, the circle with most votes first."""
        picture = frame.bgr()
        circles = self._circles(picture)
        if not len(circles):
            self._paths = []
            return []
        table = self._calibration.table
        places = self._calibration.to_table(circles[:, :2])
        inside = (places > 0).all(axis=1) & (places < (table.length_in, table.width_in)).all(axis=1)
        names = [self._colour(picture, circle) for circle in circles[inside]]
        places, circles = places[inside], circles[inside]
        names = self._followed(places, names)
        return [
            Found(name, (float(c[0]), float(c[1])), (float(p[0]), float(p[1])), 1.0 - k / len(names))
            for k, (name, c, p) in enumerate(zip(names, circles, places, strict=True))
        ]

    def _circles(self, picture: Plane) -> Array:
        """Circles as x, y, radius in pixels, shape (N, 3)."""
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (5, 5), 0)
        r = self._radius_px
        found = cv2.HoughCircles(
            grey,
            cv2.HOUGH_GRADIENT,
            dp=1,
            minDist=1.6 * r,
            param1=_EDGE,
            param2=_VOTES,
            minRadius=max(1, round(0.75 * r)),
            maxRadius=round(1.3 * r),
        )
        return np.zeros((0, 3)) if found is None else np.asarray(found, dtype=np.float64).reshape(-1, 3)

    def _colour(self, picture: Plane, circle: Array) -> str:
        """The name of the ball whose colour is nearest, by the circle's inside."""
        x, y, r = (round(float(v)) for v in circle)
        reach = max(2, round(0.8 * r))
        patch = picture[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        hsv = cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_BGR2HSV).reshape(-1, 3).astype(np.int32)
        white = (hsv[:, 1] < _WHITE_SATURATION) & (hsv[:, 2] > _WHITE_VALUE)
        share = float(white.mean())
        if share > _CUE_SHARE:
            return "cue"
        coloured = hsv[~white]
        if float(np.median(coloured[:, 2])) < _DARK_VALUE and share < _STRIPE_SHARE:
            return "8"
        balls = self._striped if share > _STRIPE_SHARE and self._striped else self._plain
        return min(balls, key=lambda b: _apart(np.median(coloured, axis=0), b)).name

    def _followed(self, places: Array, names: list[str]) -> list[str]:
        """The names that balls have by the majority of what they were called while they were followed."""
        gate = _GATE_DIAMETERS * self._calibration.table.ball_diameter_in
        paths: list[_Path] = []
        for place, name in zip(places, names, strict=True):
            near = min(self._paths, key=lambda path: float(np.hypot(*(path.place_in - place))), default=None)
            path = _Path(place)
            if near is not None and float(np.hypot(*(near.place_in - place))) < gate:
                self._paths.remove(near)
                path = _Path(place, near.votes)
            path.votes[name] += 1
            paths.append(path)
        self._paths = paths
        return [path.votes.most_common(1)[0][0] for path in paths]


def _apart(hsv: Array, ball: Ball) -> float:
    """How far a median colour is from a ball's own: round the circle of hues, and in strength and light."""
    own = cv2.cvtColor(np.array([[ball.rgb[::-1]]], dtype=np.uint8), cv2.COLOR_BGR2HSV)[0, 0].astype(np.float64)
    hue = abs(float(hsv[0]) - own[0])
    return float(np.hypot(min(hue, 180 - hue) / 90, 0.3 * np.hypot(*(hsv[1:] - own[1:])) / 255))
