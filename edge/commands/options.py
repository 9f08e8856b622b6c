"""What several service commands share."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


def data_option(function: _F) -> _F:
    """Adds `--data`, which gives a Path or None for the default."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="The data directory.  [default: $LADDER_DATA, else ~/.local/share/action-ladder]",
    )(function)


def stop_on_signals() -> threading.Event:
    """An event that is set by Ctrl-C and by SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
