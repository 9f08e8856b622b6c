"""What a machine says of itself: its memory, heat, power, clock, disks, and which of our services run.

Everything is read under a prefix, `/` but in tests. What a machine does not tell is None.
"""

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.runtime.paths import default_data

ASK_S = 2.0
SERVICES = ("vision", "clips", "kiosk", "hub", "sync", "jobs", "cloud")
_CHILD = "edge.runtime.child"


@dataclass(frozen=True, slots=True)
class Room:
    """What is left on a file system, for whoever is not root."""

    total_bytes: int
    free_bytes: int
    files: int
    free_files: int


@dataclass(frozen=True, slots=True)
class Memory:
    total_bytes: int
    available_bytes: int


def ask(command: Sequence[str]) -> str | None:
    """What a program prints; None when it is not there, fails or takes long."""
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, timeout=ASK_S, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. `ask` runs a program of its."""

    root: Path = Path("/")
    ask: Callable[[Sequence[str]], str | None] = ask

    def room(self, path: Path) -> Room | None:
        """The file system that a path, or the nearest directory above it, is on."""
        for place in (path, *path.parents):
            with suppress(OSError):
                found = os.statvfs(place)
                size = found.f_frsize
                return Room(size * found.f_blocks, size * found.f_bavail, found.f_files, found.f_favail)
        return None

    def memory(self) -> Memory | None:
        """Of the whole machine, without what only caches files."""
        kb = {}
        for line in (self._read("proc/meminfo") or "").splitlines():
            name, _, rest = line.partition(":")
            with suppress(ValueError, IndexError):
                kb[name] = int(rest.split()[0])
        if "MemTotal" not in kb or "MemAvailable" not in kb:
            return None
        return Memory(1024 * kb["MemTotal"], 1024 * kb["MemAvailable"])

    def temperature_c(self) -> float | None:
        """Of the hottest part that tells."""
        found = []
        for zone in (self.root / "sys/class/thermal").glob("thermal_zone*/temp"):
            with suppress(OSError, ValueError):
                found.append(int(zone.read_text()) / 1000)
        return max((one for one in found if -40 < one < 150), default=None)  # some say -256 for "off"

    def throttled(self) -> int | None:
        """A Raspberry Pi's own bits of what held it back, of now (0 to 3) and since its start (16 to 19)."""
        told = self.ask(["vcgencmd", "get_throttled"]) or ""
        try:
            return int(told.partition("throttled=")[2], 16)
        except ValueError:
            return self._low_voltage()

    def _low_voltage(self) -> int | None:
        """The first of those bits alone, which the kernel tells a service that may not ask the firmware."""
        for alarm in (self.root / "sys/class/hwmon").glob("hwmon*/in0_lcrit_alarm"):
            with suppress(OSError, ValueError):
                if (alarm.parent / "name").read_text().strip() == "rpi_volt":
                    return int(alarm.read_text())
        return None

    def has_unit(self, service: str) -> bool:
        """Whether systemd runs that service here."""
        return (self.root / f"etc/systemd/system/ladder-{service}.service").exists()

    def clock_is_set(self) -> bool | None:
        """Whether the clock was set by the network since the start."""
        if (self.root / "run/systemd/timesync/synchronized").exists():
            return True
        told = self.ask(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
        return {"yes": True, "no": False}.get(told or "")

    def services(self, data: Path) -> dict[str, float]:
        """The services of the box in `data` that run, and for how many seconds, whoever started them."""
        up_s = self._up_s()
        if up_s is None:
            return {}
        found: dict[str, float] = {}
        for process in (self.root / "proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                service = _service(words, process, data)
                if service is not None:
                    since_s = int((process / "stat").read_text().rpartition(")")[2].split()[19]) / _ticks()
                    found[service] = max(up_s - since_s, found.get(service, 0.0))
            except (OSError, ValueError, IndexError):  # it has ended meanwhile
                continue
        return found

    def _up_s(self) -> float | None:
        try:
            return float((self._read("proc/uptime") or "").split()[0])
        except (ValueError, IndexError):
            return None

    def _read(self, name: str) -> str | None:
        try:
            return (self.root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None


def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK")


def _service(words: Sequence[str], process: Path, data: Path) -> str | None:
    """The service that a process with this command line runs for the box in `data`, if it is one."""
    rest = list(_arguments(words))
    if not rest or rest[0] not in SERVICES:
        return None
    given = None
    for word, following in zip(rest, [*rest[1:], ""], strict=True):
        if word == "--data":
            given = Path(following)
        elif word.startswith("--data="):
            given = Path(word.removeprefix("--data="))
    given = _default_of(process) if given is None else given.expanduser()
    if not given.is_absolute():
        given = Path(os.path.normpath((process / "cwd").readlink() / given))
    return rest[0] if given == data.absolute() else None


def _default_of(process: Path) -> Path:
    """The data directory of a process that names none: as its own environment says, where that may be read."""
    with suppress(OSError):
        for word in (process / "environ").read_bytes().decode(errors="replace").split("\0"):
            if word.startswith("LADDER_DATA="):
                return Path(word.partition("=")[2])
        return default_data({})
    return default_data()


def _arguments(words: Sequence[str]) -> Iterable[str]:
    """What stands behind `ladder`, however it was started."""
    for place, word in enumerate(words[:4]):
        if word == _CHILD:
            return words[place + 2 :]  # its parent's number comes first
        if Path(word).name == "ladder":
            return words[place + 1 :]
    return ()
