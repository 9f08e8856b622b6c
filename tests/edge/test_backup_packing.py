"""A snapshot sent as a stream: what arrives is the whole of it, and nothing else is ever written."""

import gzip
import io
import json
import os
import random
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from shot_book import NOW, everything, play

from edge import backup
from edge.backup.snapshot import MANIFEST, STORE
from edge.runtime.paths import Paths

NAME = "2026-03-01T030000Z"


@pytest.fixture
def taken(paths: Paths) -> backup.Snapshot:
    everything(paths)
    play(paths.store, range(5))
    return backup.take(paths, NOW)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "backups"


def tar(*files: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, mode: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=mode) as made:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content), "/etc/passwd"
            made.addfile(info, io.BytesIO(content))
    return out.getvalue()


def manifest(taken: backup.Snapshot, **changes: object) -> bytes:
    return json.dumps({**json.loads(taken.json()), **changes}).encode()


def refused(into: Path, packed: bytes, match: str | None = None) -> None:
    with pytest.raises(backup.BackupError, match=match):
        backup.unpack(io.BytesIO(packed), into)
    assert list(into.glob("*")) == []
    assert list(into.parent.glob("*")) == [into]


def test_what_is_unpacked_is_the_snapshot(taken: backup.Snapshot, into: Path) -> None:
    came = backup.unpack(backup.pack(taken), into)
    assert came.path == into / NAME
    assert came.json() == taken.json()
    backup.verify(came)
    assert os.listdir(into) == [NAME]
    assert came.path.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in came.path.iterdir())


def test_any_tar_reads_it(taken: backup.Snapshot) -> None:
    with tarfile.open(fileobj=io.BytesIO(b"".join(backup.pack(taken)))) as opened:
        names = opened.getnames()
        store = opened.extractfile(f"{NAME}/{STORE}")
        assert store is not None
        assert store.read() == (taken.path / STORE).read_bytes()
    assert names == [f"{NAME}/{name}" for name in (MANIFEST, *(part.name for part in taken.files))]


def test_it_may_come_in_pieces_of_any_size(taken: backup.Snapshot, into: Path) -> None:
    packed, draw = b"".join(backup.pack(taken)), random.Random(1)

    def pieces() -> Iterator[bytes]:
        at = 0
        while at < len(packed):
            size = draw.choice([1, 7, 511, 512, 513, 5000])
            yield packed[at : at + size]
            at += size

    backup.verify(backup.unpack(pieces(), into))


def test_the_same_again_is_no_error(taken: backup.Snapshot, into: Path) -> None:
    first = backup.unpack(backup.pack(taken), into)
    assert backup.unpack(backup.pack(taken), into) == first


def test_another_of_that_name_is_not_replaced(taken: backup.Snapshot, into: Path) -> None:
    (into / NAME).mkdir(parents=True)
    with pytest.raises(backup.BackupError, match="holds something else"):
        backup.unpack(backup.pack(taken), into)
    assert os.listdir(into / NAME) == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_half_of_one_is_none(taken: backup.Snapshot, into: Path, share: float) -> None:
    packed = b"".join(backup.pack(taken))
    refused(into, packed[: int(len(packed) * share)])


