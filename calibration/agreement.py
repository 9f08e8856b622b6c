"""How well what the rails and pockets show agrees with one camera over one table."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.pose import Fit, with_height
from calibration.rails import CAP, Line, colours_at
from calibration.table import Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

# Cloth covers a cushion for about 2 in from nose to wood (K-66 and K-55 profiles, 1.9 to 2.1 in).
CUSHION_IN = 2.0
# The sides in the order of the corners: from the origin along x, and round.
RAIL_OF_SIDE = ("right", "foot", "left", "head")
# How unlike cloth a pocket has to look.
LEAST_GAP = 0.15
# How many of the six pockets have to show; a player may hide two.
LEAST_HOLES = 4
# How far the lines may be from where one table would have them, in inches.
MOST_OFF_IN = 0.5


@dataclass(frozen=True)
class Reading:
    """What the rails say: the camera that explains the lines, and how well the cues agree.

    `gaps` is how clearly the cushion is interrupted at the middle of each of the four sides, `noses` which
    sides show their nose line, `holes` how unlike cloth the six pockets look.
    """

    fit: Fit
    table: Table
    cushion_in: float
    backs: int
    noses: tuple[int, ...]
    gaps: Array
    holes: Array
    score: float
    residual_in: float

    def complaint(self) -> str:
        """What the cues disagree on, empty where they agree."""
        return self._about_lines() or self._about_pockets()

    def _about_lines(self) -> str:
        if self.residual_in > MOST_OFF_IN:
            return f"the cushion lines lie {self.residual_in:.1f} in from where one table would have them"
        if not self.noses:
            return "no cushion nose shows, so the width of the cushions is not known"
        hidden = [
            RAIL_OF_SIDE[side] for side in facing_sides(self.fit.camera, self.table) if side not in self.noses
        ]
        if hidden:
            return f"the {hidden[0]} rail, across from the camera, does not show its nose"
        if not 0.7 * CUSHION_IN < self.cushion_in < 1.6 * CUSHION_IN:
            return f"cushions {self.cushion_in:.1f} in wide are not cushions"
        return ""

    def _about_pockets(self) -> str:
        clear = np.minimum(self.gaps[[0, 2]], 1.0)
        if clear.max() < LEAST_GAP or clear.sum() < self.gaps[[1, 3]].sum():
            return "no side pocket interrupts the cushions in the middle of the long sides"
        holes = np.count_nonzero(self.holes > LEAST_GAP)
        if holes < LEAST_HOLES:
            return f"only {holes} of 6 pockets are where the cushions put them"
        return ""

    def in_words(self) -> str:
        return (
            f"found by {self.backs} cushion backs, {len(self.noses)} cushion noses and "
            f"{np.count_nonzero(self.holes > LEAST_GAP)} pockets; cushions {self.cushion_in:.2f} in wide"
        )


def facing_sides(camera: Camera, table: Table) -> list[int]:
    """The sides whose cushion faces the camera from across the table: it stands beyond the opposite side.

    There the face below the nose is in view, so the nose has to show; a nearer cushion hides its own.
    """
    x, y, _ = camera.position_in
    beyond = (y > table.width_in, x < 0, y < 0, x > table.length_in)
    return [side for side in range(4) if beyond[side]]


def judge(soft: Picture, fit: Fit, table: Table, backs: Sequence[Line], noses: Sequence[Line]) -> Reading:
    """Gathers the cues in a softened BGR picture; the fit's last parameter is the cushions' width."""
    corners = fit.camera.project(with_height(table.corners_in, table.nose_height_in))
    cushion = float(fit.parameters[-1])
    from_picture = cv2.getPerspectiveTransform(corners.astype(np.float32), table.corners_in.astype(np.float32))
    flat = np.asarray(from_picture, dtype=np.float64)
    gaps = np.array([gap_at_middle(soft, flat, table, side) for side in range(4)])
    holes = _holes(soft, fit, table)
    middle = fit.camera.project(
        [(table.length_in / 2, table.width_in / 2, 0), (table.length_in / 2 + 1, table.width_in / 2, 0)]
    )
    residual_in = fit.residual_px / float(np.hypot(*(middle[1] - middle[0])))
    score = (
        sum(min(1.0, line.strength / 0.5) for line in backs)
        + sum(0.5 + min(0.5, line.strength / 0.3) for line in noses)
        + float(np.minimum(gaps[[0, 2]], 0.5).sum() - np.minimum(gaps[[1, 3]], 0.5).sum()) * 2
        + float(np.minimum(holes, 0.5).sum())
        - 4 * min(1.0, residual_in)
        - (cushion * 100 / table.length_in / CUSHION_IN - 1.1) ** 2
    )
    return Reading(fit, table, cushion, len(backs), tuple(n.side for n in noses), gaps, holes, score, residual_in)


def gap_at_middle(soft: Picture, flat: Array, table: Table, side: int) -> float:
    """How much less like the bed the cushion is at the middle of its side than beside it.

    `flat` is the homography from the picture to the nose plane.
    """
    a, b = table.corners_in[side], table.corners_in[(side + 1) % 4]
    along = (b - a) / np.linalg.norm(b - a)
    unit = table.length_in / 100
    beside = np.concatenate([np.arange(-1.5, 1.6, 0.5), np.arange(-14, -4.5), np.arange(5, 14.5)]) * unit
    outward = np.array([0.4, 0.8, 1.2, 1.6]) * unit
    grid = (a + b) / 2 + along * beside[:, None, None] + np.array([along[1], -along[0]]) * outward[None, :, None]
    bed = (a + b) / 2 + along * beside[:, None] - np.array([along[1], -along[0]]) * 6 * unit
    spots = np.concatenate([grid.reshape(-1, 2), bed])
    seen = colours_at(soft, cv2.perspectiveTransform(spots[None], np.linalg.inv(flat))[0])
    cushion, cloth = seen[: -len(bed)].reshape(len(beside), len(outward), 3), np.median(seen[-len(bed) :], axis=0)
    unlike = np.median(np.minimum(np.linalg.norm(cushion - cloth, axis=-1), CAP), axis=1)
    middle = np.abs(beside) < 2 * unit
    return float(np.median(unlike[middle]) - np.median(unlike[~middle]))


def _holes(soft: Picture, fit: Fit, table: Table) -> Array:
    """How unlike the bed the six pockets are, each by the median within its hole; shape (6,)."""
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    bed_xy = np.array([(table.length_in * i / 8, table.width_in * j / 4) for i in range(1, 8) for j in (1, 2, 3)])
    bed = np.median(colours_at(soft, fit.camera.project(with_height(bed_xy, 0.0))), axis=0)
    unlike = []
    for pocket in table.pockets:
        spots = np.array(
            [(pocket.x_in + r * np.cos(a), pocket.y_in + r * np.sin(a)) for r in (0.5, 1.2) for a in turn]
        )
        seen = colours_at(soft, fit.camera.project(with_height(spots, table.nose_height_in)))
        unlike.append(float(np.median(np.minimum(np.linalg.norm(seen - bed, axis=1), CAP))))
    return np.array(unlike)
