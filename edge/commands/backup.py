"""`ladder backup`: snapshots taken, listed and put back by hand."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.cli import Failure
from edge.commands.options import data_option
from edge.locks import LockHeldError, file_lock
from edge.runtime.paths import Paths, box_paths
from edge.store.errors import StoreError

if TYPE_CHECKING:
    from edge.backup import Restored, Snapshot


@click.command()
@data_option
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Copy it to this directory as well.")
@click.option("--list", "listing", is_flag=True, help="The snapshots there are, the newest first.")
@click.option("--restore", "name", metavar="STAMP", help="Put that snapshot back, with the box stopped.")
@click.option("--yes", is_flag=True, help="Restore, and ask nothing.")
def backup(data: Path | None, to: Path | None, listing: bool, name: str | None, yes: bool) -> None:
    """Take a snapshot of the box, list them, or put one back.

    A snapshot is a copy of the store and of what belongs to it, taken while the box runs; `ladder jobs` takes one
    every night. Restoring keeps the store that is there, in damaged/ of the data directory.

    \b
    Examples:
      ladder backup
      ladder backup --to /media/stick
      ladder backup --list
      ladder backup --restore 2026-10-31T080000Z --yes
    """
    from edge.backup import BackupError  # noqa: PLC0415 (not for --help)

    if sum((to is not None, listing, name is not None)) > 1:
        raise click.UsageError("--to, --list and --restore: take a snapshot, list them, or put one back")
    paths = box_paths(data)
    try:
        if listing:
            _list(paths)
        elif name is not None:
            _restore(paths, name, yes)
        else:
            _take(paths, to)
    except (BackupError, StoreError, OSError) as error:
        raise Failure(str(error)) from error


def _list(paths: Paths) -> None:
    from edge.backup import snapshots  # noqa: PLC0415 (not for --help)

    known = snapshots(paths)
    for one in known:
        click.echo(_line(one))
    if not known:
        click.echo("no snapshot yet")


def _take(paths: Paths, to: Path | None) -> None:
    from edge.backup import pack, take, unpack  # noqa: PLC0415 (not for --help)

    made = take(paths, datetime.now(UTC))
    click.echo(_line(made))
    if to is not None:
        click.echo(f"copied to {unpack(pack(made), to).path}")


def _restore(paths: Paths, name: str, yes: bool) -> None:
    from edge.backup import find, restore  # noqa: PLC0415 (not for --help)

    one = find(paths, name)
    if not yes:
        raise click.UsageError(
            f"what happened since {one.taken_at} would be gone from this box, though kept in {paths.damaged}:"
            " say --yes to go on"
        )
    try:
        with file_lock(paths.running), file_lock(paths.watching):
            done = restore(paths, one, now=datetime.now(UTC))
    except LockHeldError as error:
        raise Failure(f"the box runs: stop ladder run, or the services, first ({error})") from error
    _tell(one, done)


def _tell(one: "Snapshot", done: "Restored") -> None:
    click.echo(f"{one.name} is in place; the store that was there is in {done.aside}")
    for name in done.put_back:
        click.echo(f"{name} was missing and is put back")
    for name in done.differing:
        click.echo(f"{name} is not the snapshot's, and stays: {one.path / name} is there to compare")


def _line(one: "Snapshot") -> str:
    return f"{one.name}  {one.size / 1e6:,.1f} MB  by version {one.version}"
