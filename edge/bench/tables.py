"""What the box adds to the performance table: how late shots are stored, how much memory seeing takes, how fast
pages are."""

from collections.abc import Sequence

from rich.table import Table

from edge.bench.latency import Wait
from edge.bench.memory import MemoryPlan
from edge.bench.page_report import (
    AIM_EVENT_MS,
    AIM_MEDIAN_MS,
    AIM_P99_MS,
    AIM_WEIGHT_KB,
    PagesReport,
    PageTimes,
    Spread,
)
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


def pages_table(report: PagesReport) -> Table:
    """The pages, the slowest first, and below them the empty one."""
    hall = report.hall
    table = Table(
        title=f"pages of a hall with {hall.shots:,} shots, {hall.players:,} players, {hall.matches:,} matches of "
        f"{hall.months} months; who asks has {hall.big_shots:,} shots\n"
        f"milliseconds of {report.rounds} answers each, alone and with {report.streams} pages open",
        title_justify="left",
        box=None,
    )
    table.add_column("page", no_wrap=True)
    table.add_column("at the table", no_wrap=True)
    for name in ("median", "p99", "open: median", "p99", "× empty", "kB sent"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"aim: ≤ {AIM_MEDIAN_MS:g}, {AIM_P99_MS:g}", no_wrap=True)
    for page in sorted(report.pages, key=lambda page: -page.busy.median_ms):
        table.add_row(*_page_cells(page, report), "" if page.meets_aims or not page.has_aims else "missed")
    table.add_row(*_page_cells(report.empty, report), "empty")
    return table


def events_table(report: PagesReport) -> Table:
    """What a shot takes to reach the pages that are open, and what the first page weighs."""
    table = Table(title="beside the pages", title_justify="left", box=None)
    table.add_column("", no_wrap=True)
    for name in ("n", "median", "p99", "aim"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("stored row → card on a page, ms", *_spread_cells(report.events), f"≤ {AIM_EVENT_MS:g}")
    table.add_row("storing and entering a shot, ms", *_spread_cells(report.booking), "")
    table.add_row("entering a result at the counter, ms", *_spread_cells(report.results), f"≤ {AIM_MEDIAN_MS:g}")
    table.add_row("live states a second on a page", "", f"{report.live_per_s:.1f}", "", "")
    weight = f"{report.check_in_kb:.0f}"
    table.add_row("check-in with all it loads, kB", "", weight, "", f"≤ {AIM_WEIGHT_KB:g}")
    return table


def _page_cells(page: PageTimes, report: PagesReport) -> list[str]:
    times = (page.alone.median_ms, page.alone.p99_ms, page.busy.median_ms, page.busy.p99_ms)
    sent_kb = f"{page.sent_bytes / 1000:.1f}"
    return [page.path, page.seat, *(f"{ms:.1f}" for ms in times), f"{report.times_empty(page):.1f}", sent_kb]


def _spread_cells(spread: Spread) -> tuple[str, str, str]:
    return f"{spread.n:,}", f"{spread.median_ms:.0f}", f"{spread.p99_ms:.0f}"


def _told(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"
