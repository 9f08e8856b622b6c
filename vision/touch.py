"""What balls meet, and where: the words that the reading of paths is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibration.table import RailName, Table
from vision.course import Course
from vision.motion import Departure

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["ball", "cushion", "jaw"]

SAME_S = 0.05  # one ball meets one thing no oftener


@dataclass(frozen=True, slots=True)
class Touch:
    """One contact: row `ball` of the course met row `other`, a rail, or a pocket's jaw, at `t_s`."""

    t_s: float
    kind: Kind
    ball: int
    other: int = -1
    rail: RailName | None = None


@dataclass(frozen=True)
class Scene:
    """What contacts are looked for in: the balls' course, how each left its place (None where it did not, or where
    that was not seen), the struck ball's row, the table, and the scatter of a sight."""

    course: Course
    departures: Sequence[Departure | None]
    cue: int | None
    table: Table
    noise_in: float


@dataclass(frozen=True, slots=True)
class Rail:
    """A nose line: along which axis it lies across, where ball centres meet it, and which way is outward."""

    name: RailName
    axis: int
    line_in: float
    outward: float


def rails(table: Table) -> tuple[Rail, ...]:
    R = table.ball_radius_in
    return (
        Rail("head", 0, R, -1.0),
        Rail("foot", 0, table.length_in - R, 1.0),
        Rail("right", 1, R, -1.0),
        Rail("left", 1, table.width_in - R, 1.0),
    )


def on_nose(table: Table, rail: Rail, along_in: Array, slack_in: float = 0.0) -> Mask:
    """Whether places along a rail lie where its nose is, not in a pocket's mouth."""
    length = table.length_in if rail.axis == 1 else table.width_in
    corner = table.corner_mouth_in / np.sqrt(2) - slack_in
    inside = (along_in > corner) & (along_in < length - corner)
    if rail.axis == 1:
        inside &= np.abs(along_in - length / 2) > table.side_mouth_in / 2 - slack_in
    return np.asarray(inside)


def when_near(gap: Array, speed: Array, diameter_in: float) -> Array:
    """When two balls `gap` (M, 2) apart with relative velocity `speed` (M, 2) are one diameter apart, or nearest
    if they pass: (M,) seconds."""
    along = (gap * speed).sum(axis=1)
    square = np.maximum((speed**2).sum(axis=1), 1e-9)
    left = along**2 - square * ((gap**2).sum(axis=1) - diameter_in**2)
    time: Array = (-along - np.sqrt(np.maximum(left, 0.0))) / square
    return time


def peaks(score: Array, frame_s: float) -> list[tuple[int, int]]:
    """The highest positive scores (rows, gaps), none within `SAME_S` of a higher one of its row."""
    apart = max(1, round(SAME_S / frame_s))
    found: list[tuple[int, int]] = []
    for row in np.nonzero(score.max(axis=1) > 0)[0]:
        left = score[row].copy()
        while (k := int(left.argmax())) >= 0 and left[k] > 0:
            found.append((int(row), k))
            left[max(0, k - apart) : k + apart + 1] = 0.0
    return found
