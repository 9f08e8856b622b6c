"""Health of the store and of what belongs to it, on real files: lost, old, damaged, full, left over."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fresh_store import fresh_store
from health_scene import Look, MadeUp

from edge.backup.taking import take
from edge.clock import now_stamp
from edge.facts import uuid7
from edge.health.store import wal
from edge.runtime.paths import Paths
from edge.store import damage
from edge.store.database import Store, connect
from edge.store.migrations import SETS, migrate

DAY = timedelta(days=1)


@pytest.fixture
def look(paths: Paths, tmp_path: Path) -> Look:
    return Look(paths, MadeUp(tmp_path / "machine"))


def fill(path: Path, rows: int = 400) -> None:
    """Some pages of deeds, all of them in the store's one file."""
    with closing(connect(path)) as conn:
        conn.execute("BEGIN")
        for _ in range(rows):
            row = [now_stamp(), uuid7(), "x" * 200]
            conn.execute(
                "INSERT INTO audit (at, role, what, subject, after) VALUES (?, 'system', 'test', ?, ?)", row
            )
        conn.execute("COMMIT")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def overwrite(path: Path, table: str) -> None:
    """Destroys the middle pages of a table or an index."""
    with closing(sqlite3.connect(path)) as conn:
        size = conn.execute("PRAGMA page_size").fetchone()[0]
        pages = conn.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", [table]).fetchall()
    with path.open("r+b") as file:
        for (page,) in pages[1:3]:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)


def test_a_new_store_is_well_in_every_way(look: Look) -> None:
    names = ("store", "integrity", "writing", "shots", "books", "backup", "damaged", "leftovers", "files", "clock")
    assert {name: look.state(name) for name in names} == dict.fromkeys(names, "ok")
    assert look.state("integrity", thorough=True) == "ok"


def test_a_store_that_is_not_there_is_told_once_and_made(look: Look) -> None:
    look.paths.store.unlink()
    assert look.find("store").command == f"ladder migrate --data {look.paths.data}"
    assert look.state("store") == "bad"
    assert [look.state(name) for name in ("integrity", "writing", "books", "backup")] == ["unknown"] * 4
    assert look.mend("store") is not None
    assert look.state("store") == "ok"
    assert look.mend("store") is None, "there is nothing more to do"


def test_without_a_data_directory_everything_still_answers(tmp_path: Path) -> None:
    nowhere = Look(Paths(tmp_path / "no", tmp_path / "no" / "run"), MadeUp(tmp_path / "machine"))
    assert nowhere.state("files") == "bad"
    assert [nowhere.state(name) for name in ("store", "integrity", "writing")] == ["unknown"] * 3
    assert nowhere.mend("store") is None
    assert not nowhere.paths.data.exists()


def test_a_store_of_an_older_version_is_brought_up(look: Look) -> None:
    look.paths.store.unlink()
    migrate(look.paths.store, SETS[:3])
    found = look.find("store")
    assert (found.state, "lacks" in found.text) == ("bad", True)
    assert "migrate" in found.command
    done = look.mend("store")
    assert done is not None
    assert look.state("store") == "ok"


def test_a_store_of_a_newer_version_is_left_alone(look: Look) -> None:
    with closing(connect(look.paths.store)) as conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('x', 'later', 'now')"
        )
    found = look.find("store")
    assert (found.state, found.command) == ("bad", "")
    assert "update this program" in found.text
    assert "newer version" in str(look.mend("store"))


def test_no_empty_store_is_made_for_one_that_is_lost(look: Look) -> None:
    take(look.paths, datetime.now(UTC))
    look.paths.store.unlink()
    found = look.find("store")
    assert (found.state, "is gone" in found.text) == ("bad", True)
    assert look.mend("store") is None
    assert not look.paths.store.exists()


def test_a_file_that_is_no_store_is_marked_so_that_it_is_mended(look: Look) -> None:
    look.paths.store.write_bytes(b"what happened here? " * 1000)
    found = look.find("store")
    assert (found.state, "damaged" in found.text) == ("bad", True)
    assert look.state("integrity") == "unknown"
    assert look.state("writing") == "unknown"
    assert "marked" in str(look.mend("store"))
    assert damage.marked(look.paths.store) is not None
    assert "migrate" in look.find("store").command


@pytest.mark.parametrize("thorough", [False, True])
def test_rows_that_are_overwritten_are_found(look: Look, thorough: bool) -> None:
    fill(look.paths.store)
    overwrite(look.paths.store, "audit")
    assert look.state("store") == "ok", "it opens, and nobody has read there yet"
    found = look.find("integrity", thorough=thorough)
    assert (found.state, "damaged inside" in found.text) == ("bad", True)
    assert damage.marked(look.paths.store) is None
    assert "marked" in str(look.mend("integrity", thorough=thorough))
    assert damage.marked(look.paths.store) is not None


