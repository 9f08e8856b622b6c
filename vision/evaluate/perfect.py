"""Reasoning alone: recorded shots as a camera would sample them, with known noise and nothing to see.

Positions are taken from the shot books at the frame rate, Gaussian noise of a stated size is added, and the paths
go to `describe_fully` as the pipeline's would. What is missed here is missed by reasoning; what is missed on drawn
frames beyond this is missed by sight.
"""

import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from calibration.table import MM_PER_IN, Table
from vision.balls import ball_sets
from vision.evaluate import statistics as st
from vision.evaluate.names import Pockets
from vision.evaluate.shots import Game, score_shots
from vision.evaluate.statistics import Metric
from vision.evaluate.truth import truth_of
from vision.facts import Facts, describe_fully
from vision.feel import USUAL
from vision.model import Point, Shot
from vision.motion import Path, make_path
from vision.pots import Fate
from vision.sample import Sample
from vision.simulate.director import PlayedShot
from vision.simulate.shotbook import (
    POTTED,
    ROLLING,
    SLIDING,
    SPINNING,
    STILL,
    Motion,
    Physics,
    ShotBook,
    ShotRecord,
    load_shot_book,
    pocket_of,
)
from vision.simulate.truth import truth_file
from vision.simulate.view import default_camera

Array = NDArray[np.float64]

DEVELOPMENT_BOOKS = ("shotbook", "shotbook-7ft")
EVALUATION_BOOKS = ("shotbook-evaluation-9ft", "shotbook-evaluation-8ft", "shotbook-evaluation-7ft")
BOOKS = (*DEVELOPMENT_BOOKS, *EVALUATION_BOOKS)
_BETWEEN_S = 4.0  # from one shot's rest to the next strike
_STIRRED_IN = 0.2  # a tracker takes a ball that is nearer than this to its place for a resting one
_MOVED_IN = 0.5
_STOPPED_IN = 1e-3
_RESTS = 10  # sights that the place of a resting ball is the mean of
_CONFIDENCE = 0.98


@dataclass(frozen=True, slots=True)
class Perfect:
    """What is evaluated: which books, how often each is played (every second time in a mirror, each time with
    other frames and other noise), and what the camera would add."""

    books: tuple[str, ...] = EVALUATION_BOOKS
    fps: float = 60.0
    noise_mm: float = 1.0
    passes: int = 2
    seed: int = 0


@dataclass
class Outcome:
    """What was counted: the games, and how long describing each shot took in CPU time."""

    games: list[Game] = field(default_factory=list)
    describe_ms: list[float] = field(default_factory=list)

    def metrics(self) -> list[Metric]:
        """Every figure of the shots, and what they took."""
        took = [
            st.median("describing a shot, p50", self.describe_ms, "ms"),
            st.percentile("describing a shot, p99", self.describe_ms, "ms", 99),
            st.largest("describing a shot, max", self.describe_ms, "ms"),
        ]
        return [*score_shots(self.games), *st.within("system", took)]


def run_perfect(plan: Perfect) -> Outcome:
    """Describes every shot of the books and scores what was said."""
    outcome = Outcome()
    for name in plan.books:
        book = load_shot_book(name)
        for turn in range(plan.passes):
            _play(book, name, turn, plan, outcome)
    return outcome


def _play(book: ShotBook, name: str, turn: int, plan: Perfect, outcome: Outcome) -> None:
    """One pass through a book, the table being learnt as it is played on."""
    rng = np.random.default_rng([plan.seed, turn])
    sampler = Sampler(overhead(book.table), plan.fps, plan.noise_mm / MM_PER_IN, rng)
    played: list[tuple[str, PlayedShot]] = []
    said: list[Shot] = []
    clock_s, feel = 0.0, USUAL
    for record in book.shots:
        shot = record.mirrored(book.table.width_in) if turn % 2 else record
        strike_s = clock_s + float(rng.uniform(1.0, 1.0 + 1 / plan.fps))
        facts = replace(sampler.facts(shot, strike_s), feel=feel)
        began = time.thread_time()
        described = describe_fully(facts)
        said.append(described.shot)
        feel = described.feel
        outcome.describe_ms.append(1000 * (time.thread_time() - began))
        played.append((name, PlayedShot(turn, strike_s, strike_s + shot.duration_s, shot)))
        clock_s = float(np.ceil(strike_s + shot.duration_s + _BETWEEN_S))
    truth = truth_of(truth_file(played, [], sampler.calibration, plan.fps))
    outcome.games.append(Game(truth, said, Pockets({}, None), 1 / plan.fps))


def overhead(table: Table) -> Calibration:
    """A camera above the middle of a table, as good as any where positions are given in inches."""
    return Calibration("perfect", "file", table, default_camera((1280, 720), table.length_in, table.width_in))


