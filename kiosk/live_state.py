"""Reading `live.json`: the state of the table as vision last wrote it, how old it is, and what it means."""

import json
import time
from collections import deque
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from calibration.table import STANDARD_TABLES, Table
from vision.balls import ball_sets
from vision.feel import feel_from_json
from vision.live import Learnt, quality_from_json

STALE_S = 4.0  # vision writes ten times a second; this long without a word is a service that hangs
BUSY_WINDOW_S = 5.0
BUSY_SHARE = 0.03  # of the window's frames dropped

KNOWN = ("live", "starting", "no-camera", "no-table", "camera-moved", "ended")
# What may need somebody's care, by the names of the texts under `care`, and where the state tells of it.
CARES = (("table", "condition"), ("sight", "quality"))
HEALTHY = ("live", "overloaded", "camera-skips", "ended")


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the file. `state` is None when there is none or it is none; `age_s` counts from its writing."""

    state: dict[str, Any] | None = None
    age_s: float = 0.0
    stamp: tuple[int, int, int] = (0, 0, 0)

    @property
    def status(self) -> str:
        """What is going on, by the names of the texts under `status`."""
        if self.state is None:
            return "starting"
        status = str(self.state.get("status", ""))
        if self.age_s > STALE_S and status != "ended":
            return "stalled"
        return status if status in KNOWN else "unknown"

    @property
    def message(self) -> str:
        """Vision's own sentence, when it wrote one."""
        return "" if self.state is None else str(self.state.get("message") or "")[:300]

    @property
    def ball_set(self) -> str:
        """The set in play; American pool until it is known."""
        name = None if self.state is None else self.state.get("ball_set")
        return name if isinstance(name, str) and name in ball_sets() else "american"

    @property
    def table(self) -> Table | None:
        """The table of the state, or None when it names none that could be."""
        data = None if self.state is None else self.state.get("table")
        if not isinstance(data, dict):
            return None
        known = {f.name: data[f.name] for f in fields(Table) if f.name in data}
        try:
            return Table(**known)
        except (TypeError, ValueError):
            return None

    @property
    def learnt(self) -> Learnt | None:
        """What shots taught of the table and of the box's eye; None when the state says neither or nonsense."""
        state = self.state or {}
        try:
            return Learnt(feel_from_json(state["feel"]), quality_from_json(state["quality"]))
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def cares(self) -> tuple[str, ...]:
        """What needs care, of `table` and `sight`."""
        state = self.state or {}
        told = {name: state.get(part) for name, part in CARES}
        return tuple(name for name, what in told.items() if isinstance(what, dict) and what.get("warnings"))

    def health(self, name: str) -> float | None:
        """A number of the state's health; None when it says none."""
        health = {} if self.state is None else self.state.get("health") or {}
        return _number(health, name)

    def camera(self, name: str) -> float | None:
        """A number of how frames flow; None when the state says none."""
        return _number({} if self.state is None else self.state.get("camera") or {}, name)

    def writer(self, name: str) -> float | None:
        """A number of how shots get to the store; None when the state says none."""
        return _number({} if self.state is None else self.state.get("writer") or {}, name)


def _number(figures: Any, name: str) -> float | None:
    value = figures.get(name) if isinstance(figures, dict) else None
    return float(value) if isinstance(value, (int, float)) else None


def file_stamp(path: Path) -> tuple[int, int, int]:
    """What changes when the file is replaced; zeros when it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0, 0
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def read_live(path: Path) -> Reading:
    """The file as it is now. Never raises: a missing or broken file is a state that is not there."""
    stamp = file_stamp(path)
    if stamp == (0, 0, 0):
        return Reading()
    age_s = max(0.0, time.time() - stamp[1] / 1e9)
    try:
        state = json.loads(path.read_bytes())
    except (OSError, ValueError):
        state = None
    return Reading(state if isinstance(state, dict) else None, age_s, stamp)


def default_table() -> Table:
    return STANDARD_TABLES["9ft"]


@dataclass
class LoadWatch:
    """Tells whether frames are being dropped right now, from the growing counts of the states."""

    overloaded: bool = False
    _seen: deque[tuple[float, float, float]] = field(default_factory=deque)

    def note(self, now_s: float, frames: float | None, dropped: float | None) -> None:
        """Notes a state's counts. Overloaded is when a share of the last seconds' frames was dropped."""
        if frames is None or dropped is None:
            return
        if self._seen and (frames < self._seen[-1][1] or dropped < self._seen[-1][2]):
            self._seen.clear()  # vision began anew
        self._seen.append((now_s, frames, dropped))
        while len(self._seen) > 1 and now_s - self._seen[0][0] > BUSY_WINDOW_S:
            self._seen.popleft()
        _, frames_then, dropped_then = self._seen[0]
        lost, processed = dropped - dropped_then, frames - frames_then
        self.overloaded = lost >= 3 and lost > BUSY_SHARE * (processed + lost)
