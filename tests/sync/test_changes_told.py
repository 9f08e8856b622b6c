"""What others are told of changed rows: with it they have the same rows, and nobody is told what is not theirs."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from fresh_store import _template
from hypothesis import given, settings
from hypothesis import strategies as st
from noted_rows import TEXT, VALUES, noted
from telling_box import AT, a_hub

from edge.hall.players import Player, get_player, save_player, sign_up
from edge.store import changes, outbox
from edge.store.changes import Change, Reader, Replica
from edge.store.database import immediate
from edge.store.replicas import BY_TABLE, REPLICAS

EVERYTHING = Reader(None)
TABLE_3 = Reader("Table 3", "2026-01-01")


def rows_of(conn: sqlite3.Connection, table: str) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in conn.execute(f"SELECT * FROM {table}")}


GUESTS = st.sampled_from(["g1", "g2", "g3"])
LABELS = st.sampled_from(["Table 3", "Table 5"])
DEEDS = st.one_of(
    st.tuples(st.just("come"), GUESTS, LABELS),
    st.tuples(st.just("move"), GUESTS, LABELS),
    st.tuples(st.just("go"), GUESTS, LABELS),
    st.tuples(st.just("called"), GUESTS, LABELS),
    st.tuples(st.just("forget"), GUESTS, LABELS),
    st.tuples(st.just("tell"), GUESTS, LABELS),
)


def act(conn: sqlite3.Connection, deed: str, guest: str, label: str) -> None:
    if deed == "come":
        conn.execute(
            "INSERT INTO players (id, name, guest, created, roles, games, cues, visible, notify)"
            " VALUES (?, 'Guest', 1, ?, '[]', '[]', '', 0, '[]') ON CONFLICT DO NOTHING",
            [guest, AT],
        )
        conn.execute(
            "INSERT INTO sessions (id, player_id, kind, table_label, day, goal, started_at, active_at)"
            " VALUES (?, ?, 'practice', ?, '2026-11-30', '{}', ?, ?) ON CONFLICT DO NOTHING",
            [f"of {guest}", guest, label, AT, AT],
        )
    elif deed == "move":
        conn.execute("UPDATE sessions SET table_label = ? WHERE player_id = ?", [label, guest])
    elif deed == "go":
        conn.execute("UPDATE sessions SET ended_at = ?, end_reason = 'player' WHERE player_id = ?", [AT, guest])
    elif deed == "called":
        conn.execute("UPDATE players SET name = name || '!' WHERE id = ?", [guest])
    elif deed == "forget":
        conn.execute("DELETE FROM sessions WHERE player_id = ?", [guest])
        conn.execute("DELETE FROM players WHERE id = ?", [guest])


@given(st.lists(DEEDS, max_size=25))
@settings(max_examples=60)
def test_what_is_told_upwards_makes_the_same_rows_there(deeds: list[tuple[str, str, str]]) -> None:
    here, there = _copies()
    with closing(here), closing(there), immediate(here), immediate(there):
        changes.begin_noting(here, "table")
        for deed, guest, label in [*deeds, ("tell", "", "")]:
            act(here, deed, guest, label)
            if deed == "tell":
                for one in changes.take_all(here, REPLICAS):
                    told = Change(one.table, one.key, one.values)
                    # A row that came and went in the meantime was never told of.
                    changes.put_row(there, BY_TABLE[one.table], told)
                assert changes.take_all(here, REPLICAS) == []
        for table in ("players", "sessions"):
            assert rows_of(there, table) == rows_of(here, table)


@given(st.lists(DEEDS, max_size=25), st.data())
@settings(max_examples=60)
def test_what_is_told_downwards_makes_the_same_rows_there_page_by_page(
    deeds: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    hub, copy = _copies()
    with closing(hub), closing(copy), immediate(hub), immediate(copy):
        copy.execute("PRAGMA defer_foreign_keys = ON")
        changes.begin_noting(hub, "hub")
        after = 0
        for deed, guest, label in [*deeds, ("tell", "", "")]:
            act(hub, deed, guest, label)
            if deed == "tell":
                changes.compact(hub)
            while deed == "tell" and after < changes.latest(hub):
                limit = data.draw(st.integers(1, 5))
                told, after = changes.rows_since(hub, REPLICAS, TABLE_3, after, limit)
                for one in told:
                    changes.put_row(copy, BY_TABLE[one.table], one)
        for table in ("players", "sessions"):
            assert rows_of(copy, table) == rows_of(hub, table)


def _copies() -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Two stores in memory, each as a new one is."""
    found = []
    for _ in range(2):
        conn = sqlite3.connect(":memory:", isolation_level=None)
        with closing(sqlite3.connect(_template())) as template:
            template.backup(conn)
        conn.row_factory = sqlite3.Row
        conn.execute("PRAGMA foreign_keys = ON")
        found.append(conn)
    return found[0], found[1]


