"""Records the simulated table: a clip, its exact truth, and the calibration of its camera."""

import json
from dataclasses import dataclass
from pathlib import Path

from vision.simulate.source import SimulatedTable
from vision.simulate.truth import FrameTruth, truth_file
from vision.video.writer import VideoWriter

# What is recorded after the last shot's balls have come to rest, so that a pipeline can see that they have.
_AFTERWARDS_S = 1.0


@dataclass(frozen=True, slots=True)
class Clip:
    """The files of one recorded clip."""

    video: Path
    truth: Path
    calibration: Path
    frames: int


def record_clip(table: SimulatedTable, folder: Path, name: str, shots: int) -> Clip:
    """Writes `name.mp4`, `name-truth.json` and `name-calibration.json` with the table's next shots.

    `table` must draw every frame (not in real time). Raises ValueError for fewer than one shot, OSError or
    VideoError where the files can't be written.
    """
    if shots < 1:
        raise ValueError(f"a clip of {shots} shots can't be recorded: at least 1")
    folder.mkdir(parents=True, exist_ok=True)
    clip = Clip(folder / f"{name}.mp4", folder / f"{name}-truth.json", folder / f"{name}-calibration.json", 0)
    truths: list[FrameTruth] = []
    end_s: float | None = None
    with VideoWriter(clip.video, table.width_px, table.height_px, table.fps or 30.0) as video:
        for frame in table:
            video.add(frame, frame.t_s)
            truths.append(table.truth())
            done = table.shots()
            if end_s is None and len(done) >= shots:
                end_s = done[shots - 1][1].rest_s + _AFTERWARDS_S
            if end_s is not None and frame.t_s >= end_s:
                break
    truth = truth_file(table.true_shots()[:shots], tuple(truths), table.calibration)
    clip.truth.write_text(json.dumps(truth) + "\n", encoding="utf-8")
    table.calibration.save(clip.calibration)
    return Clip(clip.video, clip.truth, clip.calibration, len(truths))
