"""The capture thread: what it drops it counts, in all and for the next frame."""

import itertools
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from edge.runtime.capture import Capture, Captured, SourceEnd
from vision.frames.source import Frame, FrameSourceError

PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)


class Stepped:
    """A source that gives frames up to a number when told to; the rest comes with `finish`."""

    id = "cam"
    width_px = height_px = 8
    fps: float | None = None
    frame_count: int | None = None
    readout_s = 0.0

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self._allowed = threading.Semaphore(0)
        self.taken = threading.Semaphore(0)
        self.closed = False

    def give(self, count: int) -> None:
        """Gives frames and returns when the capture has dealt with all of them."""
        for _ in range(count):
            self._allowed.release()
            assert self.taken.acquire(timeout=5)

    def finish(self) -> None:
        self.closed = True
        self._allowed.release()

    close = finish

    def __iter__(self) -> Iterator[Frame]:
        for index in itertools.count():
            self._allowed.acquire()
            if self.closed:
                break
            # The frame at 3 is itself said to come after two that the camera lost.
            yield Frame.from_bgr(PICTURE, index, index / 30) if index != 3 else lossy(index)
            self.taken.release()
        if self._error is not None:
            raise self._error


def lossy(index: int) -> Frame:
    frame = Frame.from_bgr(PICTURE, index, index / 30)
    return Frame(frame.index, frame.t_s, frame.y, frame.u, frame.v, missing=2)


def read_all(capture: Capture) -> tuple[list[Frame], SourceEnd]:
    frames: list[Frame] = []
    while True:
        item = capture.get(5)
        if isinstance(item, SourceEnd):
            return frames, item
        assert isinstance(item, Captured)
        frames.append(item.frame)


def test_frames_dropped_are_missing_before_the_next() -> None:
    source = Stepped()
    capture = Capture(source, queue_frames=2)
    capture.start()
    source.give(6)  # 0 and 1 are kept; 2, 3 (which lost two itself), 4 and 5 are dropped
    for _ in range(2):
        assert isinstance(capture.get(5), Captured)
    source.give(2)
    source.finish()
    frames, end = read_all(capture)
    assert [(f.index, f.missing) for f in frames] == [(6, 6), (7, 0)]
    assert (capture.received, capture.missing, capture.dropped) == (8, 2, 4)
    assert end.error is None
    capture.stop()


def test_lag_that_is_allowed_drops_nothing_until_the_reader_has_caught_up() -> None:
    source = Stepped()
    capture = Capture(source, queue_frames=2)
    capture.start()
    capture.allow_lag()
    source.give(20)
    for _ in range(20):
        assert isinstance(capture.get(5), Captured)
    assert capture.dropped == 0
    source.give(5)
    assert capture.dropped == 3
    capture.stop()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FrameSourceError("the cable is out"), "the cable is out"),
        (ZeroDivisionError("a mistake"), "the source failed: ZeroDivisionError: a mistake"),
    ],
)
def test_what_breaks_a_source_is_said_at_the_end(error: Exception, said: str) -> None:
    source = Stepped(error)
    capture = Capture(source)
    capture.start()
    source.give(1)
    source.finish()
    frames, end = read_all(capture)
    assert len(frames) == 1
    assert end.error == said
    capture.stop()


def test_a_source_that_gives_nothing_is_waited_for_no_longer_than_asked() -> None:
    source = Stepped()
    capture = Capture(source)
    capture.start()
    assert capture.get(0.02) is None
    assert capture.stop()
    assert source.closed


@pytest.mark.parametrize("where", ["reading", "closing"])
def test_a_source_that_hangs_is_left_behind_and_said(where: str) -> None:
    never = threading.Event()

    class Stuck(Stepped):
        def __iter__(self) -> Iterator[Frame]:
            if where == "reading":
                never.wait(30)
            yield from ()

        def close(self) -> None:
            if where == "closing":
                never.wait(30)

    capture = Capture(Stuck())
    capture.start()
    assert not capture.stop(0.1)
    never.set()
