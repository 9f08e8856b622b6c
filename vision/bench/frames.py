"""How long the pipeline takes for a frame: in play, at rest, with people over the bed; the floor beside it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from vision.bench.delays import Clock, Handed, Rest
from vision.bench.film import Moment, Situation, fresh, reels, take_of
from vision.bench.floor import Floor
from vision.bench.stopwatch import Lap, timed
from vision.bench.yardsticks import Yardsticks
from vision.model import Shot
from vision.pipeline import Pipeline

WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class FramePlan:
    """What is measured: each seed for `seconds`, and on until its last shot is over. `reel_frames` are drawn into
    memory at a time. With `cold`, planes come from main memory instead of having been written just now."""

    seeds: tuple[int, ...]
    seconds: float = 20.0
    size: tuple[int, int] = (1920, 1080)
    fps: float = 60.0
    reel_frames: int = 300
    cold: bool = False


@dataclass
class FrameTimes:
    """What was measured. `first` has each seed's first frame, in which the cloth is learnt, `warming` the others
    of the first second; neither counts in `situations`. `handed` are the shots the pipeline handed on, each once,
    `rests` what was really played."""

    yardsticks: Yardsticks
    first: list[Lap] = field(default_factory=list)
    warming: list[Lap] = field(default_factory=list)
    situations: dict[Situation, list[Lap]] = field(default_factory=lambda: {"play": [], "people": [], "rest": []})
    handed: list[Handed] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)


def time_frames(
    plan: FramePlan,
    progress: Callable[[float], None] | None = None,
    on_shot: Callable[[Handed], None] | None = None,
) -> FrameTimes:
    """Times every frame of the plan's seeds; `progress` is told how many seconds of play are done, `on_shot` each
    shot as soon as the pipeline hands it on."""
    times = FrameTimes(Yardsticks(Floor(*plan.size), plan.fps, plan.cold))
    done_s = 0.0
    for seed in plan.seeds:
        take = take_of(seed, plan.seconds, plan.size, plan.fps)
        follower = _Follower(times, Pipeline(take.table.calibration, None, take.id), take.id, plan, on_shot)
        for reel in reels(take, plan.reel_frames):
            follower.follow(reel)
            times.yardsticks.take(reel)
            done_s += len(reel) / plan.fps
            if progress is not None:
                progress(done_s)
        times.rests += [Rest(take.id, shot.strike_s, shot.rest_s) for _, shot in take.table.shots()]
    return times


class _Follower:
    """Follows one seed and notes what it takes."""

    def __init__(
        self,
        times: FrameTimes,
        pipeline: Pipeline,
        source_id: str,
        plan: FramePlan,
        on_shot: Callable[[Handed], None] | None,
    ) -> None:
        self._times = times
        self._pipeline = pipeline
        self._source_id = source_id
        self._plan = plan
        self._on_shot = on_shot
        self._clock = Clock()
        self._known: set[str] = set()

    def follow(self, reel: list[Moment]) -> None:
        for moment in reel:
            frame = moment.frame if self._plan.cold else fresh(moment.frame)
            seen, lap = timed(partial(self._pipeline.process, frame))
            self._note(moment, lap)
            done_s = self._clock.done_s(frame.t_s, lap)
            for shot in seen.shots:
                if shot.id not in self._known:
                    self._known.add(shot.id)
                    self._hand_on(self._handed(shot, frame.t_s, done_s))

    def _note(self, moment: Moment, lap: Lap) -> None:
        if moment.frame.index == 0:
            self._times.first.append(lap)
        elif moment.frame.t_s < WARM_UP_S:
            self._times.warming.append(lap)
            self._clock = Clock()  # a service learns before it keeps up
        else:
            self._times.situations[moment.situation].append(lap)

    def _handed(self, shot: Shot, frame_s: float, done_s: float) -> Handed:
        pipeline = self._pipeline
        return Handed(self._source_id, pipeline.calibration, shot, frame_s, done_s, pipeline.ball_set.name)

    def _hand_on(self, handed: Handed) -> None:
        self._times.handed.append(handed)
        if self._on_shot is not None:
            self._on_shot(handed)
