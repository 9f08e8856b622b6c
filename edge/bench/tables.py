"""What the box adds to the performance table: how late shots are stored, how much memory seeing takes."""

from collections.abc import Sequence

from rich.table import Table

from edge.bench.latency import Wait
from edge.bench.memory import MemoryPlan
from edge.bench.rss import MemoryReport


def waits_table(waits: Sequence[Wait], played: int) -> Table:
    """The delay of shots, part by part; `played` counts the true ones, found or not."""
    found = waits[0].n
    table = Table(title=f"shots: {found} of {played} played were found", title_justify="left", box=None)
    table.add_column("milliseconds", no_wrap=True)
    for name in ("n", "p50", "p95", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    for wait in waits:
        values = (wait.p50_ms, wait.p95_ms, wait.max_ms)
        table.add_row(wait.name, f"{wait.n:,}", *("–" if v is None else f"{v:.1f}" for v in values), wait.aim)
    return table


def memory_table(plan: MemoryPlan, report: MemoryReport) -> Table:
    """The vision process's memory as play went on."""
    play_s = report.frames / plan.fps
    table = Table(
        title=f"the vision process: {_told(play_s)} of play, {report.frames:,} frames of "
        f"{plan.size[0]}×{plan.size[1]}, {play_s / report.wall_s:.1f} times real time\n"
        f"{report.shots} shots stored, {report.dropped_frames} frames dropped",
        title_justify="left",
        box=None,
        min_width=90,
    )
    table.add_column("megabytes", no_wrap=True)
    for name in ("resident", "at most so far", "held by the pipeline"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    table.add_row("everything imported", f"{report.start_mb:.0f}")
    for mark in report.marks:
        values = (mark.resident_mb, mark.peak_mb, mark.pipeline_mb)
        when = f"after {_told(mark.t_s)}" if mark.t_s else "the table has been learnt"
        table.add_row(when, *(f"{value:.0f}" for value in values))
    table.add_row("at the end", f"{report.end_mb:.0f}", f"{report.peak_mb:.0f}", "", "≤ 250")
    return table


def imports_table(costs: Sequence[tuple[str, float]]) -> Table:
    """What each import adds."""
    table = Table(title="what importing takes", title_justify="left", box=None)
    table.add_column("package", no_wrap=True)
    table.add_column("megabytes", justify="right", no_wrap=True)
    for name, cost_mb in costs:
        table.add_row(name, f"{cost_mb:.1f}")
    table.add_row("all", f"{sum(cost_mb for _, cost_mb in costs):.1f}")
    return table


def _told(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"
