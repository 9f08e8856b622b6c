"""The hall's secrets: made once, in one file that only the box's own user reads, and shown nowhere."""

import json
import logging
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from calibration.whole_file import replace_file
from edge.locks import LockHeldError, file_lock

log = logging.getLogger(__name__)

FILE_NAME = "secrets.json"  # in the data directory
KEY_BYTES = 32
LOCK_TIMEOUT_S = 10.0
_PRIVATE = stat.S_IRUSR | stat.S_IWUSR


class KeysError(Exception):
    """The hall's keys can't be had; the text says why and what to do, and holds none of them."""


@dataclass(frozen=True, slots=True)
class Keys:
    """32 random bytes each: PINs' pepper, what forms are signed with, what cards' numbers are hashed with."""

    pins: bytes = field(repr=False)
    web: bytes = field(repr=False)
    cards: bytes = field(repr=False)


_NAMES = tuple(one.name for one in fields(Keys))


def load_keys(path: Path) -> Keys:
    """The keys in that file; made, and on the disk, when there is none. Raises KeysError.

    Processes that ask at once get the same ones. A file that others may read is made private, and that is said.
    """
    try:
        # Read under the lock too: whoever gets keys may promise something with them, so they must be on the disk.
        with file_lock(path.with_name(path.name + ".lock"), LOCK_TIMEOUT_S):
            try:
                content = _read(path)
            except FileNotFoundError:
                _make(path)
                content = _read(path)
    except LockHeldError as error:
        raise KeysError(f"{path} can't be read: {error}") from error
    except OSError as error:
        raise KeysError(f"{path} can't be used: {error.strerror or error}") from error
    return parse_keys(content, path)


def keys_to_tell(keys: Keys) -> dict[str, str]:
    """The keys as a box of the hall is told them when it is enrolled."""
    return {name: getattr(keys, name).hex() for name in _NAMES}


def put_keys(path: Path, told: Mapping[str, str]) -> None:
    """Keeps the hall's keys at a box that is enrolled, in place of its own. Raises KeysError."""
    try:
        keys = {name: bytes.fromhex(told[name]) for name in _NAMES}
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise KeysError("the hub has told no keys of this version: update the older of the two")
        with file_lock(path.with_name(path.name + ".lock"), LOCK_TIMEOUT_S):
            _write(path, {name: key.hex() for name, key in keys.items()})
    except (KeyError, ValueError) as error:
        raise KeysError("the hub has told no keys of this version: update the older of the two") from error
    except (LockHeldError, OSError) as error:
        raise KeysError(f"{path} can't be written: {error}") from error


def _make(path: Path) -> None:
    _write(path, {name: secrets.token_hex(KEY_BYTES) for name in _NAMES})
    log.info("new keys were made in %s", path)


def _write(path: Path, keys: Mapping[str, str]) -> None:
    replace_file(path, json.dumps({"schema": 1, **keys}).encode(), durable=True, private=True)


def _read(path: Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & ~_PRIVATE:
            os.fchmod(file.fileno(), _PRIVATE)
            log.warning("%s could be read by other users of this machine; it is private now", path)
        return file.read()


def parse_keys(content: bytes, path: Path) -> Keys:
    """The keys in what that file holds. Raises KeysError."""
    try:
        data: dict[str, Any] = json.loads(content)
        keys = {name: bytes.fromhex(data[name]) for name in _NAMES}
        sound = data["schema"] == 1 and all(len(key) == KEY_BYTES for key in keys.values())
    except (ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        # The error that was caught would quote the file.
        raise KeysError(
            f"{path} holds no keys of this version: put it back from a backup, or move it away to have new ones"
            " made; then every PIN must be set and every card added anew"
        ) from None
    return Keys(**keys)
