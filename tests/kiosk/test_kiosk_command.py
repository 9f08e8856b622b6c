"""`ladder kiosk`: one clear line for whatever keeps it from starting."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from ports import taken_port

from edge.store.migrations import migrate
from kiosk.command import kiosk


def failing(*args: str) -> str:
    result = CliRunner().invoke(kiosk, args)
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    return result.stderr


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(kiosk, ["--help"])
    assert result.exit_code == 0
    assert "ladder kiosk --data" in result.output


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    migrate(tmp_path / "ladder.db")
    with taken_port() as port:
        assert f"port {port} is in use" in failing("--data", str(tmp_path), "--port", str(port))


def test_no_store_is_said(tmp_path: Path) -> None:
    assert "ladder migrate" in failing("--data", str(tmp_path))


def test_bad_settings_are_said(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[kiosk]\ntheme = 'pink'\n")
    assert "dark or light" in failing("--data", str(tmp_path))


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_of_another_machine_is_said(tmp_path: Path, host: str) -> None:
    migrate(tmp_path / "ladder.db")
    assert "can't be listened on" in failing("--data", str(tmp_path), "--host", host, "--port", "18099")
