"""Frames from a drawing process: all of them, whole, and no faster than they are followed."""

import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from calibration.file import load_calibration
from vision.bench.feed import FeedSource, draw, write_frame
from vision.frames.source import Frame, FrameSourceError
from vision.simulate.conditions import conditions
from vision.simulate.source import SimulatedTable

SIZE = (320, 180)


def drawn(tmp_path: Path, seconds: float = 1.0) -> io.BytesIO:
    stream = io.BytesIO()
    draw(stream, tmp_path / "calibration.json", seed=5, seconds=seconds, size=SIZE, fps=10.0)
    stream.seek(0)
    return stream


def test_frames_arrive_as_they_were_drawn_and_so_does_the_calibration(tmp_path: Path) -> None:
    source = FeedSource(drawn(tmp_path), ahead=100)
    table = SimulatedTable.under(conditions(5), size=SIZE, fps=10.0)
    assert (source.id, source.width_px, source.height_px, source.fps) == (table.id, *SIZE, 10.0)
    source.done()
    frames = list(source)
    assert len(frames) == 10
    for a, b in zip(frames, table, strict=False):
        assert (a.index, a.t_s) == (b.index, b.t_s)
        assert all(np.array_equal(p, q) for p, q in zip((a.y, a.u, a.v), (b.y, b.u, b.v), strict=True))
    assert load_calibration(tmp_path / "calibration.json").table == table.calibration.table


def test_no_more_frames_come_than_there_is_room_for(tmp_path: Path) -> None:
    source = FeedSource(drawn(tmp_path), ahead=3)
    source.done()
    frames = iter(source)
    came = [next(frames).index for _ in range(4)]
    seen = threading.Event()

    def wait_for_one() -> None:
        came.append(next(frames).index)
        seen.set()

    reader = threading.Thread(target=wait_for_one)
    reader.start()
    assert not seen.wait(0.1)
    source.done()
    assert seen.wait(5)
    reader.join()
    assert came == [0, 1, 2, 3, 4]


def test_a_closed_source_ends(tmp_path: Path) -> None:
    source = FeedSource(drawn(tmp_path), ahead=1)
    source.done()
    frames = iter(source)
    next(frames)
    source.close()
    next(frames, None)
    assert next(frames, None) is None


def test_a_drawing_that_breaks_off_is_said(tmp_path: Path) -> None:
    with pytest.raises(FrameSourceError, match="ended before its first frame"):
        FeedSource(io.BytesIO(), ahead=1)
    stream = io.BytesIO()
    stream.write(json.dumps({"id": "a", "size": SIZE, "fps": 10.0, "readout_s": 0.0}).encode() + b"\n")
    write_frame(stream, Frame.from_bgr(np.zeros((180, 320, 3), np.uint8)))
    whole = stream.getvalue()
    source = FeedSource(io.BytesIO(whole[:-1]), ahead=1)
    with pytest.raises(FrameSourceError, match="broke off within a frame"):
        list(source)


def test_the_reader_needs_nothing_of_the_simulation() -> None:
    code = "import sys, vision.bench.feed; print([m for m in sys.modules if m.startswith('vision.simulate')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
