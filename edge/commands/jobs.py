"""`ladder jobs`: the service that does what the calendar asks for."""

import logging
import os
import sys
import threading
from pathlib import Path

import click

from edge.cli import Failure
from edge.commands.options import data_option, stop_on_signals
from edge.locks import LockHeldError, file_lock
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.settings import SettingsError, load_settings
from edge.store.errors import StoreError

HANDOVER_S = 5.0  # the one before may still be ending


@click.command()
@data_option
def jobs(data: Path | None) -> None:
    """Do the box's calendar work: a snapshot every night, upkeep of the store, room on the disk.

    Looks once a minute what is due and was not done, so nothing is missed while the box is off, and nothing is
    done twice when the clock jumps. The store must be there: run `ladder migrate` first, or let `ladder run` do
    all of it.

    \b
    Example:
      ladder jobs --data ./data
    """
    from edge.jobs.service import JobHangsError  # noqa: PLC0415 (not for --help)

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with stop_on_signals() as stop:
            _serve(box_paths(data), stop)
    except LockHeldError as error:
        raise Failure("another ladder jobs works for this box: stop it first") from error
    except JobHangsError as error:
        click.echo(f"ladder: {error}", err=True)
        sys.stderr.flush()
        os._exit(1)  # a usual end would wait for the thread that hangs
    except (SettingsError, StoreError, OSError) as error:
        raise Failure(str(error)) from error


def _serve(paths: Paths, stop: threading.Event) -> None:
    from edge.hall.pins import this_moment  # noqa: PLC0415 (not for --help)
    from edge.jobs.lights import at_the_pins  # noqa: PLC0415
    from edge.jobs.registry import all_jobs  # noqa: PLC0415
    from edge.jobs.service import serve  # noqa: PLC0415
    from edge.jobs.ticker import Ticker  # noqa: PLC0415
    from edge.runtime.damage_watch import leaving_when_damaged  # noqa: PLC0415
    from edge.runtime.notify import Turns, database_answers, heartbeat  # noqa: PLC0415
    from edge.store.database import Store  # noqa: PLC0415
    from edge.store.migrations import require_current  # noqa: PLC0415

    settings = load_settings(paths.settings)
    make_directories(paths)
    require_current(paths.store)
    turns = Turns()
    with (
        file_lock(paths.working, timeout_s=HANDOVER_S),
        Store(paths.store) as store,
        heartbeat(turns, database_answers(store), status=lambda: "waiting for what is due"),
        leaving_when_damaged(paths.store, stop),
        at_the_pins(paths, settings, store),
    ):
        boot = this_moment().boot
        serve(
            lambda allow, stopping: Ticker(
                all_jobs(), paths, settings, store, boot=boot, allow=allow, stopping=stopping
            ),
            turns,
            stop,
        )