@given(st.permutations(range(5)), st.permutations(range(5)))
@settings(max_examples=40)
def test_rows_that_swap_what_one_alone_may_have_are_written_whatever_their_order(
    first: list[int], second: list[int]
) -> None:
    """Names that are exchanged, and ratings whose places in the order of matches move: in any order of telling."""
    here, other = _copies()
    here.execute("PRAGMA foreign_keys = OFF")
    with closing(here), closing(other), immediate(here):
        for n in range(5):
            sign_up(here, f"Name {'abcde'[n]}", AT)
        ids = [row["id"] for row in here.execute("SELECT id FROM players ORDER BY name_key")]
        match = "INSERT INTO rating_changes VALUES (?, ?, ?, ?, 1, 1, 1, 1, 1, 1)"
        for n in range(5):
            here.execute(match, [f"m{n}", ids[0], n + 1, AT])
        names = [f"name {'abcde'[n]}" for n in first]
        told = [Change("players", (ids[n],), {"name_key": names[n]}) for n in second]
        told += [Change("rating_changes", (f"m{n}", ids[0]), {"seq": first[n] + 1}) for n in second]
        for table in ("players", "rating_changes"):
            changes.make_room(here, BY_TABLE[table], told)
        for one in told:
            changes.put_row(here, BY_TABLE[one.table], one)
        assert [row["name_key"] for row in here.execute("SELECT * FROM players ORDER BY id")] == [
            names[ids.index(one)] for one in sorted(ids)
        ]
        seqs = [row["seq"] for row in here.execute("SELECT seq FROM rating_changes ORDER BY match_id")]
        assert seqs == [n + 1 for n in first]


def test_rows_that_are_gone_are_told_last_and_the_other_way_round(conn: sqlite3.Connection) -> None:
    act(conn, "come", "g1", "Table 3")
    act(conn, "come", "g2", "Table 3")
    changes.take_all(conn, REPLICAS)
    act(conn, "forget", "g1", "")
    act(conn, "called", "g2", "")
    act(conn, "go", "g2", "")
    told = [(one.table, one.gone) for one in changes.take_all(conn, REPLICAS)]
    assert told == [("players", False), ("sessions", False), ("sessions", True), ("players", True)]


def test_of_a_row_that_was_there_only_what_changed_is_told(conn: sqlite3.Connection) -> None:
    act(conn, "come", "g1", "Table 3")
    changes.take_all(conn, REPLICAS)
    act(conn, "go", "g1", "")
    (change,) = changes.take_all(conn, REPLICAS)
    assert (change.values, change.new) == ({"ended_at": AT, "end_reason": "player"}, False)


def test_what_is_the_hubs_alone_is_not_told_upwards(conn: sqlite3.Connection) -> None:
    sign_up(conn, "Ana", AT)
    conn.execute("INSERT INTO vote_closings VALUES ('2026-10', ?)", [AT])
    assert changes.take_all(conn, REPLICAS) == []
    assert noted(conn) == []


def a_staffed_hall(conn: sqlite3.Connection) -> tuple[Player, Player]:
    """Two players with PINs who played at table 3 not long ago, Ben at table 5 alone."""
    found = []
    for name, label in (("Ana", "Table 3"), ("Ben", "Table 5")):
        player = sign_up(conn, name, AT)
        found.append(player)
        conn.execute("UPDATE players SET email = 'secret@example.com' WHERE id = ?", [player.id])
        columns = {one["name"]: one for one in conn.execute("PRAGMA table_info(pins)")}
        row = {name: VALUES[one["type"]][0] for name, one in columns.items() if one["notnull"]}
        row["player_id"] = player.id
        marks = ", ".join("?" * len(row))
        conn.execute(f"INSERT INTO pins ({', '.join(row)}) VALUES ({marks})", [*row.values()])
        conn.execute(
            "INSERT INTO sessions (id, player_id, kind, table_label, day, goal, started_at, active_at)"
            " VALUES (?, ?, 'practice', ?, '2026-11-30', '{}', ?, ?)",
            [f"of {name}", player.id, label, AT, AT],
        )
        conn.execute("INSERT INTO cards VALUES (?, ?, ?)", [f"card of {name}", player.id, AT])
    return found[0], found[1]


def test_a_table_is_told_the_pins_of_those_who_played_there_lately_and_no_others(
    conn: sqlite3.Connection,
) -> None:
    changes.begin_noting(conn, "hub")
    ana, _ben = a_staffed_hall(conn)
    for table, key in (("pins", ana.id), ("cards", "card of Ana")):
        assert [one.key for one in changes.all_rows(conn, BY_TABLE[table], TABLE_3)] == [(key,)]
        assert list(changes.all_rows(conn, BY_TABLE[table], Reader("Table 3", "2026-12-01"))) == []
        assert len(list(changes.all_rows(conn, BY_TABLE[table], EVERYTHING))) == 2
    told, _ = changes.rows_since(conn, REPLICAS, TABLE_3, 0, 1000)
    assert {one.key[0]: one.gone for one in told if one.table == "pins"}[ana.id] is False
    assert sum(one.table == "pins" and not one.gone for one in told) == 1


