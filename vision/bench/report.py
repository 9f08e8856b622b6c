"""The performance table: each figure as a ratio measured in the same run, the absolute beside it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from vision.bench.frames import FramePlan, FrameTimes
from vision.bench.machine import in_words
from vision.bench.network import HEIGHT_PX, WIDTH_PX
from vision.bench.profile import Cost
from vision.bench.stopwatch import Spread, spread


@dataclass(frozen=True)
class Report:
    """All that one run measured."""

    plan: FramePlan
    frames: FrameTimes


@dataclass(frozen=True, slots=True)
class Row:
    """One thing whose time was taken. `aim` is what it ought to reach, `note` why there is nothing, in words."""

    name: str
    spread: Spread | None
    aim: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ratios:
    """A mean beside those of the yardsticks of the same run: `of_floor` and `of_decoding` are how many times as
    long, `network` how many times faster than the neural network."""

    of_floor: float | None
    of_decoding: float | None
    network: float | None


def rows(report: Report) -> list[Row]:
    """Every row of the table, in its order."""
    times, beside = report.frames, report.frames.yardsticks
    return [
        Row("a frame in play", spread(times.situations["play"]), "mean ≤ 2.5, p99 ≤ 8, ÷ ≥ 10"),
        Row("a frame at rest, nobody over the bed", spread(times.situations["rest"]), "mean ≤ 0.5"),
        Row("a frame at rest, people over the bed", spread(times.situations["people"])),
        Row("the first frame: the cloth is learnt", spread(times.first)),
        Row("the others of the first second", spread(times.warming)),
        Row("floor: luma difference and 16 regions", spread(beside.both_floors())),
        Row("  luma difference", spread(beside.luma)),
        Row("  16 regions in colour", spread(beside.regions)),
        Row("decoding a frame (H.264)", spread(beside.decode)),
        Row(f"YOLO11n's network at {HEIGHT_PX}×{WIDTH_PX}", spread(beside.network), note=beside.missing or ""),
    ]


def ratios(taken: Spread | None, report: Report) -> Ratios:
    """How a row compares with the yardsticks."""
    beside = report.frames.yardsticks
    floor, decode, network = (spread(laps) for laps in (beside.both_floors(), beside.decode, beside.network))
    return Ratios(_ratio(taken, floor), _ratio(taken, decode), _ratio(network, taken))


def to_json(report: Report) -> dict[str, Any]:
    """The report as a JSON document."""
    return {
        "schema": 1,
        "machine": in_words(),
        "plan": asdict(report.plan),
        "rows": [_entry(row, report) for row in rows(report)],
    }


def _entry(row: Row, report: Report) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": row.name.strip(), "aim": row.aim or None, "note": row.note or None}
    if row.spread is not None:
        entry |= asdict(row.spread) | asdict(ratios(row.spread, report))
    return entry


def to_table(report: Report) -> Table:
    """The report as a person reads it."""
    table = Table(title=_title(report.plan), box=None, title_justify="left")
    table.add_column("milliseconds of CPU time", no_wrap=True)
    for name in ("n", "mean", "p50", "p99", "wall mean", "wall p99", "× floor", "× decode", "network ÷"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    for row in rows(report):
        beside = ratios(row.spread, report)
        compared = (_times(v) for v in (beside.of_floor, beside.of_decoding, beside.network))
        table.add_row(row.name, *_figures(row.spread), *compared, row.aim)
    return table


def notes(report: Report) -> list[str]:
    """What a reader of the table should know besides, a line each."""
    return [f"{row.name.strip()}: {row.note}" for row in rows(report) if row.note]


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
    return None if taken is None or other is None else round(taken.mean_ms / other.mean_ms, 4)


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f}" if ratio >= 0.1 else f"{ratio:.3f}"
