"""The performance table: each figure as a ratio measured in the same run, the absolute beside it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from vision.bench.frames import FramePlan, FrameTimes
from vision.bench.machine import in_words
from vision.bench.profile import Cost
from vision.bench.stopwatch import Lap, Spread, spread


@dataclass(frozen=True)
class Report:
    """All that one run measured."""

    plan: FramePlan
    frames: FrameTimes


@dataclass(frozen=True, slots=True)
class Row:
    """One thing whose time was taken. `aim` is what it ought to reach, in words."""

    name: str
    spread: Spread | None
    aim: str = ""


def rows(report: Report) -> list[Row]:
    """Every row of the table, in its order."""
    times = report.frames
    return [
        Row("a frame in play", spread(times.situations["play"]), "mean ≤ 2.5, p99 ≤ 8"),
        Row("a frame at rest, nobody over the bed", spread(times.situations["rest"]), "mean ≤ 0.5"),
        Row("a frame at rest, people over the bed", spread(times.situations["people"])),
        Row("the first frame: the cloth is learnt", spread(times.first)),
        Row("the others of the first second", spread(times.warming)),
        Row("floor: luma difference and 16 regions", spread(floor_laps(times))),
        Row("  luma difference", spread(times.floor_luma)),
        Row("  16 regions in colour", spread(times.floor_regions)),
    ]


def floor_laps(times: FrameTimes) -> list[Lap]:
    """Both parts of the floor together, for every frame it was taken of."""
    pairs = zip(times.floor_luma, times.floor_regions, strict=True)
    return [Lap(a.cpu_ms + b.cpu_ms, a.wall_ms + b.wall_ms) for a, b in pairs]


def to_json(report: Report) -> dict[str, Any]:
    """The report as a JSON document."""
    floor = spread(floor_laps(report.frames))
    return {
        "schema": 1,
        "machine": in_words(),
        "plan": asdict(report.plan),
        "rows": [
            {"name": row.name.strip(), "aim": row.aim or None, "times_the_floor": _ratio(row.spread, floor)}
            | ({} if row.spread is None else asdict(row.spread))
            for row in rows(report)
        ],
    }


def to_table(report: Report) -> Table:
    """The report as a person reads it."""
    plan, floor = report.plan, spread(floor_laps(report.frames))
    table = Table(title=_title(plan), box=None, title_justify="left")
    table.add_column("milliseconds of CPU time", no_wrap=True)
    for name in ("n", "mean", "p50", "p99", "wall mean", "wall p99", "× floor"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    for row in rows(report):
        table.add_row(row.name, *_figures(row.spread), _times(_ratio(row.spread, floor)), row.aim)
    return table


def costs_table(title: str, costs: Sequence[Cost], frame_ms: float) -> Table:
    """Functions and what they cost in a frame."""
    table = Table(title=title, title_justify="left", box=None)
    for name in ("calls", "own ms", "ms", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("function")
    for cost in costs:
        figures = f"{cost.calls:.1f}", f"{cost.own_ms:.3f}", f"{cost.all_ms:.3f}"
        name = "  " * cost.depth + cost.name
        table.add_row(*figures, f"{cost.all_ms / frame_ms:.0%}", name.replace("[", "\\["))
    return table


def _title(plan: FramePlan) -> str:
    halls = f"{len(plan.seeds)} simulated hall{'' if len(plan.seeds) == 1 else 's'}"
    planes = "from main memory" if plan.cold else "just written"
    return (
        f"{plan.size[0]}×{plan.size[1]} at {plan.fps:g} frames a second, {halls}, planes {planes}\n"
        f"one thread of {in_words()}"
    )


def _figures(taken: Spread | None) -> tuple[str, ...]:
    if taken is None:
        return ("0", *5 * ["–"])
    values = (taken.mean_ms, taken.p50_ms, taken.p99_ms, taken.wall_mean_ms, taken.wall_p99_ms)
    return (f"{taken.n:,}", *(f"{v:.3f}" if v < 10 else f"{v:.1f}" for v in values))


def _ratio(taken: Spread | None, other: Spread | None) -> float | None:
    """How many times as long, by the means."""
    return None if taken is None or other is None else round(taken.mean_ms / other.mean_ms, 3)


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f}"
