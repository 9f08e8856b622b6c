"""A release becomes the one that runs, or the one before stays.

Everything between the stop and the start is one script on the box, which runs to its end if the connection breaks
off, so that no box is left standing. Whether the new release is well is asked from here, and where it is not, the
box goes back: to the release that was well last, with the store as it was before where the old program can't read
the new one. That store is kept aside, with what was stored in it meanwhile.
"""

import json
import time

from edge.provision.plan import Job, Step
from edge.provision.ssh import ProvisionError

WELL_S = 90.0
ASK_EVERY_S = 3.0

_WORDS = """
rel() { echo "$OPT/releases/$1"; }
ladder_of() { as_ladder "$(rel "$1")/venv/bin/ladder" migrate; }
box_side() { release=$1; shift; as_ladder "$(rel "$release")/venv/bin/python" -m edge.provision.box_side "$@"; }
put() { printf %s "$2" >"$OPT/$1.new" && mv "$OPT/$1.new" "$OPT/$1"; }
units_are_of() {
  for unit in "$(rel "$1")/$IN_RELEASE"/ladder*.service "$(rel "$1")/$IN_RELEASE"/ladder*.target; do
    cmp -s "$unit" "$UNITS/$(basename "$unit")" || return 1
  done
  for unit in "$UNITS"/ladder*.service "$UNITS"/ladder*.target; do
    [ ! -f "$unit" ] || [ -e "$(rel "$1")/$IN_RELEASE/$(basename "$unit")" ] || return 1
  done
}
install_units() {
  for unit in "$UNITS"/ladder*.service "$UNITS"/ladder*.target; do
    if [ -f "$unit" ] && [ ! -e "$(rel "$1")/$IN_RELEASE/$(basename "$unit")" ]; then
      system systemctl disable --quiet "$(basename "$unit")"
      rm -f "$unit" || return 1
    fi
  done
  for unit in "$(rel "$1")/$IN_RELEASE"/ladder*.service "$(rel "$1")/$IN_RELEASE"/ladder*.target; do
    name=$(basename "$unit")
    cp "$unit" "$UNITS/.$name" && chmod 644 "$UNITS/.$name" && mv "$UNITS/.$name" "$UNITS/$name" || return 1
  done
  if [ "$SYSTEMD" -ge 254 ]; then
    mkdir -p "$UNITS/ladder-.service.d" || return 1
    cp "$(rel "$1")/$IN_RELEASE/back-off.conf" "$UNITS/ladder-.service.d/" || return 1
  fi
}
stop_box() { if [ -n "$P" ] || [ -e "$UNITS/ladder.target" ]; then system systemctl stop ladder.target; fi; }
start_box() {
  system systemctl daemon-reload || return 1
  for service in $SERVICES; do
    [ -e "$UNITS/ladder-$service.service" ] || continue
    system systemctl enable --quiet "ladder-$service.service" || return 1
  done
  system systemctl enable --quiet ladder.target || return 1
  system systemctl reset-failed 'ladder*' || true
  system systemctl start ladder.target
}
switch_to() { ln -sfn "releases/$1" "$OPT/current.new" && mv -T "$OPT/current.new" "$OPT/current"; }
go() { stop_box; switch_to "$1" && ladder_of "$1" && install_units "$1" && start_box; }
# Back from the release $1 to $2; the store is put back where $2 can't read what $1 made of it.
back() {
  stop_box
  switch_to "$2" || return 1
  if ! ladder_of "$2"; then
    kept=$(cat "$(rel "$1")/snapshot" 2>/dev/null)
    [ -n "$kept" ] || return 1
    aside=$(box_side "$2" restore "$kept") || return 1
    echo "put back: the store of $kept; what was stored since is in $aside"
  fi
  install_units "$2" && start_box
}
# To its end, whatever becomes of the connection: what is said goes into a file first.
to_the_end() {
  code=0
  "$@" >"$OPT/update.log" 2>&1 || code=$?
  cat "$OPT/update.log" >&2
  exit "$code"
}
"""

_RUNS = """
[ "$(current)" = "$RELEASE" ] && [ "$(applied)" = "$RELEASE" ] && units_are_of "$RELEASE" || exit 1
[ -n "$P" ] || { systemctl is-enabled --quiet ladder.target && systemctl is-active --quiet ladder.target; }
"""
_SNAPSHOT = """
was=$(applied)
if [ -n "$was" ] && [ "$(current)" = "$was" ] && [ "$was" != "$RELEASE" ]; then
  kept=$(box_side "$was" snapshot)
  printf %s "$kept" >"$(rel "$RELEASE")/snapshot"
fi
"""
_WELL = """
if [ "$(applied)" != "$RELEASE" ]; then put previous "$(applied)"; fi
put applied "$RELEASE"
"""