def forget_in_index(path: Path, index: str) -> None:
    """Stores a row that an index does not hear of, as a card that loses a write leaves it."""

    def alter(conn: sqlite3.Connection, change: str, values: tuple[object, ...]) -> None:
        conn.execute("PRAGMA writable_schema = ON")
        conn.execute(change, values)
        conn.commit()

    with closing(sqlite3.connect(path)) as conn:
        row = conn.execute("SELECT * FROM sqlite_schema WHERE name = ?", [index]).fetchone()
        alter(conn, "DELETE FROM sqlite_schema WHERE name = ?", (index,))
    fill(path, 3)
    with closing(sqlite3.connect(path)) as conn:
        alter(conn, "INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", tuple(row))


def test_a_damaged_index_is_found_thoroughly_and_made_anew(look: Look) -> None:
    fill(look.paths.store)
    forget_in_index(look.paths.store, "audit_by_subject")
    assert look.state("integrity") == "ok", "a quick look compares no index"
    found = look.find("integrity", thorough=True)
    assert (found.state, "Indexes" in found.text) == ("bad", True)
    assert "--thorough" in found.command
    assert look.mend("integrity", thorough=True) == "The store's indexes were made anew."
    assert look.state("integrity", thorough=True) == "ok"
    assert damage.marked(look.paths.store) is None


def test_rows_that_refer_to_nothing_are_found_thoroughly(look: Look) -> None:
    with closing(sqlite3.connect(look.paths.store)) as conn:
        conn.execute("INSERT INTO to_book (shot_id) VALUES ('no such shot')")
        conn.commit()
    assert look.state("integrity") == "ok"
    found = look.find("integrity", thorough=True)
    assert (found.state, "to_book row 1 to shots" in found.text) == ("bad", True)


def test_a_restore_that_was_broken_off_and_a_mark_are_told(look: Look) -> None:
    damage.mark(look.paths.store, "the vision service read nonsense")
    found = look.find("store")
    assert (found.state, "read nonsense" in found.text) == ("bad", True)
    assert look.mend("store") is None, "the services must stop first"
    damage.unmark(look.paths.store)
    look.paths.store.with_name("ladder.db.swap").write_text("{}")
    assert look.state("store") == "bad"
    assert look.mend("store") is None


