"""All checks, in the order in which a person wants to read them: what the others stand on comes first.

A room above brings checks of its own by an import string, as `edge/cli.py` names commands: this room knows none of
its modules.
"""

import importlib
from collections.abc import Callable, Iterable
from functools import cache

from edge.health import (
    backup,
    books,
    calibration,
    camera,
    certificate,
    clock,
    damaged,
    disk,
    files,
    inodes,
    integrity,
    leftovers,
    memory,
    pins,
    power,
    secrets,
    services,
    settings,
    shots,
    store,
    temperature,
    vision,
    writing,
)
from edge.health.check import Check, Finding, Scene

CHECKS: tuple[Check, ...] = tuple(
    module.CHECK
    for module in (
        settings,
        files,
        disk,
        inodes,
        memory,
        store,
        integrity,
        writing,
        shots,
        books,
        backup,
        damaged,
        services,
        vision,
        camera,
        calibration,
        clock,
        temperature,
        power,
        pins,
        secrets,
        certificate,
        leftovers,
    )
)

# Import strings of tuples of checks.
ABOVE: tuple[str, ...] = ("sync.health:CHECKS",)


@cache
def all_checks() -> tuple[Check, ...]:
    """Ours and those of the rooms above; one that can't be loaded is a check that says so."""
    return (*CHECKS, *(check for name in ABOVE for check in _loaded(name)))


def examine(scene: Scene, checks: Iterable[Check] | None = None) -> list[Finding]:
    """What every check finds. Never raises."""
    return [check(scene) for check in (all_checks() if checks is None else checks)]


def repair(look_around: Callable[[], Scene], checks: Iterable[Check] | None = None) -> list[tuple[Finding, str]]:
    """What every check finds once it has put right what it may, and what it did, in words; "" for nothing.

    `look_around` tells how the box is after each repair.
    """
    found = []
    for check in all_checks() if checks is None else checks:
        finding, done = check(look_around()), None
        if finding.state in ("bad", "warn"):
            done = check.mend(look_around())
        found.append((check(look_around()) if done else finding, done or ""))
    return found


def _loaded(name: str) -> tuple[Check, ...]:
    module, _, attribute = name.partition(":")
    try:
        return tuple(getattr(importlib.import_module(module), attribute))
    except Exception as error:
        text = f"The checks of {module} can't be loaded: {type(error).__name__}: {error}."
        return (Check(module.partition(".")[0], lambda scene: Finding("bad", text, "Install the program anew.")),)  # noqa: ARG005
