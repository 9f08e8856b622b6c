"""Players who shoot as their skill and luck will have it, measured as the coach measures them.

Every stroke is drawn: its difficulty, whether it is made, and what it leaves, which is the difficulty of the next.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.coach.score import BANDS, UNIT, Cell, Measure, Measured, Tally

SCRATCHES = 0.04  # of the misses
BETA = (1.3, 1.3)  # how difficulty is spread


def sessions(
    rng: np.random.Generator,
    sizes: Sequence[int],
    *,
    skill: float = 0.0,
    mix: tuple[float, float] = BETA,
    made: float | None = None,
) -> list[Measured]:
    """Sessions of so many attempts. `skill` is added to the chance of each; `made` makes it the same for all, as
    of somebody who misses on purpose."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    total = len(of)
    difficulty = rng.beta(*mix, total)
    chance = np.clip(1 - difficulty + skill, 0.02, 0.98) if made is None else np.full(total, made)
    hit = rng.random(total) < chance
    left = np.append(difficulty[1:], 0.0)
    pot = hit & np.append(of[1:] == of[:-1], False)
    judged = pot | (~hit & (rng.random(total) < SCRATCHES))
    ease = np.rint(UNIT * (1 - difficulty)).astype(int)
    cell = of * BANDS + np.minimum(3, (difficulty * 4).astype(int))
    parts: dict[Measure, tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]] = {
        "aim": (np.ones(total, bool), UNIT * hit, ease),
        "control": (judged, UNIT * (pot & (left <= 0.5)), 0 * ease),
        "position": (pot, np.rint(UNIT * (1 - left)).astype(int), 0 * ease),
    }
    found: list[dict[Measure, Tally]] = [{} for _ in sizes]
    for measure, (which, got, due) in parts.items():
        sums = [
            np.bincount(cell[which], weights, BANDS * len(sizes)).astype(int).reshape(-1, BANDS).tolist()
            for weights in (None, got[which], due[which])
        ]
        for session, cells in zip(found, zip(*sums, strict=True), strict=True):
            session[measure] = Tally(tuple(Cell(*numbers) for numbers in zip(*cells, strict=True)))
    return list(found)


def history(rng: np.random.Generator, *, weeks: int = 12, a_week: int = 120, skill: float = 0.0) -> list[Measured]:
    """Weeks of training, some fuller than others."""
    return sessions(rng, [max(10, int(a_week * rng.uniform(0.4, 1.6))) for _ in range(weeks)], skill=skill)
