"""What is noted of changed rows: every change of every table, and nothing that did not happen."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fresh_store import fresh_store
from hall_facts import undone
from hypothesis import given
from hypothesis import strategies as st
from noted_rows import TEXT, VALUES, noted
from telling_box import AT, a_hub

from edge.hall.players import sign_up
from edge.store import changes
from edge.store.changes import GONE, NEW
from edge.store.database import connect, immediate
from edge.store.replicas import BY_TABLE, EVERYBODY, OWN_AFFAIR, REPLICAS


@pytest.fixture
def lax(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A table's store in which any row can be written: nothing but the triggers of noting looks at them."""
    fresh_store(tmp_path / "ladder.db")
    with closing(connect(tmp_path / "ladder.db")) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute("PRAGMA ignore_check_constraints = ON")
        others = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name NOT GLOB 'told_*'"
        for row in conn.execute(others).fetchall():
            conn.execute(f"DROP TRIGGER {row['name']}")
        changes.begin_noting(conn, "table")
        yield conn


def tables(conn: sqlite3.Connection) -> set[str]:
    rows = conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
    return {row["name"] for row in rows} - {"_sqlite_migrations"}


def put(conn: sqlite3.Connection, table: str) -> dict[str, Any]:
    """A row of whatever stands there."""
    row = {one["name"]: VALUES[one["type"]][0] for one in conn.execute(f"PRAGMA table_info({table})")}
    conn.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])
    return row


def test_every_table_of_the_schema_is_told_of_or_a_boxs_own_affair(conn: sqlite3.Connection) -> None:
    assert tables(conn) == set(BY_TABLE) | OWN_AFFAIR
    assert set(BY_TABLE) & OWN_AFFAIR == set()
    assert len(BY_TABLE) == len(REPLICAS)


def test_a_row_is_told_after_those_it_refers_to(conn: sqlite3.Connection) -> None:
    place = {one.table: n for n, one in enumerate(REPLICAS)}
    for table, n in place.items():
        for key in conn.execute(f"PRAGMA foreign_key_list({table})"):
            assert key["table"] in place, f"{table} refers to {key['table']}, which nobody is told of"
            assert place[key["table"]] <= n, f"{table} stands before {key['table']}"


def test_what_a_table_is_told_refers_to_nothing_that_it_is_not_told(conn: sqlite3.Connection) -> None:
    for replica in REPLICAS:
        if replica.down is not None:
            for key in conn.execute(f"PRAGMA foreign_key_list({replica.table})"):
                assert BY_TABLE[key["table"]].down == EVERYBODY, f"{replica.table} refers to {key['table']}"


def test_the_key_of_a_row_is_no_other_rows(conn: sqlite3.Connection) -> None:
    for replica in REPLICAS:
        indexes = [
            {row["name"] for row in conn.execute(f"PRAGMA index_info('{index['name']}')")}
            for index in conn.execute(f"PRAGMA index_list({replica.table})").fetchall()
            if index["unique"] and not index["partial"]
        ]
        rowid = [one["name"] for one in conn.execute(f"PRAGMA table_info({replica.table})") if one["pk"]]
        assert set(replica.key) in (*indexes, set(rowid)), replica.table
        assert not set(replica.key) & (replica.local | replica.private)


def test_every_change_of_every_table_is_noted_column_by_column(lax: sqlite3.Connection) -> None:
    with immediate(lax):
        for replica in REPLICAS:
            table = replica.table
            row = put(lax, table)
            key = [row[name] for name in replica.key]
            assert noted(lax) == [(table, key, NEW)]
            for one in lax.execute(f"PRAGMA table_info({table})").fetchall():
                name, other = one["name"], VALUES[one["type"]][1]
                lax.execute(f"UPDATE {table} SET {name} = ?", [other])
                if name in replica.key:
                    new = [other if part == name else row[part] for part in replica.key]
                    assert noted(lax) == [(table, key, GONE), (table, new, NEW)]
                    lax.execute(f"UPDATE {table} SET {name} = ?", [row[name]])
                    noted(lax)
                else:
                    assert noted(lax) == ([] if name in replica.local else [(table, key, f",{name}")])
                lax.execute(f"UPDATE {table} SET {name} = {name}")  # the same again is no change
                assert noted(lax) == []
            lax.execute(f"DELETE FROM {table}")
            assert noted(lax) == [(table, key, GONE)]


