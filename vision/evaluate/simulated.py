"""The pipeline on simulated halls, in memory: frames are drawn, followed and scored without writing video."""

import multiprocessing
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import cv2

from calibration.file import CalibrationError
from vision.balls import ball_sets
from vision.detect.classical import Detector
from vision.detect.cloth import ClothError
from vision.evaluate.baseline import PlainFinder
from vision.evaluate.detection import Found, still_spreads_mm
from vision.evaluate.kept import Kept
from vision.evaluate.paths import PathTally, match_frames
from vision.evaluate.plan import Plan
from vision.evaluate.result import Result, SeedResult, Stretch
from vision.evaluate.trajectories import trajectories
from vision.evaluate.truth import TrueBall, TrueShot, truth_of
from vision.files import TrackRow
from vision.frames.source import Frame
from vision.model import Seen, Shot, shot_from_json, shot_to_json
from vision.recording import track_recording
from vision.simulate.conditions import conditions
from vision.simulate.source import SimulatedTable
from vision.simulate.take import Take
from vision.simulate.truth import FrameTruth, truth_file

MOST_PROCESSES = 2
_MS_DIGITS = 4


def run(
    plan: Plan,
    processes: int = 1,
    progress: Callable[[SeedResult, int], None] | None = None,
    kept: Kept | None = None,
) -> Result:
    """Evaluates every seed, in so many processes; `progress` is told each seed that is evaluated and how many
    are done by then.

    What `kept` has is not evaluated again, and what is evaluated is kept there. Raises FileError where that can't
    be read or written.
    """
    results: dict[int, SeedResult] = {}
    for seed in plan.seeds:
        known = None if kept is None else kept.read(seed)
        if known is not None:
            results[seed] = known
    missing = tuple(seed for seed in plan.seeds if seed not in results)
    for result in _results(plan, missing, min(processes, MOST_PROCESSES, len(missing))):
        if kept is not None:
            kept.write(result)
        results[result.seed] = result
        if progress is not None:
            progress(result, len(results))
    return Result(tuple(results[seed] for seed in plan.seeds))


def run_seed(plan: Plan, seed: int) -> SeedResult:
    """Evaluates one seed."""
    began_s = time.thread_time()
    hall = conditions(seed)
    table = SimulatedTable.under(hall, size=plan.size, fps=plan.fps, pace=plan.pace, compressed=True)
    take = _Timed(table, seconds=plan.seconds, shots=plan.shots)
    watcher = _Watcher(take, plan.stride)
    shots: tuple[Shot, ...] = ()
    rows: list[TrackRow] = []
    refused = None
    try:
        recording = track_recording(take, table.calibration, on_frame=watcher)
        shots, rows, refused = recording.shots, recording.tracks, recording.stopped
    except (CalibrationError, ClothError) as error:
        refused = str(error)
    if refused is not None:
        for _ in take.rest():
            pass
    truth = truth_file(take.shots(), [], table.calibration, plan.fps)
    result = SeedResult(
        seed=seed,
        frames=len(take.frames),
        sampled=0,
        seconds=len(take.frames) / plan.fps,
        cpu_s=0.0,
        stretches=[],
        paths=PathTally(),
        truth=truth,
        # As a file holds them, so that a result is the same whether it was kept or not.
        shots=[shot_from_json(shot_to_json(shot)) for shot in shots],
        spreads_mm=still_spreads_mm(rows),
        play_ms=watcher.play_ms,
        rest_ms=watcher.rest_ms,
        plain_ms=watcher.plain_ms,
        delays_s=[],
        marks=list(hall.marks),
        refused=refused,
    )
    _count(result, take.frames, rows, watcher)
    result.cpu_s = round(time.thread_time() - began_s, 3)
    return result


class _Timed(Take):
    """A take that knows when it handed on its last frame, in CPU time of this thread."""

    def __init__(self, table: SimulatedTable, *, seconds: float | None, shots: int | None) -> None:
        super().__init__(table, seconds=seconds, shots=shots)
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
        times.append(round(1000 * (time.thread_time() - self._take.yielded_s), _MS_DIGITS))
        for shot in seen.shots:
            self.handed_on.setdefault(shot.id, (seen.t_s, shot))
        if frame.index % self.every == 0:
            detections = self._detector.detect(frame)
            self.alone[frame.index] = [
                Found("", (d.x_px, d.y_px), (d.x_in, d.y_in), d.quality) for d in detections
            ]
            began = time.thread_time()
            self.plain[frame.index] = self._finder.find(frame)
            self.plain_ms.append(round(1000 * (time.thread_time() - began), _MS_DIGITS))


def _count(result: SeedResult, frames: Sequence[FrameTruth], rows: Sequence[TrackRow], watcher: _Watcher) -> None:
    """Counts balls, names, trajectories and delays of a seed that has been followed."""
    seen: dict[int, list[Found]] = {}
    for row in rows:
        b = row.ball
        seen.setdefault(row.frame, []).append(Found(b.ball, (b.x_px, b.y_px), (b.x_in, b.y_in)))
    balls = {frame.index: true_balls(frame) for frame in frames}
    played = truth_of(result.truth).shots or ()
    ends_s = [shot.end_s or 0.0 for shot in played]
    result.stretches = [Stretch() for _ in range(len(played) + 1)]
    for frame in frames[:: watcher.every]:
        k, true = frame.index, balls[frame.index]
        stretch = result.stretches[bisect_left(ends_s, frame.t_s)]
        result.sampled += 1
        stretch.balls.add(true, seen.get(k, []), watcher.table, frame.hand)
        stretch.alone.add(true, watcher.alone.get(k, []), watcher.table, frame.hand)
        stretch.plain.add(true, watcher.plain.get(k, []), watcher.table, frame.hand)
    matches = match_frames((balls[k], seen.get(k, [])) for k in balls)
    result.paths = PathTally.of(matches, len(played))
    frame_s = result.seconds / result.frames
    followed = trajectories(balls, dict(zip(balls, matches, strict=True)), played, result.shots, frame_s)
    for stretch, found in zip(result.stretches, followed, strict=False):
        stretch.trajectories = found
    result.delays_s = _delays(played, watcher.handed_on)


def true_balls(frame: FrameTruth) -> tuple[TrueBall, ...]:
    """The balls of a frame as the scores take them: hidden where they may be reported or not."""
    return tuple(
        TrueBall(b.ball, px=(b.x_px, b.y_px), table_in=(b.x_in, b.y_in), state=b.shown) for b in frame.balls
    )


def _delays(played: Sequence[TrueShot], handed_on: dict[str, tuple[float, Shot]]) -> list[float]:
    """How long after its last ball's rest each shot was handed on that was found in time."""
    delays = []
    for shot in played:
        for t_s, found in handed_on.values():
            if abs(found.start_s - (shot.start_s or 0.0)) <= 0.2 and shot.end_s is not None:
                delays.append(round(t_s - shot.end_s, 5))
                break
    return delays


def _results(plan: Plan, seeds: Sequence[int], processes: int) -> Iterator[SeedResult]:
    """Each seed's result as it comes."""
    if processes <= 1:
        yield from (run_seed(plan, seed) for seed in seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        waiting = [pool.submit(run_seed, plan, seed) for seed in seeds]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            # Whoever breaks off has what is done already; what has not begun need not.
            pool.shutdown(wait=False, cancel_futures=True)
