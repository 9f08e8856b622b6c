"""Pictures of a recording's view to calibrate from."""

from vision.frames.cadence import novelty, thin
from vision.frames.source import FrameSource, Plane

# The mean squared difference of luma from one frame to the next that only a cut makes.
_CUT = 1500.0
# So long a recording is looked at; a camera shorter: people wait there, and players can be asked to step back.
RECORDING_S, LIVE_S = 20.0, 4.0


def sample_pictures(source: FrameSource, most: int = 12, over_s: float = RECORDING_S) -> list[Plane]:
    """Up to `most` pictures, BGR of shape (h, w, 3), evenly spread over the first seconds, before any cut.

    Raises FrameSourceError when the source can't be read.
    """
    frames = source.frame_count
    fps = source.fps or 30.0
    length_s = over_s if frames is None else min(over_s, frames / fps)
    step_s = length_s / most
    pictures: list[Plane] = []
    before: Plane | None = None
    for frame in source:
        thinned = thin(frame.y)
        if before is not None and novelty(thinned, before) > _CUT:
            break
        before = thinned
        if frame.t_s >= len(pictures) * step_s - 1e-6 and not (frame.repeated and len(pictures) == 0):
            pictures.append(frame.bgr())
        if len(pictures) >= most or frame.t_s > over_s:
            break
    return pictures
