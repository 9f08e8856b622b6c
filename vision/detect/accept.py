"""Which candidates are balls: one ball in one place, where a ball can lie, with an outline that is explained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision.detect.bed import Bed
from vision.detect.silhouette import Array
from vision.model import Detection

# Two balls can't be nearer than one diameter; what measures nearer than this is one ball.
_NEAREST_DIAMETERS = 0.86
_MIN_QUALITY = 0.5
_MIN_QUALITY_IN_MOUTH = 0.87
# Seen from the side, a ball's shadow is a second disc that overlaps it by more than balls do.
_OVERLAP = 0.85
_HIDES = 0.75
_OWN_OUTLINE = 0.75
_BEFORE = 0.4
# A hand's knuckles look round on one side only: this much of the outline must be explained, by quality.
_QUALITIES = (0.5, 0.75, 0.97)
_NEEDED = (0.7, 0.6, 0.0)
_NEEDED_HELD = 0.75


@dataclass(frozen=True)
class Found:
    """A candidate with its outline.

    `outside_px`, shape (SPOKES, 2), are points just outside it; per spoke, `edge` says whether the picture has the
    edge, `bare` whether it does and cloth or a hole is outside; `told` is the fraction of the outline that no
    shadow hides; `held` says that it lies in what reaches in from the edge; `away_in` is its distance from the
    camera.
    """

    ball: Detection
    outside_px: Array
    edge: NDArray[np.bool_]
    bare: NDArray[np.bool_]
    told: float
    held: bool
    away_in: float

    @property
    def needed(self) -> float:
        """How much of the outline must be explained."""
        needed = float(np.interp(self.ball.quality, _QUALITIES, _NEEDED))
        return max(needed, _NEEDED_HELD) if self.held else needed

    def explained(self, others: Sequence[Detection]) -> float:
        """The fraction of the outline with an edge against cloth, a hole or one of the other balls."""
        known = self.bare
        for o in others:
            if self._near(o):
                known = known | self._behind(o)
        return min(1.0, float(known.mean()) / self.told)

    def stands_beside(self, other: "Found") -> bool:
        """Whether a ball that overlaps a better one in the picture shows enough of an outline of its own."""
        apart = np.hypot(self.ball.x_px - other.ball.x_px, self.ball.y_px - other.ball.y_px)
        if apart > _OVERLAP * (self.ball.radius_px + other.ball.radius_px):
            return True
        own = ~self._behind(other.ball)
        if not own.any() or float(self.edge[own].mean()) < _OWN_OUTLINE:
            return False
        if apart > _HIDES * (self.ball.radius_px + other.ball.radius_px):
            return True
        # The nearer of two is seen whole and hides the other's outline; a shadow before a ball does neither.
        front, back = (self, other) if self.away_in < other.away_in else (other, self)
        shown, hidden = front._edge_before(back.ball), back._edge_before(front.ball)
        return hidden == 0 or shown > max(_BEFORE, hidden)

    def _edge_before(self, other: Detection) -> float:
        """How much of the part of the outline that lies within another ball's the picture has."""
        there = self.within(other, 1.0)
        return float(self.edge[there].mean()) if there.any() else 0.0

    def _near(self, other: Detection) -> bool:
        apart = abs(other.x_px - self.ball.x_px) + abs(other.y_px - self.ball.y_px)
        return apart < 4 * self.ball.radius_px

    def _behind(self, other: Detection) -> NDArray[np.bool_]:
        """Which of the points just outside lie on another ball."""
        return self.within(other, 1.15)

    def within(self, other: Detection, radii: float) -> NDArray[np.bool_]:
        """Which of the points just outside lie within so many radii of another ball's middle."""
        away = np.hypot(self.outside_px[:, 0] - other.x_px, self.outside_px[:, 1] - other.y_px)
        result: NDArray[np.bool_] = away < radii * other.radius_px
        return result


def accept(candidates: list[Found], bed: Bed, others: Sequence[Detection] = ()) -> dict[int, Found]:
    """The balls among the candidates by their places in the list, best first; `free` becomes the explained part of
    each outline. `others` are balls that are there without being candidates."""
    accepted = _one_each(candidates, bed)
    while accepted:
        balls = [c.ball for c in accepted.values()]
        explained = {
            i: c.explained([*(b for b in balls if b is not c.ball), *others]) for i, c in accepted.items()
        }
        worst = min(accepted, key=lambda i: explained[i] - accepted[i].needed)
        if explained[worst] >= accepted[worst].needed:
            return {i: replace(c, ball=replace(c.ball, free=explained[i])) for i, c in accepted.items()}
        del accepted[worst]
    return {}


def _one_each(candidates: list[Found], bed: Bed) -> dict[int, Found]:
    """The best candidates of which no two are one ball and none lies where no ball can rest."""
    table = bed.calibration.table
    nearest = _NEAREST_DIAMETERS * table.ball_diameter_in
    accepted: dict[int, Found] = {}
    for i in sorted(range(len(candidates)), key=lambda i: -candidates[i].ball.quality):
        c = candidates[i]
        x, y = c.ball.x_in, c.ball.y_in
        least = _MIN_QUALITY_IN_MOUTH if table.in_mouth(x, y) else _MIN_QUALITY
        if c.ball.quality < least or not bed.can_rest(x, y):
            continue
        apart = all((x - a.ball.x_in) ** 2 + (y - a.ball.y_in) ** 2 > nearest**2 for a in accepted.values())
        if apart and all(c.stands_beside(a) for a in accepted.values()):
            accepted[i] = c
    return accepted
