"""What `ladder cloud --demo` does: makes the demo where there is none, says where it is, and serves it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from edge.cli import Failure
from edge.demo.people import HALL, OWNER_EMAIL, OWNER_PASSWORD
from sync.cloud.db import StoreError as CloudStoreError
from sync.cloud.server import listen
from sync.cloud.site import parse_site
from sync.cloud_link import CloudLinkError
from sync.demo.place import DemoError, DemoPlace, Told, config_of, held, made, tell_box
from sync.demo.serving import DemoServer, free_port

MAKING = f"Making {HALL} and months of its sessions"
WIDTH = 30


@dataclass(frozen=True, slots=True)
class Door:
    """Where the demo listens, and how its cloud is reached; without an address from this machine alone."""

    host: str
    port: int
    sandbox_port: int
    address: str | None = None


def make(data: Path) -> DemoPlace:
    """Makes the demo of a data directory where there is none, and shows how far that is. Raises Failure."""
    from edge.store.errors import StoreError  # noqa: PLC0415 (not for who only reads)

    try:
        return made(data, _bar())
    except ImportError as error:
        raise Failure('the demo needs stripe: pip install "action-ladder[cloud]"') from error
    except (DemoError, CloudStoreError, StoreError, OSError) as error:
        raise Failure(str(error)) from error


def serve(data: Path, door: Door) -> None:
    """Serves until Ctrl-C. Raises Failure, click.UsageError."""
    place = make(data)
    try:
        with held(place):
            _serve(place, door)
    except (DemoError, CloudLinkError, OSError) as error:
        raise Failure(str(error)) from error


def _serve(place: DemoPlace, door: Door) -> None:
    port = free_port(door.host, door.port)
    sandbox_port = free_port(door.host, door.sandbox_port, frozenset({port}))
    for wanted, got in ((door.port, port), (door.sandbox_port, sandbox_port)):
        if wanted != got:
            click.echo(f"Port {wanted} is in use: {got} is taken in its place.")
    try:
        site = parse_site(door.address or f"http://localhost:{port}")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    sandbox = f"http://{urlsplit(site.address).hostname}:{sandbox_port}"
    config = config_of(place, sandbox)
    tell_box(place, site.address)
    listener = listen(door.host, port)
    click.echo(f"Owner's page: {site.address}    sign in as {OWNER_EMAIL} with the password {OWNER_PASSWORD}")
    click.echo(f"Sandbox of Stripe: {sandbox}    no money moves; its buttons turn the demo's clock")
    click.echo(f"The demo is in {place.folder}. Ctrl-C stops it.")
    DemoServer(place, site, listener, config, (door.host, sandbox_port)).run()


def _bar() -> Told:
    """One line that fills; where no terminal is, two lines that say when it began and ended."""
    shown = [-1]

    def told(share: float) -> None:
        if not sys.stderr.isatty():
            if share in (0.0, 1.0):
                click.echo(f"{HALL} is made." if share else f"{MAKING} …", err=True)
            return
        done = round(WIDTH * share)
        if done != shown[0]:
            shown[0] = done
            bar = "█" * done + "·" * (WIDTH - done)
            click.echo(f"\r{MAKING}  {bar} {share:4.0%}", nl=share == 1.0, err=True)

    return told
