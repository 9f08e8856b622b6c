"""Health of the machine: room, memory, heat, power, clock and services, read from a machine made up of files."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from health_scene import Look, MadeUp

from edge.clock import stamp
from edge.facts import uuid7
from edge.health.machine import Machine, ask
from edge.runtime.paths import Paths
from edge.store.database import Store

GB = 1_000_000_000


@pytest.fixture
def made_up(tmp_path: Path) -> MadeUp:
    return MadeUp(tmp_path / "machine")


@pytest.fixture
def look(paths: Paths, made_up: MadeUp) -> Look:
    return Look(paths, made_up)


def give_room(
    monkeypatch: pytest.MonkeyPatch, free_bytes: float, free_files: int = 9_000, files: int = 10_000
) -> None:
    """The operating system's answer, for every path."""
    answer = SimpleNamespace(
        f_frsize=1000,
        f_blocks=100 * GB // 1000,
        f_bavail=int(free_bytes) // 1000,
        f_files=files,
        f_favail=free_files,
    )
    monkeypatch.setattr(os, "statvfs", lambda _: answer)


@pytest.mark.parametrize(
    ("free_gb", "state"), [(60, "ok"), (5.13, "ok"), (5.11, "warn"), (2.05, "warn"), (2.04, "bad"), (0, "bad")]
)
def test_the_settings_say_how_much_room_is_enough(
    look: Look, monkeypatch: pytest.MonkeyPatch, free_gb: float, state: str
) -> None:
    give_room(monkeypatch, free_gb * GB)
    found = look.find("disk")
    assert found.state == state
    assert f"{free_gb:.1f} of 100.0 GB" in found.text
    assert bool(found.advice) == (state != "ok")


