"""A Raspberry Pi camera as a source of frames, by way of picamera2 (its manual is the API this is written to)."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from types import ModuleType
from typing import Any

import numpy as np

from vision.frames.camera import SETTLE_S, SILENT_S, CameraWish, FrameTimes, start_id
from vision.frames.picamera_lock import applied, controls_to_lock, controls_while_settling, unmet
from vision.frames.planes import Planes, planes_from_yuv420
from vision.frames.sensor_mode import SensorMode, choose_mode, readout_s
from vision.frames.source import Frame, FrameSourceError

# The stream that is followed. picamera2 wants a main one too, at least as large; nothing reads it yet.
_STREAM = "lores"
_BUFFERS = 8
# Requests asked for ahead of time: so many frames may come while we are held up, and none is lost.
_AHEAD = 4
_WAIT_S = 0.2
_MOST_UNTIL_LOCKED = 60
_NEAR_RATE = 0.97


class PicameraSource:
    """A camera at the Raspberry Pi's camera connector, streamed.

    - The sensor's mode is the one that shows the whole field of view at the rate wished, or nearest to it.
    - While it starts, exposure, gain, white balance and focus settle; then they are locked, and the first frame
      taken with them is yielded. What the wish fixes is fixed from the start.
    - `t_s` counts from the first frame and comes from the sensor's time stamps, which are of the first row's
      arrival: the end of its exposure. Exposure being locked, the middle of it is a fixed time earlier, which
      drops out. Frames that never came are counted from the stamps in `missing` of the next.
    - `readout_s` is estimated from the mode (see `sensor_mode`), unless the wish says it.
    - A request is given back as soon as its planes are copied. A camera that gives nothing for three seconds ends
      iteration with FrameSourceError.
    """

    frame_count: int | None = None

    def __init__(
        self, wish: CameraWish | None = None, *, settle_s: float = SETTLE_S, silent_s: float = SILENT_S
    ) -> None:
        """Opens the first camera at the connectors. Raises FrameSourceError with what to do."""
        self.warnings: list[str] = []
        self._wish = wish or CameraWish()
        self._settle_s, self._silent_s = settle_s, silent_s
        self._closed = threading.Event()
        self._busy = threading.Lock()  # held while the camera streams
        self._picam2, colour_space = _opened()
        try:
            self._set_up(colour_space)
        except (RuntimeError, ValueError, KeyError) as error:
            self._let_go()
            raise FrameSourceError(f"the Raspberry Pi's camera can't be set up: {error}") from error
        self._started = 0
        self.id = start_id("picamera")

    def __iter__(self) -> Iterator[Frame]:
        self._started += 1
        if self._started > 1:
            self.id = start_id("picamera")
        self._busy.acquire()
        jobs: deque[Any] = deque()
        try:
            self._picam2.set_controls(self._start_with)
            self._picam2.start()
            yield from self._frames(jobs)
        except RuntimeError as error:
            raise FrameSourceError(f"the Raspberry Pi's camera failed: {error}") from error
        finally:
            self._stop(jobs)
            self._busy.release()
            if self._closed.is_set():
                self._let_go()

    def close(self) -> None:
        """Ends iteration within a fraction of a second; the camera is let go when that has ended."""
        self._closed.set()
        if self._busy.acquire(blocking=False):
            self._let_go()
            self._busy.release()

    def _set_up(self, colour_space: Any) -> None:
        wish, picam2 = self._wish, self._picam2
        size = (wish.width_px, wish.height_px)
        modes = [mode for mode in map(SensorMode.of, picam2.sensor_modes) if mode is not None]
        if not modes:
            raise RuntimeError("it names no sensor modes (a USB camera is opened as /dev/video…)")
        mode = choose_mode(modes, size, wish.fps)
        config = picam2.create_video_configuration(
            main={"size": size, "format": "YUV420"},
            lores={"size": size, "format": "YUV420"},
            raw=None,
            sensor={"output_size": mode.size_px, "bit_depth": mode.bit_depth},
            colour_space=colour_space,
            buffer_count=_BUFFERS,
            display=None,
            encode=None,
        )
        picam2.configure(config)
        stream = picam2.stream_configuration(_STREAM)
        self.width_px, self.height_px = stream["size"]
        self._stride: int = stream["stride"]
        self._known = set(picam2.camera_controls)
        shortest_us = picam2.camera_controls["FrameDurationLimits"][0]
        duration_us = max(round(1e6 / wish.fps), shortest_us)
        self.fps: float | None = 1e6 / duration_us
        self._start_with = {
            **controls_while_settling(wish, self._known),
            "FrameDurationLimits": (duration_us, duration_us),
        }
        model = str(picam2.camera_properties.get("Model", ""))
        estimated = readout_s(model, mode, (self.width_px, self.height_px), shortest_us / 1e6)
        self.readout_s = estimated if wish.readout_s is None else wish.readout_s
        self._tell(model, mode)

    def _tell(self, model: str, mode: SensorMode) -> None:
        """Says where the camera falls short of the wish."""
        fps = self.fps or 0.0
        if fps < _NEAR_RATE * self._wish.fps:
            self._warn(
                f"the {model} gives {fps:.4g} pictures a second of its whole view, not {self._wish.fps:.4g}"
            )
        if mode.enlarges((self.width_px, self.height_px)):
            self._warn(
                f"the {model} has {mode.size_px[0]}×{mode.size_px[1]} pixels at this rate: "
                f"[camera] width_px {self.width_px} only enlarges them"
            )
        for sentence in unmet(self._wish, self._known):
            self._warn(sentence)

    def _frames(self, jobs: deque[Any]) -> Iterator[Frame]:
        times = FrameTimes(self.fps or self._wish.fps)
        lock = _Locking(self._picam2, self._wish, self._known, self._settle_s)
        first_s: float | None = None
        index = 0
        for planes, metadata in self._requests(jobs):
            timed = times.see(metadata["SensorTimestamp"] / 1e9)
            if times.warning:
                self._warn(times.warning)
                self.fps = times.fps
            if first_s is None:
                if not lock.done(metadata):
                    continue
                first_s = timed.t_s
            if lock.trouble:
                self._warn(lock.trouble)
            yield Frame(index, timed.t_s - first_s, *planes, missing=timed.missing if index else 0)
            index += 1

    def _requests(self, jobs: deque[Any]) -> Iterator[tuple[Planes, dict[str, Any]]]:
        """The planes and metadata of every request that completes, each given back at once."""
        last_s = time.monotonic()
        while not self._closed.is_set():
            while len(jobs) < _AHEAD:
                jobs.append(self._picam2.capture_request(wait=False))
            try:
                request = self._picam2.wait(jobs[0], timeout=_WAIT_S)
            except TimeoutError:
                if time.monotonic() - last_s > self._silent_s:
                    raise FrameSourceError(
                        f"the Raspberry Pi's camera has given no picture for {self._silent_s:g} s: "
                        "check its ribbon cable"
                    ) from None
                continue
            jobs.popleft()
            last_s = time.monotonic()
            try:
                metadata = request.get_metadata()
                data = request.make_buffer(_STREAM)
            finally:
                request.release()
            yield self._planes(np.asarray(data, dtype=np.uint8)), metadata

    def _planes(self, data: Any) -> Planes:
        # The buffer is a copy already: its padding is left out by views.
        return planes_from_yuv420(data, self.width_px, self.height_px, self._stride, copy=False)

    def _stop(self, jobs: deque[Any]) -> None:
        """Takes back what was asked for ahead, then stops: a job left waiting would keep the camera from it."""
        self._picam2.cancel_all_and_flush()
        for job in jobs:
            try:
                self._picam2.wait(job, timeout=_WAIT_S).release()
            except (CancelledError, TimeoutError):
                continue
        self._picam2.stop()

    def _let_go(self) -> None:
        self._picam2.close()

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


class _Locking:
    """Waits for the automatics, locks them, and waits until frames come that were taken so."""

    def __init__(self, picam2: Any, wish: CameraWish, known: set[str], settle_s: float) -> None:
        self.trouble: str | None = None
        self._picam2, self._wish, self._known = picam2, wish, known
        self._settled_s = time.monotonic() + settle_s
        self._controls: dict[str, Any] | None = None
        self._waited = 0

    def done(self, metadata: dict[str, Any]) -> bool:
        """To be asked with every frame's metadata; True for the first that counts."""
        if self._controls is None:
            if time.monotonic() >= self._settled_s:
                self._controls = controls_to_lock(self._wish, metadata, self._known)
                self._picam2.set_controls(self._controls)
            return False
        self._waited += 1
        if applied(self._controls, metadata):
            return True
        if self._waited < _MOST_UNTIL_LOCKED:
            return False
        self.trouble = (
            "the camera does not keep exposure and gain: the picture may grow brighter and darker by itself"
        )
        return True


