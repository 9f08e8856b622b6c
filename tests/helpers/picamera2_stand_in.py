"""picamera2 and libcamera without a Raspberry Pi: the documented calls, as strict as the real ones.

Unknown controls and keys are refused, buffers are padded, controls arrive at the sensor some frames late, and a
request that is not given back is a buffer that the camera lacks.
"""

import time
from collections import deque
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

LATE_FRAMES = 3  # until a control is at work
ALIGN = 64

IMX708 = [
    {"size": (1536, 864), "fps": 120.13, "crop_limits": (768, 432, 3072, 1728), "bit_depth": 10},
    {"size": (2304, 1296), "fps": 56.03, "crop_limits": (0, 0, 4608, 2592), "bit_depth": 10},
    {"size": (4608, 2592), "fps": 14.35, "crop_limits": (0, 0, 4608, 2592), "bit_depth": 10},
]
IMX477 = [
    {"size": (1332, 990), "fps": 120.05, "crop_limits": (696, 528, 2664, 1980), "bit_depth": 10},
    {"size": (2028, 1080), "fps": 50.03, "crop_limits": (0, 440, 4056, 2160), "bit_depth": 12},
    {"size": (2028, 1520), "fps": 40.01, "crop_limits": (0, 0, 4056, 3040), "bit_depth": 12},
    {"size": (4056, 3040), "fps": 10.0, "crop_limits": (0, 0, 4056, 3040), "bit_depth": 12},
]
IMX219 = [
    {"size": (640, 480), "fps": 206.65, "crop_limits": (1000, 752, 1280, 960), "bit_depth": 10},
    {"size": (1640, 1232), "fps": 41.85, "crop_limits": (0, 0, 3280, 2464), "bit_depth": 10},
    {"size": (1920, 1080), "fps": 47.57, "crop_limits": (680, 692, 1920, 1080), "bit_depth": 10},
    {"size": (3280, 2464), "fps": 21.19, "crop_limits": (0, 0, 3280, 2464), "bit_depth": 10},
]
IMX296 = [{"size": (1456, 1088), "fps": 60.38, "crop_limits": (0, 0, 1456, 1088), "bit_depth": 10}]
CONTROLS = (
    "AeEnable AeFlickerMode AeFlickerPeriod AnalogueGain AwbEnable ColourGains ColourTemperature ExposureTime "
    "FrameDurationLimits NoiseReductionMode ScalerCrop AfMode LensPosition"
)


@dataclass
class Rig:
    """What is connected, what its sensor sees, and what became of it. `stamps_s` are the frames to come."""

    stamps_s: deque[float]
    model: str = "imx708"
    modes: list[dict[str, Any]] = field(default_factory=lambda: IMX708)
    controls: tuple[str, ...] = tuple(CONTROLS.split())
    found: dict[str, Any] = field(
        default_factory=lambda: {
            "ExposureTime": 8333,
            "AnalogueGain": 2.0,
            "ColourGains": (1.9, 1.6),
            "LensPosition": 0.7,
        }
    )
    connected: bool = True
    busy: bool = False
    obeys: bool = True
    wanders: bool = False  # exposure, while it is automatic
    pace_s: float = 0.0
    adjusted_size: tuple[int, int] | None = None
    opened: int = 0
    closed: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    started_with: dict[str, Any] = field(default_factory=dict)
    set_later: list[dict[str, Any]] = field(default_factory=list)
    out: int = 0  # requests not given back
    most_out: int = 0
    lost: int = 0
    given: int = 0

    def modules(self) -> dict[str, ModuleType]:
        """The two modules, for `sys.modules`."""
        picamera2, libcamera = ModuleType("picamera2"), ModuleType("libcamera")
        picamera2.Picamera2 = type("Picamera2", (Picamera2,), {"rig": self})  # type: ignore[attr-defined]
        libcamera.ColorSpace = ColorSpace  # type: ignore[attr-defined]
        return {"picamera2": picamera2, "libcamera": libcamera}


class ColorSpace:
    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def Smpte170m(cls) -> "ColorSpace":
        return cls("Smpte170m")


class Job:
    def __init__(self) -> None:
        self.future: Future[Any] = Future()


class Request:
    def __init__(self, camera: "Picamera2", number: int, metadata: dict[str, Any]) -> None:
        self._camera, self._number, self._metadata = camera, number, metadata
        self._released = False

    def get_metadata(self) -> dict[str, Any]:
        assert not self._released
        return dict(self._metadata)

    def make_buffer(self, name: str) -> Any:
        assert not self._released
        stream = self._camera.rig.config.get(name)
        if stream is None:
            raise RuntimeError(f"Stream {name!r} is not defined")
        return buffer(stream["size"], stream["stride"], self._number)

    def release(self) -> None:
        if self._released:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self._released = True
        self._camera.rig.out -= 1


