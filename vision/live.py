"""The live state of a table: what `live.json` holds and the live page draws."""

from dataclasses import asdict, dataclass
from typing import Any

from calibration.table import Table
from vision.model import BallState, Health, Phase

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

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["schema"] = SCHEMA
        data["balls"] = [
            {"ball": b.ball, "x_in": round(b.x_in, 2), "y_in": round(b.y_in, 2), "state": b.state}
            for b in self.balls
        ]
        return data
