"""The hall's secrets: the same for everybody, private, whole, and never shown."""

import json
import logging
import os
import stat
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pytest

from calibration.whole_file import partial_of
from edge.hall.keys import FILE_NAME, KEY_BYTES, KeysError, load_keys

PROGRAM = (
    "import sys; from pathlib import Path; from edge.hall.keys import load_keys;"
    " print(load_keys(Path(sys.argv[1])).pins.hex())"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_stay(file: Path) -> None:
    keys = load_keys(file)
    assert load_keys(file) == keys
    assert len(set(astuple(keys))) == 3
    assert {len(key) for key in astuple(keys)} == {KEY_BYTES}
    assert load_keys(file.with_name("another.json")) != keys


def test_only_the_owner_may_read_the_file_whatever_the_umask(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = os.umask(0)
    try:
        load_keys(file)
    finally:
        os.umask(before)
    assert mode(file) == 0o600
    assert "other users" not in caplog.text  # it was so from the beginning


def test_processes_that_ask_at_once_get_the_same(file: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(file)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = {process.communicate(timeout=60)[0].strip() for process in running}
    assert told == {load_keys(file).pins.hex()}
    assert not partial_of(file).exists()


def test_half_a_file_of_a_power_cut_is_no_file(file: Path) -> None:
    partial_of(file).write_text('{"schema": 1, "pins": "00')
    keys = load_keys(file)
    assert load_keys(file) == keys
    assert mode(file) == 0o600


def test_a_file_that_others_may_read_is_made_private_and_that_is_said(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = load_keys(file)
    file.chmod(0o644)
    assert load_keys(file) == keys
    assert mode(file) == 0o600
    assert str(file) in caplog.text
    assert "other users" in caplog.text


GOOD = {"schema": 1, "pins": "ab" * 32, "web": "cd" * 32, "cards": "ef" * 32}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        json.dumps(GOOD).encode()[:-9],
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        json.dumps({**GOOD, "schema": 2}).encode(),
        json.dumps({**GOOD, "web": "cd" * 16}).encode(),
        json.dumps({**GOOD, "web": "xy" * 32}).encode(),
        json.dumps({**GOOD, "cards": 7}).encode(),
        json.dumps({name: value for name, value in GOOD.items() if name != "cards"}).encode(),
    ],
)
def test_a_bad_file_is_said_and_stays(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(KeysError, match="put it back from a backup") as caught:
        load_keys(file)
    assert str(file) in str(caught.value)
    assert "abab" not in str(caught.value)
    assert "cdcd" not in str(caught.value)
    assert caught.value.__suppress_context__  # a traceback would show what the file holds
    assert file.read_bytes() == content


def test_a_place_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeysError, match="can't be used"):
        load_keys(tmp_path / "file" / FILE_NAME)


def test_a_link_to_another_file_is_not_followed(file: Path) -> None:
    elsewhere = file.with_name("elsewhere")
    elsewhere.write_text(json.dumps(GOOD))
    file.symlink_to(elsewhere)
    with pytest.raises(KeysError):
        load_keys(file)


def test_keys_are_shown_nowhere(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys = load_keys(file)
    shown = f"{keys!r} {keys} {caplog.text}"
    for key in astuple(keys):
        assert key.hex() not in shown
        assert repr(key) not in shown
