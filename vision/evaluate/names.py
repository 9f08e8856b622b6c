"""Whether a ball or a pocket reported is the true one, however either is named."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calibration.table import POCKET_NAMES
from vision.balls import ball_sets
from vision.evaluate.truth import is_image_pocket
from vision.model import Point

# A numbered ball may be known by its colour alone; a television 4 is pink, a 7 brown.
_COLOURS = {
    "1": ("yellow",),
    "2": ("blue",),
    "3": ("red",),
    "4": ("purple", "pink"),
    "5": ("orange", "purple"),
    "6": ("green",),
    "7": ("maroon", "brown"),
    "8": ("black",),
    "cue": ("white",),
}
_TURNED = {
    "corner-0-0": "corner-L-W",
    "corner-L-W": "corner-0-0",
    "corner-L-0": "corner-0-W",
    "corner-0-W": "corner-L-0",
    "side-0": "side-W",
    "side-W": "side-0",
}


def same_ball(true: str, reported: str) -> bool:
    """Whether the names mean the same ball. Fifteen reds are one name; a colour names a plain ball."""
    base = reported.split("-", maxsplit=1)[0]
    true_base = true.split("-", maxsplit=1)[0]
    return base == true_base or true_base in _COLOURS.get(base, ())


def group_of(ball: str) -> str:
    """The group of a ball by its name alone; `unknown` where the name says none."""
    for ball_set in ball_sets().values():
        group = ball_set.group_of(ball)
        if group != "unknown":
            return group
    return "unknown"


def turned(pocket: str) -> str:
    """The pocket's name on a table looked at from the other end."""
    return _TURNED.get(pocket, pocket)


class Pockets:
    """Brings pocket names of a truth and of a result together through their places in the picture.

    `true_px` are the true pockets by name, `reported_px` the result's, shape (6, 2), in POCKET_NAMES' order.
    """

    def __init__(self, true_px: dict[str, Point], reported_px: Sequence[Sequence[float]] | None) -> None:
        self._reported: dict[str, str] = {}
        if reported_px is None or len(reported_px) != len(POCKET_NAMES):
            return
        places = np.asarray(reported_px, dtype=np.float64)
        if true_px:
            for name, px in true_px.items():
                nearest = int(np.linalg.norm(places - px, axis=1).argmin())
                self._reported[name] = POCKET_NAMES[nearest]
        else:
            self._reported = {name: POCKET_NAMES[i] for i, name in enumerate(image_names(places))}

    @property
    def is_turned(self) -> bool | None:
        """Whether the result's table lies the other way round; None where pockets can't tell."""
        seen = self._reported.get("corner-0-0")
        return None if seen is None else seen == "corner-L-W"

    def same(self, true: str, reported: str) -> bool | None:
        """Whether a reported pocket is the true one; None where the truth's name can't be placed."""
        if true in self._reported:
            return self._reported[true] == reported
        return None if is_image_pocket(true) else true == reported


def image_names(pockets_px: Any) -> list[str]:
    """Names by place in the picture of six pockets, shape (6, 2), in the order of POCKET_NAMES."""
    p = np.asarray(pockets_px, dtype=np.float64)
    along = (p[1] - p[0]) + (p[3] - p[2])
    lengthwise = 0 if abs(along[0]) >= abs(along[1]) else 1
    words = (("left", "middle", "right"), ("top", "middle", "bottom"))
    # The long way round has three places, the short way two.
    steps = [0, 2, 0, 2, 1, 1] if along[lengthwise] > 0 else [2, 0, 2, 0, 1, 1]
    across = 1 - lengthwise
    first_side, other_side = p[[0, 1, 4], across].mean(), p[[2, 3, 5], across].mean()
    near = 0 if first_side < other_side else 2
    sides = [near, near, 2 - near, 2 - near, near, 2 - near]
    names = []
    for step, side in zip(steps, sides, strict=True):
        down, right = (words[1][side], words[0][step]) if lengthwise == 0 else (words[1][step], words[0][side])
        names.append(f"image-{down}-{right}")
    return names
