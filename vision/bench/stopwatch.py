"""Times of single frames: CPU time of the thread beside the time on the wall."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lap:
    """One call, in milliseconds: CPU time of the calling thread, and by the wall clock."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How long many calls took, in milliseconds. CPU time is the thread's own; the wall clock also counts what
    else the machine did meanwhile."""

    n: int
    mean_ms: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    wall_mean_ms: float
    wall_p99_ms: float


def timed(call: Callable[[], _T]) -> tuple[_T, Lap]:
    """What the call returns, and how long it took."""
    wall_s, cpu_s = time.perf_counter(), time.thread_time()
    result = call()
    return result, Lap(1000 * (time.thread_time() - cpu_s), 1000 * (time.perf_counter() - wall_s))


def spread(laps: Sequence[Lap]) -> Spread | None:
    """The laps in figures; None where there are none."""
    if not laps:
        return None
    cpu, wall = np.array([lap.cpu_ms for lap in laps]), np.array([lap.wall_ms for lap in laps])
    return Spread(
        n=len(laps),
        mean_ms=float(cpu.mean()),
        p50_ms=float(np.percentile(cpu, 50)),
        p99_ms=float(np.percentile(cpu, 99)),
        max_ms=float(cpu.max()),
        wall_mean_ms=float(wall.mean()),
        wall_p99_ms=float(np.percentile(wall, 99)),
    )