@pytest.mark.parametrize("seed", range(12))
def test_a_byte_that_changed_on_the_way_is_noticed(taken: backup.Snapshot, into: Path, seed: int) -> None:
    plain = bytearray(gzip.decompress(b"".join(backup.pack(taken))))
    draw = random.Random(seed)
    end = 512 + len(taken.json())
    start = draw.choice([0, 512, -(-end // 512) * 512 + 512])  # a header, the manifest, or a content
    place = draw.randrange(start, start + 90)
    plain[place] ^= 1 << draw.randrange(8)
    try:
        came = backup.unpack(io.BytesIO(gzip.compress(bytes(plain))), into)
    except backup.BackupError:
        assert list(into.glob("*")) == []
    else:  # it was in a place that tells nothing of the content, such as a time
        backup.verify(came)
        assert [part.sha256 for part in came.files] == [part.sha256 for part in taken.files]


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", f"{NAME}/../../evil", f"{NAME}/evil", f"{NAME}/sub/{STORE}", STORE, ""]
)
def test_only_known_names_are_taken(taken: backup.Snapshot, into: Path, name: str) -> None:
    refused(into, gzip.compress(tar((name, b"x"))))
    refused(into, gzip.compress(tar((f"{NAME}/{MANIFEST}", taken.json()), (name, b"x"))))
    files = [{"name": name, "size": 1, "sha256": "0" * 64}]
    refused(
        into, gzip.compress(tar((f"{NAME}/{MANIFEST}", manifest(taken, files=files)), (f"{NAME}/{name}", b"x")))
    )


@pytest.mark.parametrize(
    "directory", ["..", ".", "", "evil", ".taking-2026-03-01T030000Z", "2026-03-01T030000Z\n"]
)
def test_it_is_put_under_a_snapshot_s_name_and_no_other(
    taken: backup.Snapshot, into: Path, directory: str
) -> None:
    names = (MANIFEST, *(part.name for part in taken.files))
    files = [(f"{directory}/{name}", (taken.path / name).read_bytes()) for name in names]
    refused(into, gzip.compress(tar(*files)), "does not begin with a manifest")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_what_is_no_file_is_refused(taken: backup.Snapshot, into: Path, kind: bytes) -> None:
    refused(into, gzip.compress(tar((f"{NAME}/{MANIFEST}", b""), kind=kind)), "no file")


def test_more_than_the_manifest_says_is_refused(taken: backup.Snapshot, into: Path) -> None:
    names = (MANIFEST, *(part.name for part in taken.files))
    files = [(f"{NAME}/{name}", (taken.path / name).read_bytes()) for name in names]
    refused(into, gzip.compress(tar(*files, files[1])), "more than its manifest")
    longer = [files[0], (files[1][0], files[1][1] + b"more"), *files[2:]]
    refused(into, gzip.compress(tar(*longer)), "missing")
    assert backup.unpack(io.BytesIO(gzip.compress(tar(*files))), into).name == NAME


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"files": []},
        {"files": [{"name": STORE, "size": -1, "sha256": "0"}]},
        {"files": [{"name": STORE, "size": 1, "sha256": 5}]},
        {"files": [{"name": STORE, "size": 1.5, "sha256": "0"}]},
        {"files": [{"name": STORE, "size": 1, "sha256": "0"}] * 2},
        {"files": [{"name": [STORE], "size": 1, "sha256": "0"}]},
        {"number": "first"},
        {"number": True},
        {"last_seq": 2**70},
        {"taken_at": "yesterday"},
        {"taken_at": "2026-03-01T03:00:00"},
        {"epoch": "e" * 10_000},
        {"more": 1},
    ],
)
def test_a_manifest_that_is_none_is_refused(
    taken: backup.Snapshot, into: Path, changes: dict[str, object]
) -> None:
    refused(into, gzip.compress(tar((f"{NAME}/{MANIFEST}", manifest(taken, **changes)))))


# By names of their own: a gzip tells the second in which it was made, and every worker has to collect the same.
@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b""), gzip.compress(b"no tar" * 500), b"[" * 50_000],
    ids=["nothing", "no gzip", "empty gzip", "no tar", "brackets"],
)
def test_anything_else_is_refused(into: Path, content: bytes) -> None:
    refused(into, content)


def test_what_is_too_large_is_refused_before_it_comes(taken: backup.Snapshot, into: Path) -> None:
    with pytest.raises(backup.BackupError, match="more than is taken"):
        backup.unpack(backup.pack(taken), into, most_bytes=1000)
    huge = [{"name": STORE, "size": 10**15, "sha256": "0" * 64}]
    stream = gzip.compress(tar((f"{NAME}/{MANIFEST}", manifest(taken, files=huge))))
    with pytest.raises(backup.BackupError, match="free some space"):
        backup.unpack(io.BytesIO(stream), into, most_bytes=10**16)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_a_bomb_fills_neither_memory_nor_disk(taken: backup.Snapshot, into: Path, kind: bytes) -> None:
    info = tarfile.TarInfo(f"{NAME}/{MANIFEST}")
    info.type, info.size = kind, 400_000_000
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(400):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    try:
        refused(into, bomb.getvalue())
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
