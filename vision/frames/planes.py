"""Buffers as cameras fill them, turned into a luma plane and two half-size chroma planes without a way through
red, green and blue. Everything is copied out unless told otherwise: a buffer goes back to its camera at once."""

from functools import cache
from typing import Any

import cv2
import numpy as np

from vision.frames.source import Plane

Planes = tuple[Plane, Plane, Plane]


def planes_from_nv12(data: Plane, width: int, height: int, stride: int) -> Planes:
    """From a luma plane and one of alternating U and V, both with rows of `stride` bytes, shape (bytes,)."""
    y = _rows(data, 0, height, stride)[:, :width]
    uv = _rows(data, stride * height, height // 2, stride)[:, :width].reshape(height // 2, width // 2, 2)
    u, v = cv2.split(uv)
    return y.copy(), _plane(u), _plane(v)


def planes_from_yuv420(data: Plane, width: int, height: int, stride: int, *, copy: bool = True) -> Planes:
    """From three planes one after the other (YU12, I420), chroma rows of half the luma's `stride` bytes.

    Rows may be padded: a stride is a multiple of 32 or 64 where the hardware wants it so. Without `copy` the
    planes are views of `data`.
    """
    half = stride // 2
    y = _rows(data, 0, height, stride)[:, :width]
    u = _rows(data, stride * height, height // 2, half)[:, : width // 2]
    v = _rows(data, stride * height + half * (height // 2), height // 2, half)[:, : width // 2]
    return (y.copy(), u.copy(), v.copy()) if copy else (y, u, v)


def planes_from_yuyv(data: Plane, width: int, height: int, stride: int, *, luma_first: bool = True) -> Planes:
    """From packed 4:2:2, Y U Y V (or U Y V Y); two rows of chroma are averaged into one."""
    pairs = _rows(data, 0, height, stride)[:, : 2 * width].reshape(height, width, 2)
    y = cv2.extractChannel(pairs, 0 if luma_first else 1)
    chroma = cv2.extractChannel(pairs, 1 if luma_first else 0).reshape(height, width // 2, 2)
    u, v = cv2.split(cv2.resize(chroma, (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return _plane(y), _plane(u), _plane(v)


class JpegDecoder:
    """Pictures of a Motion JPEG stream, decoded to planes.

    JPEG uses all of 0–255; recordings and other cameras 16–235 (luma) and 16–240 (chroma), and so do we.
    """

    def __init__(self) -> None:
        import av  # noqa: PLC0415 (17 MB, and only compressed pictures need it)

        self._av: Any = av
        self._codec: Any = av.CodecContext.create("mjpeg", "r")
        self._codec.thread_count = 1  # more would hold pictures back

    def planes(self, data: bytes) -> Planes | None:
        """The planes of one JPEG; None when it is broken or of a kind that is not expected."""
        try:
            decoded = self._codec.decode(self._av.Packet(data))
        except (self._av.error.FFmpegError, ValueError):
            return None
        if not decoded:
            return None
        frame = decoded[0]
        if frame.format.name not in ("yuvj420p", "yuvj422p", "yuvj444p", "yuv420p", "yuv422p", "yuv444p"):
            return None
        width, height = frame.width & ~1, frame.height & ~1
        y, u, v = (_view(plane) for plane in frame.planes)
        half = (width // 2, height // 2)
        u, v = _shrunk(u, half), _shrunk(v, half)
        return _limited(y[:height, :width], 219, 16), _limited(u, 224, 128), _limited(v, 224, 128)


def _view(plane: Any) -> Plane:
    whole = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return whole[: plane.height, : plane.width]


def _shrunk(chroma: Plane, size: tuple[int, int]) -> Plane:
    if (chroma.shape[1], chroma.shape[0]) == size:
        return chroma
    return _plane(cv2.resize(chroma, size, interpolation=cv2.INTER_AREA))


def _limited(plane: Plane, span: int, zero: int) -> Plane:
    """Full-range values in the narrow range (ITU-T T.871 to BT.601): `span` steps of 255 about `zero`."""
    return _plane(cv2.LUT(plane, _table(span, zero)))


@cache
def _table(span: int, zero: int) -> Plane:
    full = np.arange(256) - (128 if zero == 128 else 0)
    return np.round(zero + full * span / 255).clip(0, 255).astype(np.uint8)


def _rows(data: Plane, offset: int, rows: int, stride: int) -> Plane:
    return data[offset : offset + rows * stride].reshape(rows, stride)


def _plane(picture: Any) -> Plane:
    return np.asarray(picture, dtype=np.uint8)
