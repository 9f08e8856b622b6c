"""Health of what watches the table, and of the box's own files: settings, owners, calibration, keys."""

import json
import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from health_scene import Look, MadeUp

from calibration.camera import Camera
from calibration.file import Calibration
from calibration.table import STANDARD_TABLES
from edge.clock import now_stamp
from edge.hall.certificate import load_certificate
from edge.hall.keys import load_keys
from edge.hall.pins import hash_pin, keep_pin
from edge.hall.players import sign_up
from edge.runtime.paths import Paths
from edge.store.database import Store

NOW = datetime.now(UTC)


@pytest.fixture
def look(paths: Paths, tmp_path: Path) -> Look:
    return Look(paths, MadeUp(tmp_path / "machine"))


def run_vision(look: Look, up_s: float = 7200) -> None:
    look.made_up.runs(10, up_s, "ladder", "vision", "--data", str(look.paths.data))


def run_kiosk(look: Look, up_s: float = 7200) -> None:
    look.made_up.runs(11, up_s, "ladder", "kiosk", "--data", str(look.paths.data))


def test_settings_that_can_not_be_used_are_told_and_the_rest_still_answers(look: Look) -> None:
    assert look.state("settings") == "ok"
    look.paths.settings.write_text("[kiosk]\nprot = 1\n")
    found = look.find("settings")
    assert (found.state, "did you mean port?" in found.text) == ("bad", True)
    assert look.state("calibration") == "ok"
    look.paths.settings.write_text("[kiosk]\nport = 8090\n")
    assert look.state("settings") == "ok"


def test_settings_that_a_service_has_not_read_yet_are_told(look: Look) -> None:
    look.paths.settings.write_text("")
    run_vision(look, 3600)
    run_kiosk(look, 1)
    found = look.find("settings")
    assert (found.state, "after vision began" in found.text) == ("warn", True)
    os.utime(look.paths.settings, (NOW.timestamp() - 9000,) * 2)
    assert look.state("settings") == "ok"


def test_a_directory_that_others_may_look_into_is_made_private(look: Look) -> None:
    assert look.state("files") == "ok"
    look.paths.data.chmod(0o755)
    found = look.find("files")
    assert (found.state, found.command) == ("warn", f"chmod 700 {look.paths.data}")
    assert "private" in str(look.mend("files"))
    assert look.state("files") == "ok"
    assert look.mend("files") is None


def test_a_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    look = Look(Paths(tmp_path / "data", tmp_path / "run"), MadeUp(tmp_path / "machine"))
    assert look.state("files") == "bad"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_sudo_left_is_told_and_given_back(look: Look) -> None:
    os.chown(look.paths.data, 1234, 1234)
    for path in look.paths.data.glob("ladder.db*"):
        os.chown(path, 1234, 1234)
    assert look.state("files") == "ok"
    os.chown(look.paths.store, 0, 0)
    found = look.find("files")
    assert (found.state, found.command) == ("bad", f"sudo chown -R user 1234 {look.paths.data}")
    assert "ladder.db belong to user 1234" in str(look.mend("files"))
    assert look.paths.store.stat().st_uid == 1234
    assert look.state("files") == "ok"


def test_a_box_that_is_stopped_misses_nothing(look: Look) -> None:
    found = look.find("vision")
    assert (found.state, found.command) == ("unknown", f"ladder run --data {look.paths.data}")
    assert look.state("camera") == "unknown"
    assert look.state("services") == "unknown"


def test_a_box_that_runs_without_vision_is_told(look: Look) -> None:
    run_kiosk(look)
    assert look.state("vision") == "bad"
    look.live()
    assert look.state("vision") == "ok"
    assert look.state("vision", serving=True) == "ok"


def test_the_kiosk_knows_that_the_box_runs(look: Look) -> None:
    assert look.state("vision", serving=True) == "bad"


@pytest.mark.parametrize("age_s", [None, 30.0])
def test_vision_that_says_nothing_is_told(look: Look, age_s: float | None) -> None:
    run_vision(look)
    if age_s is not None:
        look.live()
        then = datetime.now(UTC).timestamp() - age_s
        os.utime(look.paths.live_json, (then, then))
    found = look.find("vision")
    assert found.state == "bad"
    assert ("nothing for 30 s" if age_s else "nothing yet") in found.text
    assert look.state("camera") == "unknown", "one cause is told once"


@pytest.mark.parametrize("content", ["", "[]", '{"status": 3}', "nonsense", '{"camera": [], "health": 7}'])
def test_a_live_state_of_another_shape_stops_no_check(look: Look, content: str) -> None:
    look.paths.live_json.write_text(content)
    for name in ("vision", "camera", "shots"):
        look.find(name)


