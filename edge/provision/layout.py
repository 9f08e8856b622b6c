"""Where everything lies on a box, below `/` or a prefix, and the words that every script there begins with."""

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

UNITS_IN_RELEASE = "venv/share/action-ladder/systemd"
SERVICES = ("migrate", "vision", "kiosk", "jobs", "sync", "hub")
SCREEN = "browser"
# A run that was broken off may still be installing there.
WAIT_S = 300


@dataclass(frozen=True, slots=True)
class Layout:
    """Below a `prefix` nothing beside it is touched: users, packages and services are not made and started but
    written down, in a file of the prefix. For trying it out."""

    prefix: str = ""

    @property
    def root(self) -> bool:
        """Whether scripts must run as root."""
        return not self.prefix

    @property
    def opt(self) -> PurePosixPath:
        return PurePosixPath(f"{self.prefix}/opt/action-ladder")

    @property
    def data(self) -> PurePosixPath:
        return PurePosixPath(f"{self.prefix}/var/lib/action-ladder")

    def release(self, name: str) -> PurePosixPath:
        return self.opt / "releases" / name

    def preamble(self) -> str:
        names = {
            "P": self.prefix,
            "OPT": str(self.opt),
            "DATA": str(self.data),
            "RUN": f"{self.prefix}/run/action-ladder",
            "ETC": f"{self.prefix}/etc/action-ladder",
            "UNITS": f"{self.prefix}/etc/systemd/system",
            "BIN": f"{self.prefix}/usr/local/bin",
            "IN_RELEASE": UNITS_IN_RELEASE,
            "SERVICES": " ".join(SERVICES),
        }
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in names.items()) + _WORDS

    def alone(self) -> str:
        """The words of a script that changes something: two never do at once."""
        return self.preamble() + _ALONE


_WORDS = """
set -eu
umask 022
cd /
# What changes the machine itself; below a prefix it is written down.
system() {
  if [ -z "$P" ]; then "$@"; else printf '%s\\n' "$*" >>"$P/system-commands"; fi
}
written_down() { grep -qxF "$*" "$P/system-commands" 2>/dev/null || return 1; }
# As the box's user, with its data.
as_ladder() {
  if [ -z "$P" ]; then
    runuser -u ladder -- env "LADDER_DATA=$DATA" "LADDER_RUN=$RUN" "$@"
  else
    env "LADDER_DATA=$DATA" "LADDER_RUN=$RUN" "$@"
  fi
}
of_ladder() { if [ -z "$P" ]; then chown ladder:ladder "$@"; fi; }
current() { if [ -L "$OPT/current" ]; then basename "$(readlink "$OPT/current")"; fi; }
applied() { cat "$OPT/applied" 2>/dev/null || true; }
"""

_ALONE = f"""
mkdir -p "$OPT"
exec 9>"$OPT/.provisioning"
flock -w {WAIT_S} 9 || {{ echo "another ladder provision has been at work here for {WAIT_S} s" >&2; exit 1; }}
"""
