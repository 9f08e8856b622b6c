"""`ladder vision`: the service that watches the table."""

import logging
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.cli import Failure
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import SettingsError, load_settings
from edge.store.errors import StoreError
from vision.balls import ball_sets

_F = TypeVar("_F", bound=Callable[..., Any])


class Corners(click.ParamType):
    """Four nose corners in the picture, as `x,y x,y x,y x,y`."""

    name = "corners"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[float, float], ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = [float(n) for n in re.split(r"[,\s]+", value.strip())]
        except ValueError:
            numbers = []
        if len(numbers) != 8:
            self.fail(f"{value!r} is not four corners: write them as 'x,y x,y x,y x,y'", param, ctx)
        return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def data_option(function: _F) -> _F:
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        help="The data directory.  [default: $LADDER_DATA, else ~/.local/share/action-ladder]",
    )(function)


def camera_options(function: _F) -> _F:
    """The options that say what to watch; `ladder run` hands them on to `ladder vision`."""
    options = [
        click.option("--camera", metavar="sim|PATH", help="Where the pictures come from.  [default: settings]"),
        click.option(
            "--calibration",
            type=click.Path(dir_okay=False, path_type=Path),
            help="A file that ladder calibrate wrote.  [default: settings, else found in the pictures]",
        ),
        click.option("--table", metavar="SIZE", help="7ft, 8ft, 9ft, snooker or a size such as 92x46in."),
        click.option("--balls", type=click.Choice(["auto", *ball_sets()]), help="The ball set in play."),
        click.option(
            "--corners",
            type=Corners(),
            metavar='"x,y x,y x,y x,y"',
            help="The nose corners in the picture: origin, end of the long side, opposite, end of the short side.",
        ),
        click.option("--loop", is_flag=True, help="Play a recording again and again; its shots count anew."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@data_option
@camera_options
def vision(data: Path | None, **options: Any) -> None:
    """Watch the table: log every shot and show what is going on.

    Runs until it is stopped (Ctrl-C or SIGTERM). The store must be there: run `ladder migrate` first, or let
    `ladder run` do all of it.

    \b
    Example:
      ladder vision --data ./data --camera game.mp4 --table 8ft
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        unstored = _serve(box_paths(data), options, stop)
    except (SettingsError, StoreError, OSError, ValueError) as error:
        raise Failure(str(error)) from error
    if unstored:
        raise Failure(f"{unstored} shots wait in a file and are stored at the next start; see the log")


def _serve(paths: Paths, options: dict[str, Any], stop: threading.Event) -> int:
    # Imported here: `ladder vision --help` needs no decoder.
    from edge.runtime.shot_writer import ShotWriter  # noqa: PLC0415
    from edge.runtime.vision_parts import real_parts, wanted  # noqa: PLC0415
    from edge.runtime.vision_service import VisionService  # noqa: PLC0415
    from edge.store.database import Store  # noqa: PLC0415
    from edge.store.migrations import require_current  # noqa: PLC0415

    want = wanted(load_settings(paths.settings), paths, options)
    make_directories(paths)
    require_current(paths.store)
    with Store(paths.store) as store:
        writer = ShotWriter(store, paths.spools, paths.rejected_shots)
        return VisionService(real_parts(want), paths, writer).run(stop)
