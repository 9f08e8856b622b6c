"""How long the pipeline takes for a frame: in play, at rest, with people over the bed; the floor beside it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from vision.bench.film import Moment, Situation, fresh, reels, take_of
from vision.bench.floor import Floor
from vision.bench.stopwatch import Lap, timed
from vision.bench.yardsticks import Yardsticks
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
    of the first second; neither counts in `situations`."""

    yardsticks: Yardsticks
    first: list[Lap] = field(default_factory=list)
    warming: list[Lap] = field(default_factory=list)
    situations: dict[Situation, list[Lap]] = field(default_factory=lambda: {"play": [], "people": [], "rest": []})


def time_frames(plan: FramePlan, progress: Callable[[float], None] | None = None) -> FrameTimes:
    """Times every frame of the plan's seeds; `progress` is told how many seconds of play are done."""
    times = FrameTimes(Yardsticks(Floor(*plan.size), plan.fps, plan.cold))
    done_s = 0.0
    for seed in plan.seeds:
        take = take_of(seed, plan.seconds, plan.size, plan.fps)
        pipeline = Pipeline(take.table.calibration, None, take.id)
        for reel in reels(take, plan.reel_frames):
            _time_pipeline(times, pipeline, reel, plan.cold)
            times.yardsticks.take(reel)
            done_s += len(reel) / plan.fps
            if progress is not None:
                progress(done_s)
    return times


def _time_pipeline(times: FrameTimes, pipeline: Pipeline, reel: list[Moment], cold: bool) -> None:
    for moment in reel:
        frame = moment.frame if cold else fresh(moment.frame)
        _, lap = timed(partial(pipeline.process, frame))
        if frame.index == 0:
            times.first.append(lap)
        elif frame.t_s < WARM_UP_S:
            times.warming.append(lap)
        else:
            times.situations[moment.situation].append(lap)
