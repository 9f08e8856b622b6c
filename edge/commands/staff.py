"""`ladder staff`: who of the players works here, told to the box by its technician."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from edge.cli import Failure
from edge.commands.options import data_option
from edge.runtime.paths import box_paths
from edge.store.errors import StoreError

if TYPE_CHECKING:
    from edge.hall.players import Player, Role
    from edge.store.database import Store


@click.command()
@click.argument("name", required=False)
@click.option(
    "--role", type=click.Choice(("staff", "operator", "admin", "coach")), help="The role to give, or to take."
)
@click.option("--remove", is_flag=True, help="Take the role.")
@data_option
def staff(name: str | None, role: str | None, remove: bool, data: Path | None) -> None:
    """Give a player a role in the hall, or take it; without a name, list who has which.

    The player signs up at a table first. With a role they check in at /counter/enter by name and PIN.

    \b
    Examples:
      ladder staff
      ladder staff "Ana M." --role admin
      ladder staff "Ana M." --role admin --remove
    """
    from edge.store.database import Store  # noqa: PLC0415 (not for --help)
    from edge.store.migrations import require_current  # noqa: PLC0415

    if (name is None) != (role is None):
        raise click.UsageError("a name and --role go together: ladder staff NAME --role admin")
    if remove and name is None:
        raise click.UsageError("--remove takes a role from somebody: ladder staff NAME --role admin --remove")
    path = box_paths(data).store
    try:
        require_current(path)
        with Store(path) as store:
            if name is None:
                _list(store)
            else:
                _change(store, name, cast("Role", role), remove)
    except StoreError as error:
        raise Failure(str(error)) from error


def _list(store: "Store") -> None:
    from edge.hall.roles import hall_people  # noqa: PLC0415

    with store.read() as conn:
        people = hall_people(conn)
    for player in people:
        click.echo(f"{player.name}: {_roles(player)}")
    if not people:
        click.echo("nobody has a role yet: ladder staff NAME --role admin")


def _change(store: "Store", name: str, role: "Role", remove: bool) -> None:
    from edge.clock import now_stamp  # noqa: PLC0415
    from edge.hall.players import find_player  # noqa: PLC0415
    from edge.hall.roles import give_role, take_role  # noqa: PLC0415

    with store.write() as conn:
        player = find_player(conn, name)
        if player is None:
            raise Failure(f"nobody here is called {name}: players sign up at a table first")
        if remove and role not in player.roles:
            raise Failure(f"{player.name} is no {role}: {_roles(player) or 'no role'}")
        change = take_role if remove else give_role
        player = change(conn, player.id, role, now_stamp())
    click.echo(f"{player.name}: {_roles(player) or 'no role'}")


def _roles(player: "Player") -> str:
    return ", ".join(sorted(player.roles - {"player"}))
