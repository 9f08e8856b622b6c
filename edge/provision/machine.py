"""What a machine is before anything is put on it, and whether a box can be made of it."""

from dataclasses import dataclass

from edge.provision.layout import Layout
from edge.provision.ssh import ProvisionError, Remote

LEAST_FREE_MB = 1500  # a release with its environment takes half of it
LEAST_SYSTEMD = 247  # whose units know all that ours say
PYTHONS = "python3 python3.13 python3.12 python3.11"

_LOOK = f"""
(. /etc/os-release 2>/dev/null && echo "system=$ID $VERSION_ID" || echo "system=unknown")
echo "arch=$(dpkg --print-architecture 2>/dev/null || uname -m)"
echo "model=$(tr -d '\\0' </proc/device-tree/model 2>/dev/null || true)"
for python in {PYTHONS}; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
  echo "python=$python"
  break
done
echo "systemd=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \\([0-9]*\\).*/\\1/p')"
place="${{P:-/}}"
while [ ! -d "$place" ]; do place=$(dirname "$place"); done
echo "free_mb=$(df -Pm "$place" 2>/dev/null | awk 'NR == 2 {{print $4}}')"
echo "uid=$(id -u)"
if sudo -n true 2>/dev/null; then echo "sudo=yes"; fi
if command -v flock >/dev/null && command -v apt-get >/dev/null; then echo "debian=yes"; fi
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """`python` is empty where none is new enough, `systemd` 0 where there is none."""

    system: str
    arch: str
    model: str = ""
    python: str = ""
    systemd: int = 0
    free_mb: int = 0
    is_root: bool = False
    may_sudo: bool = False
    is_debian: bool = False

    @property
    def is_pi(self) -> bool:
        return self.model.startswith("Raspberry Pi")

    @property
    def in_words(self) -> str:
        return f"{self.model or 'a machine'} ({self.system}, {self.arch})"

    @property
    def packages(self) -> tuple[str, ...]:
        """What is wanted of apt, each as names of which one will do."""
        wanted: tuple[str, ...] = ("python3-venv", "libgl1", "libglib2.0-0|libglib2.0-0t64")
        if not self.python and self.system == "ubuntu 22.04":  # JetPack 6, whose own is 3.10
            wanted = ("python3.11", "python3.11-venv", *wanted[1:])
        if self.is_pi:
            wanted += ("python3-picamera2", "python3-gpiozero", "python3-lgpio")
        return wanted


SCREEN_PACKAGES = (
    "labwc",
    "seatd",
    "chromium-browser|chromium",
    "swayidle",
    "wlopm|wlr-randr",
    "curl",
    "fonts-dejavu-core",
)


def look_at(remote: Remote, layout: Layout) -> Machine:
    """Raises ProvisionError where the machine can't be reached or is none for a box."""
    told = dict(
        line.split("=", 1)
        for line in remote.run(layout.preamble() + _LOOK).out.splitlines()
        if "=" in line  # a login shell may greet
    )
    machine = Machine(
        system=told.get("system", "unknown"),
        arch=told.get("arch", ""),
        model=told.get("model", ""),
        python=told.get("python", ""),
        systemd=_number(told.get("systemd", "")),
        free_mb=_number(told.get("free_mb", "")),
        is_root=told.get("uid") == "0",
        may_sudo="sudo" in told,
        is_debian="debian" in told,
    )
    trouble = why_not(machine, layout)
    if trouble is not None:
        raise ProvisionError(f"{remote.host}: {trouble}")
    return machine


def why_not(machine: Machine, layout: Layout) -> str | None:
    """Why no box can be made of it, and what to do; None when one can."""
    has_python = machine.python or any(name.startswith("python3.1") for name in machine.packages)
    may = machine.is_root or machine.may_sudo
    troubles = (
        (
            machine.arch not in ("arm64", "amd64"),
            f"its system is {machine.arch or 'not known'}: install Raspberry Pi OS Bookworm, 64 bit",
        ),
        (not machine.is_debian, f"{machine.system} has no apt-get: install Raspberry Pi OS Bookworm, 64 bit"),
        (
            not has_python,
            f"{machine.system} has no Python 3.11: install Raspberry Pi OS Bookworm, 64 bit, or JetPack 6",
        ),
        (
            machine.free_mb < LEAST_FREE_MB,
            f"only {machine.free_mb} MB are free, {LEAST_FREE_MB} are needed: free some, or take a larger card",
        ),
        (layout.root and machine.systemd < LEAST_SYSTEMD, f"it does not run systemd {LEAST_SYSTEMD} or newer"),
        (
            layout.root and not may,
            "this user may not become root without a password: connect as one who may (--user), or see sudoers(5)",
        ),
    )
    return next((words for holds, words in troubles if holds), None)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
