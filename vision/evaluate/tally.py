"""Balls found against balls that were there, counted over the frames of many recordings, by circumstances."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calibration.table import MM_PER_IN, Table
from vision.evaluate import statistics as st
from vision.evaluate.detection import RADII_MM, Found, matched, near_hidden
from vision.evaluate.names import group_of, same_ball
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import TrueBall

Floats = NDArray[np.float64]

CIRCUMSTANCES = ("still", "moving", "cluster", "hand in view")
ZONES = ("open table", "by a rail", "by a pocket")
_ALL = "all"
# Centres nearer than this, in diameters, make a cluster; nearer to a nose than `_RAIL` is by a rail.
_CLUSTER, _RAIL = 1.15, 1.0


@dataclass
class BallTally:
    """Recall, precision, positions and names of balls in single frames.

    A report counts under the circumstances of the true ball nearest to it. Reports of hidden balls count
    neither way.
    """

    true: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    hit: Counter[tuple[str, float]] = field(default_factory=Counter)
    right: Counter[tuple[str, float]] = field(default_factory=Counter)
    scored: dict[float, list[tuple[float, bool]]] = field(default_factory=lambda: {r: [] for r in RADII_MM})
    errors_mm: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    named: list[bool] = field(default_factory=list)
    grouped: list[bool] = field(default_factory=list)

    def add(self, true: Sequence[TrueBall], found: Sequence[Found], table: Table, hand: bool) -> None:
        """Counts one frame; places are `table_in`, those of reports best first where `quality` says so."""
        distances = distances_mm(true, found)
        excused = near_hidden(true, distances)
        wanted = [i for i, ball in enumerate(true) if ball.state != "hidden"]
        shown = [j for j in range(len(found)) if j not in excused]
        labels = [circumstances(true, i, table, hand) for i in wanted]
        cost = distances[np.ix_(wanted, shown)]
        near = [labels[int(i)] for i in cost.argmin(axis=0)] if cost.size else [(_ALL,)] * len(shown)
        self.true.update(label for each in labels for label in each)
        self.found.update(label for each in near for label in each)
        for radius in RADII_MM:
            pairs = matched(cost, radius)
            self.hit.update((label, radius) for i, _ in pairs for label in labels[i])
            self.right.update((label, radius) for _, j in pairs for label in near[j])
            good = {j for _, j in pairs}
            self.scored[radius] += [(found[k].quality, j in good) for j, k in enumerate(shown)]
        for i, j in matched(cost, RADII_MM[-1]):
            self._measure(
                true[wanted[i]], found[shown[j]], float(cost[i, j]), (*labels[i], zone(true[wanted[i]], table))
            )

    def _measure(self, true: TrueBall, found: Found, off_mm: float, labels: tuple[str, ...]) -> None:
        for label in labels:
            self.errors_mm[label].append(off_mm)
        if true.ball is not None:
            self.named.append(same_ball(true.ball, found.ball))
            self.grouped.append(group_of(true.ball) == group_of(found.ball))

    def merge(self, other: "BallTally") -> None:
        """Adds what another has counted."""
        for mine, more in (
            (self.true, other.true),
            (self.found, other.found),
            (self.hit, other.hit),
            (self.right, other.right),
        ):
            mine.update(more)  # type: ignore[arg-type]
        for radius, scored in other.scored.items():
            self.scored[radius] += scored
        for label, errors in other.errors_mm.items():
            self.errors_mm[label] += errors
        self.named += other.named
        self.grouped += other.grouped

    def detection(self) -> list[Metric]:
        """Recall and precision, over all and by circumstances."""
        metrics = []
        for label in (_ALL, *CIRCUMSTANCES):
            where = "" if label == _ALL else f", {label}"
            for radius in RADII_MM:
                name = f"within {radius:g} mm{where}"
                metrics.append(st.share(f"recall {name}", self.hit[label, radius], self.true[label]))
                metrics.append(st.share(f"precision {name}", self.right[label, radius], self.found[label]))
        return metrics

    def precision_averages(self) -> list[Metric]:
        """AP, where qualities order what was found."""
        metrics = []
        for radius in RADII_MM:
            ap = st.average_precision(self.scored[radius], self.true[_ALL])
            value = None if ap is None else 100 * ap
            metrics.append(Metric(f"AP within {radius:g} mm", value, self.true[_ALL], "%"))
        return metrics

    def position(self) -> list[Metric]:
        """How far off the balls found are, over all, by circumstances and by zone of the table."""
        metrics = []
        for label in (_ALL, *CIRCUMSTANCES, *ZONES):
            errors, name = self.errors_mm[label], "position" if label == _ALL else f"position, {label}"
            metrics += [
                st.rmse(f"{name}, RMSE", errors, "mm"),
                st.median(f"{name}, median", errors, "mm"),
                st.percentile(f"{name}, p95", errors, "mm", 95),
                st.largest(f"{name}, max", errors, "mm"),
            ]
        return metrics

    def names(self) -> list[Metric]:
        """Groups and numbers of the balls found."""
        return [
            st.share("group right", sum(self.grouped), len(self.grouped)),
            st.share("number right", sum(self.named), len(self.named)),
        ]


@dataclass
class PathTally:
    """Whether names stay with their balls: switches and HOTA, over every frame.

    HOTA is √(detection accuracy · association accuracy) at one distance, 28 mm [Luiten et al. 2020].
    """

    shots: int = 0
    switches: int = 0
    matches: int = 0
    lost: int = 0
    false: int = 0
    associated: float = 0.0

    def add(self, frames: Sequence[tuple[Sequence[TrueBall], Sequence[Found]]], shots: int) -> None:
        """Counts one recording; names of true balls and of reports are their identities."""
        self.shots += shots
        last: dict[str, str] = {}
        together: Counter[tuple[str, str]] = Counter()
        true_frames: Counter[str] = Counter()
        found_frames: Counter[str] = Counter()
        for true, found in frames:
            distances = distances_mm(true, found)
            excused = near_hidden(true, distances)
            wanted = [i for i, ball in enumerate(true) if ball.state != "hidden" and ball.ball is not None]
            shown = [j for j in range(len(found)) if j not in excused]
            pairs = matched(distances[np.ix_(wanted, shown)], RADII_MM[-1])
            self.matches += len(pairs)
            self.lost += len(wanted) - len(pairs)
            self.false += len(shown) - len(pairs)
            true_frames.update(str(true[i].ball) for i in wanted)
            found_frames.update(found[j].ball for j in shown)
            for i, j in pairs:
                ball, name = str(true[wanted[i]].ball), found[shown[j]].ball
                self.switches += last.get(ball, name) != name
                last[ball] = name
                together[ball, name] += 1
        self.associated += sum(
            n * n / (true_frames[ball] + found_frames[name] - n) for (ball, name), n in together.items()
        )

    def merge(self, other: "PathTally") -> None:
        """Adds what another has counted."""
        for name in ("shots", "switches", "matches", "lost", "false", "associated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def metrics(self) -> list[Metric]:
        counted = self.matches + self.lost + self.false
        hota = None
        if self.matches:
            hota = 100 * float(np.sqrt(self.matches / counted * self.associated / self.matches))
        per_100 = None if not self.shots else 100 * self.switches / self.shots
        return [
            Metric("HOTA within 28 mm", hota, counted, "%"),
            Metric("switches of names per 100 shots", per_100, self.shots),
        ]


def distances_mm(true: Sequence[TrueBall], found: Sequence[Found]) -> Floats:
    """Distances between centres on one and the same table, shape (len(true), len(found))."""
    a = np.array([ball.table_in for ball in true], dtype=np.float64).reshape(-1, 2)
    b = np.array([ball.table_in for ball in found], dtype=np.float64).reshape(-1, 2)
    result: Floats = np.linalg.norm(a[:, None] - b[None], axis=2) * MM_PER_IN
    return result


def circumstances(true: Sequence[TrueBall], i: int, table: Table, hand: bool) -> tuple[str, ...]:
    """What holds for a true ball in its frame, of `CIRCUMSTANCES`."""
    ball = true[i]
    assert ball.table_in is not None
    apart = [
        np.hypot(ball.table_in[0] - b.table_in[0], ball.table_in[1] - b.table_in[1])
        for k, b in enumerate(true)
        if k != i and b.table_in is not None
    ]
    touched = bool(apart) and min(apart) < _CLUSTER * table.ball_diameter_in
    state = "moving" if ball.state == "moving" else "still"
    return (_ALL, state, *(("cluster",) if touched else ()), *(("hand in view",) if hand else ()))


def zone(ball: TrueBall, table: Table) -> str:
    """Where on the table a ball lies, one of `ZONES`."""
    assert ball.table_in is not None
    x, y = ball.table_in
    if table.in_mouth(x, y):
        return "by a pocket"
    to_nose = min(x, table.length_in - x, y, table.width_in - y)
    return "by a rail" if to_nose < _RAIL * table.ball_diameter_in else "open table"
