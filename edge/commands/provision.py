"""`ladder provision`: a bare machine becomes a box, or is brought up to date, over SSH."""

from pathlib import Path

import click

from edge.cli import Failure


@click.command()
@click.argument("host")
@click.option("--user", help="Who to log in as; may become root there.  [default: as your ssh says]")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, path_type=Path),
    metavar="WHEEL|DIR",
    help="What to install: a wheel, or a checkout.  [default: the checkout this program runs from]",
)
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="All wheels that are needed, for a box without internet.",
)
@click.option("--label", help="The table's name, for settings that are not there yet.")
@click.option("--camera", help="The camera, likewise: picamera, or /dev/v4l/by-id/….")
@click.option(
    "--role",
    type=click.Choice(("hub", "table")),
    help="The hub of other boxes, or one of a hall's tables, by --enrol.",
)
@click.option(
    "--enrol", metavar="CODE", help="Join a hall as one of its tables, with the code that its hub shows."
)
@click.option("--hub", metavar="ADDRESS", help="The hub's address, for --enrol.")
@click.option("--screen/--no-screen", default=None, help="The kiosk on the box's own screen.  [default: on a Pi]")
@click.option("--check", is_flag=True, help="Only say what would be done; exit status 1 when there is something.")
@click.option("--rollback", is_flag=True, help="Go back to the release that ran before.")
@click.option("--restore", is_flag=True, help="With --rollback: put the store back too, as before the update.")
@click.option(
    "--ssh-config",
    "config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A configuration for ssh in place of your own.",
)
@click.option(
    "--prefix", metavar="DIR", default="", help="Work below DIR there, to try it out: nothing is started."
)
def provision(
    *,
    host: str,
    user: str | None,
    source: Path | None,
    wheels: Path | None,
    label: str | None,
    camera: str | None,
    role: str | None,
    enrol: str | None,
    hub: str | None,
    screen: bool | None,
    check: bool,
    rollback: bool,
    restore: bool,
    config: Path | None,
    prefix: str,
) -> None:
    """Make HOST a box, or bring it up to date: a Raspberry Pi or a Jetson that can be reached by ssh.

    What is there already is left alone, so it can be run again at any time. An update that is not well is taken
    back.

    \b
    Examples:
      ladder provision table3.local --user pi --label "Table 3" --camera picamera
      ladder provision table3.local --user pi --enrol K7QM-2XWD-9RTA --hub hub.local
      ladder provision table3.local --user pi --check
    """
    from edge.provision.layout import Layout  # noqa: PLC0415 (not for --help)
    from edge.provision.plan import Wish  # noqa: PLC0415
    from edge.provision.provisioning import go_back, reached  # noqa: PLC0415
    from edge.provision.provisioning import provision as work  # noqa: PLC0415
    from edge.provision.ssh import ProvisionError  # noqa: PLC0415

    _require_sense(role, enrol, hub, prefix, rollback, restore)
    layout = Layout(prefix.rstrip("/"))
    wish = Wish(label, camera, role == "hub", screen, (enrol, hub) if enrol and hub else None)
    try:
        with reached(host, user, config) as remote:
            if rollback:
                go_back(remote, layout, click.echo, restore=restore)
            elif not work(remote, layout, wish, (source, wheels), click.echo, check=check):
                click.get_current_context().exit(1)
    except (ProvisionError, OSError) as error:
        raise Failure(str(error)) from error


def _require_sense(  # noqa: PLR0917 (they are the command's options)
    role: str | None, enrol: str | None, hub: str | None, prefix: str, rollback: bool, restore: bool
) -> None:
    if (enrol is None) != (hub is None):
        raise click.UsageError("--enrol and --hub go together: the code that the hub shows, and its address")
    if role == "table" and enrol is None:
        raise click.UsageError("a table joins its hall by a code that the hub shows: --enrol CODE --hub ADDRESS")
    if role == "hub" and enrol is not None:
        raise click.UsageError("a hub joins nobody: leave out --enrol, or take --role table")
    if restore and not rollback:
        raise click.UsageError("--restore belongs to --rollback")
    if prefix and not prefix.startswith("/"):
        raise click.UsageError("--prefix is an absolute path at the host")
