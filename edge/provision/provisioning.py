"""From a bare machine to a running box: the plan, and what is said of it."""

from dataclasses import replace
from pathlib import Path

from edge.provision import steps
from edge.provision.layout import Layout
from edge.provision.machine import look_at
from edge.provision.package import Package, packed
from edge.provision.plan import Job, Say, Step, Wish, carry_out
from edge.provision.ssh import Remote, reached
from edge.provision.update import applied, roll_back, running


def plan(job: Job) -> list[Step]:
    """All steps, in their order."""
    return [
        steps.packages(job),
        *steps.users(job),
        steps.directories(job),
        steps.command(job),
        steps.release(job),
        steps.settings(job),
        running(job),
        *steps.enrolment(job),
        *steps.screen(job),
        steps.old_releases(job),
    ]


def provision(
    remote: Remote, layout: Layout, wish: Wish, source: tuple[Path | None, Path | None], say: Say, *, check: bool
) -> bool:
    """Makes the machine a box, or brings it up to date; with `check` only says what would be done. Says whether
    nothing is left to do. `source` is what to install, and wheels for a box without internet.

    Raises ProvisionError.
    """
    with packed(*source) as package:
        job = _job(remote, layout, wish, package, say)
        to_do = carry_out(job, plan(job), check=check)
        if check:
            say(f"{remote.host}: {_steps(to_do)} to be done" if to_do else f"{remote.host}: all is there")
            return to_do == 0
        what = "nothing was to be done" if to_do == 0 else f"{_steps(to_do)} done"
        say(f"{remote.host} runs Action Ladder {package.version} ({applied(job)}) and is well; {what}")
        return True


def go_back(remote: Remote, layout: Layout, say: Say, *, restore: bool) -> None:
    """Lets the release run again that ran before. Raises ProvisionError."""
    job = _job(remote, layout, Wish(), Package(Path(), ""), say)
    say(f"{remote.host}: {roll_back(job, restore=restore)}")


def _job(remote: Remote, layout: Layout, wish: Wish, package: Package, say: Say) -> Job:
    machine = look_at(remote, layout)
    say(f"{remote.host}: {machine.in_words}")
    if wish.screen is None:
        wish = replace(wish, screen=machine.is_pi)
    return Job(remote, layout, machine, wish, package, say)


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


__all__ = ["go_back", "plan", "provision", "reached"]
