"""A file is replaced whole or stays as it was, and nothing is left beside it."""

import os
from pathlib import Path

import pytest

from calibration.whole_file import partial_of, replace_file


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_made_and_replaced_and_nothing_lies_beside_it(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.json"
    for content in (b"first, and longer", b"second"):
        replace_file(path, content, durable=durable)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("durable", [False, True])
def test_one_that_fails_half_way_leaves_the_old_file(
    tmp_path: Path, durable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    # The disk is full when what was written is flushed; without that, when it is to take its place.
    monkeypatch.setattr(os, "fsync", full)
    if not durable:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new", durable=durable)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "nowhere" / "a.json", b"x")


def test_it_is_written_beside_its_place(tmp_path: Path) -> None:
    assert partial_of(tmp_path / "a.json") == tmp_path / "a.json.part"
