"""The bar that commands show on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class Told(Protocol):
    """Is told how much is done, and of how much in all where that is known only now."""

    def __call__(self, done: float, total: float | None = None, /) -> None: ...


@contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Told | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def told(done: float, total: float | None = None, /) -> None:
            bar.update(task, completed=done, total=total)  # a total of None leaves the one before

        yield told
