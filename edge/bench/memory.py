"""The memory of the vision process over a stretch of play, faster than real time, and what its imports cost."""

import json
import subprocess
import sys
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from edge.bench.rss import Mark, MemoryReport, resident_mb

# What `ladder vision` loads, in an order in which each is charged with what it brings; PyAV only for recordings
# and for cameras that compress their pictures.
IMPORTS = (
    "click",
    "sqlite3",
    "numpy",
    "cv2",
    "sqlite_utils",
    "vision.pipeline",
    "edge.runtime.vision_parts",
    "edge.commands.vision",
    "av",
)
_MARKS = 6


class MemoryBenchError(Exception):
    """The vision process did not come to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How much play: so many seconds of one seed's evening, every frame of it drawn anew."""

    seed: int
    seconds: float
    size: tuple[int, int] = (1920, 1080)
    fps: float = 60.0


def measure_memory(plan: MemoryPlan) -> MemoryReport:
    """What `edge.bench.watched` reports of the plan. Raises MemoryBenchError."""
    drawing = [
        sys.executable, "-m", "vision.bench.feed", "--seed", str(plan.seed), "--seconds", str(plan.seconds),
        "--size", *map(str, plan.size), "--fps", str(plan.fps),
    ]  # fmt: skip
    with TemporaryDirectory(prefix="ladder-bench-") as folder:
        frame_bytes = plan.size[0] * plan.size[1] * 3 // 2
        how = ["--folder", folder, "--every", str(plan.seconds / _MARKS), "--frame-bytes", str(frame_bytes)]
        ran = subprocess.run(
            [sys.executable, "-m", "edge.bench.watched", *how, *drawing],
            capture_output=True,
            text=True,
            check=False,
        )
    if ran.returncode:
        lines = ran.stderr.strip().splitlines() or ["it said nothing"]
        raise MemoryBenchError(f"the vision process failed with status {ran.returncode}: {lines[-1]}")
    report = json.loads(ran.stdout.splitlines()[-1])
    return MemoryReport(**report | {"marks": tuple(Mark(**mark) for mark in report["marks"])})


def measure_imports(names: tuple[str, ...] = IMPORTS) -> list[tuple[str, float]]:
    """How many megabytes each import adds in a fresh interpreter, in that order, the bare interpreter first."""
    ran = subprocess.run(
        [sys.executable, "-m", "edge.bench.memory", *names], capture_output=True, text=True, check=True
    )
    costs: dict[str, float] = json.loads(ran.stdout)
    return list(costs.items())


def _import_one_by_one(names: list[str]) -> dict[str, float]:
    import importlib  # noqa: PLC0415

    before = resident_mb()
    costs = {"Python itself": before}
    for name in names:
        importlib.import_module(name)
        after = resident_mb()
        costs[name], before = after - before, after
    return costs


if __name__ == "__main__":
    print(json.dumps(_import_one_by_one(sys.argv[1:])))
