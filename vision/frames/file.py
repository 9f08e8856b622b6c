"""Recordings as a source of frames: true times, repeated and missing frames recognised."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np

from vision.frames.cadence import Cadence, CadenceTracker, find_cadence, novelty, regular_interval, thin
from vision.frames.picture import check_file, check_size
from vision.frames.source import Frame, FrameSourceError, Plane

_PROBE_S, _PROBE_FRAMES, _LONGEST_PROBE_FRAMES = 5.0, 300, 1200
_PICTURE_FORMATS = ("image2", "_pipe")
_HASHED_BYTES = 1 << 16
# A file that decodes slower than it plays would skip for ever; so far behind, it is paced anew.
_HOPELESSLY_LATE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Probe:
    """What a look at the beginning of a file found."""

    width_px: int
    height_px: int
    interval_s: float
    regular: bool
    cadence: Cadence


class FileSource:
    """A recording, streamed: iterating decodes it from the start and yields every stored frame.

    - `t_s` counts from the first frame. Where the container repeats frames in a known pattern, new pictures
      are evenly spaced at the recovered cadence and `fps` is that cadence; a repeated frame has the time at
      which the file shows it. `shown_s` is the time at which the file shows the frame yielded last.
    - `id` is the same for the same content (its size, first and last 64 KiB), so that a recording tracked
      twice gives the same shot ids. Played as a camera (`realtime`) every start has an id of its own.
    - With `loop` iteration never ends: each round begins again with index 0 and t_s 0 and has a new `id`,
      set before its first frame is yielded.
    - With `realtime` frames come when they are due by the monotonic clock; those a late consumer has no time
      for are skipped and counted in `missing` of the next, as a camera would.
    - Planes are read-only views of the decoder's memory; copy what must be changed.
    - `warnings` says in sentences what was wrong with the file, once it is known.
    """

    readout_s: float = 0.0

    def __init__(self, path: Path, *, realtime: bool = False, loop: bool = False) -> None:
        """Opens the file and probes its cadence. Raises FrameSourceError with what to do."""
        check_file(path)
        self.path = path
        self.warnings: list[str] = []
        self.shown_s = 0.0
        self._realtime, self._loop = realtime, loop
        self._closed = threading.Event()
        self._content_id = _content_id(path)
        self._start_id = f"{self._content_id}-{time.time_ns() // 1_000_000:x}" if realtime else self._content_id
        self.id = self._start_id
        with _open(path) as container:
            stream = _video_stream(container, path, realtime)
            check_size(path, stream.codec_context.width, stream.codec_context.height)
            self.duration_s = _duration_s(container, stream)
            self.frame_count: int | None = stream.frames or None
            self._probe = _probe(container, stream, path, self.warnings)
        self.width_px, self.height_px = self._probe.width_px, self._probe.height_px
        self.fps: float | None = self._probe.cadence.share / self._probe.interval_s

    def __iter__(self) -> Iterator[Frame]:
        rounds = 0
        while not self._closed.is_set():
            rounds += 1
            if rounds > 1:
                self.id = f"{self._start_id}-{rounds}"
            frames = self._frames()
            yield from self._paced(frames) if self._realtime else frames
            if not self._loop:
                return

    def close(self) -> None:
        """Ends iteration; also wakes a paced one that waits for its next frame."""
        self._closed.set()

    def _frames(self) -> Iterator[Frame]:
        clock = _Clock(self._probe.interval_s, self._probe.regular)
        tracker = CadenceTracker(self._probe.cadence, 1 / self._probe.interval_s, self._probe.regular)
        size = (self.width_px, self.height_px)
        index = 0
        with _open(self.path) as container:
            stream = _video_stream(container, self.path, self._realtime)
            for decoded in self._decoded(container, stream):
                planes = _planes(decoded)
                if (planes[0].shape[1], planes[0].shape[0]) != size:
                    self._warn(f"{self.path}: the picture changes its size at frame {index}; the rest is left out")
                    return
                tick, self.shown_s = clock.stamp(_time_s(decoded))
                repeated, missing, taken = tracker.see(tick, planes[0])
                yield Frame(index, clock.at(taken), *planes, repeated=repeated, missing=missing)
                index += 1
                if self._closed.is_set():
                    return
        self._check_length(index)

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        """Every frame that can be decoded; what is broken becomes a warning."""
        broken = 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                yield from packet.decode()
            except av.error.EOFError:
                break
            except (av.error.FFmpegError, ValueError) as error:
                broken += 1
                self._warn(f"{self.path}: part of it can't be decoded ({_reason(error)}); the rest was used")
                if broken > 100:
                    break

    def _paced(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        origin = time.monotonic()
        skipped = 0
        newest_s: float | None = None  # when the newest picture that was skipped was taken
        for frame in frames:
            late = time.monotonic() - origin - self.shown_s
            if late > _HOPELESSLY_LATE_S:
                origin += late
                late = 0.0
            if late > self._probe.interval_s:
                skipped += frame.missing + (not frame.repeated)
                newest_s = newest_s if frame.repeated else frame.t_s
                continue
            if late < 0 and self._closed.wait(-late):
                return
            if frame.repeated and newest_s is not None:
                frame = replace(frame, repeated=False, t_s=newest_s, missing=skipped - 1)  # noqa: PLW2901
            elif skipped:
                frame = replace(frame, missing=frame.missing + skipped)  # noqa: PLW2901
            yield frame
            skipped, newest_s = 0, None

    def _check_length(self, frames: int) -> None:
        if frames == 0:
            raise FrameSourceError(f"{self.path} has no frame that can be decoded: record or export it again")
        if self.duration_s is not None and self.shown_s < 0.9 * self.duration_s - 0.5:
            self._warn(
                f"{self.path} is cut short: {self.shown_s:.1f} of {self.duration_s:.1f} s can be decoded; "
                "copy it again if the rest matters"
            )

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


class _Clock:
    """Ticks and times of stored frames: an even grid held to time stamps that may be rounded or missing."""

    _PULL = 0.02

    def __init__(self, interval_s: float, regular: bool) -> None:
        self._interval_s, self._regular = interval_s, regular
        self._first_s: float | None = None
        self._last_s = 0.0
        self._tick = 0
        self._grid_s = 0.0

    def stamp(self, time_s: float | None) -> tuple[int, float]:
        """(tick, time since the first frame) of the next stored frame with this time stamp."""
        if self._first_s is None:
            self._first_s = time_s or 0.0
            return 0, 0.0
        since = self._last_s + self._interval_s if time_s is None else time_s - self._first_s
        since = max(since, self._last_s + 1e-4)
        ticks = max(1, round((since - self._last_s) / self._interval_s))
        self._tick += ticks
        self._last_s = since
        self._grid_s += ticks * self._interval_s
        self._grid_s += (self._PULL if self._regular else 1.0) * (since - self._grid_s)
        return self._tick, since

    def at(self, tick: float) -> float:
        """The time in seconds of a moment in ticks, near the frame stamped last."""
        return self._grid_s + (tick - self._tick) * self._interval_s


def _open(path: Path) -> Any:
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except (av.error.FFmpegError, ValueError) as error:
        raise FrameSourceError(
            f"{path} is no video this program can read ({_reason(error)}): use MP4, MOV, MKV or WebM"
        ) from error
    if any(name in container.format.name for name in _PICTURE_FORMATS):
        container.close()
        raise FrameSourceError(f"{path} is a picture, not a video: use ladder detect for stills")
    return container


def _video_stream(container: Any, path: Path, realtime: bool) -> Any:
    """The first video of a file. In real time one thread decodes: more would hold more pictures."""
    if not container.streams.video:
        raise FrameSourceError(
            f"{path} has no video in it (only sound or data, or the file is cut off): copy or export it again"
        )
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise FrameSourceError(f"{path} is in a video format that can't be decoded here: export it as H.264")
    stream.thread_type = "NONE" if realtime else "AUTO"
    return stream


def _probe(container: Any, stream: Any, path: Path, warnings: list[str]) -> _Probe:
    """Looks at the first seconds, longer where too little moves to tell the cadence."""
    times: list[float] = []
    values: list[float] = []
    before: Plane | None = None
    shape = (0, 0)
    result: _Probe | None = None
    try:
        for decoded in container.decode(stream):
            luma = _planes(decoded)[0]
            if before is None:
                shape = (luma.shape[1], luma.shape[0])
                if decoded.interlaced_frame:
                    warnings.append(f"{path} is interlaced: fast balls look torn; record progressive")
            thinned = thin(luma)
            if before is not None and before.shape == thinned.shape:
                values.append(novelty(thinned, before))
                times.append(_time_s(decoded) or times[-1] + 1 / 30)
            else:
                times, values = [_time_s(decoded) or 0.0], []
            before = thinned
            enough = times[-1] - times[0] >= _PROBE_S or len(times) >= _PROBE_FRAMES
            if enough and len(times) % 60 == 0:
                result = _judge(times, values, shape)
                if result is not None:
                    return result
            if len(times) >= _LONGEST_PROBE_FRAMES:
                break
    except (av.error.FFmpegError, ValueError) as error:
        if before is None:
            raise FrameSourceError(f"{path} can't be decoded ({_reason(error)}): export it as H.264") from error
    if before is None:
        raise FrameSourceError(f"{path} has no frame that can be decoded: record or export it again")
    result = _judge(times, values, shape)
    if result is not None:
        return result
    return _Probe(*shape, *_interval(times, stream), Cadence())


def _judge(times: list[float], values: list[float], shape: tuple[int, int]) -> _Probe | None:
    """The probe's result, or None while too little was seen."""
    interval_s, regular = regular_interval(times)
    if not regular:
        return _Probe(*shape, interval_s, False, Cadence())
    ticks = np.cumsum(np.maximum(1, np.round(np.diff(times) / interval_s))).astype(np.int64)
    # An encoder sharpens its first pictures, which looks like news.
    settled = slice(min(10, len(values) // 4), None)
    cadence = find_cadence(ticks[settled], np.array(values)[settled], 1 / interval_s)
    return None if cadence is None else _Probe(*shape, interval_s, True, cadence)


def _interval(times: list[float], stream: Any) -> tuple[float, bool]:
    if len(times) < 2 and stream.average_rate:
        return float(1 / stream.average_rate), False
    return regular_interval(times)


def _planes(decoded: Any) -> tuple[Plane, Plane, Plane]:
    """The three planes of a decoded frame, upright and of even size, without a change of colour."""
    frame = decoded
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    turns = round(decoded.rotation / 90) % 4
    height, width = frame.height & ~1, frame.width & ~1
    sizes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    planes = []
    for plane, (rows, columns) in zip(frame.planes, sizes, strict=True):
        pixels = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)[:rows, :columns]
        pixels = np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
        pixels.flags.writeable = False
        planes.append(pixels)
    return planes[0], planes[1], planes[2]


def _time_s(decoded: Any) -> float | None:
    return None if decoded.pts is None else float(decoded.pts * decoded.time_base)


def _duration_s(container: Any, stream: Any) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration / av.time_base) if container.duration else None


def _content_id(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_HASHED_BYTES))
        file.seek(max(0, size - _HASHED_BYTES))
        digest.update(file.read(_HASHED_BYTES))
    return f"file-{digest.hexdigest()[:12]}"


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error).lower()
