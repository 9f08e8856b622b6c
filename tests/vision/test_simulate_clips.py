"""A recorded clip, its truth and its calibration belong together."""

from pathlib import Path

import pytest

from calibration.file import load_calibration
from vision.evaluate.truth import read_truth
from vision.frames.file import FileSource
from vision.simulate.clips import record_clip
from vision.simulate.source import SimulatedTable


def test_a_clip_comes_with_its_truth_and_calibration(tmp_path: Path) -> None:
    table = SimulatedTable(size=(320, 180), fps=10, seed=9)
    clip = record_clip(table, tmp_path / "clips", "break", shots=1)
    frames = list(FileSource(clip.video))
    truth = read_truth(clip.truth)
    calibration = load_calibration(clip.calibration)
    calibration.require_picture(frames[0].width_px, frames[0].height_px)
    assert len(frames) == clip.frames == len(truth.frames or ())
    assert truth.shots is not None
    assert len(truth.shots) == 1
    assert truth.shots[0].end_s is not None
    assert truth.shots[0].end_s < frames[-1].t_s
    assert calibration.camera == table.calibration.camera


def test_a_clip_of_no_shots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        record_clip(SimulatedTable(size=(320, 180)), tmp_path, "nothing", shots=0)
