"""The commands as a person meets them: help with an example, exit statuses, one line when something fails."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ports import taken_port
from waiting import GIVE_UP_S, wait_until

from edge.cli import COMMANDS, Failure, ladder
from edge.commands.run import camera_arguments
from edge.locks import file_lock
from edge.runtime.paths import box_paths, default_data, forget_live, make_directories
from edge.store.database import Store
from edge.store.migrations import migrate


def call(*arguments: object) -> Result:
    return CliRunner().invoke(ladder, [str(a) for a in arguments])


def test_help_lists_every_command() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_s_help_has_an_example(name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0, result.output
    assert f"ladder {name}" in result.output.partition("Example")[2]


def test_a_command_s_matrices_take_one_thread() -> None:
    script = (
        "import os; from edge.cli import ladder; ladder.get_command(None, 'vision'); import numpy as np; "
        "np.ones((600, 600)) @ np.ones((600, 600)); print(len(os.listdir('/proc/self/task')))"
    )
    unset = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env=unset, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "1"


def test_a_command_that_is_none_is_wrong_use() -> None:
    result = call("wlak")
    assert result.exit_code == 2
    assert "No such command" in result.output


def test_migrate_makes_the_store_and_can_be_run_again(tmp_path: Path) -> None:
    first = call("migrate", "--data", tmp_path / "new")
    assert (first.exit_code, "applied" in first.output) == (0, True)
    again = call("migrate", "--data", tmp_path / "new")
    assert (again.exit_code, "nothing to do" in again.output) == (0, True)


@pytest.mark.parametrize("name", ["vision", "kiosk"])
def test_services_refuse_to_run_without_a_store(tmp_path: Path, name: str) -> None:
    result = call(name, "--data", tmp_path)
    assert result.exit_code == 1
    assert "run ladder migrate" in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("name", ["vision", "run", "kiosk"])
def test_settings_that_can_not_be_used_are_said_in_one_line(tmp_path: Path, name: str) -> None:
    migrate(tmp_path / "ladder.db")
    (tmp_path / "settings.toml").write_text("[kiosk]\nprot = 1\n")
    result = call(name, "--data", tmp_path)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].endswith("[kiosk] has no key prot: did you mean port?")


def test_run_says_that_the_port_is_in_use(tmp_path: Path) -> None:
    with taken_port() as port:
        result = call("run", "--data", tmp_path, "--port", port)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == (
        f"ladder: port {port} is in use: stop what listens there, or choose another with --port"
    )


def test_one_box_runs_once(tmp_path: Path) -> None:
    live = box_paths(tmp_path).live_json
    make_directories(box_paths(tmp_path))
    live.write_text("{}")
    with file_lock(box_paths(tmp_path).running):
        result = call("run", "--data", tmp_path)
    assert result.exit_code == 1
    assert result.output == f"ladder: another ladder run works in {tmp_path}: stop it, or choose another --data\n"
    assert live.exists(), "the one that runs is left alone"


def test_one_table_is_watched_once(tmp_path: Path) -> None:
    migrate(tmp_path / "ladder.db")
    with file_lock(box_paths(tmp_path).watching):
        result = call("vision", "--data", tmp_path, "--camera", "nowhere.mp4")
    assert result.exit_code == 1
    assert result.output == "ladder: another ladder vision watches this table: stop it first\n"


def test_run_says_that_the_store_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "ladder.db").write_text("this is no database " * 400)
    result = call("run", "--data", tmp_path)
    assert result.exit_code == 1
    assert "is damaged" in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    "wrong",
    [["--port", "0"], ["--table", "3ft"], ["--corners", "1,2 3,4"], ["--balls", "marbles"], ["--cam", "x"]],
)
def test_wrong_use_has_status_2(tmp_path: Path, wrong: list[str]) -> None:
    assert call("run", "--data", tmp_path, *wrong).exit_code == 2
    assert not (tmp_path / "ladder.db").exists()


def test_the_camera_s_options_are_handed_on_as_they_were_given() -> None:
    params = {
        "data": Path("x"),
        "port": 1,
        "demo": True,
        "camera": "a game.mp4",
        "table": "8ft",
        "ball_diameter": 2.25,
        "corners": ((1.0, 2.0), (3.0, 4.5), (5.0, 6.0), (7.0, 8.0)),
        "calibration": None,
        "loop": True,
    }
    assert camera_arguments(params) == [
        *("--camera", "a game.mp4"),
        *("--table", "8ft"),
        *("--ball-diameter", "2.25"),
        *("--corners", "1.0,2.0 3.0,4.5 5.0,6.0 7.0,8.0"),
        "--loop",
    ]


def test_a_failure_is_one_line_on_the_error_stream() -> None:
    program = "from edge.cli import Failure; Failure('it is broken').show()"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("", "ladder: it is broken\n")
    assert Failure("x").exit_code == 1


def test_the_data_directory(tmp_path: Path) -> None:
    assert default_data({"LADDER_DATA": "/srv/ladder", "XDG_DATA_HOME": "/x"}) == Path("/srv/ladder")
    assert default_data({"XDG_DATA_HOME": "/x"}) == Path("/x/action-ladder")
    assert default_data({}) == Path.home() / ".local/share/action-ladder"
    assert box_paths(tmp_path, environ={}).store == tmp_path / "ladder.db"


def test_the_run_directory_is_in_memory_and_the_same_for_all_who_name_the_data(tmp_path: Path) -> None:
    data, memory = tmp_path / "data", tmp_path / "memory"
    memory.mkdir()
    link = tmp_path / "link"
    link.symlink_to(data)
    paths = box_paths(data, memory, {})
    assert paths.run.parent == memory
    make_directories(paths)
    assert paths.run.stat().st_mode & 0o777 == 0o700
    for same in (link, data / ".." / "data"):
        assert box_paths(same, memory, {}).run == paths.run
    assert box_paths(tmp_path / "other", memory, {}).run != paths.run
    assert box_paths(data, memory, {"LADDER_RUN": "/srv/run"}).run == Path("/srv/run")


def test_without_memory_the_run_directory_is_on_disk(tmp_path: Path) -> None:
    paths = box_paths(tmp_path / "data", tmp_path / "none", {})
    assert paths.run == tmp_path / "data" / "run"
    # A name that somebody made a link of is not trusted.
    memory = tmp_path / "memory"
    memory.mkdir()
    (memory / box_paths(tmp_path / "data", memory, {}).run.name).symlink_to(tmp_path)
    assert box_paths(tmp_path / "data", memory, {}).run == tmp_path / "data" / "run"


def test_a_store_made_by_the_command_can_be_used(tmp_path: Path) -> None:
    call("migrate", "--data", tmp_path)
    with Store(box_paths(tmp_path).store) as store, store.read() as conn:
        assert conn.execute("SELECT count(*) FROM shots").fetchone()[0] == 0


def test_a_run_that_is_over_leaves_no_live_state_and_keeps_what_is_not_stored_yet(tmp_path: Path) -> None:
    paths = box_paths(tmp_path)
    make_directories(paths)
    paths.live_json.write_text("{}")
    unstored = paths.spools[1]
    unstored.write_text("[]")
    forget_live(paths)
    assert list(paths.run.iterdir()) == [unstored]
    unstored.unlink()
    forget_live(paths)
    forget_live(paths)
    assert not paths.run.exists()


def test_the_vision_service_waits_for_its_camera_and_ends_cleanly(tmp_path: Path) -> None:
    migrate(tmp_path / "ladder.db")
    command = [sys.executable, "-m", "edge.runtime.child", str(os.getpid()), "vision", "--data", str(tmp_path)]
    live = box_paths(tmp_path).live_json
    with subprocess.Popen([*command, "--camera", "nowhere.mp4"], stderr=subprocess.PIPE, text=True) as service:
        wait_until(lambda: live.exists() and json.loads(live.read_text())["status"] == "no-camera")
        assert "there is no nowhere.mp4" in json.loads(live.read_text())["message"]
        service.send_signal(signal.SIGTERM)
        _, err = service.communicate(timeout=GIVE_UP_S)
    assert (service.returncode, "Traceback" in err) == (0, False)
