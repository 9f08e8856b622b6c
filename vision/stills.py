"""Balls in stills: every picture on its own, names from its own colours."""

from pathlib import Path

from calibration.file import Calibration
from vision.balls import BallSet
from vision.detect.classical import Detector
from vision.files import Still, StillBall
from vision.frames.source import Frame, Plane
from vision.identify import Names
from vision.model import Detection
from vision.track import Track

_LEARN_FROM = 8
# A track counts as confirmed, and is named, from a few sightings on; in a still there is one.
_ENOUGH_HITS = 100


class StillFinder:
    """Finds and names the balls in pictures of one calibrated view.

    The cloth is learnt from all of `pictures`, BGR of shape (h, w, 3), or a few of them. Raises ClothError or
    CalibrationError, each with what to do.
    """

    def __init__(self, calibration: Calibration, pictures: list[Plane], ball_set: BallSet | None = None) -> None:
        self.calibration = calibration
        self.ball_set = ball_set
        self._detector = Detector(calibration)
        step = max(1, len(pictures) // _LEARN_FROM)
        self._detector.learn([Frame.from_bgr(p) for p in pictures[::step][:_LEARN_FROM]])

    def find(self, path: Path, picture: Plane) -> Still:
        """The balls in one picture, best first."""
        frame = Frame.from_bgr(picture)
        self.calibration.require_picture(frame.width_px, frame.height_px)
        detections = self._detector.detect(frame)
        names = self._names(detections)
        return Still(
            path.name,
            tuple(
                StillBall(name, d.x_px, d.y_px, d.x_in, d.y_in, d.radius_px, d.quality)
                for name, d in zip(names, detections, strict=True)
            ),
        )

    def _names(self, detections: list[Detection]) -> list[str]:
        tracks = [
            Track(
                i, d.x_in, d.y_in, d.x_px, d.y_px, 0.0, hits=_ENOUGH_HITS, looks=[] if d.look is None else [d.look]
            )
            for i, d in enumerate(detections)
        ]
        names = Names(self.ball_set, self.calibration.table.ball_diameter_in)
        names.settle(tracks)
        return [names.of(track.id) for track in tracks]
