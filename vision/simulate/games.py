"""The rules the recorder's players follow: who may shoot at what, and when a rack is over.

Simplified eight-ball and nine-ball: no called shots, no push-out; after any foul the cue ball is in hand.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.simulate.shotbook import Game, ShotRecord

SOLIDS = tuple(str(n) for n in range(1, 8))
STRIPES = tuple(str(n) for n in range(9, 16))
# Frozen balls would make the break's contacts simultaneous; a real rack has gaps of this order too.
_GAP_IN = 0.004


def rack(game: Game, table: Table, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """A fresh rack with its apex on the foot spot: name → (2,) inches, without the cue ball."""
    d = table.ball_diameter_in + _GAP_IN
    rows = range(5) if game == "8-ball" else (0, 1, 2, 3, 4)
    sizes = (1, 2, 3, 4, 5) if game == "8-ball" else (1, 2, 3, 2, 1)
    apex = np.array([0.75 * table.length_in, table.width_in / 2])
    spots = [
        apex + (row * d * np.sqrt(3) / 2, (i - (size - 1) / 2) * d)
        for row, size in zip(rows, sizes, strict=True)
        for i in range(size)
    ]
    names = _eight_ball_order(rng) if game == "8-ball" else _nine_ball_order(rng)
    return {
        name: spot + rng.uniform(-_GAP_IN / 3, _GAP_IN / 3, 2) for name, spot in zip(names, spots, strict=True)
    }


def _eight_ball_order(rng: np.random.Generator) -> list[str]:
    """The eight in the middle of the third row, a solid and a stripe in the back corners."""
    solids, stripes = list(rng.permutation(SOLIDS)), list(rng.permutation(STRIPES))
    corners = [str(solids.pop()), str(stripes.pop())]
    rest = [str(b) for b in rng.permutation(solids + stripes)]
    return [*rest[:4], "8", *rest[4:9], corners[0], *rest[9:12], corners[1]]


def _nine_ball_order(rng: np.random.Generator) -> list[str]:
    """The one in front, the nine in the middle."""
    rest = [str(b) for b in rng.permutation([str(n) for n in range(2, 9)])]
    return ["1", *rest[:3], "9", *rest[3:]]


@dataclass
class RackState:
    """Whose turn it is and what they may play."""

    game: Game
    player: int = 0
    groups: dict[int, tuple[str, ...]] = field(default_factory=dict)
    ball_in_hand: bool = False
    over: bool = False

    def legal(self, balls: set[str]) -> tuple[str, ...]:
        """The balls the player at the table may hit first, of those still on it."""
        objects = sorted(balls - {"cue"}, key=int)
        if self.game == "9-ball":
            return tuple(objects[:1])
        group = self.groups.get(self.player, SOLIDS + STRIPES)
        mine = tuple(b for b in objects if b in group)
        return mine or tuple(b for b in objects if b == "8")

    def after(self, shot: ShotRecord) -> None:
        """Moves on to the next turn."""
        legal = self.legal(set(shot.motions))
        contact = shot.first_contact
        foul = shot.scratch or contact is None or (shot.number > 0 and contact.other not in legal)
        potted = {e.ball for e in shot.pots} - {"cue"}
        deciding = "9" if self.game == "9-ball" else "8"
        self.over = deciding in potted
        if self.game == "8-ball" and not self.groups and shot.number > 0 and potted and not foul:
            first = next(e.ball for e in shot.pots)
            mine, theirs = (SOLIDS, STRIPES) if first in SOLIDS else (STRIPES, SOLIDS)
            self.groups = {self.player: mine, 1 - self.player: theirs}
        keeps = bool(potted & set(self.groups.get(self.player, tuple(potted)))) and not foul
        self.ball_in_hand = foul
        if not keeps:
            self.player = 1 - self.player
