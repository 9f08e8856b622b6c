"""Ball sets, read from `ball_sets.toml`: the names, groups and colours of the balls in play."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Group = Literal["cue", "eight", "solid", "stripe", "colour", "unknown"]


@dataclass(frozen=True, slots=True)
class Ball:
    """One ball of a set. `count` is how many the set has (fifteen reds)."""

    name: str
    group: Group
    rgb: tuple[int, int, int]
    striped: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class BallSet:
    """A set of balls. `racks` are the games' numbers of object balls, of those numbered from 1; none where every
    game is played with all of them."""

    name: str
    title: str
    balls: tuple[Ball, ...]
    racks: tuple[int, ...] = ()

    def group_of(self, ball: str) -> Group:
        """The group of a ball's name; what is honestly unknown is `unknown`, `solid?` is a solid."""
        base = ball.split("-", maxsplit=1)[0]  # reds are told apart as red-1, red-2 …
        if base in ("solid?", "stripe?"):
            return "solid" if base == "solid?" else "stripe"
        return next((b.group for b in self.balls if b.name == base), "unknown")


@cache
def ball_sets() -> dict[str, BallSet]:
    """Every set the project knows, by name."""
    data = tomllib.loads(files("vision").joinpath("ball_sets.toml").read_text(encoding="utf-8"))
    return {
        name: BallSet(
            name,
            entry["title"],
            tuple(Ball(**{**ball, "rgb": tuple(ball["rgb"])}) for ball in entry["balls"]),
            tuple(entry.get("racks", ())),
        )
        for name, entry in data.items()
    }