@dataclass(frozen=True)
class Sampler:
    """What a tracker that loses nothing would know of shots.

    Noise of `noise_in` (standard deviation on each axis) is on every sight; the place of a resting ball is the
    mean of several. A pot is known in the first frame that no longer shows the ball.
    """

    calibration: Calibration
    fps: float
    noise_in: float
    rng: np.random.Generator

    def facts(self, record: ShotRecord, strike_s: float) -> Facts:
        """What is known of a shot struck at `strike_s`, a time on the frames' clock."""
        first = int(np.floor((strike_s - 0.1) * self.fps))
        last = int(np.ceil((strike_s + record.duration_s + 0.1) * self.fps))
        frames = np.arange(first, last + 1)
        times = frames / self.fps
        pockets = {p.name: p for p in self.calibration.table.pockets}
        names = dict(enumerate(record.motions))
        start: dict[int, Point] = {}
        end: dict[int, Point] = {}
        paths: list[Path] = []
        fates: dict[int, Fate] = {}
        for ball, name in names.items():
            places, on_table = positions_at(record.motions[name], times - strike_s, record.physics)
            start[ball] = self._rest(places[0])
            if on_table[-1]:
                end[ball] = self._rest(places[-1])
            pot = next((e for e in record.pots if e.ball == name), None)
            if pot is not None:
                gone = int(np.searchsorted(times, strike_s + pot.t_s))
                fates[ball] = Fate(pockets[pocket_of(pot)], float(times[gone]), _CONFIDENCE)
            history = self._history(frames[on_table], places[on_table], start[ball], end.get(ball))
            path = make_path(ball, history, strike_s) if history else None
            if path is not None:
                paths.append(path)
        return Facts(
            source_id="perfect",
            calibration=self.calibration,
            ball_set=ball_sets()["american"],
            paths=paths,
            fates=fates,
            names=names,
            layout_start=start,
            layout_end=end,
            complete=True,
        )

    def _history(self, frames: NDArray[np.int64], places: Array, home: Point, rest: Point | None) -> list[Sample]:
        """A tracker's samples of one ball, of its rest at either end one; none where it did not move."""
        away = np.linalg.norm(places - places[0], axis=1)
        if away.max() < _MOVED_IN:
            return []
        seen = places + self.rng.normal(0, self.noise_in, places.shape)
        left = int(np.nonzero(away > _STIRRED_IN)[0][0]) - 1
        stop = len(places)
        if rest is not None:
            stop = int(np.nonzero(np.linalg.norm(places - places[-1], axis=1) > _STOPPED_IN)[0][-1]) + 1
        samples = [self._sample(int(frames[left]), home, int(frames[0]))]
        samples += [self._sample(int(frames[k]), _point(seen[k])) for k in range(left + 1, stop)]
        if rest is not None:
            samples.append(self._sample(int(frames[-1]), rest, int(frames[min(stop, len(frames) - 1)])))
        return samples

    def _sample(self, frame: int, at: Point, since: int | None = None) -> Sample:
        since_s = None if since is None else since / self.fps
        return Sample(frame, frame / self.fps, *at, 0.0, 0.0, 0.95, since_s)

    def _rest(self, true: Array) -> Point:
        return _point(true + self.rng.normal(0, self.noise_in / np.sqrt(_RESTS), 2))


def positions_at(motion: Motion, times_s: Array, physics: Physics) -> tuple[Array, NDArray[np.bool_]]:
    """Where a ball is at times (N,) after the strike: inches (N, 2), and whether it is on the table (N,)."""
    i = np.maximum(np.searchsorted(motion.t_s, times_s, side="right") - 1, 0)
    state, v, w = motion.state[i], motion.velocity[i], motion.spin[i]
    dt = np.maximum(times_s - motion.t_s[i], 0.0)
    slip = v + physics.radius_in * np.column_stack([-w[:, 1], w[:, 0]])
    speed = np.linalg.norm(v, axis=1)
    slow = physics.rolling_friction * physics.gravity_in_s2
    pull = np.zeros_like(v)
    for which, along, size in (
        (SLIDING, slip, physics.sliding_friction * physics.gravity_in_s2),
        (ROLLING, v, slow),
    ):
        unit = along / np.maximum(np.linalg.norm(along, axis=1), 1e-12)[:, None]
        pull[state == which] = size * unit[state == which]
    dt = np.where(state == ROLLING, np.minimum(dt, speed / slow), dt)
    at_rest = np.isin(state, (STILL, SPINNING, POTTED)) | (times_s <= 0)
    dt = np.where(at_rest, 0.0, dt)[:, None]
    places: Array = motion.position[i] + v * dt - 0.5 * pull * dt**2
    return places, np.asarray((state != POTTED) | (times_s <= 0))


def _point(v: Array) -> Point:
    return float(v[0]), float(v[1])
