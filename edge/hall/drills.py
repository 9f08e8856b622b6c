"""Drills to practise by, read from `drills.toml`: where the balls stand and how many tries there are."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from calibration.table import PocketName, Table
from vision.model import Point


@dataclass(frozen=True, slots=True)
class Drill:
    """A set-up that is played `reps` times; `needs` makes of them are a good evening's. Places are shares of the
    table's length and width; `pocket` is where the ball is meant to go, None for any."""

    key: str
    reps: int
    needs: int
    cue: Point
    balls: tuple[Point, ...]
    pocket: PocketName | None = None

    def layout(self, table: Table) -> dict[str, Point]:
        """The balls on a table, in inches, by names of the set; one at the very edge lies against the cushion."""
        places = {"cue": self.cue, **{str(i): place for i, place in enumerate(self.balls, start=1)}}
        r = table.ball_radius_in
        return {
            ball: (
                min(max(x * table.length_in, r), table.length_in - r),
                min(max(y * table.width_in, r), table.width_in - r),
            )
            for ball, (x, y) in places.items()
        }

    @property
    def goal(self) -> dict[str, Any]:
        """The goal of a session that plays it."""
        return {"drill": self.key, "reps": self.reps, "needs": self.needs}


@cache
def drills() -> dict[str, Drill]:
    """Every drill by its key."""
    data = tomllib.loads(files("edge.hall").joinpath("drills.toml").read_text(encoding="utf-8"))
    return {
        key: Drill(
            key,
            one["reps"],
            one["needs"],
            tuple(one["cue"]),
            tuple(tuple(place) for place in one["balls"]),
            one.get("pocket"),
        )
        for key, one in data.items()
    }