def planes(size: tuple[int, int], number: int) -> tuple[Any, Any, Any]:
    """What frame `number` shows: pixels that differ from their neighbours, other for every number."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    y = ((rows + columns + 3 * number) % 200 + 20).astype(np.uint8)
    return y, (rows[::2, ::2] % 90 + 80 + number).astype(np.uint8), (columns[::2, ::2] % 90 + 60).astype(np.uint8)


def buffer(size: tuple[int, int], stride: int, number: int) -> Any:
    """The planes one after the other, rows padded to the stride with noise."""
    parts = []
    for plane, width in zip(planes(size, number), (stride, stride // 2, stride // 2), strict=True):
        rows = np.full((plane.shape[0], width), 0xA5, dtype=np.uint8)
        rows[:, : plane.shape[1]] = plane
        parts.append(rows.ravel())
    return np.concatenate(parts)


class Picamera2:
    """The calls of picamera2's manual that a source of frames needs. Time passes while a job is waited for."""

    rig: ClassVar[Rig]

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{"Model": cls.rig.model, "Num": 0, "Id": "/base/i2c/cam@1a"}] if cls.rig.connected else []

    def __init__(self, camera_num: int = 0) -> None:  # noqa: ARG002
        if self.rig.busy:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        self.rig.opened += 1
        self.camera_properties = {"Model": self.rig.model}
        self._jobs: list[Job] = []
        self._pending: dict[str, Any] = {}
        self._effective: dict[str, Any] = {}
        self._coming: deque[tuple[int, dict[str, Any]]] = deque()
        self._started = False
        self._mode: dict[str, Any] = self.rig.modes[0]

    @property
    def sensor_modes(self) -> list[dict[str, Any]]:
        return [dict(mode) for mode in self.rig.modes]

    @property
    def camera_controls(self) -> dict[str, Any]:
        shortest = round(1e6 / self._mode["fps"])
        ranges: dict[str, Any] = dict.fromkeys(self.rig.controls, (0, 1, 0))
        return ranges | {"FrameDurationLimits": (shortest, 10_000_000, 33333)}

    def create_video_configuration(
        self,
        main: dict[str, Any],
        lores: dict[str, Any] | None = None,
        raw: dict[str, Any] | None = None,
        *,
        colour_space: Any = None,
        buffer_count: int = 6,
        controls: dict[str, Any] | None = None,
        display: str | None = "main",
        encode: str | None = "main",
        sensor: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        for stream in (main, lores or {}):
            if not set(stream) <= {"format", "size", "stride", "preserve_ar"}:
                raise ValueError(f"Bad key in {stream}")
        return {
            "main": dict(main),
            "lores": None if lores is None else dict(lores),
            "raw": raw,
            "colour_space": colour_space,
            "buffer_count": buffer_count,
            "controls": controls or {},
            "sensor": sensor,
            "display": display,
            "encode": encode,
        }

    def configure(self, config: dict[str, Any]) -> None:
        if self._started:
            raise RuntimeError("Camera must be stopped before configuring")
        if not isinstance(config["colour_space"], ColorSpace):
            raise RuntimeError("Colour space has incorrect type")  # noqa: TRY004 (as the real one)
        if not set(config["sensor"]) <= {"bit_depth", "output_size"}:
            raise RuntimeError("Unexpected keys in sensor configuration")
        main, lores = config["main"], config["lores"]
        if any(a > b for a, b in zip(lores["size"], main["size"], strict=True)):
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        wished = config["sensor"]["output_size"]
        fitting = [mode for mode in self.rig.modes if mode["size"] == wished]
        if not fitting:
            raise RuntimeError(f"Invalid camera configuration: {config}")
        self._mode = fitting[0]
        for stream in (main, lores):
            if any(side % 2 for side in stream["size"]):
                raise RuntimeError("width and height should be even")
            stream["size"] = self.rig.adjusted_size or stream["size"]
            stream["stride"] = -(-stream["size"][0] // ALIGN) * ALIGN + ALIGN
        self.rig.config = config

    def stream_configuration(self, name: str = "main") -> dict[str, Any]:
        stream: dict[str, Any] = self.rig.config[name]
        return stream

    def set_controls(self, controls: dict[str, Any]) -> None:
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self._pending |= controls
        if self._started:
            self.rig.set_later.append(dict(controls))

    def start(self) -> None:
        self.rig.started_with = dict(self._pending)
        self._effective = dict(self._pending)
        self._pending = {}
        self._started = True

    def stop(self) -> None:
        assert not self._jobs, "a job is waiting: the event loop would never come to stop"
        self._started = False

    def close(self) -> None:
        assert not self._started
        assert self.rig.out == 0, "requests were not given back"
        self.rig.closed += 1

    def capture_request(self, wait: bool | None = None) -> Job:
        assert wait is False, "a call that waits for ever hangs with its camera"
        self._jobs.append(Job())
        return self._jobs[-1]

    def wait(self, job: Job, timeout: float | None = None) -> Request:
        ends_s = time.monotonic() + min(timeout or 0.0, 0.01)
        while not job.future.done():
            if self.rig.stamps_s and self._started:
                self._sensor()
            elif time.monotonic() > ends_s:
                raise TimeoutError
            else:
                time.sleep(0.001)
        request: Request = job.future.result()
        return request

    def cancel_all_and_flush(self) -> None:
        for job in self._jobs:
            job.future.set_exception(CancelledError())
        self._jobs = []

    def _sensor(self) -> None:
        """One frame: lost when every buffer is out, else for the first who waits."""
        time.sleep(self.rig.pace_s)
        stamp_s = self.rig.stamps_s.popleft()
        number = self.rig.given
        self.rig.given += 1
        if self._pending:
            self._coming.append((number + LATE_FRAMES, self._pending))
            self._pending = {}
        while self._coming and self._coming[0][0] <= number:
            self._effective |= self._coming.popleft()[1]
        if self.rig.out >= self.rig.config["buffer_count"] or not self._jobs:
            self.rig.lost += 1
            return
        self.rig.out += 1
        self.rig.most_out = max(self.rig.most_out, self.rig.out)
        metadata = {
            "SensorTimestamp": round(stamp_s * 1e9),
            "ScalerCrop": self._mode["crop_limits"],
            **self.rig.found,
        }
        if self.rig.wanders:
            self.rig.found["ExposureTime"] = round(1.2 * self.rig.found["ExposureTime"])
        if self.rig.obeys:
            metadata |= {k: v for k, v in self._effective.items() if k in self.rig.found}
        self._jobs.pop(0).future.set_result(Request(self, number, metadata))
