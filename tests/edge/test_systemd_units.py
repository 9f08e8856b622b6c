"""The units are what systemd understands, shut in, and start commands that exist. systemd itself is asked."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.cli import COMMANDS
from edge.provision.layout import SERVICES

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
OURS = [unit for unit in UNITS if unit.stem != "ladder-browser"]
WATCHED = [unit for unit in OURS if unit.stem not in ("ladder-migrate", "ladder-cloud")]
# What `systemd-analyze security` may say, of 10. A browser needs namespaces, a seat and a graphics card.
MOST_EXPOSED, MOST_EXPOSED_BROWSER = 2.0, 4.5
PROGRAM = "/opt/action-ladder/current/venv/bin/"


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here: apt-get install systemd")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


def test_systemd_finds_nothing_to_say(tmp_path: Path) -> None:
    for unit in (*UNITS, SYSTEMD / "ladder.target"):
        text = unit.read_text(encoding="utf-8")
        # Programs that are on a box; here anything that can be run stands for them.
        for program in (f"{PROGRAM}ladder", f"{PROGRAM}python", "/usr/bin/labwc"):
            text = text.replace(program, "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    done = analyze("verify", "--man=no", *sorted(tmp_path.glob("ladder*")))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_would_have_said_something(tmp_path: Path) -> None:
    broken = tmp_path / "ladder-broken.service"
    broken.write_text("[Service]\nExecStart=/bin/true\nRestartStep=3\n")
    assert "RestartStep" in analyze("verify", "--man=no", broken).stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_service_that_is_broken_into_is_shut_in(unit: Path) -> None:
    most = MOST_EXPOSED if unit in OURS else MOST_EXPOSED_BROWSER
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={round(10 * most)}", unit)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", OURS, ids=lambda unit: unit.stem)
def test_a_unit_starts_the_command_of_its_name(unit: Path) -> None:
    name = unit.stem.removeprefix("ladder-")
    assert values(unit, "ExecStart") == [f"{PROGRAM}ladder {name}"]
    assert name in COMMANDS
    assert values(unit, "User") == ["ladder"]


@pytest.mark.parametrize("unit", WATCHED, ids=lambda unit: unit.stem)
def test_a_service_is_watched_ends_politely_and_comes_back_for_ever(unit: Path) -> None:
    assert values(unit, "Type") == ["notify"]
    assert int(values(unit, "WatchdogSec")[0]) <= 120
    assert values(unit, "WatchdogSignal") == ["SIGTERM"], "what it holds in memory is kept"
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    assert values(unit, "After")[0] == values(unit, "Wants")[0] == "ladder-migrate.service"
    assert values(unit, "PartOf") == ["ladder.target"]


def test_the_store_is_looked_at_again_before_a_service_that_starts_again() -> None:
    assert values(SYSTEMD / "ladder-migrate.service", "RemainAfterExit") == []


def test_what_no_service_needs_is_taken_from_all_alike() -> None:
    said = {unit.read_text().partition("# What every service of the box goes without.\n")[2] for unit in OURS}
    blocks = {block.partition("\n[Install]")[0] for block in said}
    assert len(blocks) == 1
    assert "NoNewPrivileges=yes" in blocks.pop()


def test_vision_is_served_first_and_killed_last() -> None:
    def most(key: str, default: str) -> dict[str, int]:
        return {unit.stem: int((values(unit, key) or [default])[0]) for unit in UNITS}

    shares, scores = most("CPUWeight", "100"), most("OOMScoreAdjust", "0")
    assert max(shares, key=lambda name: shares[name]) == "ladder-vision"
    assert min(scores, key=lambda name: scores[name]) in ("ladder-vision", "ladder-migrate")
    assert max(scores, key=lambda name: scores[name]) == "ladder-browser"


def test_provisioning_knows_every_service_of_a_box() -> None:
    elsewhere = {"cloud", "browser"}
    assert {unit.stem.removeprefix("ladder-") for unit in UNITS} == set(SERVICES) | elsewhere


def test_the_technician_s_guide_names_every_unit() -> None:
    guide = (ROOT / "docs" / "technician.md").read_text(encoding="utf-8")
    for unit in UNITS:
        assert f"`{unit.stem}" in guide
