"""A box on a machine made up of files, for the tests of its health: everything that a check reads can be set."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.health.check import Finding, Scene, scene_of
from edge.health.machine import Machine
from edge.health.registry import CHECKS
from edge.runtime.paths import Paths

HZ = 100  # as Linux counts ticks on every machine of ours


@dataclass
class MadeUp:
    """A machine under a directory. `programs` is what its programs print, by name; a `bare` one is silent."""

    root: Path
    programs: dict[str, str] = field(default_factory=dict)
    bare: bool = False

    def __post_init__(self) -> None:
        if self.bare:
            return
        self.put("proc/uptime", "100000.00 1.0")
        self.put("proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 100 kB\nMemAvailable: 2000000 kB\n")
        self.put("sys/class/thermal/thermal_zone0/temp", "51000\n")
        self.put("run/systemd/timesync/synchronized", "")
        self.programs["vcgencmd"] = "throttled=0x0"

    @property
    def machine(self) -> Machine:
        return Machine(self.root, self._ask)

    def put(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def runs(self, pid: int, up_s: float, *words: str, cwd: Path = Path("/")) -> None:
        """A process that began so long ago, with a name that is hard to read."""
        self.put(f"proc/{pid}/cmdline", "\0".join(words) + "\0")
        began = int((100_000 - up_s) * HZ)
        self.put(f"proc/{pid}/stat", f"{pid} (a ) b) S 1" + " 0" * 17 + f" {began} 0 0")
        (self.root / f"proc/{pid}/cwd").symlink_to(cwd)

    def _ask(self, command: Sequence[str]) -> str | None:
        return self.programs.get(command[0])


@dataclass
class Look:
    """What the checks find of one box on one machine."""

    paths: Paths
    made_up: MadeUp

    def scene(self, **more: Any) -> Scene:
        return scene_of(self.paths, machine=self.made_up.machine, **more)

    def find(self, name: str, **more: Any) -> Finding:
        """What one check finds now; it must have done so without stumbling."""
        (check,) = [check for check in CHECKS if check.name == name]
        found = check(self.scene(**more))
        assert "itself failed" not in found.text, found.text
        assert found.text.endswith("."), found.text
        return found

    def state(self, name: str, **more: Any) -> str:
        return self.find(name, **more).state

    def mend(self, name: str, **more: Any) -> str | None:
        (check,) = [check for check in CHECKS if check.name == name]
        return check.mend(self.scene(**more))

    def at(self, now: datetime) -> "Look":
        """The same box at another time."""
        return _At(self.paths, self.made_up, now)

    def live(self, **state: Any) -> None:
        """Writes a live state."""
        told = {"status": "live", "message": "The table is watched.", "camera": {"camera_fps": 60.0}} | state
        self.paths.run.mkdir(exist_ok=True)
        self.paths.live_json.write_text(json.dumps(told), encoding="utf-8")


@dataclass
class _At(Look):
    now: datetime

    def scene(self, **more: Any) -> Scene:
        return replace(super().scene(**more), now=self.now)
