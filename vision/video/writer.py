"""Writes H.264 videos that every browser plays."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from vision.files import WholeFile
from vision.frames.source import Frame, Plane

_CLOCK_HZ = 90_000


class VideoError(Exception):
    """A video can't be written; the text says why and what to do."""


class VideoWriter(WholeFile):
    """An MP4 with H.264 in yuv420p, its index in front, each frame at its own exact time.

    `crf` is x264's quality: 18 very good, 28 small. Raises VideoError where the file can't be written.
    """

    _meets = (av.error.FFmpegError, OSError)

    def __init__(
        self,
        path: Path,
        width_px: int,
        height_px: int,
        fps: float,
        *,
        crf: int = 21,
        preset: str = "veryfast",
    ) -> None:
        super().__init__(path)
        self._size = (width_px & ~1, height_px & ~1)
        self._last_pts = -1
        with self._writing():
            self.partial.touch()  # the library opens the file only with the first picture
            self._container: Any = av.open(
                str(self.partial), "w", format="mp4", options={"movflags": "+faststart"}
            )
        stream: Any = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _CLOCK_HZ)
        stream.options = {"preset": preset, "crf": str(crf)}
        self._stream = stream

    def add(self, picture: Plane | Frame, t_s: float) -> None:
        """One picture, BGR of shape (h, w, 3) or a frame's planes, shown from `t_s` on. Times must grow."""
        width, height = self._size
        if isinstance(picture, Frame):
            planar = np.concatenate([p.ravel() for p in (picture.y, picture.u, picture.v)])
        else:
            planar = np.asarray(cv2.cvtColor(picture[:height, :width], cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(planar.reshape(height * 3 // 2, width), format="yuv420p")
        frame.pts = max(round(t_s * _CLOCK_HZ), self._last_pts + 1)
        frame.time_base = Fraction(1, _CLOCK_HZ)
        self._last_pts = frame.pts
        with self._writing():
            self._container.mux(self._stream.encode(frame))

    def _finish(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._abandon()

    def _abandon(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _failure(self, error: Exception) -> VideoError:
        return VideoError(f"{self.path} can't be written: {getattr(error, 'strerror', None) or error}")
