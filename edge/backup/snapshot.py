"""What a snapshot is: a directory with a copy of the store, what belongs to it, and a manifest that names all of
it.

`data/backups/2026-10-31T030000Z/manifest.json` and the files it lists. The manifest is written last and the
directory then given its name, so whatever has a manifest is whole. Names are of the wall clock, which may be
wrong; what is newer is told by a number that only grows.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.clock import from_stamp
from edge.runtime.paths import Paths

SCHEMA = 1
MANIFEST = "manifest.json"
STORE = "ladder.db"
# What belongs to a box beside its store. What can be made again (locks, live state, clips) does not.
FILES: tuple[str, ...] = (
    "settings.toml", "secrets.json", "https.pem", "hub.pem", "hub.json", "cloud.json", "calibration.json",
    "table-feel.json",
)  # fmt: skip

NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z")
_CHUNK = 1 << 20
_MOST_MANIFEST_BYTES = 1 << 16


class BackupError(Exception):
    """There is no snapshot, or it can't be used; the text says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a snapshot."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole snapshot. `number` grows with every one that a box takes; `last_seq` is the outbox's last number."""

    path: Path
    number: int
    taken_at: str
    device: str
    epoch: str
    last_seq: int
    version: str
    files: tuple[Part, ...]

    @property
    def name(self) -> str:
        """The stamp by which it is asked for."""
        return self.path.name

    @property
    def moment(self) -> datetime:
        return from_stamp(self.taken_at)

    @property
    def size(self) -> int:
        """Of all its files, in bytes."""
        return sum(part.size for part in self.files)

    def json(self) -> bytes:
        """What stands in its manifest."""
        content = {"schema": SCHEMA, **asdict(self)}
        del content["path"]
        return json.dumps(content, indent=1).encode()


def name_of(moment: datetime) -> str:
    """What a snapshot of that moment is called."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")


def snapshots(paths: Paths) -> list[Snapshot]:
    """The whole snapshots of a box, the newest first."""
    return snapshots_in(paths.backups)


def snapshots_in(directory: Path) -> list[Snapshot]:
    """The whole snapshots in a directory, the newest first; what is none is passed over."""
    found = []
    for path in directory.glob("*"):
        if NAME.fullmatch(path.name):
            try:
                found.append(read(path))
            except BackupError:
                continue
    return sorted(found, key=lambda one: (one.number, one.taken_at, one.name), reverse=True)


def latest(paths: Paths) -> Snapshot | None:
    """The newest whole snapshot, None without one."""
    return next(iter(snapshots(paths)), None)


def find(paths: Paths, name: str) -> Snapshot:
    """The snapshot of that name. Raises BackupError."""
    if not NAME.fullmatch(name):
        raise BackupError(f"{name} is no snapshot's name: ladder backup --list shows them")
    return read(paths.backups / name)


def read(path: Path) -> Snapshot:
    """The snapshot in that directory, as its manifest says. Raises BackupError."""
    try:
        with (path / MANIFEST).open("rb") as file:
            content = file.read(_MOST_MANIFEST_BYTES)
    except OSError as error:
        raise BackupError(f"{path} is no snapshot: {error.strerror}") from error
    return parse(path, content)


def parse(path: Path, manifest: bytes) -> Snapshot:
    """The snapshot of a manifest's content. Raises BackupError for anything that `take` does not write."""
    try:
        data: dict[str, Any] = json.loads(manifest)
        if data.pop("schema") != SCHEMA:
            raise BackupError(f"{path} is a snapshot of another version: use the program that took it")
        parts = tuple(Part(**part) for part in data.pop("files"))
        made = Snapshot(path=path, files=parts, **data)
        _require_sound(made)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError(f"{path / MANIFEST} can't be read: take another snapshot") from error
    return made


def _require_sound(one: Snapshot) -> None:
    """Raises ValueError or TypeError for values that no snapshot has."""
    texts = (one.device, one.epoch, one.version, *(part.sha256 for part in one.files))
    numbers = (one.number, one.last_seq, *(part.size for part in one.files))
    names = [part.name for part in one.files]
    if one.moment.tzinfo is None:
        raise ValueError("a time without a zone")
    if not all(isinstance(text, str) and len(text) <= 200 for text in texts):
        raise ValueError("no texts")
    if not all(type(number) is int and 0 <= number < 2**60 for number in numbers):
        raise ValueError("no numbers")
    if len(set(names)) != len(names) or STORE not in names or not set(names) <= {STORE, *FILES}:
        raise ValueError("no files of a snapshot")


def verify(snapshot: Snapshot) -> None:
    """Reads every file of it and compares sizes and hashes. Raises BackupError.

    The store's copy was checked by SQLite before its hash was taken, so the same bytes are a sound store.
    """
    for part in snapshot.files:
        path = snapshot.path / part.name
        try:
            size, sha256 = measure(path)
        except OSError as error:
            raise BackupError(f"{path} can't be read: {error.strerror}: take another snapshot") from error
        if (size, sha256) != (part.size, part.sha256):
            raise BackupError(f"{path} is not what was written: delete this snapshot and take another")


def measure(path: Path, each: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """A file's size and SHA-256; `each` is called for every megabyte. Raises OSError.

    Not for a store in use: see `edge.store.alone`.
    """
    digest, size = hashlib.sha256(), 0
    for block in blocks(path):
        digest.update(block)
        size += len(block)
        each()
    return size, digest.hexdigest()


def blocks(path: Path) -> Iterator[bytes]:
    """What is in a file, block by block. Raises OSError, for a link too."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while block := file.read(_CHUNK):
            yield block
