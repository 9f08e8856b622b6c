"""A plan is steps: what is to be there, whether it is, and how it is made. So it can be run again, and goes on
where it was broken off."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO

from edge.provision.layout import Layout
from edge.provision.machine import Machine
from edge.provision.package import Package
from edge.provision.ssh import Done, ProvisionError, Remote

Say = Callable[[str], None]
ANY = range(1, 255)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the box is to be. `enrol` is a code and the hub's address."""

    label: str | None = None
    camera: str | None = None
    is_hub: bool = False
    screen: bool | None = None
    enrol: tuple[str, str] | None = None


@dataclass(slots=True)
class Job:
    """A machine, what it is to become, and which release that is once it is known."""

    remote: Remote
    layout: Layout
    machine: Machine
    wish: Wish
    package: Package
    say: Say
    release: str = ""

    def run(self, script: str, given: IO[bytes] | None = None, **words: str) -> Done:
        """Runs a script that changes something, alone. `words` are variables of it. Raises ProvisionError."""
        return self._run(self.layout.alone(), script, words, given)

    def tries(self, script: str, **words: str) -> Done:
        """As `run`, whatever its exit status."""
        return self._run(self.layout.alone(), script, words, allow=ANY)

    def look(self, script: str, **words: str) -> Done:
        """Runs a script that changes nothing, whatever its exit status."""
        return self._run(self.layout.preamble(), script, words, allow=ANY)

    def asks(self, script: str, **words: str) -> bool:
        """Whether a script that changes nothing ends with 0 rather than 1."""
        return self._run(self.layout.preamble(), script, words, allow=(1,)).code == 0

    def _run(
        self,
        before: str,
        script: str,
        words: dict[str, str],
        given: IO[bytes] | None = None,
        allow: Iterable[int] = (),
    ) -> Done:
        named = "".join(f"{name}={shlex.quote(value)}\n" for name, value in words.items())
        root = self.layout.root and not self.machine.is_root
        return self.remote.run(before + named + script, root=root, given=given, allow=allow)


@dataclass(frozen=True, slots=True)
class Step:
    """`ask` says in words what is there, None when something is to be done; `do` does it and says what it did."""

    name: str
    ask: Callable[[Job], str | None]
    do: Callable[[Job], str]


def scripted(name: str, ask: str, do: str, done: str = "made", **words: str) -> Step:
    """A step of two scripts; the first ends with 0 when there is nothing to do, else with 1."""

    def asked(job: Job) -> str | None:
        return "there" if job.asks(ask, **words) else None

    def made(job: Job) -> str:
        job.run(do, None, **words)
        return done

    return Step(name, asked, made)


def carry_out(job: Job, steps: Sequence[Step], *, check: bool = False) -> int:
    """Asks, does and verifies one step after the other and says what it did; returns how many were to be done.

    With `check` nothing is done. Raises ProvisionError.
    """
    wide = max(len(step.name) for step in steps)
    to_do = 0
    for step in steps:
        there = step.ask(job)
        if there is None:
            to_do += 1
            there = "to be done" if check else _done(job, step)
        job.say(f"  {step.name:<{wide}}  {there}")
    return to_do


def _done(job: Job, step: Step) -> str:
    done = step.do(job)
    if step.ask(job) is None:
        raise ProvisionError(f"{job.remote.host}: {step.name}: it was {done}, and then it was not there")
    return done
