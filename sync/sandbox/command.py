"""`ladder cloud sandbox`: the stand-in for Stripe, for a demo on a laptop."""

import sqlite3
from pathlib import Path

import click

from edge.cli import Failure
from edge.commands.options import cloud_data_option, stop_on_signals, why_not_listening

PORT = 8095
KEY = "sk_test_sandbox"  # as `sync.sandbox.sandbox.KEY`, which is not loaded for --help
TICK_S = 1.0


@click.command()
@click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Its SQLite file.  [default: sandbox.db in the data directory]",
)
@cloud_data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option("--key", default=KEY, show_default=True, help="The key that is taken; it begins with sk_test_.")
@click.option(
    "--address", metavar="URL", help="How people reach its pages, a phone too.  [default: http://localhost:PORT]"
)
def sandbox(*, db: Path | None, data: Path, host: str, port: int, key: str, address: str | None) -> None:
    """A stand-in for Stripe: its API, its Checkout and portal pages, and a clock that can be turned. No money
    moves.

    \b
    Example:
      ladder cloud sandbox --data ./cloud
      ladder cloud sandbox --host 0.0.0.0 --address http://192.168.1.20:8095
    """
    from sync.sandbox.app import create_app  # noqa: PLC0415 (not for --help)
    from sync.sandbox.control import token_of  # noqa: PLC0415
    from sync.sandbox.sandbox import Sandbox  # noqa: PLC0415
    from sync.sandbox.serve import Served  # noqa: PLC0415
    from sync.sandbox.webhooks import Sender  # noqa: PLC0415

    path = db or data / "sandbox.db"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = Sandbox(path, key=key, address=(address or f"http://localhost:{port}").rstrip("/"))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise Failure(f"{path} can't be opened: {error}") from error
    try:
        served = Served(create_app(found), host, port)
    except OSError as error:
        found.close()
        raise Failure(why_not_listening(error, host, port)) from error
    sender = Sender(found.outbox)
    sender.start()
    click.echo(
        f"The sandbox is at {found.address} and keeps its data in {path}. No money moves. Ctrl-C stops it.",
        err=True,
    )
    click.echo(f"Key: {key}. Control from elsewhere: {token_of(found)}", err=True)
    with stop_on_signals() as stop:
        while not stop.wait(TICK_S):
            found.tick()
    sender.stop()
    served.shut()
    found.close()
