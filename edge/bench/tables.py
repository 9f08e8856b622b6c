"""What the box adds to the performance table: how late shots are stored."""

from collections.abc import Sequence

from rich.table import Table

from edge.bench.latency import Wait


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
