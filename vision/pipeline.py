"""Frames in, balls and shots out: the one path for live cameras, recordings and the simulated table."""

import time
from collections import deque

import numpy as np

from calibration.file import Calibration
from vision.balls import BallSet
from vision.detect.classical import Detector
from vision.feel import USUAL, Feel
from vision.frames.source import Frame
from vision.identify import Names
from vision.model import BallState, Health, Seen, Shot
from vision.quality import Quality
from vision.shots import ShotFinder
from vision.tracker import Tracker

_NAME_EVERY_S, _NAME_IN_PLAY_S = 1.0, 2.5


class Pipeline:
    """Follows one table. Feed it frames in order; it never looks ahead and never blocks.

    `ball_set` is the set in play, or None to tell it from the balls. `source_id` begins every shot's id. `feel` is
    what was learnt of this table before.
    """

    def __init__(
        self,
        calibration: Calibration,
        ball_set: BallSet | None = None,
        source_id: str = "",
        feel: Feel = USUAL,
    ) -> None:
        self.calibration = calibration
        self._detector = Detector(calibration)
        self._tracker = Tracker(calibration.table)
        self._names = Names(ball_set, calibration.table.ball_diameter_in)
        self._finder = ShotFinder(calibration, source_id, feel)
        self._learnt = False
        self._named_s = -np.inf
        self._frames = 0
        self._repeated = 0
        self._dropped = 0
        self._times_ms: deque[float] = deque(maxlen=4000)
        self._balls: tuple[BallState, ...] = ()

    def process(self, frame: Frame) -> Seen:
        """The state after this frame, with the shots that ended or were amended by it."""
        began = time.perf_counter()
        self._frames += 1
        self._dropped += frame.missing
        if frame.repeated:
            self._repeated += 1
            return Seen(frame.index, frame.t_s, self._finder.phase, self._balls)
        if not self._learnt:
            self._detector.learn([frame])
            self._learnt = True
        sight = self._detector.look(frame, self._tracker.expected(frame.t_s))
        self._tracker.update(frame.index, frame.t_s, sight.detections, sight.looked, self._detector.cover)
        every_s = _NAME_IN_PLAY_S if self._finder.phase == "shot" else _NAME_EVERY_S
        if frame.t_s - self._named_s >= every_s:
            self._name(frame.t_s)
        shots = self._finder.update(frame.index, frame.t_s, self._tracker, self._names)
        self._balls = self._states()
        self._times_ms.append((time.perf_counter() - began) * 1000)
        return Seen(frame.index, frame.t_s, self._finder.phase, self._balls, tuple(shots))

    def finish(self) -> tuple[Shot, ...]:
        """Ends the recording: a shot still in motion is handed on with `complete=False`."""
        return tuple(self._finder.finish(self._tracker, self._names))

    @property
    def ball_set(self) -> BallSet:
        """The set in play as far as it is known."""
        return self._names.ball_set

    @property
    def feel(self) -> Feel:
        """What is known of the table's cloth and rails by now."""
        return self._finder.feel

    @property
    def quality(self) -> Quality:
        """How well the shots so far were seen."""
        return self._finder.quality

    @property
    def health(self) -> Health:
        times = np.array(self._times_ms) if self._times_ms else None
        return Health(
            self._frames,
            self._repeated,
            self._dropped,
            None if times is None else round(float(np.percentile(times, 50)), 3),
            None if times is None else round(float(np.percentile(times, 99)), 3),
            self.quality.warnings(),
        )

    def _name(self, t_s: float) -> None:
        self._named_s = t_s
        self._names.settle(self._tracker.balls, self._tracker.lost)

    def _states(self) -> tuple[BallState, ...]:
        return tuple(
            BallState(self._names.of(t.id), t.x_in, t.y_in, t.x_px, t.y_px, t.state) for t in self._tracker.balls
        )
