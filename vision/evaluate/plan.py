"""What is evaluated on simulated halls, and what tells one evaluation from another."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import calibration
import vision
from vision.simulate.director import Pace

# What a kept result holds; another number makes older ones another evaluation's.
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Each seed for `seconds`, and on until its last shot is over, or for as long as its first `shots` take.

    Balls are scored in one frame of every `every` (in two frames a second where it is None), paths and shots in
    all. `pace` is how long players idle between shots. Raises ValueError unless one of `seconds` and `shots` is
    given.
    """

    seeds: tuple[int, ...]
    seconds: float | None = None
    shots: int | None = None
    fps: float = 30.0
    size: tuple[int, int] = (1280, 720)
    every: int | None = None
    pace: Pace = "usual"

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.shots is None):
            raise ValueError("each seed lasts some seconds or some shots: give one of both")

    @property
    def stride(self) -> int:
        """Balls are scored in one frame of so many."""
        return max(1, round(self.fps / 2)) if self.every is None else self.every

    def of_each_seed(self) -> dict[str, Any]:
        """What every seed's result depends on: this plan but for its seeds, and the program."""
        each = asdict(self) | {"every": self.stride, "format": _FORMAT, "program": program_digest()}
        del each["seeds"]
        return each

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ where a seed's result may."""
        return hashlib.sha256(json.dumps(self.of_each_seed(), sort_keys=True).encode()).hexdigest()[:12]


@cache
def program_digest() -> str:
    """A digest of everything in the rooms that see: code, shot books, ball sets."""
    digest = hashlib.sha256()
    for room in (calibration, vision):
        folder = Path(str(room.__file__)).parent
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(f"{room.__name__}/{path.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from text such as `9001-9003,9010`. Raises ValueError, with a sentence for a person."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= first + 9999:
            raise ValueError(f"{part.strip()!r} names no seeds: write 9001, 9001-9003 or 9001-9003,9010")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))
