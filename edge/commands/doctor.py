"""`ladder doctor`: whether the box is well, and what to do where it is not."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.cli import Failure
from edge.commands.options import data_option
from edge.runtime.paths import box_paths

if TYPE_CHECKING:
    from edge.health.check import Finding, State

SCHEMA = 1
MARKS = {"ok": ("ok", None), "warn": ("warn", "yellow"), "bad": ("BAD", "red"), "unknown": ("?", None)}

Found = list[tuple["Finding", str]]


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON.")
@click.option("--repair", is_flag=True, help="Put right what can safely be, and look again.")
@click.option("--thorough", is_flag=True, help="Look at every row and index of the store; takes minutes.")
def doctor(data: Path | None, as_json: bool, repair: bool, thorough: bool) -> None:
    """Look the box over: what is well, what is not, and what to do.

    It works while the box runs and while it is stopped. Without --repair it changes nothing. The exit status is 1
    when something must be done.

    \b
    Examples:
      ladder doctor
      ladder doctor --repair --data ./data
    """
    from edge.health import registry  # noqa: PLC0415 (not for --help)
    from edge.health.check import Scene, scene_of  # noqa: PLC0415

    paths = box_paths(data)

    def look_around() -> Scene:
        return scene_of(paths, thorough=thorough)

    if repair:
        found = registry.repair(look_around)
    else:
        found = [(finding, "") for finding in registry.examine(look_around())]
    if as_json:
        _print_json(found)
    else:
        _print(found)
    bad = [finding.check for finding, _ in found if finding.state == "bad"]
    if bad:
        raise Failure(f"something must be done: {', '.join(bad)}")


def _print(found: Found) -> None:
    wide = max(len(finding.check) for finding, _ in found)
    indent = " " * (wide + 8)
    for finding, done in found:
        word, colour = MARKS[finding.state]
        click.echo(f"{click.style(f'{word:<4}', fg=colour)}  {finding.check:<{wide}}  {finding.text}")
        if done:
            click.echo(f"{indent}done: {done}")
        if finding.advice:
            click.echo(f"{indent}{finding.advice}")
        if finding.command:
            click.echo(f"{indent}$ {finding.command}")
    click.echo(_sum(found))


def _sum(found: Found) -> str:
    counts = Counter(finding.state for finding, _ in found)
    words: dict[State, str] = {"ok": "well", "warn": "worth a look", "bad": "bad", "unknown": "not known"}
    told = ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts[state])
    return f"{len(found)} checks: {told}."


def _print_json(found: Found) -> None:
    findings = [finding.to_json() | {"done": done} for finding, done in found]
    is_well = all(finding.state != "bad" for finding, _ in found)
    click.echo(json.dumps({"schema": SCHEMA, "ok": is_well, "findings": findings}, indent=1, ensure_ascii=False))