def running(_: Job) -> Step:
    """That this release runs, and is well."""

    def ask(job: Job) -> str | None:
        if not job.release or not job.asks(_WORDS + _RUNS, RELEASE=job.release):
            return None
        return f"{job.release} runs"

    return Step("services", ask, update)


def update(job: Job, well_s: float = WELL_S) -> str:
    """Switches to the release and waits until it is well; else goes back. Raises ProvisionError."""
    before = applied(job)
    known = frozenset(troubles(job, before)) if before else frozenset()
    job.run(_WORDS + _SNAPSHOT, RELEASE=job.release)
    gone = job.tries(_WORDS + 'to_the_end go "$RELEASE"', RELEASE=job.release, SYSTEMD=str(job.machine.systemd))
    if gone.code:
        raise _taken_back(job, before, gone.last_words)
    bad = wait_until_well(job, known, well_s)
    if bad:
        raise _taken_back(job, before, bad)
    job.run(_WORDS + _WELL, RELEASE=job.release)
    return f"{job.release} runs" + (f", before it {before}" if before and before != job.release else "")


def roll_back(job: Job, *, restore: bool, well_s: float = WELL_S) -> str:
    """Goes back to the release before. Raises ProvisionError where there is none, and where that can't read the
    store as it is now unless `restore` allows to put the store back as it was before the update."""
    now, to = applied(job), job.look('cat "$OPT/previous" 2>/dev/null || true').out.strip()
    if not to or not now:
        raise ProvisionError(f"{job.remote.host} has no release to go back to")
    reads = job.tries(_WORDS + 'ladder_of "$TO" >&2', TO=to)
    if reads.code and not restore:
        raise ProvisionError(
            f"{to} can't read the store as it is now ({reads.last_words}); --restore puts it back as it was before"
            " the update, and what was stored since goes aside"
        )
    job.release = to
    told = _back(job, now, to)
    bad = wait_until_well(job, frozenset(), well_s)
    job.run(_WORDS + _WELL, RELEASE=to)
    if bad:
        raise ProvisionError(f"{job.remote.host} runs {to} again and is not well: {bad}")
    return f"{to} runs again{told}"


def applied(job: Job) -> str:
    """The release that was well last; empty where none was."""
    return job.look("applied").out.strip()


def wait_until_well(job: Job, known: frozenset[str], well_s: float) -> str:
    """Waits until nothing is bad that was not before; says what still is after so long, "" when it is well."""
    if job.layout.root and not _answers(job, well_s):
        return f"the kiosk does not answer after {well_s:.0f} s"
    give_up_s = time.monotonic() + (well_s if job.layout.root else 0.0)
    while True:
        bad = {name: text for name, text in troubles(job, job.release).items() if name not in known}
        if not bad or time.monotonic() >= give_up_s:
            return "; ".join(bad.values())
        time.sleep(ASK_EVERY_S)


def _answers(job: Job, within_s: float) -> bool:
    return not job.look(_WORDS + f'box_side "$RELEASE" answers {within_s:.0f}', RELEASE=job.release).code


def troubles(job: Job, release: str) -> dict[str, str]:
    """What `ladder doctor` of a release finds bad, by the names of its checks."""
    asked = job.look(_WORDS + 'as_ladder "$(rel "$RELEASE")/venv/bin/ladder" doctor --json', RELEASE=release)
    try:
        findings = json.loads(asked.out)["findings"]
        return {str(one["check"]): str(one["text"]) for one in findings if one["state"] == "bad"}
    except (ValueError, KeyError, TypeError):
        return {"doctor": f"ladder doctor fails: {asked.last_words}"}


def _taken_back(job: Job, before: str, why: str) -> ProvisionError:
    host, new = job.remote.host, job.release
    if not before or before == new:
        return ProvisionError(f"{host} runs {new} and is not well: {why}")
    try:
        told = _back(job, new, before)
    except ProvisionError as error:
        return ProvisionError(f"{new} is not well ({why}), and the box could not go back to {before}: {error}")
    return ProvisionError(f"{new} is not well ({why}): {host} runs {before} again{told}")


def _back(job: Job, now: str, to: str) -> str:
    told = job.run(
        _WORDS + 'to_the_end back "$NOW" "$TO"', NOW=now, TO=to, SYSTEMD=str(job.machine.systemd)
    ).err.splitlines()
    return "".join(f"; {line}" for line in told if line.startswith("put back: "))
