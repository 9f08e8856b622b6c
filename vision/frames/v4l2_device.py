"""A V4L2 device, `/dev/videoN`: what it offers, how it is set, and its buffers as they are filled.

Everything goes through `Kernel`, five calls that a test can stand in for.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from vision.frames import v4l2_abi as abi
from vision.frames.source import FrameSourceError, Plane

T = TypeVar("T")

BUFFERS = 8
# A driver that offers a range of sizes or rates for ever must not keep us for ever.
_MOST_ENTRIES = 512


class Kernel(Protocol):
    """What is asked of the operating system. Every call raises OSError as the real one does."""

    def open(self, path: str) -> int: ...

    def close(self, fd: int) -> None: ...

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        """Changes `argument`, a ctypes value, in place."""

    def map(self, fd: int, length: int, offset: int) -> Any:
        """A buffer of the device's memory; `close` gives it back."""

    def wait(self, fd: int, timeout_s: float) -> bool:
        """Whether something happened at the device within the time."""


class Linux:
    """The real one."""

    def open(self, path: str) -> int:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, fd: int) -> None:
        os.close(fd)

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        fcntl.ioctl(fd, request, argument, True)

    def map(self, fd: int, length: int, offset: int) -> Any:
        return mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)

    def wait(self, fd: int, timeout_s: float) -> bool:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))


@dataclass(frozen=True, slots=True)
class Offer:
    """A format the device has: pixel format, picture size and the rates for it, fastest first (none: unsaid)."""

    pixel_format: str
    width_px: int
    height_px: int
    fps: tuple[float, ...]

    def __str__(self) -> str:
        rates = ", ".join(f"{rate:.4g}" for rate in self.fps)
        return f"{self.pixel_format} {self.width_px}×{self.height_px}" + (f" at {rates} fps" if rates else "")


@dataclass(frozen=True, slots=True)
class Layout:
    """The format as the driver set it; `stride` is a row's bytes, zero where pictures are compressed."""

    pixel_format: str
    width_px: int
    height_px: int
    stride: int


@dataclass(frozen=True, slots=True)
class Control:
    id: int
    name: str
    minimum: int
    maximum: int
    step: int

    def nearest(self, value: float) -> int:
        """The value the control can take that is next to the one wished."""
        step = max(1, self.step)
        steps = round((value - self.minimum) / step)
        return min(max(self.minimum + steps * step, self.minimum), self.maximum)


@dataclass(frozen=True, slots=True)
class Taken(Generic[T]):
    """What was read from a buffer the driver had filled, None where the driver says that it is broken.
    `stamp_s` is the driver's time stamp, on the monotonic clock; None where it has none."""

    read: T | None
    stamp_s: float | None


