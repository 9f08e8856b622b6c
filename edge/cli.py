"""The `ladder` command: the one place that knows every room. A subcommand is imported when it is called."""

import importlib
import os
import sys

import click

# name → (import string of the click command, the line `ladder --help` shows without importing it)
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("edge.commands.run:run", "The whole box; the kiosk at http://localhost:8080."),
    "calibrate": ("edge.commands.calibrate:calibrate", "Find the table in a picture or a recording."),
    "markers": ("edge.commands.markers:markers", "A sheet of markers to print, and where to stick them."),
    "detect": ("edge.commands.detect:detect", "Find the balls in stills."),
    "track": ("edge.commands.track:track", "Shots and ball paths from a recording."),
    "simulate": ("edge.commands.simulate:simulate", "Clips of the simulated table, with exact truth."),
    "evaluate": ("edge.commands.evaluate:evaluate", "Score results against a truth file."),
    "bench": ("edge.commands.bench:bench", "How fast the table is followed on this machine."),
    "vision": ("edge.commands.vision:vision", "Service: camera to shots and live state."),
    "kiosk": ("kiosk.command:kiosk", "Service: the pages players touch."),
    "migrate": ("edge.commands.migrate:migrate", "Bring the box's store to this version's schema."),
    "jobs": ("edge.commands.jobs:jobs", "Service: calendar work, snapshots, room on the disk."),
    "backup": ("edge.commands.backup:backup", "Take a snapshot of the box, list them, put one back."),
    "hub": ("kiosk.hub_command:hub", "Service: the door for the hall's other boxes."),
    "sync": ("sync.commands:sync", "Service: at a table, its facts to the hub and the hall's from it."),
    "enrol": ("sync.commands:enrol", "Take a box into a hall: a code at the hub, and typed at the box."),
    "promote": ("sync.commands:promote", "Make a table the hall's hub, when its hub is dead."),
    "boxes": ("sync.commands:boxes", "The hall's boxes: which live, how far behind, what is set aside."),
    "staff": ("edge.commands.staff:staff", "Who of the players works here: list, give, take."),
    "doctor": ("edge.commands.doctor:doctor", "Whether the box is well, and what to do where it is not."),
    "provision": ("edge.commands.provision:provision", "Make a machine a box over SSH, or bring it up to date."),
    "cloud": ("sync.cloud_command:cloud", "The endpoint elsewhere: many halls tell it, their owner looks."),
}

# What numpy's libraries read when a command loads them. Ours are small matrices: with a thread for each of two
# busy cores OpenBLAS took 490 ms of CPU time to learn a table's cloth, with one 11 ms.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class LazyGroup(click.Group):
    """A group whose commands are named by import string and loaded only when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        for variable in _THREADS:
            os.environ.setdefault(variable, "1")
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


class Failure(click.ClickException):
    """It failed and the message says why in one line: exit status 1."""

    exit_code = 1

    def show(self, file: object = None) -> None:  # noqa: ARG002
        click.echo(f"ladder: {self.message}", err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="action-ladder", prog_name="ladder")
def ladder() -> None:
    """Action Ladder watches a pool table, follows every ball and logs every shot."""


def main() -> None:
    try:
        ladder()
    except BrokenPipeError:
        sys.exit(1)
