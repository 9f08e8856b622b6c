"""Names that stay with their balls: which report goes with which ball in every frame, switches, HOTA."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision.evaluate.clusters import FEWEST_SEEDS, Clusters
from vision.evaluate.detection import RADII_MM, Found, matched, near_hidden
from vision.evaluate.statistics import Metric
from vision.evaluate.tally import distances_mm
from vision.evaluate.truth import TrueBall

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matched:
    """One frame: the balls that could be seen, the names reported (but those of hidden balls), and for each ball
    that a report lies within 28 mm of, that report's name and how far off it is in mm."""

    balls: tuple[str, ...]
    reported: tuple[str, ...]
    pairs: Mapping[str, tuple[str, float]]


def match_frames(frames: Iterable[tuple[Sequence[TrueBall], Sequence[Found]]]) -> list[Matched]:
    """Brings balls and reports of each frame together, one to one; names are their identities."""
    return [_match(true, found) for true, found in frames]


def _match(true: Sequence[TrueBall], found: Sequence[Found]) -> Matched:
    distances = distances_mm(true, found)
    excused = near_hidden(true, distances)
    wanted = [i for i, ball in enumerate(true) if ball.state != "hidden" and ball.ball is not None]
    shown = [j for j in range(len(found)) if j not in excused]
    cost = distances[np.ix_(wanted, shown)]
    balls = tuple(str(true[i].ball) for i in wanted)
    pairs = {balls[i]: (found[shown[j]].ball, float(cost[i, j])) for i, j in matched(cost, RADII_MM[-1])}
    return Matched(balls, tuple(found[j].ball for j in shown), pairs)


@dataclass
class PathTally:
    """Counts over the frames of one recording.

    HOTA is √(detection accuracy · association accuracy) at one distance, 28 mm [Luiten et al. 2020].
    """

    shots: int = 0
    switches: int = 0
    matches: int = 0
    lost: int = 0
    false: int = 0
    associated: float = 0.0

    @classmethod
    def of(cls, frames: Iterable[Matched], shots: int) -> "PathTally":
        tally = cls(shots=shots)
        last: dict[str, str] = {}
        together: Counter[tuple[str, str]] = Counter()
        true_frames: Counter[str] = Counter()
        found_frames: Counter[str] = Counter()
        for frame in frames:
            tally.matches += len(frame.pairs)
            tally.lost += len(frame.balls) - len(frame.pairs)
            tally.false += len(frame.reported) - len(frame.pairs)
            true_frames.update(frame.balls)
            found_frames.update(frame.reported)
            for ball, (name, _) in frame.pairs.items():
                tally.switches += last.get(ball, name) != name
                last[ball] = name
                together[ball, name] += 1
        tally.associated = sum(
            n * n / (true_frames[ball] + found_frames[name] - n) for (ball, name), n in together.items()
        )
        return tally


def path_metrics(tallies: Sequence[PathTally]) -> list[Metric]:
    """Figures of recordings, whose intervals need ten of them at least."""
    counts = np.array(
        [(t.matches, t.lost + t.false, t.associated, t.switches, t.shots) for t in tallies], dtype=np.float64
    )
    total = counts.sum(axis=0)
    hota = Metric("HOTA within 28 mm", None, int(total[0] + total[1]), "%")
    switches = Metric("switches of names per 100 shots", None, int(total[4]))
    if total[4]:
        switches = replace(switches, value=float(100 * total[3] / total[4]))
    if total[0]:
        hota = replace(hota, value=float(_hota(total)))
    if len(tallies) < FEWEST_SEEDS:
        return [hota, switches]
    clusters = Clusters(np.arange(len(tallies)))
    return [
        clusters.bootstrapped(hota, lambda weights: _hota(weights @ counts)),
        clusters.ratio(switches.name, 100 * counts[:, 3], counts[:, 4], "", switches.n),
    ]


def _hota(counts: Floats) -> Floats:
    """HOTA in percent of counts (…, 5) of matches, what went wrong, and association."""
    matches, wrong, associated = counts[..., 0], counts[..., 1], counts[..., 2]
    found: Floats = 100 * np.sqrt(matches / np.maximum(matches + wrong, 1) * associated / np.maximum(matches, 1))
    return found