def test_other_limits_hold_instead(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    give_room(monkeypatch, 3 * GB)
    assert look.state("disk") == "warn"
    look.paths.settings.write_text("[disk]\nwarn_free_mb = 2000\nleast_free_mb = 1000\n")
    assert look.state("disk") == "ok"
    look.paths.settings.write_text("[disk]\nleast_free_mb = 4000\n")
    assert look.state("disk") == "bad"


def test_shared_memory_that_is_full_is_told(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def statvfs(path: Path) -> object:
        size = 1_000_000 if path == look.paths.run else 50 * GB
        return SimpleNamespace(f_frsize=1, f_blocks=100 * GB, f_bavail=size, f_files=9, f_favail=9)

    monkeypatch.setattr(os, "statvfs", statvfs)
    found = look.find("disk")
    assert found.state == "bad"
    assert "live state" in found.text


@pytest.mark.parametrize(("free", "state"), [(9000, "ok"), (500, "ok"), (499, "warn"), (99, "bad")])
def test_a_disk_may_have_no_room_for_names(
    look: Look, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    give_room(monkeypatch, 60 * GB, free_files=free)
    assert look.state("inodes") == state


def test_a_disk_without_a_limit_of_files_is_well(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    give_room(monkeypatch, 60 * GB, free_files=0, files=0)
    assert look.state("inodes") == "ok"


def test_a_data_directory_that_is_not_there_is_on_the_disk_above(look: Look) -> None:
    machine = Machine()
    assert machine.room(look.paths.data / "not" / "yet") is not None


@pytest.mark.parametrize(("kb", "state"), [(2_000_000, "ok"), (290_000, "warn"), (90_000, "bad")])
def test_memory_that_runs_out_is_told(look: Look, made_up: MadeUp, kb: int, state: str) -> None:
    made_up.put("proc/meminfo", f"MemTotal: 4000000 kB\nMemAvailable: {kb} kB\n")
    assert look.state("memory") == state


@pytest.mark.parametrize(
    ("milli_c", "throttled", "state"),
    [
        (51_000, "0x0", "ok"),
        (74_900, "0x0", "ok"),
        (75_000, "0x0", "warn"),
        (82_000, "0x0", "bad"),
        (60_000, "0x4", "bad"),
        (60_000, "0x8", "bad"),
        (60_000, "0x80000", "warn"),
        (60_000, "0x10001", "ok"),  # that is its power
    ],
)
def test_heat_and_what_it_held_back_are_told(
    look: Look, made_up: MadeUp, milli_c: int, throttled: str, state: str
) -> None:
    made_up.put("sys/class/thermal/thermal_zone1/temp", f"{milli_c}\n")
    made_up.programs["vcgencmd"] = f"throttled={throttled}"
    found = look.find("temperature")
    assert found.state == state
    assert f"{max(milli_c, 51_000) / 1000:.0f} °C" in found.text


def test_a_sensor_that_is_off_is_no_frost(look: Look, made_up: MadeUp) -> None:
    made_up.put("sys/class/thermal/thermal_zone1/temp", "-256000\n")
    made_up.put("sys/class/thermal/thermal_zone2/temp", "nonsense\n")
    assert look.made_up.machine.temperature_c() == 51.0


@pytest.mark.parametrize(
    ("throttled", "state"), [("0x0", "ok"), ("0x1", "bad"), ("0x50005", "bad"), ("0x50000", "warn")]
)
def test_too_little_voltage_is_told(look: Look, made_up: MadeUp, throttled: str, state: str) -> None:
    made_up.programs["vcgencmd"] = f"throttled={throttled}"
    assert look.state("power") == state


@pytest.mark.parametrize(("alarm", "state"), [("0", "ok"), ("1", "bad")])
def test_a_service_that_may_not_ask_the_firmware_asks_the_kernel(
    look: Look, made_up: MadeUp, alarm: str, state: str
) -> None:
    del made_up.programs["vcgencmd"]
    made_up.put("sys/class/hwmon/hwmon0/name", "other\n")
    made_up.put("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n")
    assert look.state("power") == "unknown"
    made_up.put("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    made_up.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", f"{alarm}\n")
    assert look.state("power") == state


def test_a_machine_that_tells_nothing_is_not_known_and_nothing_is_wrong(paths: Paths, tmp_path: Path) -> None:
    nothing = Look(paths, MadeUp(tmp_path / "bare", bare=True))
    assert {nothing.state(name) for name in ("memory", "temperature", "power", "services")} == {"unknown"}
    assert nothing.state("clock") == "ok", "where nobody says whether it was set"


def test_the_clock_is_not_older_than_the_program(look: Look) -> None:
    found = look.at(datetime(1970, 1, 1, 0, 3, tzinfo=UTC)).find("clock")
    assert (found.state, "1970-01-01" in found.text) == ("bad", True)


def test_a_clock_that_nobody_has_set_is_worth_a_look(look: Look, made_up: MadeUp) -> None:
    assert look.state("clock") == "ok"
    (made_up.root / "run/systemd/timesync/synchronized").unlink()
    made_up.programs["timedatectl"] = "yes"
    assert look.state("clock") == "ok"
    made_up.programs["timedatectl"] = "no"
    assert look.state("clock") == "warn"


def store_a_fact(store: Store, at: datetime) -> None:
    with store.write() as conn:
        conn.execute(
            "INSERT INTO audit (at, role, what, subject) VALUES (?, 'system', 'test', ?)", [stamp(at), uuid7()]
        )


def test_a_clock_that_went_back_is_told_by_what_is_stored(look: Look, made_up: MadeUp, store: Store) -> None:
    now = datetime(2026, 5, 1, 20, 0, tzinfo=UTC)
    store_a_fact(store, now)
    assert look.at(now + timedelta(hours=1)).state("clock") == "ok"
    assert look.at(now - timedelta(minutes=1)).state("clock") == "ok", "what two clocks may differ"
    (made_up.root / "run/systemd/timesync/synchronized").unlink()
    made_up.programs["timedatectl"] = "no"
    found = look.at(now - timedelta(hours=5)).find("clock")
    assert found.state == "bad"
    assert "2026-05-01 15:00" in found.text
    assert "2026-05-01 20:00" in found.text


def test_a_clock_that_was_ahead_and_is_set_now_needs_nobody(look: Look, store: Store) -> None:
    now = datetime(2026, 5, 1, 20, 0, tzinfo=UTC)
    store_a_fact(store, now + timedelta(days=400))
    assert look.at(now).state("clock") == "warn"


def test_services_are_known_however_they_were_started(look: Look, made_up: MadeUp) -> None:
    data = str(look.paths.data)
    python = "/opt/ladder/bin/python"
    made_up.runs(10, 7200, python, "-m", "edge.runtime.child", "9", "vision", "--data", data, "--camera", "sim")
    made_up.runs(11, 3600, python, "/opt/ladder/bin/ladder", "kiosk", f"--data={data}")
    made_up.runs(12, 3590, python, "/opt/ladder/bin/ladder", "kiosk", f"--data={data}")  # gunicorn's worker
    made_up.runs(13, 50, "ladder", "jobs", "--data", look.paths.data.name, cwd=look.paths.data.parent)
    made_up.runs(14, 50, python, "/opt/ladder/bin/ladder", "sync", "--data", "/srv/another")
    made_up.runs(15, 50, python, "/opt/ladder/bin/ladder", "doctor", "--data", data)
    made_up.runs(16, 50, "vim", "ladder", "vision")
    made_up.put("proc/17/cmdline", "ladder\0vision\0")  # ends while it is looked at
    assert made_up.machine.services(look.paths.data) == {"vision": 7200.0, "kiosk": 3600.0, "jobs": 50.0}


def test_the_default_directory_s_services_need_not_name_it(
    look: Look, made_up: MadeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up.runs(10, 60, "ladder", "vision")
    assert made_up.machine.services(look.paths.data) == {}
    monkeypatch.setenv("LADDER_DATA", str(look.paths.data))
    assert made_up.machine.services(look.paths.data) == {"vision": 60.0}


def test_a_unit_s_own_environment_says_which_box_it_is(look: Look, made_up: MadeUp) -> None:
    made_up.runs(10, 60, "/opt/action-ladder/current/venv/bin/ladder", "vision")
    made_up.put("proc/10/environ", f"PATH=/bin\0LADDER_DATA={look.paths.data}\0")
    assert made_up.machine.services(look.paths.data) == {"vision": 60.0}


def test_where_systemd_runs_the_box_its_commands_are_named(look: Look, made_up: MadeUp) -> None:
    made_up.put("etc/systemd/system/ladder-vision.service", "")
    assert look.find("vision").command == "sudo systemctl start ladder.target"
    found = look.find("vision", serving=True)
    assert (found.state, found.command) == ("bad", "journalctl -u ladder-vision -n 50")


def test_a_service_that_is_missing_or_began_anew_is_told(look: Look, made_up: MadeUp) -> None:
    data = ("--data", str(look.paths.data))
    made_up.runs(10, 7200, "ladder", "vision", *data)
    assert look.state("services") == "bad"
    made_up.runs(11, 300_000, "ladder", "kiosk", *data)
    assert look.state("services") == "warn", "nobody takes backups"
    made_up.runs(12, 600, "ladder", "jobs", *data)
    found = look.find("services")
    assert (found.state, found.text) == ("ok", "Running: jobs (10 min), kiosk (3 days), vision (2 h).")
    made_up.runs(13, 30, "ladder", "sync", *data)
    made_up.put("etc/systemd/system/ladder-sync.service", "")
    found = look.find("services")
    assert (found.state, "sync began anew 30 s ago" in found.text) == ("warn", True)
    assert found.command == "journalctl -u ladder-sync -n 50"


def test_this_very_machine_tells_what_it_has() -> None:
    machine = Machine()
    memory = machine.memory()
    assert memory is not None
    assert 0 < memory.available_bytes <= memory.total_bytes
    assert machine.services(Path("/nowhere")) == {}
    assert machine.temperature_c() is None or machine.temperature_c()


def test_a_program_that_is_not_there_fails_or_hangs_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(["no-such-program-anywhere"]) is None
    assert ask(["false"]) is None
    assert ask(["echo", "yes"]) == "yes"
    monkeypatch.setattr("edge.health.machine.ASK_S", 0.05)
    assert ask(["sleep", "5"]) is None
