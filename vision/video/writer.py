"""Writes H.264 videos that every browser plays."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np

from vision.frames.source import Frame, Plane

_CLOCK_HZ = 90_000


class VideoError(Exception):
    """A video can't be written; the text says why and what to do."""


class VideoWriter:
    """An MP4 with H.264 in yuv420p, its index in front, each frame at its own exact time.

    The file appears, whole, when the block ends. `crf` is x264's quality: 18 very good, 28 small. Raises
    VideoError where it can't be written.
    """

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
        self.path = path
        self._size = (width_px & ~1, height_px & ~1)
        self._partial = path.with_name(path.name + ".part")
        self._last_pts = -1
        try:
            self._partial.touch()  # the library opens the file only with the first picture
            self._container: Any = av.open(
                str(self._partial), "w", format="mp4", options={"movflags": "+faststart"}
            )
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error
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
        self._mux(frame)

    def close(self) -> None:
        """Finishes the file and puts it in its place."""
        if self._container is None:
            return
        self._mux(None)
        try:
            self._container.close()
            self._partial.replace(self.path)
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        finally:
            self._container = None

    def _mux(self, frame: Any) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> VideoError:
        return VideoError(f"{self.path} can't be written: {getattr(error, 'strerror', None) or error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        if self._container is not None:
            self._container.close()
            self._container = None
        self._partial.unlink(missing_ok=True)
