"""A V4L2 camera as a source of frames: USB cameras and whatever else Linux shows as `/dev/videoN`."""

import threading
import time
from collections.abc import Iterator

import numpy as np

from vision.frames.camera import SETTLE_S, SILENT_S, CameraWish, FrameTimes, start_id
from vision.frames.planes import JpegDecoder, Planes, planes_from_nv12, planes_from_yuv420, planes_from_yuyv
from vision.frames.source import Frame, FrameSourceError, Plane
from vision.frames.v4l2_device import Device, Kernel, Layout, Linux, Offer, Taken
from vision.frames.v4l2_lock import Lock

# Best first: whole pictures before compressed ones, those that need the least work before the others.
_FORMATS = ("NV12", "YU12", "YUYV", "UYVY", "MJPG")
# A rate this much below the wish is still the wish (59.94 for 60).
_NEAR_RATE = 0.97
_WAIT_S = 0.2
_BROKEN_AT_ONCE = 120


class V4l2Source:
    """A V4L2 device, streamed. Opening it sets format and rate; iterating starts it and yields every frame.

    - While it starts, automatic exposure, gain, white balance and focus settle; then they are locked (see
      `vision.frames.v4l2_lock`), and the first frame is yielded. What the wish fixes is fixed from the start.
    - `t_s` counts from the first frame yielded. It is the time of the first row (the middle of its exposure):
      exposure and readout being locked, that is a fixed time off the driver's stamp, which drops out. Stamps
      are smoothed (`FrameTimes`), since USB drivers take them when a picture's first bytes arrive.
    - Frames that never came, and pictures that arrive broken, are counted in `missing` of the next.
    - A camera that is unplugged, or gives nothing for three seconds, ends iteration with FrameSourceError.
    - Planes are copies; nothing of the device is held by a frame.
    """

    frame_count: int | None = None

    def __init__(
        self,
        path: str,
        wish: CameraWish | None = None,
        *,
        kernel: Kernel | None = None,
        settle_s: float = SETTLE_S,
        silent_s: float = SILENT_S,
    ) -> None:
        """Opens the device. Raises FrameSourceError with what it offers when it lacks what is wished."""
        self.path = path
        self.warnings: list[str] = []
        self._wish = wish or CameraWish()
        self._settle_s, self._silent_s = settle_s, silent_s
        self._closed = threading.Event()
        self._busy = threading.Lock()  # held while the device streams
        self._device = Device(path, kernel or Linux())
        try:
            self._layout, self.fps = self._set_up()
        except BaseException:
            self._device.close()
            raise
        self.width_px, self.height_px = self._layout.width_px, self._layout.height_px
        self.readout_s = self._wish.readout_s or 0.0
        self._started = 0
        self.id = self._new_id()

    def __iter__(self) -> Iterator[Frame]:
        self._started += 1
        if self._started > 1:
            self.id = self._new_id()
        lock = Lock(self._device, self._wish)
        self._busy.acquire()
        try:
            self._device.start()
            lock.begin()
            yield from self._frames(lock)
        finally:
            self._device.stop()
            self._busy.release()
            if self._closed.is_set():
                self._device.close()

    def close(self) -> None:
        """Ends iteration within a fraction of a second; the device is let go when that has ended."""
        self._closed.set()
        if self._busy.acquire(blocking=False):
            self._device.close()
            self._busy.release()

    def _new_id(self) -> str:
        return start_id("v4l2-" + self.path.rsplit("/", 1)[-1])

    def _set_up(self) -> tuple[Layout, float | None]:
        wish = self._wish
        offer = self._best_offer()
        layout = self._device.set_format(offer.pixel_format, offer.width_px, offer.height_px)
        got = (layout.pixel_format, layout.width_px, layout.height_px)
        if got != (offer.pixel_format, offer.width_px, offer.height_px):
            raise FrameSourceError(
                f"{self.path} ({self._device.card}) gives {got[0]} {got[1]}×{got[2]} instead of {offer}: "
                "choose another size, [camera] width_px and height_px"
            )
        fps = self._device.set_rate(min(wish.fps, max(offer.fps, default=wish.fps)))
        if fps < _NEAR_RATE * wish.fps:
            self._warn(
                f"{self.path} gives {fps:.4g} pictures a second at {layout.width_px}×{layout.height_px}, "
                f"not {wish.fps:.4g}"
            )
        return layout, fps

    def _best_offer(self) -> Offer:
        """Of the formats of the wished size: the first that is fast enough, else the fastest."""
        wish = self._wish
        found = [self._device.offer(f, wish.width_px, wish.height_px) for f in _FORMATS]
        usable = [offer for offer in found if offer is not None]
        if not usable:
            raise FrameSourceError(
                f"{self.path} ({self._device.card}) has no {wish.width_px}×{wish.height_px} picture in a format "
                f"that can be used ({', '.join(_FORMATS)}): set [camera] width_px and height_px to what it has: "
                f"{self._list()}"
            )
        fast = [o for o in usable if not o.fps or o.fps[0] >= _NEAR_RATE * wish.fps]
        return fast[0] if fast else max(usable, key=lambda o: o.fps[0])

    def _list(self) -> str:
        offers = [str(offer) for offer in self._device.offers()]
        return "; ".join(offers) if offers else "it names none"

    def _frames(self, lock: Lock) -> Iterator[Frame]:
        times = FrameTimes(self.fps or self._wish.fps, smooth=True)
        settled_s = time.monotonic() + self._settle_s
        first_s: float | None = None
        index, broken = 0, 0
        for taken in self._taken():
            if taken.read is None:
                broken += 1
                self._complain_of_broken(broken)
                continue
            planes, broken = taken.read, 0
            timed = times.see(time.monotonic() if taken.stamp_s is None else taken.stamp_s)
            if times.warning:
                self._warn(times.warning)
                self.fps = times.fps
            if first_s is None:
                lock.look(planes[0])
                if time.monotonic() < settled_s:
                    continue
                self._lock(lock)
                first_s = timed.t_s
            if (changed := lock.check(planes[0])) is not None:
                self._warn(f"{self.path}: {changed}")
            yield Frame(index, timed.t_s - first_s, *planes, missing=timed.missing if index else 0)
            index += 1

    def _lock(self, lock: Lock) -> None:
        for sentence in lock.lock():
            self._warn(f"{self.path}: {sentence}")

    def _taken(self) -> Iterator[Taken[Planes]]:
        reader = _Reader(self._layout)
        last_s = time.monotonic()
        while not self._closed.is_set():
            taken = self._device.take(_WAIT_S, reader.planes)
            if taken is not None:
                last_s = time.monotonic()
                yield taken
            elif time.monotonic() - last_s > self._silent_s:
                raise FrameSourceError(
                    f"{self.path} ({self._device.card}) has given no picture for {self._silent_s:g} s: "
                    "check the camera's cable"
                )

    def _complain_of_broken(self, in_a_row: int) -> None:
        self._warn(f"{self.path}: some pictures arrive broken: use a shorter cable or another USB port")
        if in_a_row >= _BROKEN_AT_ONCE:
            raise FrameSourceError(f"{self.path} gives only broken pictures: check the camera's cable")

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


# How many bytes a whole picture takes, in halves of a luma plane with its padding.
_HALVES = {"NV12": 3, "YU12": 3, "YUYV": 2, "UYVY": 2}


class _Reader:
    """Turns buffers of one layout into planes."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._jpeg = JpegDecoder() if layout.pixel_format == "MJPG" else None
        packed = layout.pixel_format in ("YUYV", "UYVY")
        self._stride = max(layout.stride, layout.width_px * (2 if packed else 1))

    def planes(self, data: Plane) -> Planes | None:
        """The planes of a picture, copied; None when it is cut short or broken."""
        width, height = self._layout.width_px, self._layout.height_px
        if self._jpeg is not None:
            planes = self._jpeg.planes(np.ascontiguousarray(data).tobytes())
            return planes if planes is not None and planes[0].shape == (height, width) else None
        kind = self._layout.pixel_format
        if len(data) < self._stride * height * _HALVES[kind] // 2:
            return None
        if kind == "NV12":
            return planes_from_nv12(data, width, height, self._stride)
        if kind == "YU12":
            return planes_from_yuv420(data, width, height, self._stride)
        return planes_from_yuyv(data, width, height, self._stride, luma_first=kind == "YUYV")
