"""Frames in, balls and shots out: the one path for live cameras, recordings and the simulated table."""

from calibration.file import Calibration
from vision.balls import BallSet
from vision.frames.source import Frame
from vision.model import Health, Seen, Shot


class Pipeline:
    """Follows one table. Feed it frames in order; it never looks ahead and never blocks.

    `ball_set` is the set in play, or None to tell it from the balls seen. `source_id` begins every shot's id.
    """

    def __init__(
        self, calibration: Calibration, ball_set: BallSet | None = None, source_id: str = ""
    ) -> None:
        raise NotImplementedError

    def process(self, frame: Frame) -> Seen:
        """The state after this frame, with the shots that ended or were amended by it."""
        raise NotImplementedError

    def finish(self) -> tuple[Shot, ...]:
        """Ends the recording: a shot still in motion is handed on with `complete=False`."""
        raise NotImplementedError

    @property
    def health(self) -> Health:
        raise NotImplementedError
