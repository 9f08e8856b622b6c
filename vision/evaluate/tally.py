"""Balls found against balls that were there, counted over the frames of many recordings, by circumstances."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.table import MM_PER_IN, Table
from vision.evaluate import statistics as st
from vision.evaluate.clusters import Clusters
from vision.evaluate.detection import RADII_MM, Found, matched, near_hidden
from vision.evaluate.names import group_of, same_ball
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import TrueBall

Floats = NDArray[np.float64]

CIRCUMSTANCES = ("still", "moving", "cluster", "hand in view")
ZONES = ("open table", "by a rail", "by a pocket")
_ALL = "all"
_NUMBER, _GROUP = "number", "group"
# Centres nearer than this, in diameters, make a cluster; nearer to a nose than `_RAIL` is by a rail.
_CLUSTER, _RAIL = 1.15, 1.0


@dataclass
class BallTally:
    """Counts of balls in single frames: those that were there and those reported by their circumstances, of both
    those that go together by circumstances and radius; distances of those that go together, in mm; names.

    A report counts under the circumstances of the true ball nearest to it. Reports of hidden balls count
    neither way.
    """

    true: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    scored: dict[str, list[tuple[float, bool]]] = field(default_factory=dict)
    errors_mm: dict[str, list[float]] = field(default_factory=dict)
    named: Counter[str] = field(default_factory=Counter)
    named_right: Counter[str] = field(default_factory=Counter)

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
            self.hit.update(_at(label, radius) for i, _ in pairs for label in labels[i])
            self.right.update(_at(label, radius) for _, j in pairs for label in near[j])
            good = {j for _, j in pairs}
            scored = self.scored.setdefault(f"{radius:g}", [])
            scored += [(round(found[k].quality, 4), j in good) for j, k in enumerate(shown)]
        for i, j in matched(cost, RADII_MM[-1]):
            self._measure(
                true[wanted[i]], found[shown[j]], float(cost[i, j]), (*labels[i], zone(true[wanted[i]], table))
            )

    def _measure(self, true: TrueBall, found: Found, off_mm: float, labels: tuple[str, ...]) -> None:
        for label in labels:
            self.errors_mm.setdefault(label, []).append(round(off_mm, 4))
        if true.ball is not None:
            self.named.update((_NUMBER, _GROUP))
            self.named_right[_NUMBER] += same_ball(true.ball, found.ball)
            self.named_right[_GROUP] += group_of(true.ball) == group_of(found.ball)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "BallTally":
        """A tally of what `to_json` made of one. Raises KeyError, TypeError or ValueError."""
        counters = {
            name: Counter(data[name]) for name in ("true", "found", "hit", "right", "named", "named_right")
        }
        return cls(
            **counters,
            scored={r: [(float(q), bool(ok)) for q, ok in scored] for r, scored in data["scored"].items()},
            errors_mm={label: [float(v) for v in errors] for label, errors in data["errors_mm"].items()},
        )


def detection(tallies: Sequence[BallTally], clusters: Clusters) -> list[Metric]:
    """Recall and precision, over all and by circumstances, of tallies of one stretch each."""
    metrics = []
    for label in (_ALL, *CIRCUMSTANCES):
        where = "" if label == _ALL else f", {label}"
        for radius in RADII_MM:
            name, at = f"within {radius:g} mm{where}", _at(label, radius)
            metrics += [
                clusters.share(f"recall {name}", [t.hit[at] for t in tallies], [t.true[label] for t in tallies]),
                clusters.share(
                    f"precision {name}", [t.right[at] for t in tallies], [t.found[label] for t in tallies]
                ),
            ]
    return metrics


def precision_averages(tallies: Sequence[BallTally]) -> list[Metric]:
    """AP, where qualities order what was found."""
    metrics = []
    expected = sum(t.true[_ALL] for t in tallies)
    for radius in RADII_MM:
        ap = st.average_precision([s for t in tallies for s in t.scored.get(f"{radius:g}", ())], expected)
        metrics.append(Metric(f"AP within {radius:g} mm", None if ap is None else 100 * ap, expected, "%"))
    return metrics


def position(tallies: Sequence[BallTally], clusters: Clusters) -> list[Metric]:
    """How far off the balls found are, over all, by circumstances and by zone of the table."""
    metrics = []
    for label in (_ALL, *CIRCUMSTANCES, *ZONES):
        errors = [t.errors_mm.get(label, []) for t in tallies]
        name = "position" if label == _ALL else f"position, {label}"
        metrics += [
            clusters.rmse(f"{name}, RMSE", errors, "mm"),
            clusters.median(f"{name}, median", errors, "mm"),
            clusters.percentile(f"{name}, p95", errors, "mm", 95),
            st.largest(f"{name}, max", [v for each in errors for v in each], "mm"),
        ]
    return metrics


def names(tallies: Sequence[BallTally], clusters: Clusters) -> list[Metric]:
    """Groups and numbers of the balls found."""
    return [
        clusters.share(f"{what} right", [t.named_right[what] for t in tallies], [t.named[what] for t in tallies])
        for what in (_GROUP, _NUMBER)
    ]


def distances_mm(true: Sequence[TrueBall], found: Sequence[Found]) -> Floats:
    """Distances between centres on one and the same table, shape (len(true), len(found))."""
    a = np.array([ball.table_in for ball in true], dtype=np.float64).reshape(-1, 2)
    b = np.array([ball.table_in for ball in found], dtype=np.float64).reshape(-1, 2)
    apart = a[:, None] - b[None]
    result: Floats = np.hypot(apart[..., 0], apart[..., 1]) * MM_PER_IN
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


def _at(label: str, radius_mm: float) -> str:
    return f"{label} {radius_mm:g}"
