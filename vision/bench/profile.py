"""Where the time of a frame in play goes: the most expensive functions and the pipeline's own stages."""

import cProfile
import pstats
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision.bench.film import fresh, reels, take_of
from vision.bench.frames import WARM_UP_S, FramePlan
from vision.pipeline import Pipeline

_ROOMS = {"vision", "calibration"}
_DEEPEST = 4
_LEAST_STAGE = 0.01  # of a frame; what is cheaper is not told
_Place = tuple[str, int, str]
_Entries = dict[_Place, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Cost:
    """A function's share of a frame: `own_ms` in itself, `all_ms` with what it calls, `calls` a frame. `depth`
    is how far below `Pipeline.process` it was called, where that is told."""

    name: str
    calls: float
    own_ms: float
    all_ms: float
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """The costs of a frame in play on average over `frames` of them. `stages` are what `Pipeline.process` calls,
    and what that calls, dearest first; `functions` are all, by the time in themselves. Measuring makes every call
    dearer, so that only proportions count."""

    frames: int
    frame_ms: float
    stages: tuple[Cost, ...]
    functions: tuple[Cost, ...]


def profile_play(plan: FramePlan, progress: Callable[[float], None] | None = None) -> Profile:
    """Profiles the frames in play of the plan's seeds. Raises ValueError when there is none."""
    profiler = cProfile.Profile()
    frames, done_s = 0, 0.0
    for seed in plan.seeds:
        take = take_of(seed, plan.seconds, plan.size, plan.fps)
        pipeline = Pipeline(take.table.calibration, None, take.id)
        for reel in reels(take, plan.reel_frames):
            for moment in reel:
                frame = moment.frame if plan.cold else fresh(moment.frame)
                if moment.situation == "play" and frame.t_s >= WARM_UP_S:
                    profiler.runcall(pipeline.process, frame)
                    frames += 1
                else:
                    pipeline.process(frame)
            done_s += len(reel) / plan.fps
            if progress is not None:
                progress(done_s)
    if not frames:
        raise ValueError("no shot was played in that time: give more --seconds")
    return _summed(profiler, frames)


def _summed(profiler: cProfile.Profile, frames: int) -> Profile:
    stats: Any = pstats.Stats(profiler)
    entries: _Entries = stats.stats
    process = _process(entries)
    functions = [_cost(place, entry, frames) for place, entry in entries.items()]
    return Profile(
        frames,
        1000 * entries[process][3] / frames,
        tuple(_below(entries, process, frames, depth=0)),
        tuple(sorted(functions, key=lambda cost: -cost.own_ms)),
    )


def _below(entries: _Entries, caller: _Place, frames: int, depth: int) -> Iterator[Cost]:
    """What a function calls, dearest first, each followed by what it calls itself. A helper that several functions
    call stands below each of them with what it does for that one, and goes no deeper."""
    called = [(entry[4][caller], place) for place, entry in entries.items() if caller in entry[4]]
    least_s = _LEAST_STAGE * entries[_process(entries)][3]
    for part, place in sorted(called, key=lambda pair: -pair[0][3]):
        if part[3] < least_s:
            return
        yield _cost(place, part, frames, depth)
        if depth + 1 < _DEEPEST and len(entries[place][4]) == 1:
            yield from _below(entries, place, frames, depth + 1)


def _process(entries: _Entries) -> _Place:
    return next(place for place in entries if place[2] == "process" and place[0].endswith("pipeline.py"))


def _cost(place: _Place, entry: tuple[Any, ...], frames: int, depth: int = 0) -> Cost:
    _, calls, own_s, all_s = entry[:4]
    return Cost(_told(place), calls / frames, 1000 * own_s / frames, 1000 * all_s / frames, depth)


def _told(place: _Place) -> str:
    """A function as a reader finds it: by its place in our rooms, by its name elsewhere."""
    file, line, name = place
    if file == "~":
        return name
    parts = Path(file).parts
    room = next((k for k, part in enumerate(parts) if part in _ROOMS), None)
    return f"{name} ({'/'.join(parts[-2:] if room is None else parts[room:])}:{line})"
