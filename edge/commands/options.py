"""What several service commands share."""

import errno
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.runtime.paths import data_home

_F = TypeVar("_F", bound=Callable[..., Any])


def data_option(function: _F) -> _F:
    """Adds `--data`, which gives a Path or None for the default."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="The data directory.  [default: $LADDER_DATA, else ~/.local/share/action-ladder]",
    )(function)


def cloud_data_option(function: _F) -> _F:
    """Adds `--data` of the commands that run elsewhere, on no box; gives a Path."""
    return click.option(
        "--data",
        envvar="LADDER_CLOUD_DATA",
        type=click.Path(file_okay=False, path_type=Path),
        callback=lambda _ctx, _param, data: data or data_home("action-ladder-cloud"),
        help="The data directory.  [default: $LADDER_CLOUD_DATA, else ~/.local/share/action-ladder-cloud]",
    )(function)


def why_not_listening(error: OSError, host: str, port: int, other: str = "another with --port") -> str:
    """Why nothing can listen there, and what to do; `other` is what to choose."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use: stop what uses it, or choose {other}"
    if error.errno == errno.EACCES:
        return f"port {port} may only be used by root: choose {other}, above 1023"
    return f"{host} port {port} can't be listened on: {error.strerror or error}"


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set inside the block."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
