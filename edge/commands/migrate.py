"""`ladder migrate`: the one place where the store's schema changes."""

from pathlib import Path

import click

from edge.cli import Failure
from edge.commands.options import data_option
from edge.runtime.paths import box_paths
from edge.store.errors import StoreError


@click.command()
@data_option
def migrate(data: Path | None) -> None:
    """Make the box's store, or bring it to this version's schema.

    Run it before the services start; `ladder run` does. It is safe to run again, and from several processes.

    \b
    Example:
      ladder migrate --data ./data
    """
    from edge.store.migrations import migrate as apply  # noqa: PLC0415 (not for --help)

    path = box_paths(data).store
    try:
        applied = apply(path)
    except StoreError as error:
        raise Failure(str(error)) from error
    click.echo(f"{path}: {', '.join(applied)} applied" if applied else f"{path}: nothing to do")