def test_to_nothing_and_from_nothing_is_a_change(conn: sqlite3.Connection) -> None:
    ana = sign_up(conn, "Ana", AT)
    noted(conn)
    conn.execute("UPDATE players SET email = 'a@b'")
    conn.execute("UPDATE players SET email = NULL")
    conn.execute("UPDATE players SET email = NULL")
    assert noted(conn) == [("players", [ana.id], ",email")] * 2


def test_in_a_hall_of_one_box_nothing_is_noted(path: Path) -> None:
    with undone(path) as conn:
        assert changes.role_of(conn) == "hub"
        ana = sign_up(conn, "Ana", AT)
        conn.execute("UPDATE players SET cues = 'x'")
        conn.execute("DELETE FROM players")
        changes.mention(conn, BY_TABLE["players"], {"id": ana.id})
        assert noted(conn) == []


def test_what_came_from_the_hub_is_not_told_back(conn: sqlite3.Connection) -> None:
    with changes.taking_over(conn):
        ana = sign_up(conn, "Ana", AT)
        conn.execute("UPDATE players SET cues = 'x'")
    assert noted(conn) == []
    conn.execute("UPDATE players SET cues = 'y'")
    assert noted(conn) == [("players", [ana.id], ",cues")]
    with pytest.raises(ZeroDivisionError), changes.taking_over(conn):
        1 / 0  # noqa: B018
    conn.execute("UPDATE players SET cues = 'z'")
    assert noted(conn) == [("players", [ana.id], ",cues")]


def test_no_change_is_told_that_did_not_happen(tmp_path: Path) -> None:
    with a_hub(tmp_path) as store:
        with pytest.raises(ZeroDivisionError), store.write() as conn:  # noqa: PT012
            sign_up(conn, "Ana", AT)
            1 / 0  # noqa: B018
        with store.read() as conn:
            assert changes.latest(conn) == 0


def test_what_goes_with_another_row_is_noted_too(lax: sqlite3.Connection) -> None:
    lax.execute(
        "INSERT INTO sources VALUES ('cam', '', '', '', 1, 1, 1, '', 1, 1, NULL, NULL" + _nothing_more(lax) + ")"
    )
    put(lax, "shots")
    put(lax, "plays")
    lax.execute("UPDATE plays SET shot_id = 'a'")
    noted(lax)
    lax.execute("PRAGMA foreign_keys = ON")
    lax.execute("DELETE FROM shots")
    assert {(table, cols) for table, _, cols in noted(lax)} >= {("shots", GONE), ("plays", GONE)}


def _nothing_more(conn: sqlite3.Connection) -> str:
    more = len(conn.execute("PRAGMA table_info(sources)").fetchall()) - 12
    return ", 0" * more


def test_triggers_are_made_once_and_follow_the_schema(conn: sqlite3.Connection) -> None:
    def triggers() -> dict[str, tuple[int, str]]:
        rows = conn.execute("SELECT rowid, name, sql FROM sqlite_schema WHERE name GLOB 'told_*'")
        return {row["name"]: (row["rowid"], row["sql"]) for row in rows}

    before = triggers()
    assert len(before) == 3 * len(REPLICAS)
    changes.install(conn, REPLICAS)
    assert triggers() == before
    conn.execute("ALTER TABLE ratings ADD COLUMN stars INTEGER NOT NULL DEFAULT 0")
    changes.install(conn, REPLICAS)
    after = triggers()
    assert {name for name in after if after[name] != before[name]} == {"told_ratings_update"}
    changes.install(conn, [one for one in REPLICAS if one.table != "ratings"])
    assert triggers().keys() == {name for name in before if "ratings" not in name}


@given(st.lists(TEXT | st.integers(-(1 << 63), (1 << 63) - 1), min_size=1, max_size=3))
def test_a_key_is_written_as_sqlite_writes_it(key: list[Any]) -> None:
    with closing(sqlite3.connect(":memory:")) as conn:
        (text,) = conn.execute(f"SELECT json_array({', '.join('?' * len(key))})", key).fetchone()
    assert changes.key_text(key) == text
    assert json.loads(text) == key
