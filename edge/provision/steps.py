"""What is on a box beside the running program: packages, its user, the release, settings, the screen."""

import tempfile

from edge.provision.machine import PYTHONS, SCREEN_PACKAGES
from edge.provision.plan import Job, Step, scripted
from edge.provision.ssh import ProvisionError

KEPT_RELEASES = 3
HUB_PORT = 8444  # sync.enrolment's; that room is above this one

_PACKAGES_THERE = """
if [ -n "$P" ]; then written_down "apt-get install $PACKAGES"; exit; fi
for spec in $PACKAGES; do
  found=
  for name in $(printf '%s' "$spec" | tr '|' ' '); do
    if [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null)" = "ii " ]; then found=1; fi
  done
  [ -n "$found" ] || exit 1
done
"""
_INSTALL_PACKAGES = """
if [ -n "$P" ]; then system apt-get install "$PACKAGES"; exit; fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
names=
for spec in $PACKAGES; do
  for name in $(printf '%s' "$spec" | tr '|' ' '); do
    if apt-cache show "$name" >/dev/null 2>&1; then names="$names $name"; continue 2; fi
  done
  echo "apt-get knows no package $spec" >&2
  exit 1
done
apt-get install -y -q --no-install-recommends $names
"""

# Groups that a system has not are passed over: a Jetson has no gpio, a server no render.
_USER_THERE = """
if [ -n "$P" ]; then written_down "useradd $NAME $HOME_DIR $GROUPS_WANTED"; exit; fi
id "$NAME" >/dev/null 2>&1 || exit 1
for group in $GROUPS_WANTED; do
  if getent group "$group" >/dev/null; then id -nG "$NAME" | grep -qw "$group" || exit 1; fi
done
"""
_MAKE_USER = """
if [ -n "$P" ]; then system useradd "$NAME" "$HOME_DIR" "$GROUPS_WANTED"; exit; fi
id "$NAME" >/dev/null 2>&1 ||
  useradd --system --user-group --home-dir "$HOME_DIR" --no-create-home --shell /usr/sbin/nologin "$NAME"
for group in $GROUPS_WANTED; do
  if getent group "$group" >/dev/null; then usermod -aG "$group" "$NAME"; fi
done
"""

_DIRECTORIES_THERE = """
for folder in "$OPT/releases" "$ETC" "$UNITS" "$BIN" "$DATA"; do [ -d "$folder" ] || exit 1; done
[ -n "$P" ] || [ "$(stat -c %U:%a "$DATA")" = ladder:700 ]
"""
_MAKE_DIRECTORIES = """
install -d -m 755 "$OPT/releases" "$ETC" "$UNITS" "$BIN"
install -d -m 700 "$DATA"
of_ladder "$DATA"
"""

# So that `ladder doctor` typed at the box means this box, whoever types it.
_COMMAND = """\
#!/bin/sh
# Action Ladder's command, for the box of this machine. Written by ladder provision.
owner=$(stat -c %U {data})
set -- env LADDER_DATA={data} LADDER_RUN={run} {opt}/current/venv/bin/ladder "$@"
if [ "$(id -un)" = "$owner" ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then exec runuser -u "$owner" -- "$@"; fi
exec sudo -u "$owner" -- "$@"
"""
_COMMAND_THERE = '[ -x "$BIN/ladder" ] && [ "$(cat "$BIN/ladder")" = "$(printf %s "$COMMAND")" ]'
_WRITE_COMMAND = """
printf %s "$COMMAND" >"$BIN/ladder.new"
chmod 755 "$BIN/ladder.new"
mv "$BIN/ladder.new" "$BIN/ladder"
"""

# Which release holds exactly this package; the newest where several do.
_WHICH_RELEASE = """
for release in $(ls -1t "$OPT/releases" 2>/dev/null); do
  if [ -e "$OPT/releases/$release/complete" ] && [ "$(cat "$OPT/releases/$release/digest")" = "$DIGEST" ]; then
    echo "$release"
    exit
  fi
done
"""
_BEGIN_RELEASE = """
for release in "$OPT"/releases/*; do  # what was broken off
  if [ -d "$release" ] && [ ! -e "$release/complete" ]; then rm -rf "$release"; fi
done
n=1
while [ -e "$OPT/releases/$VERSION-$n" ]; do n=$((n + 1)); done
mkdir "$OPT/releases/$VERSION-$n"
cd "$OPT/releases/$VERSION-$n"
mkdir package
tar -x --no-same-owner -C package
(cd package && sha256sum --quiet -c SHA256SUMS)
printf %s "$DIGEST" >digest
echo "$VERSION-$n"
"""
_INSTALL_RELEASE = f"""
cd "$OPT/releases/$RELEASE"
for python in {PYTHONS}; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
done
# The system's own pip does as well, and saves half a minute on a Pi.
if "$python" -m pip --version >/dev/null 2>&1; then without=--without-pip; else without=; fi
"$python" -m venv --system-site-packages $without venv
set -- --no-input --disable-pip-version-check --quiet --prefer-binary
if [ -e package/constraints.txt ]; then set -- "$@" --constraint package/constraints.txt; fi
if [ -n "$OFFLINE" ]; then set -- "$@" --no-index --find-links package; fi
venv/bin/python -m pip install "$@" "package/$WHEEL$EXTRAS"
venv/bin/ladder --version >/dev/null
for unit in migrate vision kiosk; do [ -e "$IN_RELEASE/ladder-$unit.service" ]; done
sync -f .
touch complete
"""