@pytest.mark.slow
def test_a_log_that_grows_is_folded_in(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.health.store.LONG_LOG_BYTES", 100_000)
    reader = connect(look.paths.store, "read")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM audit").fetchone()
    fill(look.paths.store, 2000)
    assert look.state("store") == "warn"
    assert look.mend("store") is None, "somebody reads"
    reader.close()
    with closing(connect(look.paths.store)) as conn:  # the last who closes would fold it in
        conn.execute("SELECT 1 FROM audit").fetchone()
        fill(look.paths.store, 2000)
        with wal(look.paths.store).open("ab") as file:
            file.truncate(300_000)
        assert look.mend("store") == "The store's log is folded in."
        assert look.state("store") == "ok"


def test_a_store_that_is_held_is_worth_a_look(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.health.writing.BUSY_S", 0.01)
    with closing(connect(look.paths.store)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        assert look.state("writing") == "warn"
    assert look.state("writing") == "ok"


def test_nothing_stays_of_trying_to_write(look: Look) -> None:
    with closing(connect(look.paths.store)) as conn:  # keeps the log's files there
        conn.execute("SELECT 1 FROM audit").fetchone()
        before = sorted(path.name for path in look.paths.data.iterdir()), version(conn)
        assert look.state("writing") == "ok"
        assert (sorted(path.name for path in look.paths.data.iterdir()), version(conn)) == before


def version(conn: sqlite3.Connection) -> int:
    return int(conn.execute("PRAGMA schema_version").fetchone()[0])


ON_A_SMALL_DISK = """
    import json, pathlib, sys
    from datetime import UTC, datetime
    from edge.health.check import scene_of
    from edge.health.registry import examine
    from edge.runtime.paths import Paths

    data = pathlib.Path(sys.argv[1])
    with (data / "everything").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    found = examine(scene_of(Paths(data, data / "run")))
    print(json.dumps({one.check: [one.state, one.text] for one in found}))
"""


def test_a_disk_that_is_really_full_is_told_and_every_check_answers(tmp_path: Path) -> None:
    fresh_store(tmp_path / "ladder.db")
    (tmp_path / "look.py").write_text(textwrap.dedent(ON_A_SMALL_DISK))
    disk = tmp_path / "disk"
    disk.mkdir()
    steps = f"mount -t tmpfs -o size=8m,mode=700 tmpfs {disk} && cp {tmp_path}/ladder.db {disk} &&"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk of their own")
    ran = subprocess.run(
        [*command, f"{steps} exec {sys.executable} {tmp_path}/look.py {disk}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["writing"][0] == "bad"
    assert "No space left" in found["writing"][1]
    assert found["disk"][0] == "bad"
    assert {found[name][0] for name in ("store", "integrity", "books")} == {"unknown"}, "one cause is told once"
    assert not [text for _, text in found.values() if "itself failed" in text]


def test_shots_that_wait_were_refused_or_can_not_be_read_are_told(look: Look) -> None:
    spool, rejected = look.paths.spools[0], look.paths.rejected_shots
    assert look.state("shots") == "ok"
    rejected.write_text("[{}]\n[{}]\n")
    found = look.find("shots")
    assert (found.state, "refused" in found.text) == ("warn", True)
    spool.with_suffix(".unreadable").write_text("?")
    assert "unreadable" in look.find("shots").text
    spool.write_text("[{}, {}, {}]")
    assert look.find("shots").text == "Shots wait in a file to be stored: 3."
    look.live(message="Shots are seen but not stored yet: no room left for the store.")
    found = look.find("shots")
    assert (found.state, "no room left" in found.text) == ("bad", True)


def test_shots_that_could_not_be_entered_are_entered_again(look: Look, store: Store) -> None:
    look_before = look.find("books")
    assert look_before.state == "ok"
    put_aside(store, "a bug that is mended now")
    found = look.find("books")
    assert (found.state, "a bug that is mended now" in found.text) == ("warn", True)
    assert look.mend("books") == "1 of 1 shots are entered now."
    assert look.state("books") == "ok"
    assert look.mend("books") is None


def put_aside(store: Store, reason: str) -> None:
    """One shot that was stored and not entered."""
    from fake_box import FakeBox

    box = FakeBox(store.path.parent)
    (shot,) = box.fill(1)
    box.close()
    with store.write() as conn:
        conn.execute("INSERT INTO not_booked VALUES (1, ?, ?, ?)", [shot.id, reason, now_stamp()])


def test_a_queue_that_nobody_works_off_is_told(look: Look, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.health.books.MANY", 0)
    put_aside(store, "nothing")
    with store.write() as conn:
        conn.execute("INSERT INTO to_book (shot_id) SELECT shot_id FROM not_booked")
        conn.execute("DELETE FROM not_booked")
    assert look.state("books") == "warn"


@pytest.mark.parametrize(("hours", "state"), [(1, "ok"), (35, "ok"), (37, "warn"), (24 * 8 + 1, "bad")])
def test_a_backup_grows_old(look: Look, hours: int, state: str) -> None:
    take(look.paths, datetime.now(UTC))
    found = look.at(datetime.now(UTC) + timedelta(hours=hours)).find("backup")
    assert found.state == state
    assert "1 are kept" in found.text


def test_a_box_without_a_backup_is_told_when_a_night_has_passed(look: Look) -> None:
    assert look.state("backup") == "ok"
    assert look.at(datetime.now(UTC) + 2 * DAY).state("backup") == "warn"
    half = look.paths.backups / "2026-01-01T030000Z"
    half.mkdir(parents=True)
    assert look.at(datetime.now(UTC) + 2 * DAY).state("backup") == "warn", "a snapshot without a manifest is none"


def test_a_damaged_store_that_is_kept_is_told(look: Look) -> None:
    for name in ("2026-10-31T030000Z", "2026-11-02T030000Z"):
        (look.paths.damaged / name).mkdir(parents=True)
    found = look.find("damaged")
    assert (found.state, "2026-11-02" in found.text) == ("warn", True)


def test_half_written_files_are_removed_once_nobody_writes_them(look: Look) -> None:
    old, new = look.paths.data / "calibration.json.part", look.paths.run / "live.json.part"
    for path in (old, new):
        path.write_text("{")
    now = datetime.now(UTC)
    os.utime(old, (now.timestamp() - 7200,) * 2)
    found = look.find("leftovers")
    assert (found.state, "calibration.json.part" in found.text) == ("warn", True)
    assert look.mend("leftovers") == "Removed: calibration.json.part."
    assert new.exists()
    assert not old.exists()
    assert look.state("leftovers") == "ok"
