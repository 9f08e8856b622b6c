"""The annotated video: a recording played again with what was seen in it drawn on top."""

from pathlib import Path

import numpy as np

from vision.frames.source import FrameSource
from vision.recording import Progress, Recording
from vision.video.overlays import Overlay
from vision.video.writer import VideoWriter


def annotate(source: FrameSource, recording: Recording, path: Path, *, progress: Progress | None = None) -> None:
    """Writes an MP4 of the recording's own frames, each shown when the original shows it, repeats included.

    `source` is the same recording, opened anew. Raises VideoError where the file can't be written and
    FrameSourceError where the source breaks.
    """
    overlay = Overlay(recording.calibration, recording.shots, recording.tracks)
    size = (source.width_px, source.height_px)
    with VideoWriter(path, *size, source.fps or 30.0) as writer:
        for done, frame in enumerate(source):
            if done >= recording.source.frames:
                break
            picture = np.ascontiguousarray(frame.bgr())
            overlay.draw(picture, frame.index, frame.t_s)
            writer.add(picture, float(getattr(source, "shown_s", frame.t_s)))
            if progress is not None:
                progress(done + 1, recording.source.frames)