def _opened() -> tuple[Any, Any]:
    """picamera2's object for the first camera, and the colour space of all sources here (BT.601, narrow)."""
    picamera2, libcamera = _modules()
    try:
        found = picamera2.Picamera2.global_camera_info()
        if not found:
            raise FrameSourceError(
                "no camera is connected here: check the ribbon cable, then rpicam-hello --list-cameras"
            )
        return picamera2.Picamera2(0), libcamera.ColorSpace.Smpte170m()
    except (RuntimeError, IndexError) as error:
        raise FrameSourceError(
            f"the Raspberry Pi's camera can't be opened ({error}): is another program using it?"
        ) from error


def _modules() -> tuple[ModuleType, ModuleType]:
    # Here and not above: only a Raspberry Pi has them, from apt.
    try:
        import libcamera  # noqa: PLC0415
        import picamera2  # noqa: PLC0415
    except ValueError as error:  # numpy's, from a simplejpeg that was built for another numpy
        raise FrameSourceError(
            f"picamera2 can't be loaded ({error}): pip install 'action-ladder[pi]' brings what suits it"
        ) from error
    except ImportError as error:
        raise FrameSourceError(
            "the Raspberry Pi's camera needs picamera2: sudo apt install python3-picamera2, and an environment "
            "made with python3 -m venv --system-site-packages"
        ) from error
    return picamera2, libcamera
