"""Recordings as a source: repeats, gaps, damage, pacing, sizes."""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vision.frames.file import FileSource
from vision.frames.open import open_source
from vision.frames.picture import read_picture
from vision.frames.source import Frame, FrameSourceError
from vision.video.writer import VideoWriter

W, H = 320, 180
Picture = NDArray[np.uint8]


def scene(moment_s: float, noise: float = 0.0, seed: int = 0) -> Picture:
    """A ball that crosses a green cloth in two seconds, to and fro."""
    picture = np.full((H, W, 3), (60, 120, 40), dtype=np.uint8)
    x = 160 + 120 * np.sin(moment_s * np.pi)
    cv2.circle(picture, (round(x * 16), 90 * 16), 9 * 16, (240, 240, 240), -1, cv2.LINE_AA, 4)
    if noise:
        rng = np.random.default_rng(seed)
        picture = np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
    return picture


def write(
    path: Path, moments_s: Sequence[float], fps: float, *, noise: float = 0.0, shown_s: Sequence[float] = ()
) -> Path:
    """A clip of the scene at `moments_s`; equal moments in a row are one picture encoded again."""
    with VideoWriter(path, W, H, fps) as video:
        for i, moment in enumerate(moments_s):
            shown = shown_s[i] if shown_s else i / fps
            video.add(scene(moment, noise, seed=round(moment * 1e4)), shown)
    return path


def pulled_down(real_fps: float, stored_fps: float, frames: int, phase: float = 0.3) -> list[float]:
    """The moments of pictures of a `real_fps` camera stored at `stored_fps`."""
    pictures = np.floor(np.arange(frames) * real_fps / stored_fps + phase)
    return [float(k) / real_fps for k in pictures]


def new_times(frames: list[Frame]) -> NDArray[np.float64]:
    return np.array([f.t_s for f in frames if not f.repeated])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("real", "stored", "noise"),
    [(15, 30, 2.0), (24, 60, 2.0), (25, 60, 0.0), (24, 30, 2.0), (25, 30, 2.0), (30, 60, 2.0), (30, 30, 2.0)],
)
def test_true_cadence_is_recovered(tmp_path: Path, real: float, stored: float, noise: float) -> None:
    moments = pulled_down(real, stored, 150)
    source = FileSource(write(tmp_path / "clip.mp4", moments, stored, noise=noise))
    frames = list(source)

    assert len(frames) == 150
    assert source.fps == pytest.approx(real, rel=0.002)
    is_new = [a != b for a, b in zip(moments, [-1.0, *moments], strict=False)]
    wrong = sum(f.repeated == new for f, new in zip(frames, is_new, strict=True))
    assert wrong <= 1
    np.testing.assert_allclose(np.diff(new_times(frames)), 1 / real, atol=2e-4)
    assert all(b.t_s > a.t_s for a, b in pairwise(frames))
    assert sum(f.missing for f in frames) == 0


def test_a_still_noisy_table_repeats_nothing(tmp_path: Path) -> None:
    path = tmp_path / "still.mp4"
    with VideoWriter(path, W, H, 30, crf=15) as video:
        for i in range(60):
            video.add(scene(0.0, noise=4.0, seed=i), i / 30)
    assert not any(f.repeated for f in FileSource(path))


def test_single_repeats_are_seen_without_a_pattern(tmp_path: Path) -> None:
    moments = [i / 30 for i in range(90)]
    moments[50] = moments[49]
    frames = list(FileSource(write(tmp_path / "hiccup.mp4", moments, 30, noise=2.0)))
    assert [f.index for f in frames if f.repeated] == [50]


def test_the_cadence_is_found_again_after_a_change(tmp_path: Path) -> None:
    moments = pulled_down(15, 30, 200)
    moments += [moments[-1] + (i + 1) / 30 for i in range(240)]
    frames = list(FileSource(write(tmp_path / "edited.mp4", moments, 30, noise=2.0)))
    assert sum(f.repeated for f in frames[:200]) == pytest.approx(100, abs=2)
    assert sum(f.repeated for f in frames[-120:]) == 0


def test_gaps_are_counted_as_missing_frames(tmp_path: Path) -> None:
    ticks = [i for i in range(60) if i not in (20, 21, 40)]
    shown = [i / 30 for i in ticks]
    frames = list(FileSource(write(tmp_path / "gaps.mp4", shown, 30, noise=2.0, shown_s=shown)))
    assert {f.index: f.missing for f in frames if f.missing} == {20: 2, 38: 1}
    np.testing.assert_allclose([f.t_s for f in frames], shown, atol=1e-3)


def test_rounded_time_stamps_do_not_jitter(tmp_path: Path) -> None:
    shown = [round(i / 60, 3) for i in range(120)]
    frames = list(FileSource(write(tmp_path / "ms.mp4", shown, 60, noise=2.0, shown_s=shown)))
    assert np.abs(np.diff([f.t_s for f in frames[30:]]) - 1 / 60).max() < 2e-4


