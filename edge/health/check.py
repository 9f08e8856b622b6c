"""What a health check is: one file with what it looks at, what it says of it, and what it may put right by itself.

A check looks and changes nothing; what it may mend is its `repair`, which `ladder doctor --repair` runs. It must
work on a box that is stopped, half installed or full: what can't be told is `unknown`, never a guess. One cause is
told by one check.
"""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from edge.health.machine import Machine
from edge.runtime.paths import Paths, default_data
from edge.settings import Settings, SettingsError, load_settings

State = Literal["ok", "warn", "bad", "unknown"]
STATES: tuple[State, ...] = ("bad", "warn", "unknown", "ok")  # what calls loudest first

# Vision writes its state ten times a second; this long without a word is a service that hangs.
STALE_S = 4.0
SOON_S, SELDOM_S = 5.0, 60.0
REPORT = "Report it with this sentence."


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a sentence for a person, what to do, and where there is one the command that does it."""

    state: State
    text: str
    advice: str = ""
    command: str = ""
    check: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "check": self.check,
            "state": self.state,
            "text": self.text,
            "advice": self.advice,
            "command": self.command,
        }


def span(seconds: float) -> str:
    """As a person says it: `40 s`, `12 min`, `3 h`, `4 days`."""
    for most, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < most:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


@dataclass(frozen=True)
class Scene:
    """A box as its checks see it, at one moment.

    `serving` says that the kiosk itself asks, over and over: the box runs, and nothing large is loaded for a look.
    `thorough` is for looks that take minutes.
    """

    paths: Paths
    settings: Settings = field(default_factory=Settings)
    settings_error: str = ""
    machine: Machine = field(default_factory=Machine)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    thorough: bool = False
    serving: bool = False

    @cached_property
    def services(self) -> dict[str, float]:
        """The services of this box that run, and for how many seconds."""
        return self.machine.services(self.paths.data)

    @cached_property
    def box_runs(self) -> bool:
        """Whether anybody started the box; if not, nothing of it is missed."""
        return self.serving or bool(self.services)

    @cached_property
    def live_age_s(self) -> float | None:
        """How old the live state is; None when there is none."""
        try:
            return self.now.timestamp() - self.paths.live_json.stat().st_mtime
        except OSError:
            return None

    @cached_property
    def live(self) -> dict[str, Any] | None:
        """The live state; None when there is none, or it is none, or too old to tell of now."""
        if self.live_age_s is None or self.live_age_s > STALE_S:
            return None
        try:
            state = json.loads(self.paths.live_json.read_bytes())
        except (OSError, ValueError):
            return None
        return state if isinstance(state, dict) else None

    def log_of(self, service: str) -> str:
        """The command that shows a service's log; "" where a person's terminal has it."""
        return f"journalctl -u ladder-{service} -n 50" if self.machine.has_unit(service) else ""

    def start(self, verb: Literal["start", "restart"] = "start") -> str:
        """The command that starts the box."""
        if self.machine.has_unit("vision"):
            return f"sudo systemctl {verb} ladder.target"
        return self.command("run") if verb == "start" else ""

    def command(self, *words: str) -> str:
        """A command line of ours for this box."""
        where = () if self.paths.data == default_data() else ("--data", str(self.paths.data))
        return shlex.join(("ladder", *words, *where))


@dataclass(frozen=True, slots=True)
class Check:
    """`look` says how it is; `repair` puts right what is safe to, and says in words what it did, None for nothing.

    The kiosk looks again after `every_s`; a slow check is seldom looked at, and then beside the pages.
    """

    name: str
    look: Callable[[Scene], Finding]
    repair: Callable[[Scene], str | None] | None = None
    every_s: float = SOON_S

    @property
    def slow(self) -> bool:
        return self.every_s >= SELDOM_S

    def __call__(self, scene: Scene) -> Finding:
        """Never raises: a check that fails is a finding of its own."""
        try:
            found = self.look(scene)
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            found = Finding("bad", f"The check {self.name} itself failed ({said}).", REPORT)
        return replace(found, check=self.name)

    def mend(self, scene: Scene) -> str | None:
        """What was put right, in words; None when nothing was. Never raises."""
        if self.repair is None:
            return None
        try:
            return self.repair(scene)
        except Exception as error:
            return f"It can't be put right by itself: {error}."


def scene_of(paths: Paths, **more: Any) -> Scene:
    """The box at `paths`, with the defaults where its settings can't be used."""
    try:
        return Scene(paths, load_settings(paths.settings), **more)
    except SettingsError as error:
        return Scene(paths, settings_error=str(error), **more)
