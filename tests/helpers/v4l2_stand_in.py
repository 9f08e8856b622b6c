"""A V4L2 device without a kernel: answers the requests of `linux/videodev2.h` as a strict driver would.

What a driver refuses is refused: unknown requests, buffers queued twice or never mapped, values out of a menu.
"""

import ctypes
import errno
import io
import mmap
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np

from vision.frames import v4l2_abi as abi
from vision.frames.source import Plane

CAPTURE = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING


@dataclass
class Knob:
    """A control. `menu` lists the values it takes where not all between its ends are."""

    name: str
    minimum: int
    maximum: int
    value: int
    menu: tuple[int, ...] | None = None
    flags: int = 0


def webcam_knobs() -> dict[int, Knob]:
    """What a usual USB camera has; its automatics are on, one of them finds 156 tenths of a millisecond."""
    return {
        abi.CID_POWER_LINE_FREQUENCY: Knob("Power Line Frequency", 0, 2, 1),
        abi.CID_EXPOSURE_AUTO: Knob("Auto Exposure", 0, 3, 3, menu=(1, 3)),
        abi.CID_EXPOSURE_AUTO_PRIORITY: Knob("Exposure, Dynamic Framerate", 0, 1, 1),
        abi.CID_EXPOSURE_ABSOLUTE: Knob("Exposure Time, Absolute", 3, 2047, 250),
        abi.CID_GAIN: Knob("Gain", 0, 255, 64),
        abi.CID_AUTO_WHITE_BALANCE: Knob("White Balance, Automatic", 0, 1, 1),
        abi.CID_WHITE_BALANCE_TEMPERATURE: Knob("White Balance Temperature", 2800, 6500, 4600),
        abi.CID_FOCUS_AUTO: Knob("Focus, Automatic Continuous", 0, 1, 1),
        abi.CID_FOCUS_ABSOLUTE: Knob("Focus, Absolute", 0, 250, 30),
    }


@dataclass
class Shown:
    """A frame of the plan: when it is stamped, what is in it, and whether the driver says that it is broken."""

    stamp_s: float
    data: bytes
    broken: bool = False


