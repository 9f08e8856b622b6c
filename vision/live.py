"""The live state of a table: what `live.json` holds and the kiosk's pages show."""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from calibration.table import Table
from vision.condition import condition
from vision.feel import USUAL, Feel
from vision.model import BallState, Health, Phase
from vision.quality import NOTHING, Quality

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class CameraState:
    """How frames flow, over the last two seconds and since the source was opened.

    `camera_fps` come from the source, `process_fps` are followed, `skipped_fps` are dropped because nobody has
    time for them. `dropped_by_sensor` counts frames a live camera never gave, `dropped_by_overload` those the box
    let go; `waiting` frames lie in the queue, which never holds more than `room`.
    """

    camera_fps: float | None = None
    process_fps: float | None = None
    skipped_fps: float | None = None
    dropped_by_sensor: int = 0
    dropped_by_overload: int = 0
    waiting: int = 0
    room: int = 0


@dataclass(frozen=True, slots=True)
class WriterState:
    """How shots get to the store, since the service started: `waiting` are not stored yet, and with `room` of them
    seeing waits; `stored` were, and `refused` the store would not take. None is ever dropped."""

    waiting: int = 0
    room: int = 0
    stored: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Learnt:
    """What shots taught: `feel` of the table, `quality` of the box's own eye since the source was opened."""

    feel: Feel = USUAL
    quality: Quality = NOTHING

    @cached_property
    def json(self) -> dict[str, Any]:
        """Both in numbers and in words; made once, since states are written many times between two shots."""
        found = condition(self.feel)
        return {
            "feel": self.feel.to_json(),
            "condition": {"report": list(found.report), "warnings": list(found.warnings)},
            "quality": quality_to_json(self.quality),
        }


@dataclass(frozen=True, slots=True)
class LiveState:
    """One moment of the table. `status` is `starting`, `live`, `camera-moved`, `no-camera`, `no-table` or `ended`;
    `message` is its sentence for a person. `seq` grows with every state written."""

    seq: int
    source_id: str
    t_s: float
    status: str
    message: str
    phase: Phase
    table: Table
    ball_set: str
    balls: tuple[BallState, ...]
    fps: float | None
    health: Health
    camera: CameraState = CameraState()
    learnt: Learnt = Learnt()
    writer: WriterState = WriterState()

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        del data["learnt"]
        data |= self.learnt.json
        data["schema"] = SCHEMA
        data["balls"] = [
            {"ball": b.ball, "x_in": round(b.x_in, 2), "y_in": round(b.y_in, 2), "state": b.state}
            for b in self.balls
        ]
        return data


def quality_to_json(quality: Quality) -> dict[str, Any]:
    """The counts, the shares made of them, and both in words."""
    return {
        **asdict(quality),
        "scatter_mm": round(quality.scatter_mm, 3),
        "unseen_share": round(quality.unseen_share, 5),
        "lost_share": round(quality.lost_share, 5),
        "misfit_share": round(quality.misfit_share, 5),
        "mean_scatter_mm": round(quality.mean_scatter_mm, 3),
        "words": quality.in_words(),
        "warnings": list(quality.warnings()),
    }


def quality_from_json(data: dict[str, Any]) -> Quality:
    """The counts that `quality_to_json` wrote. Raises ValueError for anything else."""
    try:
        counts = {field.name: data[field.name] for field in fields(Quality)}
    except (KeyError, TypeError) as error:
        raise ValueError(f"that does not say how well the box saw ({type(error).__name__}: {error})") from error
    if not all(isinstance(count, (int, float)) and count >= 0 for count in counts.values()):
        raise ValueError(f"how well the box saw is told in counts, not in {counts}")
    return Quality(**counts)
