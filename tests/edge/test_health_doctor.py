"""`ladder doctor` as a person runs it: a real process, a readable list, an exit status, repairs on request."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fresh_store import fresh_store

from edge.health.registry import all_checks


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "box"
    data.mkdir(mode=0o700)
    fresh_store(data / "ladder.db")
    # What else is on the disk of whoever runs the tests is not the question.
    (data / "settings.toml").write_text("[disk]\nwarn_free_mb = 0\nleast_free_mb = 0\n")
    return data


def doctor(data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), "doctor", "--data", str(data), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])


def told(ran: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    content = json.loads(ran.stdout)
    assert content["schema"] == 1
    assert content["ok"] == (ran.returncode == 0)
    return {one["check"]: one for one in content["findings"]}


def test_a_box_that_is_well_says_so_and_a_stopped_one_is_no_fault(data: Path) -> None:
    ran = doctor(data)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert [line.split()[1] for line in lines if line.split()[0] in ("ok", "warn", "BAD", "?")] == [
        check.name for check in all_checks()
    ]
    assert lines[-1].startswith(f"{len(all_checks())} checks: ")
    assert "bad" not in lines[-1]
    assert f"$ ladder run --data {data}" in ran.stdout


def test_what_is_bad_is_told_with_what_to_do_and_status_1(data: Path) -> None:
    (data / "ladder.db").unlink()
    ran = doctor(data)
    assert ran.returncode == 1
    assert ran.stderr == "ladder: something must be done: store\n"
    assert "BAD   store" in ran.stdout
    assert f"$ ladder migrate --data {data}" in ran.stdout
    assert not (data / "ladder.db").exists(), "without --repair it changes nothing"


def test_what_it_found_is_json_for_programs(data: Path) -> None:
    found = told(doctor(data, "--json", "--thorough"))
    assert list(found) == [check.name for check in all_checks()]
    assert found["integrity"]["state"] == "ok"
    assert "thoroughly" in found["integrity"]["text"]
    (data / "settings.toml").write_text("[kiosk]\nprot = 1\n")
    assert told(doctor(data, "--json"))["settings"]["state"] == "bad"


def test_repair_puts_right_what_it_safely_can(data: Path) -> None:
    (data / "ladder.db").unlink()
    data.chmod(0o755)
    ran = doctor(data, "--repair")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "done: The store is of this version now" in ran.stdout
    assert (data / "ladder.db").exists()
    assert data.stat().st_mode & 0o777 == 0o700
    assert "done:" not in doctor(data, "--repair").stdout, "there is nothing more to do"


def test_a_mistyped_directory_is_not_made(tmp_path: Path) -> None:
    ran = doctor(tmp_path / "tpyo", "--repair")
    assert ran.returncode == 1
    assert "files" in ran.stderr
    assert not (tmp_path / "tpyo").exists()