def test_planes_are_what_was_written(tmp_path: Path) -> None:
    frame = next(iter(FileSource(write(tmp_path / "clip.mp4", [0.0] * 5, 30))))
    assert frame.y.shape == (H, W)
    assert frame.u.shape == frame.v.shape == (H // 2, W // 2)
    assert np.abs(frame.bgr().astype(int) - scene(0.0).astype(int)).mean() < 3
    assert not frame.y.flags.writeable


@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv422p10le", "gray"])
def test_other_pixel_formats_and_odd_sizes(tmp_path: Path, pixel_format: str) -> None:
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 161, 91, pixel_format
        for i in range(5):
            picture = np.full((91, 161, 3), 40 + i, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    frames = list(FileSource(path))
    assert [f.y.shape for f in frames] == [(90, 160)] * 5
    assert frames[0].u.shape == (45, 80)


def test_a_turned_recording_is_upright(tmp_path: Path) -> None:
    path = tmp_path / "phone.mp4"
    picture = np.zeros((H, W, 3), dtype=np.uint8)
    picture[:40, :40] = 255  # top left as stored
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, "yuv420p"
        stream.set_display_rotation(-90)  # shown after a quarter turn clockwise
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    source = FileSource(path)
    y = next(iter(source)).y
    assert (source.width_px, source.height_px) == (H, W) == (y.shape[1], y.shape[0])
    assert y[:30, -30:].mean() > 200  # a quarter turn clockwise brings the top left to the top right
    assert y[:30, :30].mean() < 60


def test_ids_follow_the_content(tmp_path: Path) -> None:
    a = write(tmp_path / "a.mp4", [0.0, 0.1, 0.2], 30)
    same = tmp_path / "b.mp4"
    same.write_bytes(a.read_bytes())
    other = write(tmp_path / "c.mp4", [0.5, 0.6, 0.7], 30)
    ids = [FileSource(p).id for p in (a, same, other)]
    assert ids[0] == ids[1] != ids[2]
    assert FileSource(a, realtime=True).id != FileSource(a).id
    assert FileSource(a, realtime=True).id != FileSource(a, realtime=True).id, "every playing is one of its own"


def test_a_loop_starts_over_under_a_new_id(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "a.mp4", [0.0, 0.1, 0.2], 30), loop=True)
    seen = []
    for frame in source:
        seen.append((source.id, frame.index))
        if len(seen) == 7:
            source.close()
    assert [index for _, index in seen] == [0, 1, 2, 0, 1, 2, 0]
    assert len({name for name, _ in seen}) == 3


def test_realtime_paces_and_counts_what_a_late_consumer_misses(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "a.mp4", [i / 30 for i in range(30)], 30, noise=2.0), realtime=True)
    began = time.monotonic()
    frames = []
    for frame in source:
        frames.append(frame)
        if frame.index == 5:
            time.sleep(0.4)
    took = time.monotonic() - began
    assert 0.9 < took < 2.0
    assert len(frames) < 24
    assert len(frames) + sum(f.missing for f in frames) == 30


def truncated(tmp_path: Path) -> Path:
    moments = [i / 30 for i in range(150)]
    whole = write(tmp_path / "whole.mp4", moments, 30, noise=3.0).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    return path


def test_a_truncated_file_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    source = FileSource(truncated(tmp_path))
    frames = list(source)
    assert 30 < len(frames) < 140
    assert any("cut short" in warning for warning in source.warnings)


def test_damage_in_the_middle_is_no_crash(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "a.mp4", [i / 30 for i in range(90)], 30, noise=3.0).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    assert len(list(FileSource(path))) > 40


def text_file(path: Path) -> Path:
    path.write_text("no video at all\n" * 50)
    return path


def empty_file(path: Path) -> Path:
    path.touch()
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def sound_only(path: Path) -> Path:
    path = path.with_suffix(".wav")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    return path


def still(path: Path) -> Path:
    path = path.with_suffix(".png")
    cv2.imwrite(str(path), scene(0.0))
    return path


def tiny(path: Path) -> Path:
    with VideoWriter(path, 16, 16, 30) as video:
        video.add(np.zeros((16, 16, 3), dtype=np.uint8), 0.0)
    return path


def headless(path: Path) -> Path:
    whole = write(path, [0.0, 0.1], 30).read_bytes()
    path.write_bytes(whole[:200])
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text_file, "no video"),
        (empty_file, "is empty"),
        (folder, "is a folder"),
        (sound_only, "no video in it"),
        (still, "ladder detect"),
        (tiny, "only 16×16"),
        (headless, "cut off"),
        (lambda path: path, "there is no"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(FrameSourceError, match=words) as caught:
        open_source(str(make(tmp_path / "thing.mp4")))
    assert "\n" not in str(caught.value)


def test_pictures_are_read_and_refused(tmp_path: Path) -> None:
    assert read_picture(still(tmp_path / "a")).shape == (H, W, 3)
    for make, words in ((text_file, "no picture"), (empty_file, "is empty"), (folder, "is a folder")):
        with pytest.raises(FrameSourceError, match=words):
            read_picture(make(tmp_path / words.replace(" ", "-")))
    with pytest.raises(FrameSourceError, match="does not exist"):
        read_picture(tmp_path / "nowhere.png")


def test_written_videos_are_what_browsers_play(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [i / 30 for i in range(10)], 30)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        times = [f.time for f in container.decode(stream)]
    assert times == pytest.approx([i / 30 for i in range(10)], abs=1e-6)