@dataclass
class StandIn:
    """The device and its kernel. `plan` is what the sensor gives; `after` says what happens when it is used up:
    `stall` gives nothing more, `unplug` takes the device away, `repeat` goes on with the last at the same pace."""

    plan: deque[Shown]
    sizes: dict[str, dict[tuple[int, int], tuple[float, ...]]]
    knobs: dict[int, Knob] = field(default_factory=webcam_knobs)
    automatics: dict[int, int] = field(default_factory=dict)  # what they have found once the stream runs
    caps: int = CAPTURE
    padding: int = 0  # bytes after each row
    after: str = "stall"
    monotonic: bool = True
    open_error: int | None = None
    pace_s: float = 0.0
    has_rates: bool = True
    log: list[tuple[str, int]] = field(default_factory=list)
    open_fds: set[int] = field(default_factory=set)
    mapped: int = 0
    format: tuple[str, int, int] = ("", 0, 0)
    fps: float = 30.0
    gone: bool = False
    streaming: bool = False
    buffers: list[Any] = field(default_factory=list)
    queued: deque[int] = field(default_factory=deque)
    filled: deque[tuple[int, Shown]] = field(default_factory=deque)
    most_out: int = 0
    room: int = 0

    # The five calls.

    def open(self, path: str) -> int:  # noqa: ARG002
        if self.open_error is not None:
            raise OSError(self.open_error, "no")
        fd = 40 + len(self.open_fds)
        self.open_fds.add(fd)
        return fd

    def close(self, fd: int) -> None:
        self.open_fds.remove(fd)

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        if fd not in self.open_fds:
            raise OSError(errno.EBADF, "bad file descriptor")
        if self.gone:
            raise OSError(errno.ENODEV, "no such device")
        handlers: dict[int, Callable[[Any], None]] = {
            abi.QUERYCAP: self._querycap,
            abi.ENUM_FMT: self._enum_fmt,
            abi.ENUM_FRAMESIZES: self._enum_sizes,
            abi.ENUM_FRAMEINTERVALS: self._enum_intervals,
            abi.S_FMT: self._s_fmt,
            abi.S_PARM: self._s_parm,
            abi.QUERYCTRL: self._queryctrl,
            abi.G_CTRL: self._g_ctrl,
            abi.S_CTRL: self._s_ctrl,
            abi.REQBUFS: self._reqbufs,
            abi.QUERYBUF: self._querybuf,
            abi.QBUF: self._qbuf,
            abi.DQBUF: self._dqbuf,
            abi.STREAMON: self._streamon,
            abi.STREAMOFF: self._streamoff,
        }
        if request not in handlers:
            raise OSError(errno.ENOTTY, "inappropriate ioctl")
        handlers[request](argument)

    def map(self, fd: int, length: int, offset: int) -> Any:  # noqa: ARG002
        self.mapped += 1
        memory = Mapped(-1, length)
        memory.device = self
        self.buffers[offset // 4096] = memory
        return memory

    def wait(self, fd: int, timeout_s: float) -> bool:  # noqa: ARG002
        if self.gone:
            return True
        self._sensor()
        if not self.filled and not self.gone:
            time.sleep(min(timeout_s, 0.005))
        return bool(self.filled) or self.gone

    # What the sensor does.

    def _sensor(self) -> None:
        """The next frame of the plan, into a buffer that is queued; without one it is lost."""
        time.sleep(self.pace_s)
        if not self.plan:
            self.gone = self.after == "unplug"
            return
        shown = self.plan.popleft()
        if self.after == "repeat" and not self.plan:
            self.plan.append(Shown(shown.stamp_s + 1 / self.fps, shown.data))
        if not self.queued:
            return
        index = self.queued.popleft()
        self.buffers[index][: len(shown.data)] = shown.data
        self.filled.append((index, shown))
        self.most_out = max(self.most_out, len(self.buffers) - len(self.queued))

    # Requests.

    def _querycap(self, a: abi.Capability) -> None:
        a.driver, a.card = b"standin", b"Stand-in"
        a.capabilities, a.device_caps = self.caps | abi.CAP_DEVICE_CAPS, self.caps

    def _enum_fmt(self, a: abi.FormatDescription) -> None:
        assert a.type == abi.BUF_TYPE_VIDEO_CAPTURE
        a.pixelformat = abi.fourcc(_at(list(self.sizes), a.index))

    def _enum_sizes(self, a: abi.FrameSize) -> None:
        sizes = self.sizes.get(abi.fourcc_text(a.pixel_format), {})
        width, height = _at(list(sizes), a.index)
        a.type, a.extent[0], a.extent[1] = abi.FRMSIZE_DISCRETE, width, height

    def _enum_intervals(self, a: abi.FrameInterval) -> None:
        if not self.has_rates:
            raise OSError(errno.ENOTTY, "inappropriate ioctl")
        rates = self.sizes[abi.fourcc_text(a.pixel_format)][a.width, a.height]
        a.type = abi.FRMIVAL_DISCRETE
        a.interval[0].numerator, a.interval[0].denominator = 1000, round(1000 * _at(list(rates), a.index))

    def _s_fmt(self, a: abi.PictureFormat) -> None:
        assert a.type == abi.BUF_TYPE_VIDEO_CAPTURE
        kind = abi.fourcc_text(a.pixelformat)
        if kind not in self.sizes:
            raise OSError(errno.EINVAL, "invalid argument")
        if (a.width, a.height) not in self.sizes[kind]:
            a.width, a.height = next(iter(self.sizes[kind]))
        a.bytesperline = 0 if kind == "MJPG" else a.width * (2 if kind in ("YUYV", "UYVY") else 1) + self.padding
        self.format = (kind, a.width, a.height)

    def _s_parm(self, a: abi.StreamParameters) -> None:
        if not self.has_rates:
            raise OSError(errno.ENOTTY, "inappropriate ioctl")
        wished = a.timeperframe.denominator / a.timeperframe.numerator
        kind, width, height = self.format
        self.fps = min(self.sizes[kind][width, height], key=lambda rate: abs(rate - wished))
        a.timeperframe.numerator, a.timeperframe.denominator = 1000, round(1000 * self.fps)

    def _queryctrl(self, a: abi.QueryControl) -> None:
        knob = self._knob(a.id)
        a.name, a.minimum, a.maximum, a.step = knob.name.encode(), knob.minimum, knob.maximum, 1
        a.flags = knob.flags

    def _g_ctrl(self, a: abi.ControlValue) -> None:
        a.value = self._knob(a.id).value

    def _s_ctrl(self, a: abi.ControlValue) -> None:
        knob = self._knob(a.id)
        if knob.menu is not None and a.value not in knob.menu:
            raise OSError(errno.EINVAL, "invalid argument")
        if not knob.minimum <= a.value <= knob.maximum:
            raise OSError(errno.ERANGE, "out of range")
        knob.value = a.value
        self.log.append((knob.name, a.value))

    def _knob(self, number: int) -> Knob:
        if number not in self.knobs:
            raise OSError(errno.EINVAL, "invalid argument")
        return self.knobs[number]

    def _reqbufs(self, a: abi.RequestBuffers) -> None:
        assert a.memory == abi.MEMORY_MMAP
        if a.count and self.mapped:
            raise OSError(errno.EBUSY, "busy")
        self.room = max((len(shown.data) for shown in self.plan), default=1)
        self.buffers = [None] * a.count

    def _querybuf(self, a: abi.Buffer) -> None:
        a.length, a.offset = self.room, 4096 * a.index

    def _qbuf(self, a: abi.Buffer) -> None:
        if a.index >= len(self.buffers) or a.index in self.queued:
            raise OSError(errno.EINVAL, "invalid argument")
        self.queued.append(a.index)

    def _dqbuf(self, a: abi.Buffer) -> None:
        if not self.streaming:
            raise OSError(errno.EINVAL, "invalid argument")
        if not self.filled:
            raise OSError(errno.EAGAIN, "try again")
        a.index, shown = self.filled.popleft()
        a.bytesused = len(shown.data)
        a.timestamp.seconds, a.timestamp.microseconds = divmod(round(shown.stamp_s * 1e6), 1_000_000)
        a.flags = abi.BUF_FLAG_TIMESTAMP_MONOTONIC if self.monotonic else 0
        a.flags |= abi.BUF_FLAG_ERROR if shown.broken else 0

    def _streamon(self, a: ctypes.c_int32) -> None:
        assert a.value == abi.BUF_TYPE_VIDEO_CAPTURE
        assert self.mapped == len(self.buffers) > 0
        self.streaming = True
        for number, value in self.automatics.items():
            self.knobs[number].value = value

    def _streamoff(self, a: ctypes.c_int32) -> None:  # noqa: ARG002
        self.streaming = False
        self.queued.clear()
        self.filled.clear()


class Mapped(mmap.mmap):
    """Memory of the device."""

    device: "StandIn"

    def close(self) -> None:
        super().close()
        self.device.mapped -= 1


def _at(things: list[Any], index: int) -> Any:
    if index >= len(things):
        raise OSError(errno.EINVAL, "invalid argument")
    return things[index]


def packed(kind: str, y: Plane, u: Plane, v: Plane, padding: int = 0) -> bytes:
    """A picture (luma (h, w), chroma of half size) as a camera would send it, rows padded with noise."""
    if kind == "MJPG":
        return jpeg(y, u, v)
    if kind in ("YUYV", "UYVY"):
        chroma = np.repeat(np.stack([u, v], axis=2).reshape(u.shape[0], -1), 2, axis=0)
        pairs = (y, chroma) if kind == "YUYV" else (chroma, y)
        return _padded(np.stack(pairs, axis=2).reshape(y.shape[0], -1), padding)
    if kind == "NV12":
        uv = np.stack([u, v], axis=2).reshape(u.shape[0], -1)
        return _padded(y, padding) + _padded(uv, padding)
    return _padded(y, padding) + _padded(u, padding // 2) + _padded(v, padding // 2)


def jpeg(y: Plane, u: Plane, v: Plane) -> bytes:
    """The picture as a full-range 4:2:2 JPEG, as USB cameras send it; the planes given are full-range too."""
    frame = av.VideoFrame(y.shape[1], y.shape[0], "yuvj422p")
    for plane, pixels in zip(frame.planes, (y, np.repeat(u, 2, axis=0), np.repeat(v, 2, axis=0)), strict=True):
        rows = np.zeros((plane.height, plane.line_size), dtype=np.uint8)
        rows[:, : plane.width] = pixels
        plane.update(rows.tobytes())
    out = io.BytesIO()
    codec: Any = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = y.shape[1], y.shape[0], "yuvj422p"
    codec.time_base = Fraction(1, 30)
    codec.options = {"qmin": "1", "qmax": "1"}
    frame.pts = 0
    for packet in [*codec.encode(frame), *codec.encode(None)]:
        out.write(bytes(packet))
    return out.getvalue()


def _padded(rows: Plane, padding: int) -> bytes:
    noise = np.full((rows.shape[0], padding), 0xA5, dtype=np.uint8)
    return np.hstack([rows, noise]).astype(np.uint8).tobytes()
