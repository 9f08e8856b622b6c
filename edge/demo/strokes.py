"""The strokes that the demo's people play: some hundred from the shot book, and of each make a miss like it.

They were recorded once (`edge.demo.record`). A miss is made of a make by having the ball stop short of its pocket,
for the book's players miss nothing easy.
"""

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Literal

from vision.model import Shot, shot_from_json

FILE = Path(str(files("edge.demo").joinpath("strokes.json.gz")))
BANDS = 4
SHORT_S = 0.12  # a ball that stops short is seen until so long before it would have fallen
NEIGHBOURS = 6  # strokes of about a difficulty, of which one is played

Kind = Literal["make", "scratch", "break", "safety"]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke by its number in the pool; `difficulty` is None where none is known."""

    number: int
    shot: Shot

    @property
    def difficulty(self) -> float | None:
        return self.shot.difficulty


@dataclass(frozen=True, slots=True)
class Pool:
    """All strokes. `makes` go from easy to hard, and `misses` at the same places are like them."""

    strokes: tuple[Stroke, ...]
    makes: tuple[Stroke, ...]
    misses: tuple[Stroke, ...]
    scratches: tuple[Stroke, ...]
    breaks: tuple[Stroke, ...]
    safeties: tuple[Stroke, ...]

    def place_near(self, rng: Random, difficulty: float) -> int:
        """A place in `makes` of about that difficulty."""
        ordered = [stroke.difficulty or 0.0 for stroke in self.makes]
        nearest = min(range(len(ordered)), key=lambda place: abs(ordered[place] - difficulty))
        first = max(0, min(nearest - NEIGHBOURS // 2, len(ordered) - NEIGHBOURS))
        return rng.randrange(first, min(first + NEIGHBOURS, len(ordered)))


def kind_of_stroke(shot: Shot) -> tuple[Kind, int] | None:
    """What a shot of the book is good for, and its quarter of difficulty; None for nothing."""
    if shot.kind in ("break", "safety"):
        return None if shot.scratch else (shot.kind, 0)
    if shot.difficulty is None or shot.kind not in ("cut", "straight", "bank"):
        return None
    band = min(BANDS - 1, int(shot.difficulty * BANDS))
    if shot.scratch:
        return "scratch", band
    return ("make", band) if shot.result == "make" and len(_balls(shot)) == 1 else None


@cache
def load_pool() -> Pool:
    """The strokes that ship with the program."""
    by_kind: dict[str, list[Shot]] = defaultdict(list)
    for one in json.loads(gzip.decompress(FILE.read_bytes())):
        shot = shot_from_json(one)
        kind = kind_of_stroke(shot)
        assert kind is not None
        by_kind[kind[0]].append(shot)
    makes = sorted(by_kind["make"], key=lambda shot: shot.difficulty or 0.0)
    groups = (makes, [missed(shot) for shot in makes], by_kind["scratch"], by_kind["break"], by_kind["safety"])
    strokes: list[Stroke] = []
    numbered = []
    for group in groups:
        some = tuple(Stroke(len(strokes) + place, shot) for place, shot in enumerate(group))
        strokes += some
        numbered.append(some)
    return Pool(tuple(strokes), *numbered)


def missed(shot: Shot) -> Shot:
    """The stroke as it would have been had its ball stopped short of the pocket."""
    (pot,) = (one for one in shot.potted if one.group != "cue")
    way = (
        tuple(point for point in shot.paths_in[pot.ball] if point[0] < pot.t_s - SHORT_S)
        or (shot.paths_in[pot.ball][:1])
    )
    return replace(
        shot,
        result="miss",
        potted=(),
        paths_in={**shot.paths_in, pot.ball: way},
        layout_end={**shot.layout_end, pot.ball: way[-1][1:]},
    )


def _balls(shot: Shot) -> list[str]:
    return [pot.ball for pot in shot.potted if pot.group != "cue" and pot.ball in shot.paths_in]
