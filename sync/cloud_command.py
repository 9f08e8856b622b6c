"""`ladder cloud`: the endpoint elsewhere, and what its owner does at it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from edge.cli import Failure
from edge.commands.options import cloud_data_option, why_not_listening
from sync.cloud_money_command import link, plan, stripe, token
from sync.cloud_place import Where, database, require_extra
from sync.sandbox.command import PORT as SANDBOX_PORT
from sync.sandbox.command import sandbox

if TYPE_CHECKING:
    from sync.cloud.stripe_config import StripeConfig

PORT = 8090


@click.group(
    invoke_without_command=True,
    epilog='Examples: ladder cloud --data ./cloud · ladder cloud code --hall "Chalk City" · ladder cloud --demo',
)
@click.option(
    "--db",
    envvar="LADDER_CLOUD_DB",
    metavar="ADDRESS",
    help="postgresql://… or a SQLite file.  [default: $LADDER_CLOUD_DB, else cloud.db in the data directory]",
)
@cloud_data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option(
    "--address",
    envvar="LADDER_CLOUD_ADDRESS",
    metavar="URL",
    help="How halls and owners reach it, such as https://ladder.example.com.  [default: http://localhost:PORT]",
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Whose X-Forwarded-Proto and X-Forwarded-For are believed: the address or network of a reverse proxy.",
)
@click.option("--demo", is_flag=True, help="A demo of its own under --data, with a sandbox of Stripe beside it.")
@click.option(
    "--sandbox-port", type=click.IntRange(1, 65535), default=SANDBOX_PORT, show_default=True, help="Of the demo."
)
@click.pass_context
def cloud(
    ctx: click.Context,
    *,
    db: str | None,
    data: Path,
    host: str,
    port: int,
    address: str | None,
    proxies: tuple[str, ...],
    demo: bool,
    sandbox_port: int,
) -> None:
    """The endpoint elsewhere: hubs of many halls tell it aggregates, their owner sees them.

    Without a command it makes its tables and serves, until Ctrl-C. TLS is for a reverse proxy in front of it.
    """
    require_extra()
    if demo:
        _demo(ctx, data, host, (port, sandbox_port))
        return
    ctx.obj = Where(db or str(data / "cloud.db"), data)
    if ctx.invoked_subcommand is None:
        _serve(ctx.obj, host, port, address or f"http://localhost:{port}", proxies)


for _command in (stripe, plan, link, token, sandbox):
    cloud.add_command(_command)


@cloud.command("code")
@click.option("--hall", required=True, help="The hall's name; a new one is made.")
@click.pass_obj
def code(where: Where, hall: str) -> None:
    """A one-time code for the hub of a hall, good for 30 minutes.

    \b
    Example:
      ladder cloud code --hall "Chalk City"
    """
    from edge.clock import stamp  # noqa: PLC0415
    from sync.cloud import codes, devices, halls  # noqa: PLC0415

    now = datetime.now(UTC)
    with database(where) as db, db.write() as conn:
        found, new = halls.find_or_make(conn, hall, stamp(now))
        made = devices.new_code(conn, found, now)
    click.echo(f"{found.name}{' (a new hall)' if new else ''}: {codes.shown_code(made)}")
    click.echo("Type it at the hub of this hall within 30 minutes. It is good for one hub, once.")


@cloud.command("halls")
@click.pass_obj
def list_halls(where: Where) -> None:
    """The halls, and the hubs that are enrolled for them."""
    from sync.cloud import devices, halls  # noqa: PLC0415

    with database(where) as db, db.read() as conn:
        found = halls.halls(conn)
        hubs = devices.devices_of(conn, [hall.id for hall in found])
    if not found:
        click.echo('No hall yet: ladder cloud code --hall "Chalk City" makes one.')
    for hall in found:
        click.echo(hall.name)
        for hub in (hub for hub in hubs if hub.hall_id == hall.id):
            heard = "not heard of yet" if hub.seen_at is None else f"last heard of {hub.seen_at}"
            click.echo(f"  {hub.id}  {heard}")


@cloud.command("rename")
@click.argument("hall")
@click.argument("name")
@click.pass_obj
def rename(where: Where, hall: str, name: str) -> None:
    """Give a hall another name.

    \b
    Example:
      ladder cloud rename "Chalk Cty" "Chalk City"
    """
    from sync.cloud import halls  # noqa: PLC0415

    with database(where) as db, db.write() as conn:
        renamed = halls.rename(conn, hall, name)
    click.echo(f"The hall is called {renamed.name} now.")


@cloud.command("remove")
@click.argument("device")
@click.pass_obj
def remove(where: Where, device: str) -> None:
    """Listen to a hub no more; what it told stays. DEVICE is as `ladder cloud halls` lists it."""
    from sync.cloud import devices  # noqa: PLC0415

    with database(where) as db, db.write() as conn:
        done = devices.remove(conn, device, datetime.now(UTC))
    if not done:
        raise Failure(f"no hub {device} is enrolled: ladder cloud halls lists them")
    click.echo(f"{device} is removed.")


@cloud.command("owner")
@click.argument("email")
@click.option("--ask", is_flag=True, help="Ask for the password, in place of making one.")
@click.pass_obj
def owner(where: Where, email: str, ask: bool) -> None:
    """Let somebody sign in to the owner's page, or give them another password.

    \b
    Example:
      ladder cloud owner dana@example.com
    """
    from sync.cloud import owners  # noqa: PLC0415
    from sync.cloud.owners import OwnerError  # noqa: PLC0415

    try:
        email = owners.clean_email(email)
        prompted = click.prompt("Password", hide_input=True, confirmation_prompt=True) if ask else None
        password = prompted or owners.new_password()
        hashed = owners.hash_password(password)
    except OwnerError as error:
        raise Failure(str(error)) from error
    with database(where) as db, db.write() as conn:
        new = owners.keep(conn, email, hashed, datetime.now(UTC))
    click.echo(f"{email} {'may sign in now' if new else 'has another password now'}.")
    if prompted is None:
        click.echo(f"Password, shown this once: {password}")


@cloud.command("bench")
@click.option(
    "--batches", type=click.IntRange(8, 2000), default=40, show_default=True, help="Of 500 facts each, in eights."
)
@click.option(
    "--json", "json_out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it as JSON."
)
@click.pass_obj
def bench(where: Where, batches: int, json_out: Path | None) -> None:
    """How fast facts are taken in, as a ratio to bare inserts into the same tables in the same run.

    SQLite is measured in $TMPDIR; with a postgresql:// address PostgreSQL as well, in a schema of its own that is
    removed after.

    \b
    Example:
      ladder cloud --db postgresql://ladder@localhost/ladder bench
    """
    import json  # noqa: PLC0415

    from sync.bench import BenchError, measure  # noqa: PLC0415

    try:
        report = measure(where.database if "://" in where.database else None, batches)
        if json_out is not None:
            json_out.write_text(json.dumps(report.to_json(), indent=1), encoding="utf-8")
    except (BenchError, OSError) as error:
        raise Failure(str(error)) from error
    click.echo(report.in_words())


@cloud.command("bench-months")
@click.option("--halls", type=click.IntRange(10, 100_000), default=10_000, show_default=True)
@click.option("--players", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Of each hall.")
@click.option(
    "--json", "json_out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it as JSON."
)
@click.pass_obj
def bench_months(where: Where, halls: int, players: int, json_out: Path | None) -> None:
    """How long a month of many halls takes to close, and how fast the owner's pages are with them.

    SQLite is measured in $TMPDIR; with a postgresql:// address PostgreSQL as well, in a schema of its own that is
    removed after.

    \b
    Example:
      ladder cloud bench-months --halls 1000
    """
    import json  # noqa: PLC0415

    from sync.bench import BenchError  # noqa: PLC0415
    from sync.bench_months import measure_months  # noqa: PLC0415

    try:
        runs = measure_months(where.database if "://" in where.database else None, halls, players)
        if json_out is not None:
            json_out.write_text(json.dumps([run.to_json() for run in runs], indent=1), encoding="utf-8")
    except (BenchError, OSError) as error:
        raise Failure(str(error)) from error
    for run in runs:
        click.echo(run.in_words())


def _demo(ctx: click.Context, data: Path, host: str, ports: tuple[int, int]) -> None:
    """Serves the demo; of the environment nothing counts that is of a real cloud."""
    given = {name: ctx.params[name] for name in ("db", "proxies", "address") if _is_typed(ctx, name)}
    if "db" in given or "proxies" in given:
        raise click.UsageError("--demo has a database of its own, and no proxy before it")
    if ctx.invoked_subcommand not in (None, "make-demo"):
        raise click.UsageError("--demo is served alone; its cloud is reached by --data DIR/demo/cloud")
    from sync.demo import command  # noqa: PLC0415

    if ctx.invoked_subcommand is None:
        command.serve(data, command.Door(host, *ports, given.get("address")))
    else:
        ctx.obj = data


@cloud.command("make-demo", hidden=True)
@click.pass_obj
def make_demo(data: Path) -> None:
    """Make the demo where there is none, as `ladder run --demo` does first."""
    from sync.demo import command  # noqa: PLC0415

    if not isinstance(data, Path):
        raise click.UsageError("it goes with --demo: ladder cloud --demo make-demo")
    command.make(data)


def _is_typed(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _serve(where: Where, host: str, port: int, address: str, proxies: tuple[str, ...]) -> None:
    from sync.cloud.server import Server, listen  # noqa: PLC0415
    from sync.cloud.site import parse_site  # noqa: PLC0415
    from sync.cloud.stripe_config import StripeConfigError, load_config  # noqa: PLC0415

    try:
        site = parse_site(address, proxies)
        config = load_config(where.data)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except StripeConfigError as error:
        raise Failure(str(error)) from error
    with database(where) as db:
        name = db.name
    try:
        listener = listen(host, port)
    except OSError as error:
        raise Failure(why_not_listening(error, host, port)) from error
    if not site.secure and not site.is_local:
        click.echo("ladder: keys and passwords go over the network in the clear: put TLS before it", err=True)
    click.echo(f"The cloud is at {site.address} and keeps its data in {name}. Ctrl-C stops it.", err=True)
    click.echo(_how_it_pays(config), err=True)
    Server(where.database, site, listener, config).run()


def _how_it_pays(config: "StripeConfig | None") -> str:
    from sync.cloud.stripe_config import is_live  # noqa: PLC0415

    if config is None:
        return "Rewards are decided, and nothing is paid: ladder cloud stripe sets Stripe up."
    if config.address is not None:
        return f"Rewards go to the sandbox at {config.address}: no money moves."
    return "Rewards go to Stripe: REAL MONEY." if is_live(config.key) else "Rewards go to Stripe's test mode."
