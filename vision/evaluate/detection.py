"""Balls found against balls that were there: in stills and in single frames of tracks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from calibration.table import MM_PER_IN
from vision.evaluate import statistics as st
from vision.evaluate.names import group_of, same_ball
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import TrueBall
from vision.files import TrackRow

RADII_MM = (5.0, 10.0, 28.0)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """A ball reported in one picture."""

    ball: str
    px: tuple[float, float]
    table_in: tuple[float, float]
    quality: float = 1.0


@dataclass(frozen=True)
class Ruler:
    """Measures on the table of a result: its size and its corners in the picture, shape (4, 2)."""

    length_in: float
    width_in: float
    corners_px: Floats
    turned: bool = False

    @classmethod
    def of(cls, table: dict[str, Any], calibration: dict[str, Any]) -> "Ruler":
        """From the head of a shots.json or balls.json. Raises KeyError or TypeError where it has none."""
        corners = np.array(calibration["corners_px"], dtype=np.float64)
        return cls(float(table["length_in"]), float(table["width_in"]), corners)

    def distances_mm(self, true: Sequence[TrueBall], found: Sequence[Found]) -> Floats:
        """Distances between true and found centres on the table, shape (len(true), len(found))."""
        if not true or not found:
            return np.zeros((len(true), len(found)))
        result = np.empty((len(true), len(found)))
        found_in = np.array([f.table_in for f in found])
        found_flat = self._flat([f.px for f in found])
        for i, ball in enumerate(true):
            if ball.table_in is not None:
                result[i] = np.linalg.norm(found_in - self._placed(ball.table_in), axis=1)
            else:
                assert ball.px is not None
                result[i] = np.linalg.norm(found_flat - self._flat([ball.px]), axis=1)
        return result * MM_PER_IN

    def _placed(self, point_in: tuple[float, float]) -> Floats:
        x, y = point_in
        return np.array([self.length_in - x, self.width_in - y] if self.turned else [x, y])

    def _flat(self, px: ArrayLike) -> Floats:
        """Pixels brought to the table's plane, shape (N, 2); good for the differences of near points."""
        L, W = self.length_in, self.width_in
        plane = np.array([[0, 0], [L, 0], [L, W], [0, W]], dtype=np.float32)
        H = cv2.getPerspectiveTransform(self.corners_px.astype(np.float32), plane)
        points = np.asarray(px, dtype=np.float64).reshape(-1, 1, 2)
        return np.asarray(cv2.perspectiveTransform(points, H), dtype=np.float64).reshape(-1, 2)


Picture = tuple[Sequence[TrueBall], Sequence[Found], Ruler]


@dataclass
class Tally:
    """What is counted over all pictures."""

    true: int = 0
    found: int = 0
    right: dict[float, int] = field(default_factory=lambda: dict.fromkeys(RADII_MM, 0))
    scored: dict[float, list[tuple[float, bool]]] = field(default_factory=lambda: {r: [] for r in RADII_MM})
    errors_mm: list[float] = field(default_factory=list)
    moving_mm: list[float] = field(default_factory=list)
    named: list[bool] = field(default_factory=list)
    grouped: list[bool] = field(default_factory=list)


def score_pictures(pairs: Sequence[Picture], prefix: str, ranked: bool) -> list[Metric]:
    """Figures over pictures of (true balls, balls found, how to measure). `ranked` says that qualities order
    detections."""
    tally = Tally()
    for true, found, ruler in pairs:
        _count(tally, true, found, ruler)
    metrics = []
    for radius in RADII_MM:
        within = f"within {radius:g} mm"
        metrics.append(st.share(f"{prefix}recall {within}", tally.right[radius], tally.true))
        metrics.append(st.share(f"{prefix}precision {within}", tally.right[radius], tally.found))
        if ranked:
            ap = st.average_precision(tally.scored[radius], tally.true)
            metrics.append(Metric(f"{prefix}AP {within}", None if ap is None else 100 * ap, tally.true, "%"))
    for name, errors in (("position", tally.errors_mm), ("moving position", tally.moving_mm)):
        if errors or name == "position":
            metrics += [
                st.rmse(f"{prefix}{name} RMSE", errors, "mm"),
                st.median(f"{prefix}{name} median", errors, "mm"),
                st.percentile(f"{prefix}{name} p95", errors, "mm", 95),
                st.largest(f"{prefix}{name} max", errors, "mm"),
            ]
    for name, hits in (("ball named right", tally.named), ("group right", tally.grouped)):
        if hits:
            metrics.append(st.share(prefix + name, sum(hits), len(hits)))
    return metrics


