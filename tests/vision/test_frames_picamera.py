"""The Raspberry Pi's camera, with a stand-in that speaks picamera2's documented API and no more."""

import sys
from collections import deque
from typing import Any

import numpy as np
import picamera2_stand_in as fake
import pytest

from vision.frames.camera import CameraWish
from vision.frames.picamera import PicameraSource
from vision.frames.sensor_mode import SensorMode, choose_mode, readout_s
from vision.frames.source import Frame, FrameSourceError

SIZE = (1280, 720)
SMALL = (160, 90)
WISH = CameraWish(*SMALL, fps=50.0)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Connects a camera: `connect(stamps_s, …)` gives its rig."""

    def rig(stamps_s: Any = (), **more: Any) -> Any:
        made = fake.Rig(deque(float(s) for s in stamps_s), **more)
        for name, module in made.modules().items():
            monkeypatch.setitem(sys.modules, name, module)
        return made

    return rig


def source(wish: CameraWish = WISH, settle_s: float = 0.0) -> PicameraSource:
    return PicameraSource(wish, settle_s=settle_s, silent_s=0.05)


def frames_of(frames: PicameraSource) -> list[Frame]:
    """Every frame until the camera falls silent."""
    seen: list[Frame] = []
    with pytest.raises(FrameSourceError, match=r"has given no picture for 0\.05 s: check its ribbon cable"):
        seen.extend(frames)
    frames.close()
    return seen


def test_every_pixel_arrives_without_the_padding(connect: Any) -> None:
    rig = connect(np.arange(20) / 50)
    seen = frames_of(source())
    assert rig.config["lores"]["stride"] > SMALL[0]
    offset = 20 - len(seen)  # the frames let pass until the lock was at work
    assert [f.index for f in seen] == list(range(len(seen)))
    for frame in seen:
        for got, sent in zip((frame.y, frame.u, frame.v), fake.planes(SMALL, frame.index + offset), strict=True):
            assert np.array_equal(got, sent)


def test_requests_are_given_back_and_the_camera_is_let_go(connect: Any) -> None:
    rig = connect(np.arange(200) / 50)
    frames_of(source())
    assert rig.most_out <= 4
    assert (rig.out, rig.lost, rig.opened, rig.closed) == (0, 0, 1, 1)


def test_what_is_asked_of_the_camera(connect: Any) -> None:
    rig = connect(np.arange(10) / 50)
    frames_of(source())
    assert rig.config["main"]["format"] == rig.config["lores"]["format"] == "YUV420"
    assert rig.config["sensor"] == {"output_size": (2304, 1296), "bit_depth": 10}
    assert rig.config["colour_space"].name == "Smpte170m"
    assert rig.started_with["FrameDurationLimits"] == (20000, 20000)
    assert rig.started_with["AeFlickerPeriod"] == 8333
    assert rig.started_with["AwbEnable"] is True


def test_automatics_settle_and_are_locked_at_what_they_found(connect: Any) -> None:
    rig = connect(np.arange(600) / 50, pace_s=0.002)
    seen = frames_of(source(settle_s=0.4))
    (locked,) = rig.set_later
    assert locked == {
        "AeEnable": False,
        "ExposureTime": 8333,
        "AnalogueGain": 2.0,
        "AwbEnable": False,
        "ColourGains": (1.9, 1.6),
        "AfMode": 0,
        "LensPosition": 0.7,
    }
    assert 100 < len(seen) < 590, "frames were let pass while it settled"
    assert (seen[0].t_s, seen[0].missing) == (0.0, 0)


def test_what_is_wished_is_fixed_from_the_start(connect: Any) -> None:
    rig = connect(np.arange(10) / 50)
    wish = CameraWish(*SMALL, 50.0, exposure_s=0.004, gain=3.0, white_balance_k=4000, focus=0.5, mains_hz=50)
    frames = source(wish)
    frames_of(frames)
    asked = rig.started_with
    assert (asked["ExposureTime"], asked["AnalogueGain"], asked["ColourTemperature"]) == (4000, 3.0, 4000)
    assert (asked["LensPosition"], asked["AfMode"], asked["AwbEnable"]) == (0.5, 0, False)
    assert asked["AeFlickerPeriod"] == 10000
    assert "ColourGains" not in rig.set_later[0]
    assert frames.warnings == []


def test_only_frames_taken_with_the_lock_count(connect: Any) -> None:
    connect(np.arange(100) / 50, wanders=True)
    frames = source()
    # Frame 0 is when it locks; what is set then is at work from frame 4 on.
    assert len(frames_of(frames)) == 96
    assert frames.warnings == []


def test_a_camera_that_will_not_be_locked_says_so(connect: Any) -> None:
    connect(np.arange(100) / 50, obeys=False)
    frames = source(CameraWish(*SMALL, 50.0, exposure_s=0.002))
    seen = frames_of(frames)
    assert 30 < len(seen) < 45
    assert any("does not keep exposure and gain" in w for w in frames.warnings)


def test_a_camera_without_autofocus_is_asked_for_none(connect: Any) -> None:
    controls = tuple(name for name in fake.CONTROLS.split() if name not in ("AfMode", "LensPosition"))
    connect(np.arange(10) / 50, controls=controls)
    assert frames_of(source())
    connect(np.arange(10) / 50, controls=controls)
    frames = source(CameraWish(*SMALL, 50.0, focus=1.0))
    frames_of(frames)
    assert frames.warnings == ["this camera has no control for [camera] focus: leave the key out"]


def test_frames_the_sensor_dropped_are_counted_by_its_time_stamps(connect: Any) -> None:
    ticks = np.array([t for t in range(200) if t not in (60, 61, 120)])
    connect(1000.0 + ticks / 50)
    seen = frames_of(source())
    lost = {round(50 * f.t_s): f.missing for f in seen if f.missing}
    start = 200 - 3 - len(seen)
    assert lost == {62 - start: 2, 121 - start: 1}
    exact = (ticks[-len(seen) :] - ticks[-len(seen)]) / 50
    assert np.allclose([f.t_s for f in seen], exact, atol=1e-6)


def test_a_hiccup_of_a_few_frames_loses_none(connect: Any) -> None:
    rig = connect(np.arange(100) / 50)
    frames = source()
    seen = 0
    for frame in frames:
        seen += 1
        assert frame.missing == 0
        if frame.index == 10:
            for _ in range(3):  # three frames come while nobody looks
                frames._picam2._sensor()
        if frame.index == 40:
            frames.close()
    assert (rig.lost, seen) == (0, 41)
    assert rig.closed == 1


def test_a_camera_that_times_out_can_be_opened_again(connect: Any) -> None:
    rig = connect(np.arange(10) / 50)
    first = source()
    frames_of(first)
    rig.stamps_s.extend(np.arange(10) / 50)
    second = source()
    assert len(frames_of(second)) > 0
    assert first.id != second.id
    assert (rig.opened, rig.closed) == (2, 2)


def test_no_camera_and_a_busy_one_say_what_to_do(connect: Any) -> None:
    connect(connected=False)
    with pytest.raises(FrameSourceError, match="check the ribbon cable"):
        source()
    connect(busy=True)
    with pytest.raises(FrameSourceError, match="is another program using it"):
        source()


def test_without_picamera2_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libcamera", None)
    with pytest.raises(FrameSourceError, match=r"apt install python3-picamera2.*--system-site-packages"):
        source()


def test_a_camera_that_is_no_sensor_is_refused_and_let_go(connect: Any) -> None:
    rig = connect(modes=[{"format": "MJPEG"}])
    with pytest.raises(FrameSourceError, match="/dev/video"):
        source()
    assert rig.closed == 1


def test_a_size_the_hardware_changes_is_taken_as_it_is(connect: Any) -> None:
    connect(np.arange(10) / 50, adjusted_size=(128, 72))
    frames = source()
    assert (frames.width_px, frames.height_px) == (128, 72)
    assert frames_of(frames)[0].y.shape == (72, 128)


def modes(named: list[dict[str, Any]]) -> list[SensorMode]:
    return [mode for mode in map(SensorMode.of, named) if mode is not None]


@pytest.mark.parametrize(
    ("sensor", "size", "fps", "chosen"),
    [
        ("IMX708", (1920, 1080), 60.0, (2304, 1296)),  # 56 fps of all, not 120 of a part
        ("IMX708", (1920, 1080), 10.0, (2304, 1296)),
        ("IMX708", (3840, 2160), 14.0, (4608, 2592)),  # pixels enough, where it is fast enough
        ("IMX477", (1920, 1080), 60.0, (2028, 1080)),  # for a wide picture it shows as much as the others
        ("IMX477", (1440, 1080), 60.0, (2028, 1520)),  # for a 4:3 one it does not
        ("IMX219", (1920, 1080), 60.0, (1640, 1232)),
        ("IMX296", (1280, 720), 60.0, (1456, 1088)),
    ],
)
def test_the_mode_shows_everything_as_fast_as_it_can(
    sensor: str, size: tuple[int, int], fps: float, chosen: tuple[int, int]
) -> None:
    assert choose_mode(modes(getattr(fake, sensor)), size, fps).size_px == chosen


def test_a_narrower_field_is_taken_where_the_whole_is_too_slow() -> None:
    slow = [mode for mode in fake.IMX219 if mode["size"] != (1640, 1232)]
    assert choose_mode(modes(slow), (1920, 1080), 60.0).size_px == (1920, 1080)


def test_readout_is_the_shown_rows_share_of_the_shortest_frame() -> None:
    whole = modes(fake.IMX708)[1]
    assert readout_s("imx708", whole, (1920, 1080), 0.01785) == pytest.approx(0.01785)
    tall = modes(fake.IMX477)[2]  # 4:3, of which a 16:9 picture shows three quarters
    assert readout_s("imx477", tall, (1920, 1080), 0.025) == pytest.approx(0.025 * 0.75, rel=0.01)
    assert readout_s("imx296", modes(fake.IMX296)[0], (1280, 720), 0.0166) == 0.0


def test_where_the_camera_falls_short_is_said(connect: Any) -> None:
    connect(model="imx219", modes=fake.IMX219)
    frames = PicameraSource(CameraWish(1920, 1080, 60.0))
    assert frames.fps == pytest.approx(41.85, abs=0.01)
    assert any("gives 41.85 pictures a second of its whole view, not 60" in w for w in frames.warnings)
    assert any("1640×1232 pixels" in w for w in frames.warnings)
    frames.close()


def test_readout_can_be_said_by_a_person(connect: Any) -> None:
    connect()
    frames = source(CameraWish(*SMALL, 50.0, readout_s=0.0123))
    assert frames.readout_s == 0.0123
    frames.close()
    frames = source()
    assert frames.readout_s == pytest.approx(1 / 56.03, rel=0.01)
    frames.close()
