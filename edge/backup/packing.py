"""A snapshot as a stream of bytes, to another box or to a stick: an ordinary gzipped tar, and what is taken of
one.

`unpack` takes nothing on trust: only a manifest that comes first and the files it names, in its order, each of the
size and hash it says, all below a limit. No path of the stream is ever used as one.
"""

import os
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import IO

from edge.backup.snapshot import MANIFEST, NAME, BackupError, Part, Snapshot, blocks, parse
from edge.store.swap import sync_directory

MOST_BYTES = 64_000_000_000  # of all files together
_MOST_MANIFEST_BYTES = 1 << 16
_CHUNK = 1 << 20
_PARTIAL = ".unpacking-"


def pack(snapshot: Snapshot) -> Iterator[bytes]:
    """The snapshot as a gzipped tar. Raises OSError; and BackupError when a file is not of the size it had."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for block in _tar(snapshot):
        if squeezed := squeeze.compress(block):
            yield squeezed
    yield squeeze.flush()


def _tar(snapshot: Snapshot) -> Iterator[bytes]:
    manifest = snapshot.json()
    yield _head(snapshot, MANIFEST, len(manifest))
    yield manifest + _padding(len(manifest))
    for part in snapshot.files:
        yield _head(snapshot, part.name, part.size)
        size = 0
        for block in blocks(snapshot.path / part.name):
            size += len(block)
            yield block
        if size != part.size:
            raise BackupError(f"{snapshot.path / part.name} is not what was written: take another snapshot")
        yield _padding(size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _head(snapshot: Snapshot, name: str, size: int) -> bytes:
    info = tarfile.TarInfo(f"{snapshot.name}/{name}")
    info.size, info.mode, info.mtime = size, 0o600, int(snapshot.moment.timestamp())
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def unpack(stream: IO[bytes] | Iterable[bytes], into: Path, most_bytes: int = MOST_BYTES) -> Snapshot:
    """Puts the snapshot of a stream into a directory, whole and verified, under its own name; returns it.

    One of that name that is there already and is the same stays. Raises BackupError for anything that `pack` does
    not write, OSError; and then nothing is there.
    """
    pieces = iter(stream) if not hasattr(stream, "read") else iter(lambda: stream.read(_CHUNK), b"")
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = into / f"{_PARTIAL}{os.getpid()}-{id(pieces):x}"
    partial.mkdir(mode=0o700)
    try:
        return _give_name(_take(_Unsqueezed(pieces), partial, most_bytes), partial, into)
    except (tarfile.TarError, zlib.error, ValueError) as error:
        raise BackupError("what came is no snapshot: send it again") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _Unsqueezed:
    """What comes out of a gzipped stream, never more at once than is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._squeezed = b""

    def blocks(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes. Raises BackupError when there are fewer."""
        while size:
            if not self._squeezed and not self._zlib.eof:
                self._squeezed = next(self._pieces, b"")
            block = self._zlib.decompress(self._squeezed, min(size, _CHUNK))
            at_end = not self._squeezed or self._zlib.eof
            self._squeezed = self._zlib.unconsumed_tail
            if not block and at_end and not self._squeezed:
                raise BackupError("not all of the snapshot came: send it again")
            size -= len(block)
            yield block

    def read(self, size: int) -> bytes:
        return b"".join(self.blocks(size))


def _take(file: _Unsqueezed, partial: Path, most_bytes: int) -> Snapshot:
    name, size = _next(file)
    directory, _, first = name.partition("/")
    if first != MANIFEST or not NAME.fullmatch(directory) or size > _MOST_MANIFEST_BYTES:
        raise BackupError("what came is no snapshot: it does not begin with a manifest")
    manifest = file.read(size)
    file.read(len(_padding(size)))
    made = parse(Path(directory), manifest)
    if made.size > most_bytes:
        raise BackupError(f"the snapshot holds {made.size / 1e6:.0f} MB, more than is taken")
    if made.size > shutil.disk_usage(partial).free:
        raise BackupError(f"there is no room for a snapshot of {made.size / 1e6:.0f} MB: free some space")
    for part in made.files:
        if _next(file) != (f"{directory}/{part.name}", part.size):
            raise BackupError(f"what came is no snapshot: {part.name} is missing")
        _write(file.blocks(part.size), partial / part.name, part)
        file.read(len(_padding(part.size)))
    if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise BackupError("what came is no snapshot: it holds more than its manifest says")
    _create(partial / MANIFEST, [manifest])
    sync_directory(partial)
    return made


def _next(file: _Unsqueezed) -> tuple[str, int]:
    """The next file's name and size, read as `pack` writes them; nothing that tar knows besides is followed."""
    info = tarfile.TarInfo.frombuf(file.read(tarfile.BLOCKSIZE), "ascii", "strict")
    if info.type != tarfile.REGTYPE or info.size < 0:
        raise BackupError("what came is no snapshot: it holds something that is no file")
    return info.name, info.size


def _write(content: Iterable[bytes], path: Path, part: Part) -> None:
    digest = sha256()

    def hashed() -> Iterator[bytes]:
        for block in content:
            digest.update(block)
            yield block

    _create(path, hashed())
    if digest.hexdigest() != part.sha256:
        raise BackupError(f"{part.name} did not come as it was sent: send the snapshot again")


def _create(path: Path, content: Iterable[bytes]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())


def _give_name(made: Snapshot, partial: Path, into: Path) -> Snapshot:
    path = into / made.path.name
    there = path / MANIFEST
    if path.exists():
        if there.is_file() and there.read_bytes() == (partial / MANIFEST).read_bytes():
            return replace(made, path=path)
        raise BackupError(f"{path} is there already and holds something else: move it away")
    partial.rename(path)
    sync_directory(into)
    return replace(made, path=path)
