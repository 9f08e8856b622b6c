"""One layer over two databases: the schema comes once, a transaction is whole or nothing, errors say what is."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.cloud import schema
from sync.cloud.db import BusyError, Database, DuplicateError, SchemaError, StoreError, open_database, opened
from sync.cloud.steps import Steps

COLUMNS = ("id", "name", "name_key", "made_at")


def row(number: int) -> tuple[str, ...]:
    return (f"hall-{number}", f"Hall {number}", f"hall {number}", "2026-12-01T12:00:00.000Z")


def names(db: Database) -> list[str]:
    with db.read() as conn:
        return [found["name"] for found in conn.rows("SELECT name FROM halls ORDER BY name")]


def test_the_tables_are_made_once(address: str) -> None:
    db = open_database(address)
    assert "inbox/1" in schema.migrate(db)
    assert schema.migrate(db) == []
    db.close()


def test_those_who_make_the_tables_at_once_wait_for_each_other(address: str) -> None:
    applied: list[list[str]] = []

    def make() -> None:
        db = open_database(address)
        applied.append(schema.migrate(db))
        db.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(one) for one in applied) == [0, 0, 0, sum(len(one.steps) for one in schema.SETS)]


def test_a_step_that_is_new_is_applied_and_no_other(db: Database) -> None:
    more = Steps("more", (("CREATE TABLE more (n {int} NOT NULL) {strict}",),))
    assert schema.migrate(db, (*schema.SETS, more)) == ["more/1"]


def test_a_step_that_fails_leaves_nothing(db: Database) -> None:
    good, bad = "CREATE TABLE good (n {int} NOT NULL) {strict}", "CREATE TABLE halls (n {int} NOT NULL) {strict}"
    with pytest.raises(Exception, match="halls"):
        schema.migrate(db, (*schema.SETS, Steps("more", ((good,), (bad,)))))
    assert schema.migrate(db, (*schema.SETS, Steps("more", ((good,),)))) == ["more/1"]


def test_a_database_of_a_newer_version_is_refused(db: Database) -> None:
    schema.migrate(db, (*schema.SETS, Steps("later", (("SELECT 1",),))))
    with pytest.raises(SchemaError, match=r"later/1.*update this program"):
        schema.migrate(db)


def test_a_transaction_that_fails_leaves_nothing(db: Database) -> None:
    def fail() -> None:
        with db.write() as conn:
            conn.insert_all("halls", COLUMNS, [row(1), row(2)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(db) == []


def test_many_rows_go_in_at_once_or_not_at_all(db: Database) -> None:
    with db.write() as conn:
        conn.insert_all("halls", COLUMNS, [row(1)])
    with pytest.raises(DuplicateError), db.write() as conn:
        conn.insert_all("halls", COLUMNS, [row(2), row(1)])
    with db.write() as conn:  # the connection is as good as before
        conn.insert_all("halls", COLUMNS, [row(3)])
        conn.insert_all("halls", COLUMNS, [])
    assert names(db) == ["Hall 1", "Hall 3"]


def test_a_row_is_replaced_by_what_is_newer_alone(db: Database) -> None:
    more = Steps("more", (("CREATE TABLE said (who TEXT PRIMARY KEY, n {int}, x {real}) {strict}",),))
    schema.migrate(db, (*schema.SETS, more))
    for rows in ([("a", 2, 0.5), ("b", 2, 0.5)], [("a", 1, 9.0), ("b", 3, 9.5)], []):
        with db.write() as conn:
            conn.put_all("said", ("who",), ("who", "n", "x"), rows, newer="n")
    with db.read() as conn:
        found = conn.rows("SELECT who, n, x FROM said ORDER BY who")
    assert [(one["who"], one["n"], one["x"]) for one in found] == [("a", 2, 0.5), ("b", 3, 9.5)]


def test_what_is_among_some_is_found_and_nothing_among_none(db: Database) -> None:
    with db.write() as conn:
        conn.insert_all("halls", COLUMNS, [row(1), row(2), row(3)])
    with db.read() as conn:
        for wanted in ([], ["hall-1", "hall-3", "hall-9"]):
            among, params = conn.among("id", wanted)
            found = conn.rows(f"SELECT id FROM halls WHERE {among} ORDER BY id", params)
            assert [one["id"] for one in found] == [one for one in wanted if one != "hall-9"]


def test_who_waits_too_long_for_another_is_told(db: Database, address: str) -> None:
    other = open_database(address)
    with db.write() as conn:
        conn.insert_all("halls", COLUMNS, [row(1)])
        conn.run("UPDATE halls SET name = 'x'")
        with pytest.raises(BusyError), other.write(0.05) as late:
            late.insert_all("halls", COLUMNS, [row(1)])
    other.close()


def test_what_is_read_is_of_one_moment(db: Database, address: str) -> None:
    other = open_database(address)
    with db.read() as conn:
        before = len(conn.rows("SELECT id FROM halls"))
        with other.write() as late:
            late.insert_all("halls", COLUMNS, [row(1)])
        assert len(conn.rows("SELECT id FROM halls")) == before
    assert names(db) == ["Hall 1"]
    other.close()


def test_a_server_that_has_ended_a_connection_is_asked_on_another(new_address: Callable[[str], str]) -> None:
    import psycopg

    address = new_address("postgresql")
    db = open_database(address)
    schema.migrate(db)
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ladder-cloud'"
            " AND query NOT LIKE '%backend%'"
        )
    assert names(db) == []
    db.close()


def test_sqlite_keeps_what_it_holds_to_its_own_user_and_reaches_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cloud.db"
    db = open_database(str(path))
    schema.migrate(db)
    with db.read() as conn:
        assert conn.rows("PRAGMA synchronous")[0][0] == 2  # type: ignore[index]
        assert conn.rows("PRAGMA journal_mode")[0][0] == "wal"  # type: ignore[index]
    assert path.stat().st_mode & 0o077 == 0
    db.close()


def names_at(address: str) -> list[str]:
    with opened(address) as db:
        return names(db)


def test_sqlite_s_log_is_not_taken_away_from_under_who_has_it_open(tmp_path: Path) -> None:
    address = str(tmp_path / "cloud.db")
    db = open_database(address)
    schema.migrate(db)  # a connection that writes, then one that reads: no lock of the first may end by it
    assert names(db) == []
    add_elsewhere = (
        "from sync.cloud.db import opened; import sys\n"
        "with opened(sys.argv[1]) as db, db.write() as conn:\n"
        "    conn.run(\"INSERT INTO halls (id, name, name_key, made_at) VALUES ('1', 'A', 'a', 'x')\")"
    )
    subprocess.run([sys.executable, "-c", add_elsewhere, address], check=True, timeout=60)
    assert names(db) == ["A"]
    with db.write() as conn:
        conn.insert_all("halls", COLUMNS, [row(1)])
    db.close()
    assert names_at(address) == ["A", "Hall 1"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://somewhere/else", "a path"),
        ("postgresql://[nowhere", "no address"),
        ("postgresql://u:verysecret@127.0.0.1:1/none", "127.0.0.1"),
        ("/proc/no/such/place.db", "/proc/no"),
    ],
)
def test_a_database_that_cannot_be_had_is_named_without_its_password(address: str, says: str) -> None:
    with pytest.raises(StoreError, match="path of a file" if says == "a path" else says) as told:
        names_at(address)
    assert "verysecret" not in str(told.value)
