"""The pipeline on simulated halls, in memory: frames are drawn, followed and scored without writing video."""

import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

import cv2

from calibration.file import CalibrationError
from vision.balls import ball_sets
from vision.detect.classical import Detector
from vision.detect.cloth import ClothError
from vision.evaluate import statistics as st
from vision.evaluate.baseline import PlainFinder
from vision.evaluate.detection import Found, still_spreads_mm
from vision.evaluate.names import Pockets
from vision.evaluate.shots import Game, score_shots
from vision.evaluate.statistics import Metric
from vision.evaluate.tally import BallTally, PathTally
from vision.evaluate.truth import Truth, truth_of
from vision.files import TrackRow
from vision.frames.source import Frame
from vision.model import Seen, Shot
from vision.recording import track_recording
from vision.simulate.conditions import conditions
from vision.simulate.source import SimulatedTable
from vision.simulate.take import Take

MOST_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What is evaluated: each seed for `seconds`, and on until its last shot is over. Balls are scored in one
    frame of every `every`, paths and shots in all."""

    seeds: tuple[int, ...]
    seconds: float = 60.0
    fps: float = 30.0
    size: tuple[int, int] = (1280, 720)
    every: int = 5


@dataclass
class Result:
    """What was counted, over one seed or many. `refused` says which seeds the pipeline would not follow, and why;
    all their balls and shots count as missed."""

    frames: int = 0
    sampled: int = 0
    seconds: float = 0.0
    balls: BallTally = field(default_factory=BallTally)
    alone: BallTally = field(default_factory=BallTally)
    plain: BallTally = field(default_factory=BallTally)
    paths: PathTally = field(default_factory=PathTally)
    games: list[Game] = field(default_factory=list)
    spreads_mm: list[float] = field(default_factory=list)
    play_ms: list[float] = field(default_factory=list)
    rest_ms: list[float] = field(default_factory=list)
    plain_ms: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def merge(self, other: "Result") -> None:
        """Adds what another has counted."""
        self.frames += other.frames
        self.sampled += other.sampled
        self.seconds += other.seconds
        for mine, more in (
            (self.balls, other.balls),
            (self.alone, other.alone),
            (self.plain, other.plain),
        ):
            mine.merge(more)
        self.paths.merge(other.paths)
        self.games += other.games
        for name in ("spreads_mm", "play_ms", "rest_ms", "plain_ms", "delays_s"):
            getattr(self, name).extend(getattr(other, name))
        self.refused |= other.refused

    def metrics(self) -> list[Metric]:
        """Every figure, in sections."""
        detector = _alone(self.alone)
        identity = [*self.balls.names(), *self.paths.metrics()]
        position = [*self.balls.position(), st.median("jitter of a still ball", self.spreads_mm, "mm")]
        return [
            *st.within("detection", [*self.balls.detection(), *detector]),
            *st.within("position", [m for m in position if m.n]),
            *st.within("identity", identity),
            *score_shots(self.games),
            *st.within("system", self._system()),
        ]

    def baseline(self) -> list[Metric]:
        """What the plain baseline has to set against them, on the same frames."""
        return [
            *st.within("detection", [*self.plain.detection(), *_alone(self.plain)]),
            *st.within("position", self.plain.position()),
            *st.within("identity", self.plain.names()),
            *st.within(
                "system",
                [
                    st.median("a frame, p50", self.plain_ms, "ms"),
                    st.percentile("a frame, p99", self.plain_ms, "ms", 99),
                ],
            ),
        ]

    def _system(self) -> list[Metric]:
        """CPU time of one thread from a frame's planes to the balls' state; how late shots are handed on."""
        everything = self.play_ms + self.rest_ms
        return [
            st.median("a frame, p50", everything, "ms"),
            st.percentile("a frame, p99", everything, "ms", 99),
            st.mean("a frame in play, mean", self.play_ms, "ms"),
            st.percentile("a frame in play, p99", self.play_ms, "ms", 99),
            st.mean("a frame at rest, mean", self.rest_ms, "ms"),
            st.median("from the last ball's rest to the shot, median", self.delays_s, "s"),
            st.percentile("from the last ball's rest to the shot, p95", self.delays_s, "s", 95),
            st.not_reported("memory", 0),
        ]


def _alone(tally: BallTally) -> list[Metric]:
    """AP of what was found in each frame on its own."""
    return [replace(m, name=f"frame by frame: {m.name}") for m in tally.precision_averages()]


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from text such as `9001-9003,9010`. Raises ValueError, with a sentence for a person."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= first + 9999:
            raise ValueError(f"{part.strip()!r} names no seeds: write 9001, 9001-9003 or 9001-9003,9010")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


def run(plan: Plan, processes: int = 1, progress: Callable[[int], None] | None = None) -> Result:
    """Evaluates every seed, in so many processes; `progress` is told each seed that is done."""
    total = Result()
    for seed, result in _in_order(plan, _results(plan, min(processes, MOST_PROCESSES, len(plan.seeds)))):
        total.merge(result)
        if progress is not None:
            progress(seed)
    return total


def run_seed(plan: Plan, seed: int) -> Result:
    """Evaluates one seed."""
    take = _Timed(SimulatedTable.under(conditions(seed), size=plan.size, fps=plan.fps), plan.seconds)
    watcher = _Watcher(take, plan.every)
    shots: tuple[Shot, ...] = ()
    rows: list[TrackRow] = []
    refused: dict[int, str] = {}
    try:
        recording = track_recording(take, take.table.calibration, on_frame=watcher)
        shots, rows = recording.shots, recording.tracks
        if recording.stopped is not None:
            refused[seed] = recording.stopped
    except (CalibrationError, ClothError) as error:
        refused[seed] = str(error)
    if refused:
        for _ in take.rest():
            pass
    truth = truth_of(take.truth())
    result = Result(
        frames=len(take.frames),
        seconds=len(take.frames) / plan.fps,
        play_ms=watcher.play_ms,
        rest_ms=watcher.rest_ms,
        plain_ms=watcher.plain_ms,
        spreads_mm=still_spreads_mm(rows),
        refused=refused,
    )
    _count_balls(result, truth, rows, watcher)
    result.games.append(Game(replace(truth, frames=None), shots, Pockets({}, None), 1 / plan.fps))
    result.delays_s = _delays(truth, watcher.handed_on)
    return result


class _Timed(Take):
    """A take that knows when it handed on its last frame, in CPU time of this thread."""

    def __init__(self, table: SimulatedTable, seconds: float) -> None:
        super().__init__(table, seconds=seconds)
        self.yielded_s = 0.0
        self._frames = super().__iter__()

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            self.yielded_s = time.thread_time()
            yield frame

    def rest(self) -> Iterator[Frame]:
        """The frames that nobody has asked for yet."""
        return self._frames


class _Watcher:
    """Looks over the pipeline's shoulder: how long each frame took, when shots came. In one frame of every `every`
    the detector alone and the plain baseline find balls too."""

    def __init__(self, take: _Timed, every: int) -> None:
        self._take, self.every = take, every
        self.table = take.table.calibration.table
        self._detector = Detector(take.table.calibration)
        self._finder = PlainFinder(take.table.calibration, ball_sets()[take.table.ball_set])
        self.play_ms: list[float] = []
        self.rest_ms: list[float] = []
        self.handed_on: dict[str, tuple[float, Shot]] = {}
        self.plain_ms: list[float] = []
        self.alone: dict[int, list[Found]] = {}
        self.plain: dict[int, list[Found]] = {}

    def __call__(self, frame: Frame, seen: Seen) -> None:
        times = self.play_ms if seen.phase == "shot" else self.rest_ms
        times.append(1000 * (time.thread_time() - self._take.yielded_s))
        for shot in seen.shots:
            self.handed_on.setdefault(shot.id, (seen.t_s, shot))
        if frame.index % self.every == 0:
            detections = self._detector.detect(frame)
            self.alone[frame.index] = [
                Found("", (d.x_px, d.y_px), (d.x_in, d.y_in), d.quality) for d in detections
            ]
            began = time.thread_time()
            self.plain[frame.index] = self._finder.find(frame)
            self.plain_ms.append(1000 * (time.thread_time() - began))


def _count_balls(result: Result, truth: Truth, rows: Sequence[TrackRow], watcher: _Watcher) -> None:
    table = watcher.table
    seen: dict[int, list[Found]] = {}
    for row in rows:
        b = row.ball
        seen.setdefault(row.frame, []).append(Found(b.ball, (b.x_px, b.y_px), (b.x_in, b.y_in)))
    frames = truth.frames or {}
    for index in sorted(frames)[:: watcher.every]:
        hand = index in truth.hands
        result.sampled += 1
        result.balls.add(frames[index], seen.get(index, []), table, hand)
        result.alone.add(frames[index], watcher.alone.get(index, []), table, hand)
        result.plain.add(frames[index], watcher.plain.get(index, []), table, hand)
    result.paths.add([(frames[index], seen.get(index, [])) for index in sorted(frames)], truth.shots_total or 0)


def _delays(truth: Truth, handed_on: dict[str, tuple[float, Shot]]) -> list[float]:
    """How long after its last ball's rest each shot was handed on that was found in time."""
    delays = []
    for shot in truth.shots or ():
        for t_s, found in handed_on.values():
            if abs(found.start_s - (shot.start_s or 0.0)) <= 0.2 and shot.end_s is not None:
                delays.append(t_s - shot.end_s)
                break
    return delays


def _results(plan: Plan, processes: int) -> Iterator[tuple[int, Result]]:
    """Each seed's result as it comes."""
    if processes <= 1:
        yield from ((seed, run_seed(plan, seed)) for seed in plan.seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        waiting = {pool.submit(run_seed, plan, seed): seed for seed in plan.seeds}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _in_order(plan: Plan, results: Iterator[tuple[int, Result]]) -> Iterator[tuple[int, Result]]:
    """The results in the order of the seeds, whichever was done first, so that a report is always the same."""
    early: dict[int, Result] = {}
    order = list(plan.seeds)
    for seed, result in results:
        early[seed] = result
        while order and order[0] in early:
            first = order.pop(0)
            yield first, early.pop(first)
