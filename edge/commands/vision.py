"""`ladder vision`: the service that watches the table."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from edge.cli import Failure
from edge.commands.options import data_option, stop_on_signals
from edge.commands.table_options import TableOptions, table_options
from edge.locks import LockHeldError, file_lock
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import SettingsError, load_settings
from edge.store.errors import StoreError
from vision.balls import ball_sets

# So long the next service waits for the one before it to end. Two at once would count every shot twice.
HANDOVER_S = 3.0

_F = TypeVar("_F", bound=Callable[..., Any])


def camera_options(function: _F) -> _F:
    """Adds what says what to watch; `ladder run` hands it on to `ladder vision`."""
    options = (
        click.option(
            "--camera",
            metavar="sim|PATH|/dev/videoN|picamera",
            help="Where the pictures come from.  [default: settings]",
        ),
        click.option("--balls", type=click.Choice(["auto", *ball_sets()]), help="The ball set in play."),
        click.option("--loop", is_flag=True, help="Play a recording again and again; its shots count anew."),
    )
    function = table_options(function)
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@data_option
@camera_options
def vision(data: Path | None, where: TableOptions, camera: str | None, balls: str | None, loop: bool) -> None:
    """Watch the table: log every shot and show what is going on.

    Runs until it is stopped (Ctrl-C or SIGTERM). The store must be there: run `ladder migrate` first, or let
    `ladder run` do all of it.

    \b
    Example:
      ladder vision --data ./data --camera game.mp4 --table 8ft
    """
    from edge.runtime.vision_service import CameraHangsError  # noqa: PLC0415 (not for --help)

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with stop_on_signals() as stop:
            unstored = _serve(box_paths(data), where, camera, balls, loop, stop)
    except LockHeldError as error:
        raise Failure("another ladder vision watches this table: stop it first") from error
    except CameraHangsError as error:
        _leave_at_once(str(error))
    except (SettingsError, StoreError, OSError) as error:
        raise Failure(str(error)) from error
    if unstored:
        raise Failure(f"{unstored} shots wait in a file and are stored at the next start; see the log")


def _leave_at_once(why: str) -> NoReturn:
    """A usual end would wait for the thread, or for libcamera, that hangs."""
    click.echo(f"ladder: {why}", err=True)
    sys.stderr.flush()
    os._exit(1)


def _serve(  # noqa: PLR0917 (they are the command's options)
    paths: Paths,
    where: TableOptions,
    camera: str | None,
    balls: str | None,
    loop: bool,
    stop: threading.Event,
) -> int:
    # Imported here: `ladder vision --help` needs no decoder.
    from edge.bookkeeper import Bookkeeper  # noqa: PLC0415
    from edge.runtime.damage_watch import leaving_when_damaged  # noqa: PLC0415
    from edge.runtime.frugal import be_frugal  # noqa: PLC0415
    from edge.runtime.notify import database_answers, heartbeat  # noqa: PLC0415
    from edge.runtime.shot_writer import ShotWriter  # noqa: PLC0415
    from edge.runtime.vision_parts import Wanted, real_parts, wanted  # noqa: PLC0415
    from edge.runtime.vision_service import VisionService  # noqa: PLC0415
    from edge.store.database import Store  # noqa: PLC0415
    from edge.store.migrations import require_current  # noqa: PLC0415

    be_frugal()
    settings = load_settings(paths.settings)
    given = Wanted(camera or settings.camera.source, where, balls or settings.table.balls, loop)
    make_directories(paths)
    require_current(paths.store)
    with file_lock(paths.watching, timeout_s=HANDOVER_S), Store(paths.store) as store:
        writer = ShotWriter(store, paths.spools, paths.rejected_shots, bookkeeper=Bookkeeper(store))
        parts = real_parts(wanted(settings, paths, given, camera))
        service = VisionService(parts, paths, writer)
        heart = heartbeat(*service.checks, database_answers(store), status=lambda: service.status)
        with heart, leaving_when_damaged(paths.store, stop):
            unstored = service.run(stop)
        if writer.left_behind:
            _leave_at_once("the disk hangs: what was not stored is in a file, and the service starts again")
        return unstored
