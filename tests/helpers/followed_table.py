"""A tracker fed by hand: balls of one colour each on black cloth, frame by frame."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from calibration.table import STANDARD_TABLES
from vision.model import Detection
from vision.track import Track
from vision.tracker import Tracker

Array = NDArray[np.float64]
Point = tuple[float, float]

TABLE = STANDARD_TABLES["9ft"]
D = TABLE.ball_diameter_in
PX_PER_IN = 11.0
RED, WHITE, BLUE, BLACK = (30, 30, 200), (230, 230, 230), (190, 60, 20), (25, 25, 25)


def ball(
    place: Point, colour: tuple[int, int, int] = RED, quality: float = 0.9, by_hand: bool = False
) -> Detection:
    """A detection of a ball of one BGR colour, on black cloth."""
    look = np.tile(np.array(colour, dtype=np.float32), (61, 1))
    look[-1] = 0
    u, v = place[0] * PX_PER_IN, place[1] * PX_PER_IN
    return Detection(u, v, place[0], place[1], PX_PER_IN * D / 2, quality, 1.0, look, by_hand)


class FollowedTable:
    """A tracker fed frame by frame; every place counts as looked at and bare unless said otherwise."""

    def __init__(self, fps: float = 60.0) -> None:
        self.tracker = Tracker(TABLE)
        self.fps = fps
        self.index = 0

    @property
    def t_s(self) -> float:
        return self.index / self.fps

    def see(
        self,
        *detections: Detection,
        frames: int = 1,
        changed: bool | Callable[[Track], bool] = True,
        covered: Callable[[Track], float] | None = None,
    ) -> None:
        """The same detections for some frames."""
        for _ in range(frames):
            tracks = list(self.tracker.tracks)
            where = self.tracker.expected(self.t_s).points_in

            def cover(points_in: Array, tracks: list[Track] = tracks, where: Array = where) -> Array:
                there = [tracks[int(np.linalg.norm(where - p, axis=1).argmin())] for p in points_in]
                return np.array([covered(t) if covered else 0.0 for t in there])

            looked = np.array([changed(t) if callable(changed) else changed for t in tracks], dtype=bool)
            self.tracker.update(self.index, self.t_s, list(detections), looked, cover)
            self._check()
            self.index += 1

    @property
    def balls(self) -> list[Track]:
        return [t for t in self.tracker.tracks if t.confirmed]

    def only(self) -> Track:
        (track,) = self.balls
        return track

    def near(self, place: Point, within_in: float = 1.0) -> Track:
        """The one ball near a place."""
        found = [t for t in self.balls if np.hypot(t.x_in - place[0], t.y_in - place[1]) < within_in]
        assert len(found) == 1, found
        return found[0]

    def _check(self) -> None:
        """What is promised at every frame: no number twice, no two balls in one place."""
        tracks = self.tracker.tracks
        ids = [t.id for t in (*tracks, *self.tracker.lost)]
        assert len(ids) == len(set(ids))
        for i, a in enumerate(tracks):
            for b in tracks[i + 1 :]:
                assert np.hypot(a.x_in - b.x_in, a.y_in - b.y_in) > 0.5 * D