_OLD_RELEASES = f"""
kept=0
for release in $(ls -1t "$OPT/releases"); do
  case "$release" in "$(current)" | "$(applied)" | "$(cat "$OPT/previous" 2>/dev/null)") continue ;; esac
  kept=$((kept + 1))
  if [ "$kept" -gt {KEPT_RELEASES - 2} ]; then echo "$release"; fi
done
"""

_ENABLE_SCREEN = """
system systemctl daemon-reload
system systemctl enable --quiet --now seatd.service ladder-browser.service
system systemctl set-default --quiet multi-user.target
"""
_SCREEN_ENABLED = """
if [ -n "$P" ]; then written_down systemctl enable --quiet --now seatd.service ladder-browser.service; exit; fi
systemctl is-enabled --quiet ladder-browser.service
"""


def packages(job: Job) -> Step:
    wanted = (*job.machine.packages, *(SCREEN_PACKAGES if job.wish.screen else ()))
    return scripted(
        "packages", _PACKAGES_THERE, _INSTALL_PACKAGES, f"{len(wanted)} installed", PACKAGES=" ".join(wanted)
    )


def users(job: Job) -> list[Step]:
    """Who the services run as, and who the screen does: its browser can read nothing of the store."""
    made = [("ladder", str(job.layout.data), "video render gpio")]
    if job.wish.screen:
        made.append(("ladder-screen", "/var/lib/ladder-screen", "video render input"))
    return [
        scripted(f"user {name}", _USER_THERE, _MAKE_USER, NAME=name, HOME_DIR=home, GROUPS_WANTED=groups)
        for name, home, groups in made
    ]


def directories(_: Job) -> Step:
    return scripted("directories", _DIRECTORIES_THERE, _MAKE_DIRECTORIES)


def command(job: Job) -> Step:
    layout = job.layout
    text = _COMMAND.format(data=layout.data, run=f"{layout.prefix}/run/action-ladder", opt=layout.opt)
    return scripted("command", _COMMAND_THERE, _WRITE_COMMAND, COMMAND=text)


def release(_: Job) -> Step:
    """The package in an environment of its own. It sees the system's packages: picamera2 comes from apt."""

    def ask(job: Job) -> str | None:
        job.release = job.look(_WHICH_RELEASE, DIGEST=job.package.digest).out.strip()
        return f"{job.release} is there" if job.release else None

    def do(job: Job) -> str:
        package = job.package
        with tempfile.TemporaryFile() as stream:
            package.write_tar(stream)
            sent = job.run(_BEGIN_RELEASE, given=stream, VERSION=package.version, DIGEST=package.digest)
        name = sent.out.split()[-1]
        job.run(
            _INSTALL_RELEASE,
            RELEASE=name,
            WHEEL=package.wheel.name,
            EXTRAS="[pi]" if job.machine.is_pi else "",
            OFFLINE="yes" if package.others else "",
        )
        return f"{name} installed, {package.size / 1e6:.1f} MB sent"

    return Step("release", ask, do)


def settings(job: Job) -> Step:
    """Settings that are there are the technician's; only a hub's port is added where it is missing."""
    wish = job.wish
    lines = ["# Every key is described in docs/settings.md.\n"]
    if wish.label is not None:
        lines.append(f"[table]\nlabel = {_toml(wish.label)}\n")
    if wish.camera is not None:
        lines.append(f"[camera]\nsource = {_toml(wish.camera)}\n")
    hub = f"[hub]\nport = {HUB_PORT}\n" if wish.is_hub else ""
    there = """
[ -e "$DATA/settings.toml" ]
[ -z "$HUB" ] || grep -q '^\\[hub\\]' "$DATA/settings.toml"
"""
    write = """
if [ -e "$DATA/settings.toml" ]; then SETTINGS=$(cat "$DATA/settings.toml"); fi
printf '%s\\n' "$SETTINGS" >"$DATA/settings.toml.new"
if [ -n "$HUB" ]; then printf '\\n%s' "$HUB" >>"$DATA/settings.toml.new"; fi
chmod 600 "$DATA/settings.toml.new"
of_ladder "$DATA/settings.toml.new"
mv "$DATA/settings.toml.new" "$DATA/settings.toml"
"""
    return scripted("settings", there, write, "written", SETTINGS="\n".join(lines), HUB=hub)


def enrolment(job: Job) -> list[Step]:
    """The box joins a hall: `ladder enrol` there, with the code that the hub shows."""
    if job.wish.enrol is None:
        return []
    code, hub = job.wish.enrol

    def ask(job: Job) -> str | None:
        return "a table of its hall" if job.asks('[ -e "$DATA/hub.json" ]') else None

    def do(job: Job) -> str:
        job.run('as_ladder "$OPT/current/venv/bin/ladder" enrol "$CODE" --hub "$HUB" >&2', CODE=code, HUB=hub)
        job.run("system systemctl restart ladder.target")
        return f"enrolled at {hub}"

    return [Step("enrolment", ask, do)]


def screen(job: Job) -> list[Step]:
    """The table's own screen, where one is wanted."""
    return [scripted("screen", _SCREEN_ENABLED, _ENABLE_SCREEN, "started")] if job.wish.screen else []


def old_releases(_: Job) -> Step:
    def ask(job: Job) -> str | None:
        old = job.look(_OLD_RELEASES).out.split()
        return None if old else f"at most {KEPT_RELEASES} are kept"

    def do(job: Job) -> str:
        old = job.look(_OLD_RELEASES).out.split()
        job.run('cd "$OPT/releases"\nrm -rf $OLD', OLD=" ".join(old))
        return f"{', '.join(old)} removed"

    return Step("old releases", ask, do)


def _toml(text: str) -> str:
    if any(ord(char) < 32 for char in text):
        raise ProvisionError(f"{text!r} can't be written into the settings")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
