"""Whether each ball that moved in a shot was followed all the way: trajectories right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vision.evaluate.names import Pockets, same_ball
from vision.evaluate.paths import Matched
from vision.evaluate.shots import match_shots
from vision.evaluate.truth import TrueBall, TrueShot
from vision.model import Shot

FOLLOWED_MM, PLACED_MM = 28.0, 10.0
# A ball's final place is looked at this long after the last ball's rest, when a tracker has had time to settle.
_SETTLED_S = 0.2


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One ball's way through one shot: in how many of the frames that show it a report lay within 28 mm of it, by
    how many names, and whether its end (its pocket, or its final place within 10 mm) was right."""

    ball: str
    shown: int
    within: int
    names: int
    ended: bool

    @property
    def followed(self) -> bool:
        return self.within == self.shown and self.names == 1

    @property
    def right(self) -> bool:
        return self.followed and self.ended


def trajectories(
    frames: Mapping[int, Sequence[TrueBall]],
    matches: Mapping[int, Matched],
    true: Sequence[TrueShot],
    shots: Sequence[Shot],
    frame_s: float,
) -> list[list[Trajectory]]:
    """For each shot played, every ball that moved in it and could be seen.

    `frames` and `matches` are by index, frame k being of time k · `frame_s`; the shots' times are known.
    """
    reported = {id(played): shot for played, shot in match_shots(true, shots)}
    starts = [int(np.ceil((shot.start_s or 0.0) / frame_s)) for shot in true]
    ends = [*starts[1:], max(frames, default=-1) + 1]
    found: list[list[Trajectory]] = []
    for played, start, end in zip(true, starts, ends, strict=False):
        window = [i for i in range(start, end) if i in frames]
        rest = int(np.ceil(((played.end_s or 0.0) + _SETTLED_S) / frame_s))
        afterwards = [matches[i] for i in window if i >= rest]
        shot = reported.get(id(played))
        found.append([])
        for ball, last in _last_moving(frames, window).items():
            way = [matches[i] for i in window if i <= last + 1 and ball in matches[i].balls]
            pairs = [m.pairs[ball] for m in way if ball in m.pairs]
            names = {name for name, _ in pairs}
            within = sum(off <= FOLLOWED_MM for _, off in pairs)
            ended = _ended(ball, names, afterwards, played, shot)
            found[-1].append(Trajectory(ball, len(way), within, len(names), ended))
    return found


def _last_moving(frames: Mapping[int, Sequence[TrueBall]], window: Sequence[int]) -> dict[str, int]:
    """The last frame in which each ball that rolls is seen rolling."""
    return {str(b.ball): i for i in window for b in frames[i] if b.state == "moving" and b.ball is not None}


def _ended(ball: str, names: set[str], afterwards: Sequence[Matched], played: TrueShot, shot: Shot | None) -> bool:
    """Whether a ball's end was right: a potted one under a name it had and in its pocket, another one in the first
    frame after the rest that shows it; nothing is asked where none does."""
    pot = next((p for p in played.potted if p.ball == ball), None)
    if pot is not None:
        said = [p for p in (shot.potted if shot is not None else ()) if p.ball in names or same_ball(ball, p.ball)]
        pockets = Pockets({}, None)
        return any(pot.pocket is None or pockets.same(pot.pocket, p.pocket) is not False for p in said)
    settled = next((m for m in afterwards if ball in m.balls), None)
    if settled is None:
        return True
    name, off_mm = settled.pairs.get(ball, ("", np.inf))
    return name in names and off_mm <= PLACED_MM
