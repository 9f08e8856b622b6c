"""What was counted on simulated halls, seed by seed, and the figures of all of them together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from vision.evaluate import statistics as st
from vision.evaluate.clusters import FEWEST_SEEDS, Clusters, over_seeds
from vision.evaluate.names import Pockets
from vision.evaluate.paths import PathTally, path_metrics
from vision.evaluate.shots import Game, score_shots
from vision.evaluate.statistics import Metric
from vision.evaluate.tally import BallTally, detection, names, position, precision_averages
from vision.evaluate.trajectories import Trajectory
from vision.evaluate.truth import truth_of
from vision.model import Shot, shot_from_json, shot_to_json
from vision.simulate.conditions import MARKS

_MAIN = (
    "recall within 28 mm",
    "precision within 28 mm",
    "position, RMSE",
    "number right",
    "trajectories right",
)


@dataclass
class Stretch:
    """Play from one shot's end to the next one's: what the pipeline, its detector alone and the plain baseline
    found, and how the balls were followed that moved."""

    balls: BallTally = field(default_factory=BallTally)
    alone: BallTally = field(default_factory=BallTally)
    plain: BallTally = field(default_factory=BallTally)
    trajectories: list[Trajectory] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "balls": self.balls.to_json(),
            "alone": self.alone.to_json(),
            "plain": self.plain.to_json(),
            "trajectories": [asdict(t) for t in self.trajectories],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Stretch":
        """Raises KeyError, TypeError or ValueError for what is none."""
        return cls(
            BallTally.from_json(data["balls"]),
            BallTally.from_json(data["alone"]),
            BallTally.from_json(data["plain"]),
            [Trajectory(**t) for t in data["trajectories"]],
        )


@dataclass
class SeedResult:
    """What was counted of one seed.

    `truth` is its truth file without frames, `cpu_s` what all of it took, `marks` what makes its pictures harder.
    `refused` says why the pipeline would not follow it, where it would not: all its balls and shots count as
    missed.
    """

    seed: int
    frames: int
    sampled: int
    seconds: float
    cpu_s: float
    stretches: list[Stretch]
    paths: PathTally
    truth: dict[str, Any]
    shots: list[Shot]
    spreads_mm: list[float]
    play_ms: list[float]
    rest_ms: list[float]
    plain_ms: list[float]
    delays_s: list[float]
    marks: list[str] = field(default_factory=list)
    refused: str | None = None

    @property
    def shots_played(self) -> int:
        return len(self.truth["shots"])

    def game(self) -> Game:
        """What the figures of shots are computed from."""
        truth = truth_of(self.truth)
        return Game(truth, self.shots, Pockets({}, None), 1 / truth.fps if truth.fps else None)

    def to_json(self) -> dict[str, Any]:
        own = {f: getattr(self, f) for f in self.__dataclass_fields__}
        own["stretches"] = [stretch.to_json() for stretch in self.stretches]
        own["paths"] = asdict(self.paths)
        own["shots"] = [shot_to_json(shot) for shot in self.shots]
        return own

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SeedResult":
        """Raises KeyError, TypeError or ValueError for what is none."""
        stretches = [Stretch.from_json(each) for each in data["stretches"]]
        paths, shots = PathTally(**data["paths"]), [shot_from_json(shot) for shot in data["shots"]]
        return cls(**(data | {"stretches": stretches, "paths": paths, "shots": shots}))


@dataclass(frozen=True)
class Result:
    """The seeds of an evaluation, in their order."""

    seeds: tuple[SeedResult, ...]

    @property
    def frames(self) -> int:
        return sum(seed.frames for seed in self.seeds)

    @property
    def sampled(self) -> int:
        return sum(seed.sampled for seed in self.seeds)

    @property
    def seconds(self) -> float:
        return sum(seed.seconds for seed in self.seeds)

    @property
    def cpu_s(self) -> float:
        return sum(seed.cpu_s for seed in self.seeds)

    @property
    def shots_played(self) -> int:
        return sum(seed.shots_played for seed in self.seeds)

    @property
    def refused(self) -> dict[int, str]:
        return {seed.seed: seed.refused for seed in self.seeds if seed.refused is not None}

    def metrics(self) -> list[Metric]:
        """Every figure, in sections."""
        clusters = Clusters.of_seeds([len(seed.stretches) for seed in self.seeds])
        stretches = [stretch for seed in self.seeds for stretch in seed.stretches]
        balls = [stretch.balls for stretch in stretches]
        placed = [m for m in position(balls, clusters) if m.n]
        jitter = self._figure("jitter of a still ball", [s.spreads_mm for s in self.seeds], "mm", 50)
        games = [seed.game() for seed in self.seeds]
        return [
            *st.within("detection", [*detection(balls, clusters), *_alone([s.alone for s in stretches])]),
            *st.within("position", [*placed, *([jitter] if jitter.n else [])]),
            *st.within("identity", [*names(balls, clusters), *path_metrics([s.paths for s in self.seeds])]),
            *st.within("paths", _followed([s.trajectories for s in stretches], clusters)),
            *over_seeds(score_shots(games), [score_shots([game]) for game in games]),
            *st.within("by hall", [m for mark in (*MARKS, "") for m in self._of_halls(mark)]),
            *st.within("system", self._system()),
        ]

    def _of_halls(self, mark: str) -> list[Metric]:
        """The main figures of the seeds whose pictures have a mark, or, for "", none."""
        seeds = [seed for seed in self.seeds if (mark in seed.marks if mark else not seed.marks)]
        if not seeds:
            return []
        clusters = Clusters.of_seeds([len(seed.stretches) for seed in seeds])
        balls = [stretch.balls for seed in seeds for stretch in seed.stretches]
        followed = _followed([stretch.trajectories for seed in seeds for stretch in seed.stretches], clusters)
        found = {m.name: m for m in (*detection(balls, clusters), *position(balls, clusters))}
        found |= {m.name: m for m in (*names(balls, clusters), *followed)}
        where = f"{mark or 'none of these'} ({len(seeds)} seed{'' if len(seeds) == 1 else 's'})"
        return [replace(found[name], name=f"{name}, {where}") for name in _MAIN]

    def baseline(self) -> list[Metric]:
        """What the plain baseline has to set against them, on the same frames."""
        clusters = Clusters.of_seeds([len(seed.stretches) for seed in self.seeds])
        plain = [stretch.plain for seed in self.seeds for stretch in seed.stretches]
        took = [seed.plain_ms for seed in self.seeds]
        return [
            *st.within("detection", [*detection(plain, clusters), *_alone(plain)]),
            *st.within("position", position(plain, clusters)),
            *st.within("identity", names(plain, clusters)),
            *st.within(
                "system",
                [self._figure("a frame, p50", took, "ms", 50), self._figure("a frame, p99", took, "ms", 99)],
            ),
        ]

    def _system(self) -> list[Metric]:
        """CPU time of one thread from a frame's planes to the balls' state; how late shots are handed on."""
        play, rest = [s.play_ms for s in self.seeds], [s.rest_ms for s in self.seeds]
        everything = [[*a, *b] for a, b in zip(play, rest, strict=True)]
        delays = [seed.delays_s for seed in self.seeds]
        return [
            self._figure("a frame, p50", everything, "ms", 50),
            self._figure("a frame, p99", everything, "ms", 99),
            self._figure("a frame in play, mean", play, "ms", None),
            self._figure("a frame in play, p99", play, "ms", 99),
            self._figure("a frame at rest, mean", rest, "ms", None),
            self._figure("from the last ball's rest to the shot, median", delays, "s", 50),
            self._figure("from the last ball's rest to the shot, p95", delays, "s", 95),
        ]

    def _figure(self, name: str, values: Sequence[Sequence[float]], unit: str, q: float | None) -> Metric:
        """The mean, or a percentile, of values by seed; with few seeds from the values alone."""
        if len(self.seeds) < FEWEST_SEEDS:
            everything = np.concatenate([*map(np.asarray, values), np.zeros(0)])
            return st.mean(name, everything, unit) if q is None else st.percentile(name, everything, unit, q)
        clusters = Clusters(np.arange(len(self.seeds)))
        return clusters.mean(name, values, unit) if q is None else clusters.percentile(name, values, unit, q)


def _alone(tallies: Sequence[BallTally]) -> list[Metric]:
    """AP of what was found in each frame on its own."""
    return [replace(m, name=f"frame by frame: {m.name}") for m in precision_averages(tallies)]


def _followed(found: Sequence[Sequence[Trajectory]], clusters: Clusters) -> list[Metric]:
    """Trajectories right, and what is wrong with the others; an entry of `found` is one stretch."""

    def share(name: str, good: Callable[[Trajectory], bool]) -> Metric:
        return clusters.share(name, [_count(map(good, each)) for each in found], [len(each) for each in found])

    return [
        share("trajectories right", lambda t: t.right),
        share("trajectories followed in every frame under one name", lambda t: t.followed),
        share("trajectories whose end is right", lambda t: t.ended),
        clusters.share(
            "frames of trajectories within 28 mm",
            [sum(t.within for t in each) for each in found],
            [sum(t.shown for t in each) for each in found],
        ),
    ]


def _count(flags: Iterable[bool]) -> int:
    return sum(flags)
