"""`ladder sync`, `ladder enrol` and `ladder boxes`: a box in its hall."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from edge.cli import Failure
from edge.commands.options import data_option, stop_on_signals
from edge.hall import devices
from edge.hall.devices import DeviceError, new_code, shown_code
from edge.hall.keys import KeysError
from edge.runtime.damage_watch import leaving_when_damaged
from edge.runtime.notify import Turns, database_answers, heartbeat
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.runtime.units import begin_anew, is_run
from edge.settings import Settings, SettingsError, load_settings
from edge.store import changes, inbox
from edge.store.database import Store
from edge.store.errors import StoreError
from edge.store.migrations import require_current
from sync import cloud_link, enrolment, health
from sync.cloud_link import CloudLinkError
from sync.cloud_service import CloudService
from sync.enrolment import HUB_PORT, EnrolmentError
from sync.hub_client import FAILURES
from sync.hub_file import HubFileError
from sync.table_service import TableService

TURN_S = 300.0  # a turn that sends everything and hears everything


@click.command()
@data_option
def sync(data: Path | None) -> None:
    """Tell the hub what happens at this table, and hear what holds for the hall.

    It may run at any box: where nothing is to be told it waits. What can't be sent waits in the store.

    \b
    Example:
      ladder sync --data ./data
    """
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    with (
        _opened(data) as (paths, settings, store),
        stop_on_signals() as stop,
        leaving_when_damaged(paths.store, stop),
    ):
        turns = Turns(TURN_S)
        table = TableService(paths, store, says=lambda: what_it_says(paths))
        cloud = CloudService(paths, store, settings, says=lambda: what_it_says(paths))
        with heartbeat(turns, database_answers(store), status=lambda: f"{table.status}; {cloud.status}"):
            while not stop.wait(min(table.wait_s, cloud.wait_s)):
                turns.allow(TURN_S)
                table.turn(time.monotonic())
                cloud.turn(time.monotonic())


@click.command()
@data_option
@click.argument("code", required=False)
@click.option("--hub", "address", help=f"The hub's address, with its port where that is not {HUB_PORT}.")
@click.option("--for", "label", help="At the hub: a code for the box of the table of that label.")
@click.option("--cloud", help="The cloud's address, with a code that ladder cloud code has made.")
def enrol(data: Path | None, code: str | None, address: str | None, label: str | None, cloud: str | None) -> None:
    """Take a box into a hall: make a code at the hub, and type it at the box within half an hour. Or a hall into
    the cloud.

    \b
    Examples:
      ladder enrol --for "Table 3"                       at the hub: prints a code
      ladder enrol ABCD-EFGH-JKLM --hub 192.168.1.20     at the box of Table 3
      ladder enrol ABCD-EFGH-JKLM --cloud https://ladder.example.com
    """
    with _opened(data) as (paths, settings, store):
        if label is not None and (code, address, cloud) == (None, None, None):
            _make_code(store, settings, label)
        elif code is not None and address is not None and (label, cloud) == (None, None):
            _enrol(paths, store, settings, code, address)
        elif code is not None and cloud is not None and (label, address) == (None, None):
            _enrol_at_cloud(paths, store, code, cloud)
        else:
            raise click.UsageError(
                'at the hub: ladder enrol --for "Table 3"; at the box: ladder enrol CODE --hub ADDRESS'
            )


@click.command()
@data_option
@click.option("--force", is_flag=True, help="Though the hub answers: it must be stopped at once after.")
def promote(data: Path | None, force: bool) -> None:
    """Make this table the hall's hub: the one that keeps a copy of it. Under systemd stop its services first.

    The other tables find it by themselves and tell it again what it has not heard. Stop the old hub for good; it
    can come back as a table, with an empty data directory and a code of the new hub.

    \b
    Example:
      ladder promote --data ./data
    """
    from sync.promotion import PromotionError  # noqa: PLC0415 (not for --help)
    from sync.promotion import promote as make_hub  # noqa: PLC0415

    paths = box_paths(data)
    try:
        load_settings(paths.settings)
        by_itself = is_run(paths)
        done = make_hub(paths, datetime.now(UTC), force=force)
    except (PromotionError, SettingsError, StoreError, HubFileError, OSError) as error:
        raise Failure(str(error)) from error
    click.echo("This box is the hub now.")
    click.echo(
        f"{done.added} facts were added that the old hub had not heard. The table's store is in {done.aside}."
    )
    click.echo(f"{begin_anew(paths, by_itself=by_itself)} The other tables find it within a minute or two.")


@click.command()
@data_option
@click.option("--remove", metavar="LABEL", help="The box of that table belongs to the hall no more.")
def boxes(data: Path | None, remove: str | None) -> None:
    """The hall's boxes, at its hub: which live, how far behind they are, and what of theirs is set aside.

    \b
    Examples:
      ladder boxes
      ladder boxes --remove "Table 3"
    """
    with _opened(data) as (_, _, store):
        if remove is not None:
            _remove(store, remove)
        with store.read() as conn:
            found = devices.devices(conn)
            aside = inbox.waiting(conn)
        now = datetime.now(UTC)
        for box in found:
            click.echo(f"{box.table_label:12}  {health.heard_of(box, now)}")
        if not found:
            click.echo("No other box is enrolled.")
        for one in aside:
            whose = _label(found, one.device)
            click.echo(f"set aside ({one.fate}): fact {one.seq} of {whose}, {one.fact.kind}: {one.why}")


def what_it_says(paths: Paths) -> dict[str, Any]:
    """What a box says of itself at a hello: its version, and what its health checks found worst."""
    settings = load_settings(paths.settings)
    return {
        "version": version("action-ladder"),
        "hub_port": settings.hub.port or HUB_PORT,
        "table_label": settings.table.label,
        "table_size": settings.table.size,
        **health.in_short(paths),
    }


def _make_code(store: Store, settings: Settings, label: str) -> None:
    if not settings.hub.port:
        raise Failure(
            f"this box is no hub of others: set port = {HUB_PORT} in [hub] of settings.toml and start it again"
        )
    with store.write() as conn:
        if changes.role_of(conn) == "table":
            raise Failure("this box is a table of a hall: codes are made at its hub")
        code = new_code(conn, label, datetime.now(UTC))
    port = "" if settings.hub.port == HUB_PORT else f":{settings.hub.port}"
    click.echo(f"{shown_code(code)}\n\nType at the box of {label}, within half an hour:")
    click.echo(f"  ladder enrol {shown_code(code)} --hub ADDRESS{port}")


def _enrol(paths: Paths, store: Store, settings: Settings, code: str, address: str) -> None:
    try:
        hub = enrolment.enrol(paths, store, address, code, settings.table.label)
    except DeviceError as error:
        raise Failure("that is no code: it has twelve letters and digits, as the hub has shown it") from error
    except (EnrolmentError, KeysError, HubFileError) as error:
        raise Failure(str(error)) from error
    anew = begin_anew(paths, by_itself=is_run(paths))
    click.echo(f"{hub.table_label} belongs to {hub.hall} now. {anew}")


def _enrol_at_cloud(paths: Paths, store: Store, code: str, address: str) -> None:
    with store.read() as conn:
        if changes.role_of(conn) == "table":
            raise Failure("this box is a table of a hall: its hub speaks to the cloud")
    try:
        cloud = cloud_link.enrol(paths.cloud, store, address, code)
    except DeviceError as error:
        raise Failure("that is no code: it has twelve letters and digits, as the cloud has shown it") from error
    except (CloudLinkError, *FAILURES) as error:
        raise Failure(str(error)) from error
    anew = begin_anew(paths, by_itself=is_run(paths))
    click.echo(f"{cloud.hall} is known at {cloud.address} now. {anew}")


def _remove(store: Store, label: str) -> None:
    with store.write() as conn:
        box = devices.device_at(conn, label)
        if box is None or not devices.remove_device(conn, box.id, None, datetime.now(UTC)):
            raise Failure(f"no box of {label} is enrolled")
    click.echo(f"The box of {label} is not listened to any more.")


def _label(found: list[devices.Device], device: str) -> str:
    return next((box.table_label for box in found if box.id == device), device)


@contextmanager
def _opened(data: Path | None) -> Iterator[tuple[Paths, Settings, Store]]:
    paths = box_paths(data)
    try:
        settings = load_settings(paths.settings)
        require_current(paths.store)
        make_directories(paths)
        with Store(paths.store) as store:
            yield paths, settings, store
    except (SettingsError, StoreError, OSError) as error:
        raise Failure(str(error)) from error