@pytest.mark.parametrize(
    ("state", "found", "said"),
    [
        ({}, "ok", "60 pictures a second come"),
        ({"status": "no-camera", "message": "The cable is out."}, "bad", "The cable is out."),
        ({"status": "no-table", "message": "No table: dark."}, "bad", "No table: dark."),
        ({"status": "camera-moved", "message": "It moved by 5 px."}, "warn", "It moved"),
        ({"status": "starting", "message": "The camera is opened."}, "unknown", "opened"),
        ({"status": "ended", "message": "The recording has ended."}, "ok", "ended"),
        ({"camera": {"camera_fps": 60.0, "process_fps": 58.0, "skipped_fps": 2.0}}, "warn", "2 are skipped"),
        ({"camera": {"camera_fps": 60.0, "process_fps": 59.0, "skipped_fps": 1.0}}, "ok", "59 are followed"),
        ({"camera": {"camera_fps": None}}, "ok", "gives pictures"),
        ({"health": {"warnings": ["some pictures arrive broken"]}}, "warn", "arrive broken"),
    ],
)
def test_the_camera_is_as_vision_says(look: Look, state: dict[str, Any], found: str, said: str) -> None:
    look.live(**state)
    seen = look.find("camera")
    assert (seen.state, said in seen.text) == (found, True), seen.text


def calibrate(path: Path, residual_px: float | None = 0.4) -> None:
    lens = [[900.0, 0.0, 640.0], [0.0, 900.0, 360.0], [0.0, 0.0, 1.0]]
    camera = Camera.from_pose((1280, 720), lens, [math.pi, 0, 0], [-50, 25, 100])
    Calibration("cal-1", "corners", STANDARD_TABLES["9ft"], camera, residual_px).save(path)


def test_a_calibration_must_be_there_whole_and_fit(look: Look) -> None:
    path = look.paths.calibration
    look.paths.settings.write_text(
        '[camera]\nsource = "/dev/video0"\ncalibration = "calibration.json"\nwidth_px = 1280\nheight_px = 720\n'
    )
    found = look.find("calibration")
    assert found.state == "bad"
    assert found.command == f"ladder calibrate /dev/video0 --out {path} --data {look.paths.data}"
    calibrate(path)
    assert look.state("calibration") == "ok"
    assert look.state("calibration", serving=True) == "ok"
    calibrate(path, 9.0)
    assert look.state("calibration") == "warn"
    path.write_text('{"schema": 1}')
    assert look.state("calibration") == "bad"
    path.write_text("nothing")
    assert look.state("calibration") == "bad"
    calibrate(path)
    look.paths.settings.write_text('[camera]\nsource = "picamera"\ncalibration = "calibration.json"\n')
    found = look.find("calibration")
    assert (found.state, "1280×720" in found.text, "1920×1080" in found.text) == ("bad", True, True)
    look.paths.settings.write_text('[camera]\nsource = "game.mp4"\ncalibration = "calibration.json"\n')
    assert look.state("calibration") == "ok", "a recording's size is known when it is opened"


def test_keys_must_be_whole_and_private(look: Look, store: Store) -> None:
    path = look.paths.secrets
    assert look.state("secrets") == "ok"
    keys = load_keys(path)
    assert look.state("secrets") == "ok"
    path.chmod(0o644)
    found = look.find("secrets")
    assert (found.state, found.command) == ("warn", f"chmod 600 {path}")
    assert path.stat().st_mode & 0o777 == 0o644, "looking changes nothing"
    assert look.mend("secrets") == "secrets.json is private now."
    assert look.state("secrets") == "ok"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    found = look.find("secrets")
    assert found.state == "bad"
    assert not any(
        part in found.text + found.advice for part in json.loads(whole).values() if isinstance(part, str)
    )
    path.unlink()
    assert look.state("secrets") == "ok", "nobody has a PIN yet"
    with store.write() as conn:
        player = sign_up(conn, "Ana", now_stamp())
        keep_pin(conn, player.id, hash_pin(keys.pins, "4826"), NOW)
    assert look.state("secrets") == "bad"
    assert not path.exists(), "looking makes no keys"


def test_a_link_is_no_file_of_keys(look: Look, tmp_path: Path) -> None:
    load_keys(tmp_path / "elsewhere.json")
    look.paths.secrets.symlink_to(tmp_path / "elsewhere.json")
    assert look.state("secrets") == "bad"


def test_the_certificate_must_hold(look: Look) -> None:
    path = look.paths.certificate
    assert look.state("certificate") == "ok"
    load_certificate(path, ["table-1"], [], NOW)
    assert look.state("certificate") == "ok"
    assert look.at(NOW + timedelta(days=3640)).state("certificate") == "warn"
    assert look.at(NOW + timedelta(days=3700)).state("certificate") == "bad"
    path.chmod(0o644)
    assert look.state("certificate") == "warn"
    assert look.mend("certificate") == "https.pem is private now."
    path.write_text("nothing of the kind")
    found = look.find("certificate")
    assert (found.state, "holds no certificate" in found.text) == ("bad", True)
    look.paths.settings.write_text("[kiosk]\nsecure_port = 0\n")
    assert look.state("certificate") == "ok"


def test_a_hall_s_own_certificate_is_renewed_by_the_hall(look: Look) -> None:
    path = look.paths.certificate
    load_certificate(path, ["table-1"], [], NOW)
    path.write_text(path.read_text().partition("\n")[2])  # without the line that says that it is the box's
    found = look.find("certificate")
    assert found.state == "ok"
    assert f"{NOW + timedelta(days=3653):%Y-%m-%d}" in found.text
    assert look.at(NOW + timedelta(days=3640)).state("certificate") == "warn"
    assert "Put a new one" in look.at(NOW + timedelta(days=3700)).find("certificate").advice
