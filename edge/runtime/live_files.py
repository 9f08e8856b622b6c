"""`live.json` and `live.jpg`: the table as it is now, for whoever wants to look, replaced atomically."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.whole_file import replace_file
from edge.runtime.notify import Turns
from edge.runtime.paths import Paths
from vision.frames.source import Frame
from vision.live import LiveState, WriterState

STATES_PER_S = 15.0
PICTURES_PER_S = 2.0
PICTURE_WIDTH_PX = 640
JPEG_QUALITY = 80

log = logging.getLogger(__name__)


class LiveFiles:
    """Writes the latest state and picture in a thread of its own, so that seeing never waits for writing.

    States are written at an even pace even when nothing changes: one that is seconds old means that the
    service is gone.
    """

    def __init__(self, paths: Paths, state: LiveState, writer: Callable[[], WriterState] = WriterState) -> None:
        """`writer` is asked each time: seeing that waits for it shows nothing new."""
        self._paths = paths
        self._writer = writer
        self._latest: tuple[LiveState, Frame | None] = (state, None)
        self._stopped = threading.Event()
        self._failing = False
        self._turns = Turns()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def show(self, state: LiveState, frame: Frame | None) -> None:
        """Takes over what to show from now on; costs nothing. Without a frame there is no picture."""
        self._latest = (state, frame)

    def why_not(self) -> str | None:
        """Why this thread does not live; None when it does, be it that nothing can be written."""
        late = self._turns()
        return late and f"live.json is not written: {late}"

    def __enter__(self) -> "LiveFiles":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        seq, picture_due_s, pictured = 0, 0.0, None
        while True:
            ending = self._stopped.wait(1 / STATES_PER_S)
            self._turns.allow()
            state, frame = self._latest
            seq += 1
            try:
                told = replace(state, seq=seq, writer=self._writer())
                replace_file(self._paths.live_json, json.dumps(told.to_json()).encode())
                if frame is None:
                    self._paths.live_jpg.unlink(missing_ok=True)
                elif frame is not pictured and time.monotonic() >= picture_due_s:
                    replace_file(self._paths.live_jpg, live_picture(frame))
                    picture_due_s, pictured = time.monotonic() + 1 / PICTURES_PER_S, frame
            except OSError as error:
                self._complain(error)
            else:
                self._failing = False
            if ending:
                return

    def _complain(self, error: OSError) -> None:
        if not self._failing:
            log.warning("the live view can't be written: %s", error)
        self._failing = True


def live_picture(frame: Frame, width_px: int = PICTURE_WIDTH_PX) -> bytes:
    """The frame as a JPEG at most `width_px` wide."""
    scale = min(1.0, width_px / frame.width_px)
    half = (round(frame.width_px * scale / 2), round(frame.height_px * scale / 2))
    y = _resized(frame.y, (2 * half[0], 2 * half[1]))
    small = Frame(frame.index, frame.t_s, y, _resized(frame.u, half), _resized(frame.v, half))
    _, encoded = cv2.imencode(".jpg", small.bgr(), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return bytes(encoded)


def _resized(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
