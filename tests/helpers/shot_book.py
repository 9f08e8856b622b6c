"""A box with shots in its store, for tests of what becomes of a store: snapshots, damage, recovery."""

import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.backup.snapshot import FILES
from edge.runtime.paths import Paths
from edge.store.database import Store, connect
from edge.store.shots import Source, store_shot, store_source
from vision.model import Shot

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
SOURCE = Source("cam", "sim", "2026-03-01T00:00:00.000Z", "9ft", 100.0, 50.0, 2.25, "c", 640, 480, None)


def shot(number: int, revision: int = 1) -> Shot:
    """A shot of some kilobytes, as real ones are."""
    way = tuple((t / 60, float(number % 90), t / 7) for t in range(60))
    return Shot(f"cam@{number}", float(number), "make", scratch=False, revision=revision, paths_in={"cue": way})


def play(path: Path, numbers: range, revision: int = 1) -> None:
    """Stores so many shots."""
    with Store(path) as store, store.write() as conn:
        store_source(conn, SOURCE)
        for number in numbers:
            store_shot(conn, shot(number, revision), "cam", NOW + timedelta(seconds=number))


def shots_of(path: Path) -> set[str]:
    with closing(connect(path, "read")) as conn:
        return {row["id"] for row in conn.execute("SELECT id FROM shots")}


def facts_of(path: Path) -> dict[str, str]:
    """What is in line, by key: the hash."""
    with closing(connect(path, "read")) as conn:
        return {row["key"]: row["hash"] for row in conn.execute("SELECT key, hash FROM outbox")}


def epoch_of(path: Path) -> str:
    with closing(connect(path, "read")) as conn:
        return str(conn.execute("SELECT epoch FROM identity").fetchone()["epoch"])


def require_sound(path: Path) -> None:
    """The store is whole, its line has no number twice and no gap, and every content is what it was."""
    with closing(connect(path, "read")) as conn:
        assert [tuple(row) for row in conn.execute("PRAGMA integrity_check")] == [("ok",)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        for (epoch,) in conn.execute("SELECT DISTINCT epoch FROM outbox").fetchall():
            seqs = [row[0] for row in conn.execute("SELECT seq FROM outbox WHERE epoch = ? ORDER BY seq", [epoch])]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def checkpoint(path: Path) -> None:
    with closing(connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def damage_pages(path: Path, seed: int, pages: int, first: int = 1, last: int | None = None) -> list[int]:
    """Overwrites some pages, counted from nought, from `first` on with noise; returns which."""
    size = page_size(path)
    draw = random.Random(seed)
    count = path.stat().st_size // size if last is None else last
    chosen = sorted(draw.sample(range(first, count), min(pages, count - first)))
    with path.open("rb+") as file:
        for page in chosen:
            file.seek(page * size)
            file.write(draw.randbytes(size))
    return chosen


def page_size(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:18], "big")


def everything(paths: Paths) -> None:
    """Writes every file that a snapshot takes beside the store."""
    for name in FILES:
        (paths.data / name).write_text("{}")
    paths.settings.write_text('[hall]\nname = "Chalk City"\n')
