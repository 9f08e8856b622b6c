"""`ladder migrate`: the one place where the store's schema changes, and where a damaged store is mended."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge.cli import Failure
from edge.commands.options import data_option
from edge.runtime.paths import box_paths
from edge.store.errors import StoreError


@click.command()
@data_option
@click.option("--start-anew", is_flag=True, help="An empty store in place of a damaged one, which is kept aside.")
def migrate(data: Path | None, start_anew: bool) -> None:
    """Make the box's store, mend it where it is damaged, or bring it to this version's schema.

    Run it before the services start; `ladder run` does. It is safe to run again, and from several processes. A
    damaged store is kept in damaged/, and the last snapshot takes its place, with all shots that can still be
    read.

    \b
    Example:
      ladder migrate --data ./data
    """
    from edge.store.recovery import prepare  # noqa: PLC0415 (not for --help)

    paths = box_paths(data)
    path = paths.store
    try:
        applied = prepare(paths, datetime.now(UTC), say=_say, start_anew=start_anew)
    except (StoreError, OSError) as error:
        raise Failure(str(error)) from error
    click.echo(f"{path}: {', '.join(applied)} applied" if applied else f"{path}: nothing to do")


def _say(line: str) -> None:
    click.echo(f"ladder: {line}", err=True)
