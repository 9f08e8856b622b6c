"""Settings work without a file, refuse what they don't know, and the docs tell the truth about them."""

import re
import tomllib
from pathlib import Path

import pytest

from edge.settings import Settings, SettingsError, documented_keys, load_settings, parse_settings

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "settings.toml")
    assert settings == Settings()
    assert (settings.kiosk.port, settings.camera.source, settings.kiosk.theme) == (8080, "sim", "dark")


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('[hall]\nname = "Chalk City"\ntimezone = "America/Chicago"\n[table]\nsize = "92x46in"\n')
    settings = load_settings(path)
    assert settings.hall.name == "Chalk City"
    assert settings.hall.zone.key == "America/Chicago"
    assert settings.table.size == "92x46in"
    assert settings.kiosk == Settings().kiosk


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[hal]\nname = 'x'", r"there is no section \[hal\]: did you mean hall\?"),
        ("[weather]\nx = 1", r"no section \[weather\]: there are hall, table, camera, kiosk"),
        ("[kiosk]\nprot = 1", r"\[kiosk\] has no key prot: did you mean port\?"),
        ("[kiosk]\nport = 0", r"kiosk.port = 0 can't be used: allowed is 1 to 65535"),
        ("[kiosk]\nport = 65536", r"kiosk.port = 65536 can't be used"),
        ("[kiosk]\nport = '8080'", r"kiosk.port = '8080' can't be used"),
        ("[kiosk]\nport = true", r"kiosk.port = True can't be used"),
        ("[kiosk]\nidle_s = 9", r"kiosk.idle_s = 9 can't be used: allowed is 10 to 3600"),
        ("[kiosk]\nidle_s = 90.0", r"kiosk.idle_s = 90.0 can't be used"),
        ("[kiosk]\ntheme = 'pink'", r"allowed is dark or light"),
        ("[hall]\ntimezone = 'Mars/Olympus'", r"hall.timezone = 'Mars/Olympus' can't be used"),
        ("[hall]\nname = '  '", r"hall.name"),
        ("[table]\nsize = '3ft'", r"allowed is 7ft, 8ft, 9ft, snooker"),
        ("[table]\nballs = 'marbles'", r"allowed is auto, american"),
        ("[camera]\nsource = ''", r"camera.source"),
        ("hall = 3", r"write \[hall\] on a line of its own"),
        ("[hall\n", r"is no TOML"),
    ],
)
def test_what_can_not_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is no TOML"):
        load_settings(path)


def documented() -> dict[str, tuple[str, str]]:
    """Key → (default as TOML, allowed), from the tables of docs/settings.md."""
    section, keys = "", {}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## \[(\w+)\]", line):
            section = heading[1]
        elif row := re.fullmatch(r"\| `(\w+)` \| `(.*?)` \| (.*?) \| (.+) \|", line):
            keys[f"{section}.{row[1]}"] = (row[2], row[3])
    return keys


def test_every_key_is_documented_and_nothing_else() -> None:
    assert set(documented()) == set(documented_keys())


@pytest.mark.parametrize("key", documented_keys())
def test_the_docs_tell_default_and_what_is_allowed(key: str) -> None:
    default, allowed = documented_keys()[key]
    told_default, told_allowed = documented()[key]
    assert tomllib.loads(f"x = {told_default}")["x"] == default
    assert told_allowed == allowed


@pytest.mark.parametrize("key", documented_keys())
def test_every_default_is_allowed(key: str) -> None:
    section, name = key.split(".")
    assert parse_settings({section: {name: documented_keys()[key][0]}}) == Settings()


def test_the_example_in_the_docs_works() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert parse_settings(tomllib.loads(example)).hall.name == "Chalk City"
