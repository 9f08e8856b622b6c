"""Where a cloud keeps its data, for all commands of `ladder cloud`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from edge.cli import Failure


@dataclass(frozen=True, slots=True)
class Where:
    """Where the cloud's database is, and its data directory."""

    database: str
    data: Path


def require_extra() -> None:
    """Says what is to be installed where the packages that a cloud needs are not there."""
    if find_spec("msgspec") is None:
        raise Failure('the cloud needs packages that a box has no use for: pip install "action-ladder[cloud]"')


@contextmanager
def database(where: Where) -> Iterator[Any]:
    """The database with its tables as this version wants them."""
    from sync.cloud.db import StoreError, opened  # noqa: PLC0415
    from sync.cloud.halls import HallError  # noqa: PLC0415
    from sync.cloud.schema import migrate  # noqa: PLC0415

    try:
        with opened(where.database) as db:
            for step in migrate(db):
                click.echo(f"ladder: {step} applied", err=True)
            yield db
    except (StoreError, HallError) as error:
        raise Failure(str(error)) from error
