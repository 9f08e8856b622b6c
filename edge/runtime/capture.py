"""The capture thread: frames are taken as they come, and dropped and counted when nobody has time."""

import queue
import threading
import time
from dataclasses import dataclass, replace

from vision.frames.source import Frame, FrameSource, FrameSourceError

# Bridges a hiccup of an eighth of a second at 60 fps; a box that is too slow for good lags by no more than these.
QUEUE_FRAMES = 8
# While the reader learns the table, frames are kept up to this size (18 at 1080p) or for so long, lest the first
# shot is missed. Learning takes a fifth of a second.
LAG_BYTES = 56_000_000
LAG_S = 10.0
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Captured:
    """A frame and the id its source had when it came (a looping file changes it)."""

    source_id: str
    frame: Frame


class SourceEnd:
    """The source gives no more frames; `error` says why when that was not its end."""

    def __init__(self, error: str | None) -> None:
        self.error = error


class Capture:
    """Reads `source` in a thread of its own into a bounded queue.

    When the queue is full a frame is dropped: it is counted in `dropped` and in `missing` of the next one.
    `received` counts the frames the source gave, `missing` those it said it could not give, and `room` is how
    many frames may wait at the moment.
    """

    def __init__(self, source: FrameSource, queue_frames: int = QUEUE_FRAMES, lag_s: float = LAG_S) -> None:
        self.received = 0
        self.missing = 0
        self.dropped = 0
        self.room = queue_frames
        self._source = source
        self._queue: queue.Queue[Captured | SourceEnd] = queue.Queue()
        self._limit = queue_frames
        self._lag_s = lag_s
        self._lag_ends_s: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def get(self, timeout_s: float) -> Captured | SourceEnd | None:
        """The next frame, the source's end, or None when nothing came in time."""
        if self._queue.qsize() < self._limit:
            self._lag_ends_s = None  # the reader has caught up
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def allow_lag(self) -> None:
        """To be called before a long pause in reading: frames are kept until the reader has caught up."""
        self._lag_ends_s = time.monotonic() + self._lag_s

    @property
    def waiting(self) -> int:
        """How many frames wait to be read."""
        return self._queue.qsize()

    def stop(self, timeout_s: float = STOP_S) -> bool:
        """Ends reading and closes the source. False when the source hangs: its thread is left behind."""
        self._stopped.set()
        closing = threading.Thread(target=self._source.close, name="close", daemon=True)
        closing.start()  # closing may hang as well
        self._thread.join(timeout_s)
        closing.join(timeout_s)
        return not (self._thread.is_alive() or closing.is_alive())

    def _run(self) -> None:
        error: str | None = None
        try:
            self._read()
        except FrameSourceError as failure:
            error = str(failure)
        except Exception as failure:  # the thread must not die silently: say it where people look
            error = f"the source failed: {type(failure).__name__}: {failure}"
        self._queue.put(SourceEnd(error))

    def _read(self) -> None:
        dropped_before = 0
        for frame in self._source:
            if self._stopped.is_set():
                return
            self.received += 1
            self.missing += frame.missing
            self.room = self._room(frame)
            if self._queue.qsize() >= self.room:
                self.dropped += 1
                dropped_before += 1 + frame.missing
                continue
            whole = replace(frame, missing=frame.missing + dropped_before) if dropped_before else frame
            self._queue.put(Captured(self._source.id, whole))
            dropped_before = 0

    def _room(self, frame: Frame) -> int:
        """How many frames may wait now."""
        ends_s = self._lag_ends_s
        if ends_s is None or time.monotonic() > ends_s:
            return self._limit
        return max(self._limit, LAG_BYTES // (frame.y.nbytes + frame.u.nbytes + frame.v.nbytes))
