"""The schema changes in one place, whole or not at all, and services refuse what they don't know."""

import fcntl
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.store.database import connect
from edge.store.errors import SchemaError, StoreError
from edge.store.migrations import SETS, migrate, require_current
from edge.store.shots import get_shot
from vision.model import Shot, shot_to_json


def later_version(broken: bool = False) -> tuple[Migrations, ...]:
    """This version's sets, and one that a later version brings."""
    added = Migrations("later")

    @added()
    def later_1(db: Database) -> None:
        db.execute("CREATE TABLE later (id INTEGER PRIMARY KEY)")

    @added()
    def later_2(db: Database) -> None:
        if broken:
            raise RuntimeError("a mistake in a migration")

    return (*SETS, added)


def tables(path: Path) -> set[str]:
    with closing(connect(path, "read")) as conn:
        return {row["name"] for row in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_migrating_again_does_nothing(path: Path) -> None:
    assert migrate(path) == []
    require_current(path)


def test_the_box_has_one_name_for_good(path: Path) -> None:
    def name() -> tuple[str, str]:
        with closing(connect(path, "read")) as conn:
            row = conn.execute("SELECT device, epoch FROM identity").fetchone()
            return row["device"], row["epoch"]

    before = name()
    migrate(path)
    assert name() == before
    assert before[0] != before[1]


def test_four_processes_at_once_migrate_once(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from edge.store.migrations import migrate; " + (
        "print(len(migrate(Path(sys.argv[1]))))"
    )
    path = tmp_path / "new" / "ladder.db"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    results = [process.communicate(timeout=30) for process in running]
    assert [process.returncode for process in running] == [0] * 4, results
    applied = sorted(int(out) for out, _ in results)
    assert applied[:3] == [0, 0, 0]
    assert applied[3] > 0
    require_current(path)


def test_a_service_refuses_a_store_that_lacks_something(path: Path) -> None:
    with pytest.raises(SchemaError, match=r"lacks later/later_1, later/later_2: run ladder migrate"):
        require_current(path, later_version())
    assert "later" not in tables(path), "a service never migrates"


def test_a_service_refuses_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="run ladder migrate"):
        require_current(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_shots_stored_before_ball_sets_were_noted_have_none(tmp_path: Path) -> None:
    path = tmp_path / "ladder.db"
    with closing(connect(path, "create")) as conn:
        for one in SETS:
            one.apply(Database(conn), stop_before="shots_2")
        conn.execute(
            "INSERT INTO sources VALUES"
            " ('cam', 'sim', '2026-01-01', '9ft', 100.0, 50.0, 2.25, 'c', 640, 480, NULL)"
        )
        for table, head in (
            ("shots", "id, source_id, played_at, stored_at, revision) SELECT 'cam@1', 'cam', t, t, 1"),
            ("amendments", "shot_id, author, reason, amended_at, revision) SELECT 'cam@1', 'a', 'r', t, 2"),
        ):
            names, values = head.split(") SELECT ")
            conn.execute(
                f"INSERT INTO {table} ({names}, start_s, complete, result, scratch, kind, potted, potted_count,"
                f" spin_vertical, spin_side, tags, body, hash) SELECT {values}, 1.0, 1, 'make', 0, 'cut', '[]', 0,"
                " 'unknown', 'unknown', '[]', ?, 'h' FROM (SELECT '2026-01-01T00:00:00.000Z' AS t)",
                [json.dumps(shot_to_json(Shot("cam@1", 1.0, "make", scratch=table == "amendments")))],
            )
    assert migrate(path) == ["shots/shots_2", "shots/shots_3", "shots/shots_4"]
    with closing(connect(path, "read")) as conn:
        stored = get_shot(conn, "cam@1")
    assert stored is not None
    assert (stored.amended, stored.shot.scratch, stored.ball_set) == (True, True, None)


def test_a_newer_store_is_refused_by_all(path: Path) -> None:
    assert migrate(path, later_version()) == ["later/later_1", "later/later_2"]
    for refusing in (require_current, migrate):
        with pytest.raises(SchemaError, match=r"newer version \(later/later_1, later/later_2\): update"):
            refusing(path)
    assert "later" in tables(path)


def test_a_migration_that_fails_leaves_the_store_as_it_was(path: Path) -> None:
    before = tables(path)
    with pytest.raises(RuntimeError, match="a mistake"):
        migrate(path, later_version(broken=True))
    assert tables(path) == before
    require_current(path)


def test_a_lock_that_is_never_let_go_is_said(tmp_path: Path) -> None:
    with (tmp_path / "ladder.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another process has been migrating"):
            migrate(tmp_path / "ladder.db", lock_timeout_s=0.1)
    assert migrate(tmp_path / "ladder.db", lock_timeout_s=0.1)


def test_a_directory_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be made"):
        migrate(tmp_path / "file" / "data" / "ladder.db")
