"""A python3 that makes environments and installs stub releases without venv and pip, in a hundredth of the time.
Where `slow` is there, making an environment waits, and says so by `reached`."""

import sys
from pathlib import Path

_PYTHON = """#!/bin/sh
case "$1 $2" in
"-m venv")
  if [ -e {folder}/slow ]; then : >{folder}/reached; while [ -e {folder}/slow ]; do sleep 0.1; done; fi
  for venv in "$@"; do :; done
  mkdir -p "$venv/bin" "$venv/site" && venv=$(cd "$venv" && pwd)
  sed "s|VENV|$venv|" {folder}/venv_python >"$venv/bin/python" && chmod +x "$venv/bin/python" ;;
"-m pip") ;;
*) exec {real} -I -S "$@" ;;
esac
"""
_VENV_PYTHON = """#!/bin/sh
if [ "$1 $2" != "-m pip" ]; then PYTHONPATH=VENV/site exec {real} -S "$@"; fi
for wheel in "$@"; do :; done
exec {real} -I -S {folder}/install.py VENV "$wheel"
"""
_INSTALL = """
import sys, zipfile
from pathlib import Path

venv, wheel = Path(sys.argv[1]), zipfile.ZipFile(sys.argv[2])
for name in wheel.namelist():
    _, data, shared = name.partition(".data/data/")
    path = venv / shared if data else venv / "site" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wheel.read(name))
ladder = venv / "bin" / "ladder"
ladder.write_text(f'#!/bin/sh\\nexec {{venv}}/bin/python -c "from stub_ladder import main; main()" "$@"\\n')
ladder.chmod(0o755)
"""


def put_quick_python(folder: Path) -> None:
    """Puts it, with what it needs, into the directory that comes first in the PATH there."""
    known = {"folder": folder, "real": f"{sys.base_prefix}/bin/python3"}
    for name, text in (("python3", _PYTHON), ("venv_python", _VENV_PYTHON), ("install.py", _INSTALL)):
        path = folder / name
        path.write_text(text.format(**known))
        path.chmod(0o755)
