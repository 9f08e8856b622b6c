"""V4L2 cameras, with a stand-in that answers as a strict driver would: pictures, times, locks, cables."""

import contextlib
import ctypes
import errno
import shutil
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import v4l2_stand_in as fake

from vision.frames import v4l2_abi as abi
from vision.frames.camera import CameraWish
from vision.frames.source import Frame, FrameSourceError, Plane
from vision.frames.v4l2 import V4l2Source
from vision.frames.v4l2_device import Device, Linux

SIZE = (64, 48)
RATES = (60.0, 30.0)
Sizes = dict[str, dict[tuple[int, int], tuple[float, ...]]]

WISH = CameraWish(*SIZE, fps=60.0)


def picture(number: int) -> tuple[Plane, Plane, Plane]:
    """Planes whose every pixel differs from its neighbours, other for every number."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    y = (40 + rows + columns + 2 * number).astype(np.uint8)
    u = (90 + rows[::2, ::2] // 2 + number).astype(np.uint8)
    v = (200 - columns[::2, ::2] // 2 - number).astype(np.uint8)
    return y, u, v


def plan(stamps_s: Any, kind: str = "YUYV", padding: int = 0) -> deque[Any]:
    return deque(fake.Shown(float(s), fake.packed(kind, *picture(i), padding)) for i, s in enumerate(stamps_s))


def device(stamps_s: Any, kind: str = "YUYV", **more: Any) -> Any:
    padding = more.get("padding", 0)
    return fake.StandIn(plan(stamps_s, kind, padding), {kind: {SIZE: RATES}}, **more)


def source(kernel: Any, wish: CameraWish = WISH, settle_s: float = 0.0, silent_s: float = 0.05) -> V4l2Source:
    return V4l2Source("/dev/video9", wish, kernel=kernel, settle_s=settle_s, silent_s=silent_s)


def frames_of(frames: V4l2Source, error: str = "has given no picture") -> list[Frame]:
    """Every frame until the camera falls silent, or breaks with another error."""
    seen: list[Frame] = []
    with pytest.raises(FrameSourceError, match=error):
        seen.extend(frames)
    frames.close()
    return seen


@pytest.mark.parametrize("kind", ["NV12", "YU12", "YUYV", "UYVY"])
@pytest.mark.parametrize("padding", [0, 32])
def test_every_pixel_arrives_from_whole_formats(kind: str, padding: int) -> None:
    kernel = device(np.arange(5) / 60, kind, padding=padding)
    seen = frames_of(source(kernel))
    assert [f.index for f in seen] == [0, 1, 2, 3, 4]
    for number, frame in enumerate(seen):
        for got, sent in zip((frame.y, frame.u, frame.v), picture(number), strict=True):
            assert np.array_equal(got, sent)


def test_jpegs_arrive_in_the_range_of_all_other_sources() -> None:
    seen = frames_of(source(device(np.arange(3) / 60, "MJPG")))
    y, u, v = (plane.astype(float) for plane in picture(1))
    frame = seen[1]
    assert np.abs(frame.y - (16 + y * 219 / 255)).mean() < 1.5
    assert np.abs(frame.u - (128 + (u - 128) * 224 / 255)).mean() < 1.5
    assert np.abs(frame.v - (128 + (v - 128) * 224 / 255)).mean() < 1.5


def test_a_frame_keeps_its_picture_when_the_buffer_is_used_again() -> None:
    kernel = device(np.arange(40) / 60)
    seen = frames_of(source(kernel))
    assert all(np.array_equal(f.y, picture(f.index)[0]) for f in seen)
    assert kernel.most_out == 1, "a buffer is given back before the next is taken"


def test_nothing_is_left_open_or_mapped() -> None:
    kernel = device(np.arange(5) / 60)
    frames = source(kernel)
    frames_of(frames)
    assert (kernel.open_fds, kernel.mapped, kernel.streaming) == (set(), 0, False)


def test_whole_pictures_are_taken_before_jpegs_unless_they_are_too_slow() -> None:
    sizes: Sizes = {"MJPG": {SIZE: (60.0,)}, "YUYV": {SIZE: (60.0, 5.0)}, "NV12": {SIZE: (10.0,)}}
    kernel = fake.StandIn(plan([0.0]), sizes)
    frames = source(kernel)
    assert kernel.format[0] == "YUYV"
    assert frames.fps == 60.0
    frames.close()
    sizes["YUYV"] = {SIZE: (5.0,)}
    kernel = fake.StandIn(plan([0.0], "MJPG"), sizes)
    source(kernel).close()
    assert kernel.format[0] == "MJPG"


def test_a_camera_that_is_too_slow_is_used_and_says_so() -> None:
    kernel = fake.StandIn(plan([0.0]), {"YUYV": {SIZE: (30.0, 15.0)}})
    frames = source(kernel)
    assert frames.fps == 30.0
    assert "gives 30 pictures a second at 64×48, not 60" in frames.warnings[0]
    frames.close()


def test_a_size_it_lacks_is_refused_with_all_it_has() -> None:
    sizes: Sizes = {"YUYV": {(640, 480): (30.0,), (1280, 720): (10.0,)}, "MJPG": {(1920, 1080): (30.0,)}}
    kernel = fake.StandIn(deque(), sizes)
    with pytest.raises(FrameSourceError) as caught:
        source(kernel)
    for words in (
        "64×48",
        "YUYV 640×480 at 30 fps",
        "YUYV 1280×720 at 10 fps",
        "MJPG 1920×1080 at 30 fps",
        "width_px",
    ):
        assert words in str(caught.value)
    assert kernel.open_fds == set()


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOENT, "is gone"), (errno.EBUSY, "in use by another program"), (errno.EACCES, "group video")],
)
def test_a_device_that_does_not_open_says_why(number: int, says: str) -> None:
    with pytest.raises(FrameSourceError, match=says):
        source(fake.StandIn(deque(), {}, open_error=number))


@pytest.mark.parametrize(
    ("caps", "says"),
    [(abi.CAP_STREAMING, "gives no pictures"), (abi.CAP_VIDEO_CAPTURE_MPLANE | abi.CAP_STREAMING, "multi-planar")],
)
def test_a_device_that_is_no_camera_is_refused(caps: int, says: str) -> None:
    kernel = fake.StandIn(deque(), {}, caps=caps)
    with pytest.raises(FrameSourceError, match=says):
        source(kernel)
    assert kernel.open_fds == set()


def test_frames_that_never_came_are_counted_by_their_stamps() -> None:
    jitter = np.random.default_rng(1).uniform(-0.004, 0.004, 400)
    ticks = np.array([t for t in range(400) if t not in (100, 201, 202, 300)])
    seen = frames_of(source(device(50.0 + ticks / 60 + jitter[ticks])))
    assert {int(ticks[f.index]): f.missing for f in seen if f.missing} == {101: 1, 203: 2, 301: 1}
    times = np.array([f.t_s for f in seen])
    assert times[0] == 0.0
    assert (np.diff(times) > 0).all()
    # The stamps jitter by 2.3 ms (RMS); the times told by much less, once the grid is found.
    off = times - ticks / 60
    assert np.std(off[60:]) < 0.0007


def test_a_driver_without_time_stamps_is_timed_here() -> None:
    seen = frames_of(source(device(np.zeros(4), monotonic=False, pace_s=0.002)))
    assert len(seen) == 4
    assert (np.diff([f.t_s for f in seen]) > 0).all()


def test_broken_pictures_are_left_out_and_counted_as_missing() -> None:
    kernel = device(np.arange(60) / 60)
    kernel.plan[20].broken = True
    kernel.plan[30].data = kernel.plan[30].data[:100]
    frames = source(kernel)
    seen = frames_of(frames)
    assert len(seen) == 58
    assert [f.index for f in seen if f.missing == 1] == [20, 29]
    assert any("arrive broken" in warning for warning in frames.warnings)


def test_only_broken_pictures_end_it() -> None:
    kernel = device(np.arange(200) / 60)
    for shown in kernel.plan:
        shown.broken = True
    frames_of(source(kernel), "only broken pictures")


def test_a_broken_jpeg_is_left_out() -> None:
    kernel = device(np.arange(10) / 60, "MJPG")
    kernel.plan[4].data = b"\xff\xd8 this is none"
    assert len(frames_of(source(kernel))) == 9


def test_automatics_settle_and_are_locked_at_what_they_found() -> None:
    found = {abi.CID_EXPOSURE_ABSOLUTE: 83, abi.CID_WHITE_BALANCE_TEMPERATURE: 3900}
    kernel = device(np.arange(600) / 60, pace_s=0.002, automatics=found)
    frames = source(kernel, settle_s=0.4)
    first = next(iter(frames))
    assert (first.index, first.t_s, first.missing) == (0, 0.0, 0)
    assert len(kernel.plan) < 590, "frames were let pass while it settled"
    set_to = dict(kernel.log)
    assert set_to["Auto Exposure"] == abi.EXPOSURE_MANUAL
    assert set_to["Exposure Time, Absolute"] == 83
    assert set_to["White Balance, Automatic"] == 0
    assert set_to["White Balance Temperature"] == 3900
    assert set_to["Focus, Automatic Continuous"] == 0
    assert set_to["Exposure, Dynamic Framerate"] == 0
    assert kernel.log.index(("Auto Exposure", 3)) < kernel.log.index(("Auto Exposure", 1))
    assert frames.warnings == []
    frames.close()


@pytest.mark.parametrize(("mains_hz", "value"), [(50, 1), (60, 2)])
def test_lamps_flicker_is_avoided(mains_hz: int, value: int) -> None:
    kernel = device(np.arange(5) / 60)
    frames_of(source(kernel, CameraWish(*SIZE, mains_hz=mains_hz)))
    assert ("Power Line Frequency", value) in kernel.log


def test_what_is_wished_is_fixed_from_the_start() -> None:
    wish = CameraWish(*SIZE, exposure_s=0.004, gain=20, white_balance_k=5000, focus=25)
    kernel = device(np.arange(5) / 60)
    frames = source(kernel, wish)
    frames_of(frames)
    assert ("Auto Exposure", 3) not in kernel.log
    set_to = dict(kernel.log)
    assert set_to["Exposure Time, Absolute"] == 40
    assert (set_to["Gain"], set_to["White Balance Temperature"], set_to["Focus, Absolute"]) == (20, 5000, 25)
    assert frames.warnings == []


def test_what_can_not_be_met_is_said_with_what_can() -> None:
    wish = CameraWish(*SIZE, exposure_s=0.5, focus=25)
    kernel = device(np.arange(5) / 60)
    del kernel.knobs[abi.CID_FOCUS_ABSOLUTE]
    frames = source(kernel, wish)
    frames_of(frames)
    assert any("exposure_ms can't be 500 here: 0.3 to 204.7 is possible" in w for w in frames.warnings)
    assert any("no control for [camera] focus" in w for w in frames.warnings)


def test_a_camera_without_controls_works_and_says_what_may_drift() -> None:
    frames = source(device(np.arange(5) / 60, knobs={}))
    assert len(frames_of(frames)) == 5
    assert any("exposure can't be locked" in w for w in frames.warnings)


def test_a_lock_that_changes_the_picture_is_said() -> None:
    kernel = device(np.arange(60) / 60)
    y, u, v = (plane // 2 for plane in picture(0))
    for shown in list(kernel.plan)[5:]:
        shown.data = fake.packed("YUYV", y, u, v)
    frames = source(kernel)
    frames_of(frames)
    assert any("locking the exposure changed the picture" in w for w in frames.warnings)


def test_a_camera_that_is_unplugged_says_so() -> None:
    kernel = device(np.arange(5) / 60, after="unplug")
    seen = frames_of(source(kernel), "/dev/video9 is gone: check the camera's cable")
    assert len(seen) == 5
    assert (kernel.open_fds, kernel.mapped) == (set(), 0)


def test_every_start_is_a_source_of_its_own() -> None:
    first = source(device([0.0]))
    time.sleep(0.002)  # ids count milliseconds
    second = source(device([0.0]))
    assert first.id != second.id
    assert first.id.startswith("v4l2-video9-")
    first.close()
    second.close()


def test_closing_from_elsewhere_ends_it() -> None:
    kernel = device(np.arange(5) / 60, after="repeat")
    frames = source(kernel)
    for frame in frames:
        if frame.index == 10:
            frames.close()
    assert (kernel.open_fds, kernel.mapped) == (set(), 0)


def test_readout_is_what_a_person_says() -> None:
    frames = source(device([0.0]), CameraWish(*SIZE, readout_s=0.012))
    assert frames.readout_s == 0.012
    frames.close()


LAYOUTS: dict[str, type[ctypes.Structure]] = {
    "v4l2_capability": abi.Capability,
    "v4l2_fmtdesc": abi.FormatDescription,
    "v4l2_frmsizeenum": abi.FrameSize,
    "v4l2_frmivalenum": abi.FrameInterval,
    "v4l2_format": abi.PictureFormat,
    "v4l2_streamparm": abi.StreamParameters,
    "v4l2_requestbuffers": abi.RequestBuffers,
    "v4l2_buffer": abi.Buffer,
    "v4l2_queryctrl": abi.QueryControl,
    "v4l2_control": abi.ControlValue,
}
OFFSETS = {
    "v4l2_capability": {"card": "card", "capabilities": "capabilities", "device_caps": "device_caps"},
    "v4l2_fmtdesc": {"pixelformat": "pixelformat"},
    "v4l2_frmsizeenum": {"type": "type", "extent": "discrete.width"},
    "v4l2_frmivalenum": {"width": "width", "type": "type", "interval": "discrete.numerator"},
    "v4l2_format": {
        "width": "fmt.pix.width",
        "pixelformat": "fmt.pix.pixelformat",
        "field": "fmt.pix.field",
        "bytesperline": "fmt.pix.bytesperline",
        "quantization": "fmt.pix.quantization",
    },
    "v4l2_streamparm": {"timeperframe": "parm.capture.timeperframe"},
    "v4l2_requestbuffers": {"memory": "memory", "count": "count"},
    "v4l2_buffer": {
        "bytesused": "bytesused",
        "flags": "flags",
        "timestamp": "timestamp",
        "sequence": "sequence",
        "memory": "memory",
        "offset": "m.offset",
        "length": "length",
    },
    "v4l2_queryctrl": {"minimum": "minimum", "step": "step", "flags": "flags"},
    "v4l2_control": {"value": "value"},
}
REQUESTS = [
    *("QUERYCAP", "ENUM_FMT", "G_FMT", "S_FMT", "REQBUFS", "QUERYBUF", "QBUF", "DQBUF", "STREAMON", "STREAMOFF"),
    *("G_PARM", "S_PARM", "G_CTRL", "S_CTRL", "QUERYCTRL", "ENUM_FRAMESIZES", "ENUM_FRAMEINTERVALS"),
]
NUMBERS = {
    "V4L2_CAP_VIDEO_CAPTURE": abi.CAP_VIDEO_CAPTURE,
    "V4L2_CAP_VIDEO_CAPTURE_MPLANE": abi.CAP_VIDEO_CAPTURE_MPLANE,
    "V4L2_CAP_STREAMING": abi.CAP_STREAMING,
    "V4L2_CAP_DEVICE_CAPS": abi.CAP_DEVICE_CAPS,
    "V4L2_BUF_TYPE_VIDEO_CAPTURE": abi.BUF_TYPE_VIDEO_CAPTURE,
    "V4L2_MEMORY_MMAP": abi.MEMORY_MMAP,
    "V4L2_FIELD_NONE": abi.FIELD_NONE,
    "V4L2_BUF_FLAG_ERROR": abi.BUF_FLAG_ERROR,
    "V4L2_BUF_FLAG_TIMESTAMP_MASK": abi.BUF_FLAG_TIMESTAMP_MASK,
    "V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC": abi.BUF_FLAG_TIMESTAMP_MONOTONIC,
    "V4L2_FRMSIZE_TYPE_DISCRETE": abi.FRMSIZE_DISCRETE,
    "V4L2_FRMIVAL_TYPE_DISCRETE": abi.FRMIVAL_DISCRETE,
    "V4L2_CTRL_FLAG_DISABLED": abi.CTRL_FLAG_DISABLED,
    "V4L2_CTRL_FLAG_READ_ONLY": abi.CTRL_FLAG_READ_ONLY,
    "V4L2_CID_AUTO_WHITE_BALANCE": abi.CID_AUTO_WHITE_BALANCE,
    "V4L2_CID_AUTOGAIN": abi.CID_AUTOGAIN,
    "V4L2_CID_GAIN": abi.CID_GAIN,
    "V4L2_CID_POWER_LINE_FREQUENCY": abi.CID_POWER_LINE_FREQUENCY,
    "V4L2_CID_WHITE_BALANCE_TEMPERATURE": abi.CID_WHITE_BALANCE_TEMPERATURE,
    "V4L2_CID_EXPOSURE_AUTO": abi.CID_EXPOSURE_AUTO,
    "V4L2_CID_EXPOSURE_ABSOLUTE": abi.CID_EXPOSURE_ABSOLUTE,
    "V4L2_CID_EXPOSURE_AUTO_PRIORITY": abi.CID_EXPOSURE_AUTO_PRIORITY,
    "V4L2_CID_FOCUS_ABSOLUTE": abi.CID_FOCUS_ABSOLUTE,
    "V4L2_CID_FOCUS_AUTO": abi.CID_FOCUS_AUTO,
    "V4L2_EXPOSURE_AUTO": abi.EXPOSURE_AUTO,
    "V4L2_EXPOSURE_MANUAL": abi.EXPOSURE_MANUAL,
    "V4L2_EXPOSURE_APERTURE_PRIORITY": abi.EXPOSURE_APERTURE_PRIORITY,
    "V4L2_CID_POWER_LINE_FREQUENCY_50HZ": abi.POWER_LINE_50_HZ,
    "V4L2_CID_POWER_LINE_FREQUENCY_60HZ": abi.POWER_LINE_60_HZ,
    "V4L2_PIX_FMT_NV12": abi.fourcc("NV12"),
    "V4L2_PIX_FMT_YUV420": abi.fourcc("YU12"),
    "V4L2_PIX_FMT_YUYV": abi.fourcc("YUYV"),
    "V4L2_PIX_FMT_UYVY": abi.fourcc("UYVY"),
    "V4L2_PIX_FMT_MJPEG": abi.fourcc("MJPG"),
}


def test_structures_and_numbers_are_those_of_the_kernels_header(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("needs a C compiler and the kernel's headers (apt install gcc linux-libc-dev)")
    asked = [f"sizeof(struct {name})" for name in LAYOUTS]
    asked += [f"offsetof(struct {name}, {path})" for name, paths in OFFSETS.items() for path in paths.values()]
    asked += [f"VIDIOC_{name}" for name in REQUESTS] + list(NUMBERS)
    ours = [ctypes.sizeof(kind) for kind in LAYOUTS.values()]
    ours += [getattr(LAYOUTS[name], ours_name).offset for name, paths in OFFSETS.items() for ours_name in paths]
    ours += [getattr(abi, name) for name in REQUESTS] + list(NUMBERS.values())
    lines = "".join(f'printf("%lu\\n", (unsigned long)({what}) & 0xffffffffUL);\n' for what in asked)
    program = (
        f"#include <stdio.h>\n#include <stddef.h>\n#include <linux/videodev2.h>\nint main(void) {{\n{lines}}}\n"
    )
    (tmp_path / "ask.c").write_text(program)
    subprocess.run([compiler, "ask.c", "-o", "ask"], cwd=tmp_path, check=True)
    told = subprocess.run([tmp_path / "ask"], capture_output=True, check=True, text=True).stdout.split()
    assert dict(zip(asked, map(int, told), strict=True)) == dict(zip(asked, ours, strict=True))


REAL = Path("/dev/video0")
real_device = pytest.mark.skipif(
    not REAL.exists(), reason=f"{REAL} is not there: plug a camera in, or load the kernel's vivid (modprobe vivid)"
)
# What vivid draws: bars of 75 %, as BGR.
BARS = [(190, 190, 190), (0, 190, 190), (190, 190, 0), (0, 190, 0), (190, 0, 190), (0, 0, 190), (190, 0, 0)]


def real_camera(pixel_format: str | None = None) -> V4l2Source:
    """The camera that is there, at a modest size, or a skip where it has no such thing."""
    look = Device(str(REAL), Linux())
    offers = [o for o in look.offers() if o.pixel_format == pixel_format or (pixel_format is None and o.fps)]
    look.close()
    modest = [o for o in offers if 320 <= o.width_px <= 640]
    if not modest:
        pytest.skip(f"{REAL} has no {pixel_format or 'usual format'} of 320 to 640 pixels")
    best = max(modest, key=lambda o: o.fps[0])
    return V4l2Source(str(REAL), CameraWish(best.width_px, best.height_px, min(30.0, best.fps[0])), settle_s=0.3)


@real_device
def test_a_real_device_streams_in_true_time() -> None:
    frames = real_camera()
    seen = [frame for frame, _ in zip(frames, range(60), strict=False)]
    frames.close()
    times = np.array([f.t_s for f in seen])
    ticks = np.cumsum([1 + f.missing for f in seen])
    period_s = np.polyfit(ticks, times, 1)[0]
    assert frames.fps is not None
    assert period_s == pytest.approx(1 / frames.fps, rel=0.05)
    assert (np.diff(times) > 0).all()
    assert seen[0].y.shape == (frames.height_px, frames.width_px)


@real_device
@pytest.mark.parametrize("kind", ["NV12", "YU12", "YUYV", "UYVY"])
def test_the_kernels_own_test_device_shows_its_bars(kind: str) -> None:
    with contextlib.closing(Device(str(REAL), Linux())) as look:
        if look.card != "vivid":
            pytest.skip("only the kernel's vivid draws a known picture")
    frames = real_camera(kind)
    picture = next(iter(frames)).bgr()
    frames.close()
    row = picture[round(0.9 * frames.height_px)].astype(int)
    middles = [row[round((bar + 0.5) * frames.width_px / 8)] for bar in range(len(BARS))]
    assert np.abs(np.array(middles) - BARS).max() <= 3


@real_device
def test_the_kernels_own_test_device_is_unplugged() -> None:
    control = named_control(REAL, b"Disconnect")
    if control is None:
        pytest.skip("only the kernel's vivid can be unplugged from here")
    frames = real_camera()
    stream = iter(frames)
    next(stream)
    Linux().ioctl(frames._device._open_fd(), abi.S_CTRL, abi.ControlValue(control, 1))
    with pytest.raises(FrameSourceError, match="is gone: check the camera's cable"):
        list(stream)
    frames.close()


def named_control(path: Path, name: bytes) -> int | None:
    """The number of a device's control of this name."""
    next_one = 0x80000000
    with contextlib.closing(Device(str(path), Linux())) as device:
        query = abi.QueryControl(id=next_one)
        while True:
            try:
                Linux().ioctl(device._open_fd(), abi.QUERYCTRL, query)
            except OSError:
                return None
            if query.name == name:
                return int(query.id)
            query.id |= next_one
