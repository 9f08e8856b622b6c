"""What a camera's compression leaves of a frame: encoded and decoded again in memory, without delay."""

from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vision.simulate.view import Planes

Codec = Literal["none", "mjpeg", "h264"]

_CLOCK_HZ = 90_000
_QSCALE_FLAG, _LOW_DELAY_FLAG = 1 << 1, 1 << 19
_LAMBDA = 118  # FFmpeg's FF_QP2LAMBDA: a quality of `-q:v 1`


class Compression:
    """A codec's memory of one camera's frames.

    `quality` is x264's CRF for `h264` (18 very good, 28 small), and for `mjpeg` FFmpeg's scale (2 very good, 10
    small). Raises ValueError for `none`.
    """

    def __init__(self, codec: Codec, size_px: tuple[int, int], fps: float, quality: int) -> None:
        if codec == "none":
            raise ValueError("no compression has nothing to compress with")
        import av  # noqa: PLC0415 (17 MB, and a simulated table on a box compresses nothing)

        self._new_frame: Any = av.VideoFrame
        self._pts = 0
        self._step = round(_CLOCK_HZ / fps)
        self._format = "yuv420p" if codec == "h264" else "yuvj420p"
        self._encoder: Any = av.CodecContext.create("libx264" if codec == "h264" else "mjpeg", "w")
        self._encoder.width, self._encoder.height = size_px
        self._encoder.pix_fmt = self._format
        self._encoder.time_base = Fraction(1, _CLOCK_HZ)
        self._encoder.framerate = Fraction(fps).limit_denominator(1001)
        self._encoder.thread_count = 1
        if codec == "h264":
            self._encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": str(quality)}
        else:
            self._encoder.flags |= _QSCALE_FLAG
            self._encoder.global_quality = quality * _LAMBDA
            self._encoder.qmin = self._encoder.qmax = quality
        self._decoder: Any = av.CodecContext.create(codec, "r")
        self._decoder.thread_count = 1
        self._decoder.flags |= _LOW_DELAY_FLAG

    def through(self, planes: Planes) -> Planes:
        """The planes of the next frame as they are after coding."""
        height, width = planes.y.shape
        frame: Any = self._new_frame(width, height, self._format)
        for plane, values in zip(frame.planes, (planes.y, planes.u, planes.v), strict=True):
            _rows(plane)[:, : values.shape[1]] = values
        frame.pts, self._pts = self._pts, self._pts + self._step
        decoded = [d for packet in self._encoder.encode(frame) for d in self._decoder.decode(packet)]
        if len(decoded) != 1:
            raise RuntimeError(f"a codec without delay gave {len(decoded)} frames for one")
        return Planes(*(_values(plane) for plane in decoded[0].planes))


def _rows(plane: Any) -> NDArray[np.uint8]:
    """A plane's memory, padding included."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)


def _values(plane: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(_rows(plane)[: plane.height, : plane.width])
