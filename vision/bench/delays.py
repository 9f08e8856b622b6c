"""From the last ball's rest to the shot in hand: what a player waits for, on the clock of the pictures."""

from dataclasses import dataclass

from calibration.file import Calibration
from vision.bench.stopwatch import Lap
from vision.model import Shot

_SAME_S = 0.2  # a shot whose start is so near the strike is that shot


@dataclass(frozen=True, slots=True)
class Handed:
    """A shot as the pipeline first handed it on: with the frame of `frame_s`, and done at `done_s` on the same
    clock, the work on earlier frames included."""

    source_id: str
    calibration: Calibration
    shot: Shot
    frame_s: float
    done_s: float
    ball_set: str


@dataclass(frozen=True, slots=True)
class Rest:
    """A shot as it was really played: from `strike_s` to the last ball's rest."""

    source_id: str
    strike_s: float
    rest_s: float


@dataclass(frozen=True, slots=True)
class Delay:
    """How late one shot came. `seen_s` is from the true rest to the time of the frame that ended the shot,
    `work_s` from there until that frame had been followed."""

    shot_id: str
    seen_s: float
    work_s: float


class Clock:
    """When each frame is done with, if frames come at their own times and one thread follows them at the measured
    CPU time. A thread that is too slow falls further and further behind; nothing is dropped here."""

    def __init__(self) -> None:
        self._free_s = 0.0

    def done_s(self, frame_s: float, lap: Lap) -> float:
        self._free_s = max(self._free_s, frame_s) + lap.cpu_ms / 1000
        return self._free_s


def delays(handed: list[Handed], rests: list[Rest]) -> list[Delay]:
    """The delays of shots that were found, in the order of play. A shot that was missed, or handed on before its
    balls had really come to rest, has a place among the true ones all the same: the former none, the latter a
    negative one."""
    found = []
    for rest in rests:
        mine = [h for h in handed if h.source_id == rest.source_id]
        mine = [h for h in mine if abs(h.shot.start_s - rest.strike_s) <= _SAME_S]
        if mine:
            first = min(mine, key=lambda h: h.frame_s)
            found.append(Delay(first.shot.id, first.frame_s - rest.rest_s, first.done_s - first.frame_s))
    return found