def test_who_gets_a_role_of_the_halls_is_checked_in_by_the_hub_alone_from_then_on(
    conn: sqlite3.Connection,
) -> None:
    changes.begin_noting(conn, "hub")
    ana, _ = a_staffed_hall(conn)
    after = changes.latest(conn)
    player = get_player(conn, ana.id)
    assert player is not None
    save_player(conn, replace(player, roles=player.roles | {"staff"}))
    told, _ = changes.rows_since(conn, REPLICAS, TABLE_3, after, 1000)
    assert {(one.table, one.gone) for one in told} == {("players", False), ("pins", True), ("cards", True)}


def test_what_is_private_goes_to_no_table(conn: sqlite3.Connection) -> None:
    changes.begin_noting(conn, "hub")
    a_staffed_hall(conn)
    told, _ = changes.rows_since(conn, REPLICAS, TABLE_3, 0, 1000)
    for replica in REPLICAS:
        told += changes.all_rows(conn, replica, TABLE_3)
    assert "secret@example.com" not in repr(told)
    assert not {one.table for one in told} & {"audit", "device_keys", "award_votes", "lucky_draw_seeds", "shots"}
    copied, _ = changes.rows_since(conn, REPLICAS, EVERYTHING, 0, 1000)
    assert "secret@example.com" in repr(copied)


def test_what_means_something_on_one_box_alone_stays_there(conn: sqlite3.Connection) -> None:
    replica = BY_TABLE["hall_tables"]
    row = {
        "id": "t", "label": "X", "label_key": "x", "size": "9ft", "place": 1, "cents_per_hour": None,
        "created_at": AT, "retired_at": None,
    }  # fmt: skip
    changes.put_row(conn, replica, Change("hall_tables", ("t",), {**row, "box": "own"}))
    assert [one["box"] for one in conn.execute("SELECT box FROM hall_tables")] == [None]
    changes.put_row(conn, replica, Change("hall_tables", ("t",), {**row, "box": "own"}), whole=True)
    assert [one["box"] for one in conn.execute("SELECT box FROM hall_tables")] == ["own"]
    (told,) = changes.all_rows(conn, replica, TABLE_3)
    assert "box" not in (told.values or {})


@given(st.lists(st.tuples(st.sampled_from("abc"), TEXT | st.none() | st.binary(max_size=4)), max_size=6))
def test_values_of_any_kind_arrive_as_they_are(pairs: list[tuple[str, Any]]) -> None:
    replica = Replica("things", ("a",))
    with closing(sqlite3.connect(":memory:")) as conn:
        conn.row_factory = sqlite3.Row
        conn.execute("CREATE TABLE things (a TEXT PRIMARY KEY, b ANY, c ANY)")
        for key, value in pairs:
            conn.execute("INSERT INTO things VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET b = ?2", [key, value, 1])
        told = [json.loads(json.dumps(one.values)) for one in changes.all_rows(conn, replica, EVERYTHING)]
        before = rows_of(conn, "things")
        conn.execute("DELETE FROM things")
        for values in told:
            changes.put_row(conn, replica, Change("things", (values["a"],), values))
            assert changes.put_row(conn, replica, Change("things", (values["a"],), values)) == frozenset()
        assert rows_of(conn, "things") == before


def test_a_column_of_a_later_version_is_left_out(conn: sqlite3.Connection) -> None:
    values = {"month": "2026-10", "closed_at": AT, "mood": "good"}
    changes.put_row(conn, BY_TABLE["vote_closings"], Change("vote_closings", ("2026-10",), values))
    assert rows_of(conn, "vote_closings") == {("2026-10", AT)}


def test_a_row_that_is_changed_here_and_not_told_is_known_to_be(conn: sqlite3.Connection) -> None:
    def known(name: str) -> set[str] | None:
        return changes.noted_columns(conn, "players", changes.key_text([name]))

    act(conn, "come", "g1", "Table 3")
    assert known("g1") is None
    changes.take_all(conn, REPLICAS)
    assert known("g1") == set()
    act(conn, "called", "g1", "")
    conn.execute("UPDATE players SET cues = 'x', visible = 1")
    assert known("g1") == {"name", "cues", "visible"}
    conn.execute("DELETE FROM sessions")
    conn.execute("DELETE FROM players")
    assert known("g1") is None


def test_who_asks_for_what_is_forgotten_can_tell(tmp_path: Path) -> None:
    with a_hub(tmp_path) as store, store.write() as conn:
        assert (changes.oldest(conn), changes.latest(conn)) == (1, 0)
        for name in ("Ana", "Ben", "Cleo"):
            sign_up(conn, name, AT)
        assert (changes.oldest(conn), changes.latest(conn)) == (1, 3)
        assert changes.forget_before(conn, 2) == 2
        assert (changes.oldest(conn), changes.latest(conn)) == (3, 3)
        assert changes.forget_before(conn, 3) == 1
        assert (changes.oldest(conn), changes.latest(conn)) == (4, 3)


def test_a_store_that_was_restored_numbers_its_changes_otherwise(tmp_path: Path) -> None:
    with a_hub(tmp_path) as store, store.write() as conn:
        before = changes.feed(conn)
        outbox.begin_epoch(conn)
        assert changes.feed(conn) != before