def total_error(pairs: Sequence[Picture], turned: bool) -> float:
    """A sum of capped distances, to tell which way round a result lies."""
    total = 0.0
    for true, found, ruler in pairs:
        cost = np.minimum(replace(ruler, turned=turned).distances_mm(true, found), 100.0)
        rows, columns = linear_sum_assignment(cost)
        total += float(cost[rows, columns].sum())
    return total


def still_jitter(rows: Sequence[TrackRow]) -> Metric:
    """The median over still balls of the deviation of their position, per axis, while they lie still."""
    return st.median("jitter of a still ball", still_spreads_mm(rows), "mm")


def still_spreads_mm(rows: Sequence[TrackRow]) -> list[float]:
    """The deviation of each ball's position, per axis, each time that it lies still."""
    order = sorted(rows, key=lambda row: (row.ball.ball, row.frame))
    spreads = []
    for (_, state), run in groupby(order, key=lambda row: (row.ball.ball, row.ball.state)):
        if state != "still":
            continue
        points = np.array([(row.ball.x_in, row.ball.y_in) for row in run])
        if len(points) >= 10:
            spreads.append(float(np.sqrt(points.var(axis=0).mean())) * MM_PER_IN)
    return spreads


def _count(tally: Tally, true: Sequence[TrueBall], found: Sequence[Found], ruler: Ruler) -> None:
    distances = ruler.distances_mm(true, found)
    wanted = [i for i, ball in enumerate(true) if ball.state != "hidden"]
    excused = near_hidden(true, distances)
    shown = [j for j in range(len(found)) if j not in excused]
    tally.true += len(wanted)
    tally.found += len(shown)
    cost = distances[np.ix_(wanted, shown)]
    for radius in RADII_MM:
        pairs = matched(cost, radius)
        hit = {j for _, j in pairs}
        tally.right[radius] += len(pairs)
        tally.scored[radius] += [(found[k].quality, j in hit) for j, k in enumerate(shown)]
    for i, j in matched(cost, RADII_MM[-1]):
        ball, seen = true[wanted[i]], found[shown[j]]
        (tally.moving_mm if ball.state == "moving" else tally.errors_mm).append(float(cost[i, j]))
        if ball.ball is not None:
            tally.named.append(same_ball(ball.ball, seen.ball))
        group = ball.group or (None if ball.ball is None else _known(group_of(ball.ball)))
        if group is not None:
            tally.grouped.append(group == group_of(seen.ball))


def matched(cost: Floats, radius_mm: float) -> list[tuple[int, int]]:
    """The one-to-one pairs within a radius: as many as possible, then as near as possible."""
    if not cost.size:
        return []
    near = cost <= radius_mm
    if near.sum(axis=0).max() <= 1 and near.sum(axis=1).max() <= 1:
        return [(int(i), int(j)) for i, j in np.argwhere(near)]
    far = 1e6
    rows, columns = linear_sum_assignment(np.where(cost <= radius_mm, cost, far))
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if cost[i, j] <= radius_mm]


def near_hidden(true: Sequence[TrueBall], distances: Floats) -> set[int]:
    """Reports of balls that are hidden: neither right nor wrong."""
    hidden = [i for i, ball in enumerate(true) if ball.state == "hidden"]
    if not hidden or not distances.size:
        return set()
    nearest_is_hidden = np.isin(distances.argmin(axis=0), hidden) & (distances.min(axis=0) <= 2 * RADII_MM[-1])
    return set(np.flatnonzero(nearest_is_hidden).tolist())


def _known(group: str) -> str | None:
    return None if group == "unknown" else group
