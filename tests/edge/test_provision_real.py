"""`ladder provision` with the real program: a wheel of this checkout, venv, pip, store and doctor, over SSH.

What the program needs is lent by this environment, so that nothing is downloaded: for pip it is installed already.
"""

import shutil
import sqlite3
import subprocess
import sysconfig
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from real_sshd import HOST, Sshd, running_sshd

from edge.commands.provision import provision

ROOT = Path(__file__).parents[2]
PARTS = ("calibration", "vision", "edge", "kiosk", "sync", "systemd")

pytestmark = pytest.mark.slow


def lend_packages(folder: Path) -> Path:
    """A directory with all that is installed here, save this program."""
    folder.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("action_ladder", "__editable__", "pip", "setuptools", "_distutils")):
            (folder / path.name).symlink_to(path)
    return folder


def checkout_of(version: str, folder: Path) -> Path:
    """A checkout like this one, of that version."""
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(text.replace('version = "0.1.0"', f'version = "{version}"'))
    return folder


def run(sshd: Sshd, prefix: Path, *words: object, code: int = 0) -> list[str]:
    given = [HOST, "--ssh-config", sshd.config, "--prefix", prefix, *words]
    result = CliRunner().invoke(provision, [str(word) for word in given])
    assert result.exit_code == code, result.output
    return result.output.splitlines()


def tables(store: Path) -> int:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as conn:
        return int(conn.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0])


def test_from_this_checkout_to_a_box_that_its_doctor_finds_well(tmp_path: Path) -> None:
    prefix, first = tmp_path / "box", checkout_of("0.1.0", tmp_path / "first")
    packages = lend_packages(tmp_path / "packages")
    with running_sshd(tmp_path / "d", f"PYTHONPATH={packages}") as sshd:
        told = run(sshd, prefix, "--from", first, "--label", "Table 3")
        assert told[-1].startswith("box runs Action Ladder 0.1.0 (0.1.0-1) and is well")
        data, release = prefix / "var/lib/action-ladder", prefix / "opt/action-ladder/current"
        assert tables(data / "ladder.db") > 30
        for unit in (ROOT / "systemd").glob("ladder*"):
            assert (prefix / "etc/systemd/system" / unit.name).read_bytes() == unit.read_bytes()
        assert (release / "venv/share/action-ladder/systemd/labwc/autostart").is_file()
        assert run(sshd, prefix, "--from", first)[-1].endswith("nothing was to be done")

        told = run(sshd, prefix, "--from", checkout_of("0.2.0", tmp_path / "newer"))
        assert "0.2.0-1 runs, before it 0.1.0-1" in "\n".join(told)
        (kept,) = (data / "backups").iterdir()
        assert (release / "snapshot").read_text() == kept.name
        assert tables(kept / "ladder.db") == tables(data / "ladder.db")
        assert run(sshd, prefix, "--rollback")[-1] == "box: 0.1.0-1 runs again"

    command = [str(prefix / "usr/local/bin/ladder"), "doctor"]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(packages)}
    assert subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0