class Device:
    """An open device. Every method raises FrameSourceError, saying which device and what to do."""

    def __init__(self, path: str, kernel: Kernel) -> None:
        self.path = path
        self._kernel = kernel
        self._maps: list[Any] = []
        self._streaming = False
        try:
            self._fd: int | None = kernel.open(path)
        except OSError as error:
            raise FrameSourceError(_why_not(path, error)) from error
        try:
            self.card = self._require_capture()
        except BaseException:
            self.close()
            raise

    def _require_capture(self) -> str:
        capability = abi.Capability()
        try:
            self._ioctl(abi.QUERYCAP, capability)
        except OSError as error:
            raise FrameSourceError(f"{self.path} is no camera: name another /dev/video…") from error
        has = capability.device_caps if capability.capabilities & abi.CAP_DEVICE_CAPS else capability.capabilities
        card: str = bytes(capability.card).decode("utf-8", "replace")
        if not has & abi.CAP_VIDEO_CAPTURE or not has & abi.CAP_STREAMING:
            kind = " (it is a multi-planar device)" if has & abi.CAP_VIDEO_CAPTURE_MPLANE else ""
            raise FrameSourceError(
                f"{self.path} ({card}) gives no pictures{kind}: a camera has several devices, name another one"
            )
        return card

    def offers(self) -> list[Offer]:
        """Every format, size and rate the device has."""
        return [
            Offer(
                pixel_format, width, height, tuple(sorted(self._rates(pixel_format, width, height), reverse=True))
            )
            for pixel_format in self._pixel_formats()
            for width, height in self._sizes(pixel_format)
        ]

    def offer(self, pixel_format: str, width_px: int, height_px: int) -> Offer | None:
        """The device's offer for one format and size, within a range of sizes too; None when it has none."""
        for extent in self._extents(pixel_format):
            (w0, w1, w_step), (h0, h1, h_step) = extent
            fits_w = w0 <= width_px <= w1 and (width_px - w0) % max(1, w_step) == 0
            fits_h = h0 <= height_px <= h1 and (height_px - h0) % max(1, h_step) == 0
            if fits_w and fits_h:
                rates = self._rates(pixel_format, width_px, height_px)
                return Offer(pixel_format, width_px, height_px, tuple(sorted(rates, reverse=True)))
        return None

    def set_format(self, pixel_format: str, width_px: int, height_px: int) -> Layout:
        """Asks for a format; the layout tells what the driver made of it."""
        wanted = abi.PictureFormat()
        wanted.type = abi.BUF_TYPE_VIDEO_CAPTURE
        wanted.width, wanted.height = width_px, height_px
        wanted.pixelformat, wanted.field = abi.fourcc(pixel_format), abi.FIELD_NONE
        self._do(abi.S_FMT, wanted, "can't be set up")
        return Layout(abi.fourcc_text(wanted.pixelformat), wanted.width, wanted.height, wanted.bytesperline)

    def set_rate(self, fps: float) -> float:
        """Asks for a frame rate; returns the one the driver set, or the one asked for where it can't say."""
        wanted = abi.StreamParameters()
        wanted.type = abi.BUF_TYPE_VIDEO_CAPTURE
        wanted.timeperframe.numerator, wanted.timeperframe.denominator = 1000, round(1000 * fps)
        try:
            self._ioctl(abi.S_PARM, wanted)
        except OSError:
            return fps
        interval = wanted.timeperframe
        return interval.denominator / interval.numerator if interval.numerator and interval.denominator else fps

    def control(self, number: int) -> Control | None:
        """A control that can be set, or None when the device has none of that number."""
        query = abi.QueryControl()
        query.id = number
        try:
            self._ioctl(abi.QUERYCTRL, query)
        except OSError:
            return None
        if query.flags & (abi.CTRL_FLAG_DISABLED | abi.CTRL_FLAG_READ_ONLY):
            return None
        name = bytes(query.name).decode("utf-8", "replace")
        return Control(query.id, name, query.minimum, query.maximum, query.step)

    def get(self, control: Control) -> int | None:
        """A control's value; None when the driver won't say."""
        value = abi.ControlValue(control.id, 0)
        try:
            self._ioctl(abi.G_CTRL, value)
        except OSError:
            return None
        return int(value.value)

    def set(self, control: Control, value: float) -> bool:
        """Sets a control to the nearest value it can take; whether the driver took it."""
        try:
            self._ioctl(abi.S_CTRL, abi.ControlValue(control.id, control.nearest(value)))
        except OSError:
            return False
        return True

    def start(self, buffers: int = BUFFERS) -> None:
        """Maps the driver's buffers, gives them to it and starts the stream."""
        request = abi.RequestBuffers()
        request.count, request.type, request.memory = buffers, abi.BUF_TYPE_VIDEO_CAPTURE, abi.MEMORY_MMAP
        self._do(abi.REQBUFS, request, "has no memory for pictures")
        for index in range(request.count):
            buffer = self._buffer(index)
            self._do(abi.QUERYBUF, buffer, "can't show its buffers")
            try:
                self._maps.append(self._kernel.map(self._open_fd(), buffer.length, buffer.offset))
            except OSError as error:
                raise FrameSourceError(f"{self.path} can't share its pictures: {error.strerror}") from error
            self._do(abi.QBUF, buffer, "takes no buffers")
        self._do(abi.STREAMON, ctypes.c_int32(abi.BUF_TYPE_VIDEO_CAPTURE), "can't be started")
        self._streaming = True

    def take(self, timeout_s: float, read: Callable[[Plane], T | None]) -> Taken[T] | None:
        """What `read` makes of the next filled buffer, bytes of shape (N,); None when none came in time.

        The buffer goes back to the driver at once, so `read` must copy what it keeps.
        """
        try:
            if not self._kernel.wait(self._open_fd(), timeout_s):
                return None
            buffer = self._buffer(0)
            self._ioctl(abi.DQBUF, buffer)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EINTR):
                return None
            raise FrameSourceError(_why_not(self.path, error)) from error
        broken = bool(buffer.flags & abi.BUF_FLAG_ERROR)
        result = None if broken else read(np.frombuffer(self._maps[buffer.index], np.uint8, buffer.bytesused))
        stamp_s: float | None = buffer.timestamp.seconds + buffer.timestamp.microseconds / 1e6
        if buffer.flags & abi.BUF_FLAG_TIMESTAMP_MASK != abi.BUF_FLAG_TIMESTAMP_MONOTONIC:
            stamp_s = None
        self._do(abi.QBUF, self._buffer(buffer.index), "takes no buffers back")
        return Taken(result, stamp_s)

    def stop(self) -> None:
        """Ends the stream and frees its buffers; a device that is gone is no error."""
        if self._fd is None:
            return
        if self._streaming:
            self._quietly(abi.STREAMOFF, ctypes.c_int32(abi.BUF_TYPE_VIDEO_CAPTURE))
        self._streaming = False
        for mapped in self._maps:
            mapped.close()
        self._maps = []
        request = abi.RequestBuffers()
        request.type, request.memory = abi.BUF_TYPE_VIDEO_CAPTURE, abi.MEMORY_MMAP
        self._quietly(abi.REQBUFS, request)

    def close(self) -> None:
        """Ends the stream and closes the device; may be called twice."""
        self.stop()
        fd, self._fd = self._fd, None
        if fd is not None:
            self._kernel.close(fd)

    def _pixel_formats(self) -> Iterator[str]:
        for entry in self._entries(abi.ENUM_FMT, abi.FormatDescription, type=abi.BUF_TYPE_VIDEO_CAPTURE):
            yield abi.fourcc_text(entry.pixelformat)

    def _extents(self, pixel_format: str) -> Iterator[tuple[tuple[int, int, int], tuple[int, int, int]]]:
        """((least, most, step) of the width, the same of the height) of each size or range of sizes."""
        for entry in self._entries(abi.ENUM_FRAMESIZES, abi.FrameSize, pixel_format=abi.fourcc(pixel_format)):
            a = tuple(entry.extent)
            if entry.type == abi.FRMSIZE_DISCRETE:
                yield (a[0], a[0], 1), (a[1], a[1], 1)
            else:
                yield (a[0], a[1], a[2]), (a[3], a[4], a[5])
                return

    def _sizes(self, pixel_format: str) -> list[tuple[int, int]]:
        """The sizes of a format, the ends where it is a range, largest first."""
        sizes = set()
        for (w0, w1, _), (h0, h1, _) in self._extents(pixel_format):
            sizes |= {(w0, h0), (w1, h1)}
        return sorted(sizes, reverse=True)

    def _rates(self, pixel_format: str, width_px: int, height_px: int) -> Iterator[float]:
        for entry in self._entries(
            abi.ENUM_FRAMEINTERVALS,
            abi.FrameInterval,
            pixel_format=abi.fourcc(pixel_format),
            width=width_px,
            height=height_px,
        ):
            shown = entry.interval[: 1 if entry.type == abi.FRMIVAL_DISCRETE else 2]
            yield from (f.denominator / f.numerator for f in shown if f.numerator)
            if entry.type != abi.FRMIVAL_DISCRETE:
                return

    def _entries(self, request: int, kind: type[Any], **fields: int) -> Iterator[Any]:
        """What the driver lists, until it says that there is no more."""
        for index in range(_MOST_ENTRIES):
            entry = kind(index=index, **fields)
            try:
                self._ioctl(request, entry)
            except OSError:
                return
            yield entry

    def _buffer(self, index: int) -> abi.Buffer:
        return abi.Buffer(index=index, type=abi.BUF_TYPE_VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)

    def _open_fd(self) -> int:
        if self._fd is None:
            raise FrameSourceError(f"{self.path} is closed")
        return self._fd

    def _ioctl(self, request: int, argument: Any) -> None:
        self._kernel.ioctl(self._open_fd(), request, argument)

    def _do(self, request: int, argument: Any, trouble: str) -> None:
        try:
            self._ioctl(request, argument)
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.EBUSY):
                raise FrameSourceError(_why_not(self.path, error)) from error
            raise FrameSourceError(f"{self.path} ({self.card}) {trouble}: {error.strerror}") from error

    def _quietly(self, request: int, argument: Any) -> None:
        try:
            self._ioctl(request, argument)
        except OSError:
            return


def _why_not(path: str, error: OSError) -> str:
    """What is the matter with a device, and what to do, from the error of a call."""
    if error.errno in (errno.ENODEV, errno.ENXIO, errno.ENOENT):
        return f"{path} is gone: check the camera's cable"
    if error.errno == errno.EBUSY:
        return f"{path} is in use by another program: stop that one (or the box: ladder run)"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path} may not be opened: put the user into the group video"
    return f"{path} failed ({(error.strerror or str(error)).lower()}): check the camera's cable"
