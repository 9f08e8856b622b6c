"""Records the simulated table: a clip, its exact truth, and the calibration of its camera."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vision.simulate.source import SimulatedTable
from vision.simulate.take import Take
from vision.video.writer import VideoWriter

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Clip:
    """The files of one recorded clip, and how much is in it."""

    video: Path
    truth: Path
    calibration: Path
    frames: int
    shots: int


def record_clip(
    table: SimulatedTable,
    folder: Path,
    name: str,
    *,
    shots: int | None = None,
    seconds: float | None = None,
    crf: int = 21,
    progress: Progress | None = None,
) -> Clip:
    """Writes `name.mp4`, `name-truth.json` and `name-calibration.json` with the table's next shots, or of so many
    seconds at least, as `Take` has it.

    `crf` is the compression; `progress` is told each frame's time in seconds. Raises ValueError for fewer than one
    shot, OSError or VideoError where the files can't be written.
    """
    take = Take(table, shots=shots, seconds=seconds)
    folder.mkdir(parents=True, exist_ok=True)
    video, truth, calibration = (folder / f"{name}{end}" for end in (".mp4", "-truth.json", "-calibration.json"))
    with VideoWriter(video, table.width_px, table.height_px, table.fps or 30.0, crf=crf) as writer:
        for frame in take:
            writer.add(frame, frame.t_s)
            if progress is not None:
                progress(frame.t_s)
    document = take.truth()
    truth.write_text(json.dumps(document) + "\n", encoding="utf-8")
    table.calibration.save(calibration)
    return Clip(video, truth, calibration, len(take.frames), len(document["shots"]))
